//! Machines of our own making, and a kernel that does what is asked of it.

mod guests;
#[path = "../../../tests/src/sysfs_tree.rs"]
mod sysfs_tree;

use std::path::{Path, PathBuf};

use lodge_model::documents::examine;
use tempfile::TempDir;
use tokio::sync::mpsc::Receiver;

use super::*;
use crate::events::Publication;
use crate::store::Layout;

const LAPTOP: &str = include_str!("../../../tests/fixtures/sysfs/laptop.txt");
const SERVER: &str = include_str!("../../../tests/fixtures/sysfs/server.txt");

struct Machine {
    root: TempDir,
    store: Arc<Store>,
    _files: TempDir,
    devices: Arc<NodeDevices>,
    publications: Receiver<Publication>,
}

impl Machine {
    async fn of(text: &str) -> Self {
        let root = tempfile::tempdir().unwrap();
        sysfs_tree::build(root.path(), text);
        let (publisher, publications) = Publisher::new();
        let files = tempfile::tempdir().unwrap();
        let store = Arc::new(Store::open(Layout::under(files.path())).unwrap());
        let devices = NodeDevices::load(Sysfs::below(root.path()).with_kernel(kernel), store.clone(), publisher).await.unwrap();
        Self { root, store, _files: files, devices, publications }
    }

    /// Does something, and tells what was published meanwhile.
    async fn during<T>(&mut self, work: impl Future<Output = Result<T>>) -> (Result<T>, Vec<String>) {
        let mut seen = Vec::new();
        let mut work = std::pin::pin!(work);
        loop {
            tokio::select! {
                biased;
                publication = self.publications.recv() => {
                    let Publication { event, then } = publication.unwrap();
                    match event {
                        Event::Device(Change::Added(view)) => seen.push(format!("+ {}", view.name)),
                        Event::Device(Change::Changed { new, .. }) => seen.push(format!("{}: {}", new.name, new.driver)),
                        Event::Device(Change::Removed(view)) => seen.push(format!("- {}", view.name)),
                        _ => {}
                    }
                    then.into_iter().for_each(|then| then());
                }
                done = &mut work => return (done, seen),
            }
        }
    }

    fn sys(&self, path: &str) -> PathBuf {
        self.root.path().join("sys").join(path)
    }
}

fn manage() -> Grant {
    Grant::for_the_service(Action::DeviceManage)
}

/// Drivers by the address of what they know. No other driver but vfio-pci takes a device, and that refuses one.
const DRIVERS: [(&str, &str); 4] =
    [("0000:00:1a.0", "uhci_hcd"), ("0000:06:10.0", "igbvf"), ("0000:01:00.0", "nouveau"), ("0000:01:00.1", "snd_hda_intel")];
const REFUSED: &str = "0000:06:10.0";

/// Does what the kernel does.
fn kernel(root: &Path, path: &str, value: &str) {
    let sys = root.join("sys");
    let device = |address: &str| std::fs::canonicalize(sys.join("bus/pci/devices").join(address)).unwrap();
    match path.rsplit('/').next().unwrap() {
        // A file of ours keeps what was longer before.
        "driver_override" => std::fs::write(sys.join(path), value).unwrap(),
        "unbind" => std::fs::remove_file(device(value).join("driver")).unwrap(),
        "drivers_probe" => {
            let directory = device(value);
            let named = std::fs::read_to_string(directory.join("driver_override")).unwrap();
            let known = || DRIVERS.iter().find(|(address, _)| *address == value).map(|(_, driver)| *driver);
            let driver = Some(named.trim()).filter(|named| !named.is_empty()).or_else(known);
            if let Some(driver) = driver.filter(|driver| !(value == REFUSED && driver.contains("vfio"))) {
                std::os::unix::fs::symlink(sys.join("bus/pci/drivers").join(driver), directory.join("driver")).unwrap();
            }
        }
        "create" => {
            let kind = Path::new(path).parent().unwrap();
            let made = kind.ancestors().nth(2).unwrap().join(value);
            let made = made.to_str().unwrap();
            sysfs_tree::link(root, &format!("bus/mdev/devices/{value}"), made);
            sysfs_tree::link(root, &format!("{made}/mdev_type"), kind.to_str().unwrap());
            for attribute in ["remove", "vgpu_params"] {
                std::fs::write(sys.join(made).join(attribute), "").unwrap();
            }
        }
        "remove" => {
            let made = Path::new(path).parent().unwrap();
            std::fs::remove_file(sys.join("bus/mdev/devices").join(made.file_name().unwrap())).unwrap();
            std::fs::remove_dir_all(sys.join(made)).unwrap();
        }
        _ => {}
    }
}

#[tokio::test]
async fn machines_have_the_documents_that_are_expected() {
    for (name, text) in [("laptop", LAPTOP), ("server", SERVER)] {
        let machine = Machine::of(text).await;
        let documents: Vec<_> = machine.devices.views().iter().map(|view| view.definition.to_string()).collect();
        for document in &documents {
            let examined = examine(document).unwrap();
            assert_eq!((examined.warnings, examined.problems, &examined.normalized), (vec![], vec![], document));
        }
        let (found, golden) =
            (documents.join("\n"), Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../tests/fixtures/sysfs/{name}.xml")));
        if std::env::var_os("UPDATE_EXPECT").is_some() {
            std::fs::write(&golden, &found).unwrap();
        }
        let expected = std::fs::read_to_string(&golden).unwrap();
        assert!(found == expected, "{name} is not as {}; read the diff after UPDATE_EXPECT=1:\n{found}", golden.display());
    }
}

#[tokio::test]
async fn names_and_parents_are_libvirts() {
    let machine = Machine::of(LAPTOP).await;
    for (name, parent) in [
        ("computer", ""),
        ("net_eth1_00_27_13_6a_fe_00", "pci_0000_00_19_0"),
        ("net_lo_00_00_00_00_00_00", "computer"),
        ("net_wlan0_00_21_6a_12_34_56", "pci_0000_03_00_0"),
        ("pci_0000_03_00_0", "pci_0000_00_1c_1"),
        ("usb_usb1", "pci_0000_00_1a_0"),
        ("usb_1_0_1_0", "usb_usb1"),
        ("usb_1_1", "usb_usb1"),
        ("usb_1_1_1_0", "usb_1_1"),
        ("scsi_host0", "pci_0000_00_1f_2"),
        ("scsi_target0_0_0", "scsi_host0"),
        ("scsi_0_0_0_0", "scsi_target0_0_0"),
        ("scsi_generic_sg0", "scsi_0_0_0_0"),
        ("block_sda_ST9160823AS_5NK0E6JX", "scsi_0_0_0_0"),
        ("block_sr0", "scsi_1_0_0_0"),
        ("drm_card0", "pci_0000_00_02_0"),
        ("drm_renderD128", "pci_0000_00_02_0"),
    ] {
        assert_eq!(machine.devices.view(name).map(|view| view.parent.clone()).ok().as_deref(), Some(parent), "{name}");
    }
    // Partitions, connectors of a graphics card and loop devices are none.
    assert_eq!(machine.devices.views().iter().filter(|view| view.is("storage") || view.is("drm")).count(), 4);
    let server = Machine::of(SERVER).await;
    let mediated = server.devices.view("mdev_6fa8e0e4_5b54_4f0a_8c0e_0d1d8f7b8a2a_0000_81_00_0").unwrap();
    assert_eq!((mediated.parent.as_str(), mediated.iommu_group), ("pci_0000_81_00_0", Some(77)));
    assert_eq!(server.devices.view("block_nvme0n1_A_drive_of_ours_S3X9NB0K").unwrap().parent, "pci_0000_82_00_0");
    assert_eq!(server.devices.find("/sys/devices/pci0000:00/0000:07:00.0").unwrap().name, "pci_0000_07_00_0");
}

#[tokio::test]
async fn what_the_host_needs_is_told_from_what_it_does_not() {
    let (laptop, server) = (Machine::of(LAPTOP).await, Machine::of(SERVER).await);
    for (machine, name, expected) in [
        (&laptop, "pci_0000_00_02_0", Some("it shows the console")),
        (&laptop, "pci_0000_00_19_0", Some("its interface eth1 is the one that connects the host")),
        (&laptop, "pci_0000_00_1f_2", Some("sda1 on it has the file system at /")),
        (&laptop, "block_sda_ST9160823AS_5NK0E6JX", Some("sda1 on it has the file system at /")),
        (&laptop, "block_sr0", None),
        (&laptop, "pci_0000_00_1a_0", None),
        (&laptop, "pci_0000_03_00_0", None),
        (&server, "pci_0000_06_00_0", Some("its interface ens1 is the one that connects the host")),
        (&server, "pci_0000_06_10_0", None),
        (&server, "pci_0000_82_00_0", Some("nvme0n1 on it has the file system at /")),
        (&server, "pci_0000_07_00_0", None),
        (&server, "pci_0000_81_00_0", None),
    ] {
        let view = machine.devices.view(name).unwrap();
        assert_eq!(needed::why(&machine.devices.sysfs, &view).as_deref(), expected, "{name}");
    }
}

#[tokio::test]
async fn swap_and_file_systems_without_a_device_of_their_own_are_uses_too() {
    let machine = Machine::of(LAPTOP).await;
    let why = || needed::why(&machine.devices.sysfs, &machine.devices.view("pci_0000_00_1f_2").unwrap());
    let dev = machine.root.path().join("dev");
    std::fs::create_dir_all(&dev).unwrap();
    std::fs::write(dev.join("sda1"), "").unwrap();
    std::fs::write(machine.root.path().join("proc/self/mountinfo"), "25 1 0:32 /@ / rw - btrfs /dev/sda1 rw\n").unwrap();
    assert_eq!(why().as_deref(), Some("sda1 on it has the file system at /"));
    std::fs::write(machine.root.path().join("proc/self/mountinfo"), "25 1 0:32 / / rw - overlay overlay rw\n").unwrap();
    assert_eq!(why(), None);
    std::fs::write(machine.root.path().join("proc/swaps"), "Filename Type Size Used Priority\n/dev/sda1 partition 8 0 -2\n").unwrap();
    assert_eq!(why().as_deref(), Some("sda1 on it has swap space"));
}

#[tokio::test]
async fn a_device_goes_to_guests_and_comes_back() {
    let mut machine = Machine::of(LAPTOP).await;
    let devices = machine.devices.clone();
    let name = "pci_0000_00_1a_0";
    let (done, seen) = machine.during(devices.detach(manage(), name, Detaching::default())).await;
    done.unwrap();
    assert_eq!(seen, [format!("{name}: vfio-pci")]);
    let (done, seen) = machine.during(devices.detach(manage(), name, Detaching::default())).await;
    done.unwrap();
    assert_eq!(seen, Vec::<String>::new());
    let (done, seen) = machine.during(devices.reattach(manage(), name)).await;
    done.unwrap();
    assert_eq!(seen, [format!("{name}: uhci_hcd")]);
    assert_eq!(std::fs::read_to_string(machine.sys("bus/pci/devices/0000:00:1a.0/driver_override")).unwrap(), "\n");
    let (done, _) = machine.during(devices.reset(manage(), name, false)).await;
    done.unwrap();
    assert_eq!(std::fs::read_to_string(machine.sys("bus/pci/devices/0000:00:1a.0/reset")).unwrap().trim(), "1");
}

#[tokio::test]
async fn what_cannot_be_moved_keeps_its_driver() {
    let mut machine = Machine::of(SERVER).await;
    let devices = machine.devices.clone();
    let (done, seen) = machine.during(devices.detach(manage(), "pci_0000_06_10_0", Detaching::default())).await;
    let error = done.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::HostFailed);
    assert!(error.to_string().starts_with("device 'pci_0000_06_10_0' has no driver instead of vfio-pci"), "{error}");
    assert_eq!((seen, devices.view("pci_0000_06_10_0").unwrap().driver.as_str()), (vec![], "igbvf"));
}

#[tokio::test]
async fn refusals_have_their_kinds() {
    let mut laptop = Machine::of(LAPTOP).await;
    let devices = laptop.devices.clone();
    let driver = |driver: &str| Detaching { driver: driver.to_owned(), force: false };
    for (name, options, kind) in [
        ("pci_0000_00_1f_2", driver(""), ErrorKind::InUse),
        ("pci_0000_00_1c_1", driver(""), ErrorKind::NotSupported),
        ("usb_1_1", driver(""), ErrorKind::NotSupported),
        ("computer", driver(""), ErrorKind::NotSupported),
        ("pci_0000_00_1a_0", driver("../vfio"), ErrorKind::InvalidArgument),
        ("pci_0000_00_1a_0", driver("nouveau"), ErrorKind::InvalidArgument),
        ("pci_0000_00_1a_0", driver("mlx5_vfio_pci"), ErrorKind::NotSupported),
        ("pci_0000_ff_00_0", driver(""), ErrorKind::NotFound),
    ] {
        let (done, seen) = laptop.during(devices.detach(manage(), name, options)).await;
        let error = done.unwrap_err();
        assert_eq!((error.kind(), seen), (kind, vec![]), "{name}: {error}");
    }
}

const MDEV: &str = "<device><parent>pci_0000_81_00_0</parent><capability type='mdev'><type id='nvidia-12'/>\
                    <uuid>0a81f5b2-8403-4b23-88d6-21ccc2f80d6f</uuid><attr name='vgpu_params' value='frame_rate=60'/></capability></device>";

#[tokio::test]
async fn mediated_devices_come_and_go() {
    let mut machine = Machine::of(SERVER).await;
    let devices = machine.devices.clone();
    let name = "mdev_0a81f5b2_8403_4b23_88d6_21ccc2f80d6f_0000_81_00_0";
    let (made, seen) = machine.during(devices.create(manage(), Draft::read(MDEV).unwrap())).await;
    let view = made.unwrap();
    assert_eq!((view.name.as_str(), seen), (name, vec![format!("+ {name}")]));
    assert!(view.definition.contains("<type id='nvidia-12'/>"), "{}", view.definition);
    let attribute = machine.sys("devices/pci0000:80/0000:81:00.0/0a81f5b2-8403-4b23-88d6-21ccc2f80d6f/vgpu_params");
    assert_eq!(std::fs::read_to_string(attribute).unwrap(), "frame_rate=60");
    let (again, _) = machine.during(devices.create(manage(), Draft::read(MDEV).unwrap())).await;
    assert_eq!(again.unwrap_err().kind(), ErrorKind::AlreadyExists);
    let (gone, seen) = machine.during(devices.destroy(manage(), name)).await;
    gone.unwrap();
    assert_eq!(seen, [format!("- {name}")]);
}

#[tokio::test]
async fn a_mediated_device_that_cannot_be_completed_is_not_left() {
    let mut machine = Machine::of(SERVER).await;
    let devices = machine.devices.clone();
    let before = devices.views().len();
    let draft = |from: &str, to: &str| Draft::read(&MDEV.replace(from, to)).unwrap();
    let (failed, seen) = machine.during(devices.create(manage(), draft("vgpu_params", "absent"))).await;
    assert_eq!(failed.unwrap_err().kind(), ErrorKind::HostFailed);
    assert_eq!((seen, devices.views().len()), (vec![], before));
    let (unknown, _) = machine.during(devices.create(manage(), draft("nvidia-12", "nvidia-99"))).await;
    let error = unknown.unwrap_err();
    assert!(error.to_string().ends_with("it has: nvidia-11, nvidia-12"), "{error}");
    assert_eq!(
        Draft::read("<device><name>a</name><capability type='net'><interface>a</interface></capability></device>").unwrap_err().kind(),
        ErrorKind::NotSupported
    );
}

#[tokio::test]
async fn devices_come_before_what_is_on_them_and_stay_the_same_otherwise() {
    let mut machine = Machine::of(LAPTOP).await;
    let devices = machine.devices.clone();
    let before = devices.view("usb_1_1").unwrap();
    let stick = "device devices/pci0000:00/0000:00:1a.0/usb1/1-2/1-2:1.0 in bus/usb/devices\nbInterfaceNumber = 00\nbInterfaceClass = 08\n\
                 bInterfaceSubClass = 06\nbInterfaceProtocol = 50\ndevice devices/pci0000:00/0000:00:1a.0/usb1/1-2 in bus/usb/devices\n\
                 busnum = 1\ndevnum = 3\nidVendor = 0781\nidProduct = 5567\n";
    sysfs_tree::build(machine.root.path(), stick);
    let (done, seen) = machine.during(devices.refresh()).await;
    done.unwrap();
    assert_eq!(seen, ["+ usb_1_2", "+ usb_1_2_1_0"]);
    assert!(Arc::ptr_eq(&before, &devices.view("usb_1_1").unwrap()));
    for link in ["1-2", "1-2:1.0"] {
        std::fs::remove_file(machine.sys("bus/usb/devices").join(link)).unwrap();
    }
    let (done, seen) = machine.during(devices.refresh()).await;
    done.unwrap();
    assert_eq!(seen, ["- usb_1_2", "- usb_1_2_1_0"]);
}

#[tokio::test]
async fn a_document_tells_how_things_are_now() {
    let machine = Machine::of(LAPTOP).await;
    let name = "net_eth1_00_27_13_6a_fe_00";
    assert!(machine.devices.xml(name).await.unwrap().contains("<link speed='1000' state='up'/>"));
    std::fs::write(machine.sys("devices/pci0000:00/0000:00:19.0/net/eth1/operstate"), "down\n").unwrap();
    assert!(machine.devices.xml(name).await.unwrap().contains("<link state='down'/>"));
    std::fs::write(machine.sys("devices/pci0000:00/0000:00:19.0/net/eth1/address"), "00:00:00:00:00:01\n").unwrap();
    assert_eq!(machine.devices.xml(name).await.unwrap_err().kind(), ErrorKind::NotFound);
}
