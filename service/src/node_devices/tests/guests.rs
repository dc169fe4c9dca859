//! Devices in guests: who has which, what is refused, and that the host has them back.

use futures_util::FutureExt as _;

use super::*;

/// A machine whose IOMMU tells its devices apart, except a card of two functions.
const GROUPS: &str = "\
device devices/pci0000:00/0000:00:01.0 in bus/pci/devices
  class = 0x060400
  vendor = 0x8086
  device = 0x6f02
  config @ 0e=01
  driver -> bus/pci/drivers/pcieport
  iommu_group -> kernel/iommu_groups/1
device devices/pci0000:00/0000:00:01.0/0000:01:00.0 in bus/pci/devices
  class = 0x030000
  vendor = 0x10de
  device = 0x1b80
  driver -> bus/pci/drivers/nouveau
  driver_override = (null)
  iommu_group -> kernel/iommu_groups/1
device devices/pci0000:00/0000:00:01.0/0000:01:00.1 in bus/pci/devices
  class = 0x040300
  vendor = 0x10de
  device = 0x10f0
  driver -> bus/pci/drivers/snd_hda_intel
  driver_override = (null)
  iommu_group -> kernel/iommu_groups/1
device devices/pci0000:00/0000:00:1a.0 in bus/pci/devices
  class = 0x0c0300
  vendor = 0x8086
  device = 0x2937
  driver -> bus/pci/drivers/uhci_hcd
  driver_override = (null)
  reset =
  iommu_group -> kernel/iommu_groups/2
device devices/pci0000:00/0000:00:1b.0 in bus/pci/devices
  class = 0x040300
  vendor = 0x8086
  device = 0x293e
  driver -> bus/pci/drivers/vfio-pci
  driver_override = vfio-pci
  reset =
  iommu_group -> kernel/iommu_groups/3
file sys/bus/pci/drivers_probe =
";
const USB: &str = "0000:00:1a.0";
const GRAPHICS: &str = "0000:01:00.0";
const SOUND: &str = "0000:01:00.1";
const PREPARED: &str = "0000:00:1b.0";

fn guest(name: &str) -> Guest {
    Guest { uuid: Uuid::from_u64_pair(0x11, name.bytes().map(u64::from).sum()), name: name.to_owned() }
}

fn pci(address: &str, managed: bool) -> Wanted {
    Wanted::Pci { address: address.to_owned(), managed, driver: String::new(), function: None }
}

fn usb(ids: Option<(u32, u32)>, place: Option<(u32, u32)>, port: Option<(u32, &str)>) -> Wanted {
    Wanted::Usb { ids, place, port: port.map(|(bus, port)| (bus, port.to_owned())), optional: false }
}

fn driver(machine: &Machine, address: &str) -> String {
    let link = machine.sys("bus/pci/devices").join(address).join("driver");
    std::fs::read_link(link).map(|target| target.file_name().unwrap().to_str().unwrap().to_owned()).unwrap_or_default()
}

#[tokio::test]
async fn a_guest_has_its_devices_from_its_start_to_its_end() {
    let mut machine = Machine::of(GROUPS).await;
    let devices = machine.devices.clone();
    let (web, mail) = (guest("web"), guest("mail"));
    let (given, _) = machine.during(devices.claim(web.clone(), vec![pci(USB, true), pci(PREPARED, false)])).await;
    assert_eq!(given.unwrap(), [Given::AsNamed, Given::AsNamed]);
    // Claimed, and as it was.
    assert_eq!((driver(&machine, USB), devices.view("pci_0000_00_1a_0").unwrap().used_by.as_str()), ("uhci_hcd".to_owned(), "web"));
    let (taken, seen) = machine.during(devices.take(web.uuid)).await;
    taken.unwrap();
    assert_eq!(seen, ["pci_0000_00_1a_0: vfio-pci"]);
    for address in [USB, PREPARED] {
        let reset = machine.sys("bus/pci/devices").join(address).join("reset");
        assert_eq!(std::fs::read_to_string(reset).unwrap().trim(), "1", "{address}");
    }
    // Nobody else gets them, or moves them.
    let (refused, _) = machine.during(devices.claim(mail.clone(), vec![pci(PREPARED, false)])).await;
    let error = refused.unwrap_err();
    assert_eq!(
        (error.kind(), error.to_string().as_str()),
        (ErrorKind::InUse, "device 'pci_0000_00_1b_0' is in use by domain 'web'; stop that first")
    );
    for name in ["pci_0000_00_1a_0", "pci_0000_00_1b_0"] {
        let (detached, _) = machine.during(devices.detach(manage(), name, Detaching { force: true, ..Default::default() })).await;
        let (reattached, _) = machine.during(devices.reattach(manage(), name)).await;
        let (reset, _) = machine.during(devices.reset(manage(), name, true)).await;
        for refused in [detached, reattached, reset] {
            assert!(refused.unwrap_err().to_string().contains("in use by domain 'web'"), "{name}");
        }
    }
    let seen = release(&mut machine, &web).await;
    assert_eq!(seen, ["pci_0000_00_1a_0: uhci_hcd", "pci_0000_00_1b_0: vfio-pci"]);
    let (again, _) = machine.during(devices.claim(mail, vec![pci(PREPARED, false)])).await;
    again.unwrap();
}

/// The guest is over.
async fn release(machine: &mut Machine, guest: &Guest) -> Vec<String> {
    let devices = machine.devices.clone();
    let (done, seen) = machine
        .during(async {
            devices.release(guest.uuid).await;
            Ok(())
        })
        .await;
    done.unwrap();
    seen
}

#[tokio::test]
async fn what_a_guest_cannot_have_is_refused_before_anything_is_changed() {
    let mut machine = Machine::of(GROUPS).await;
    let devices = machine.devices.clone();
    let with_driver = |driver: &str| Wanted::Pci { address: USB.to_owned(), managed: true, driver: driver.to_owned(), function: None };
    for (wanted, kind, reason) in [
        (vec![pci("0000:09:00.0", true)], ErrorKind::NotFound, "the host has no PCI device 0000:09:00.0"),
        (vec![pci("0000:00:01.0", true)], ErrorKind::NotSupported, "is a bridge"),
        (vec![pci(USB, false)], ErrorKind::InvalidState, "lodgectl nodedev-detach pci_0000_00_1a_0, or write managed='yes'"),
        (vec![pci(USB, true), pci(USB, true)], ErrorKind::InvalidXml, "is there twice"),
        (vec![with_driver("nouveau")], ErrorKind::InvalidArgument, "is no driver that gives devices to guests"),
        (vec![with_driver("mlx5_vfio_pci")], ErrorKind::NotSupported, "modprobe mlx5_vfio_pci"),
        (vec![pci(USB, true), pci(GRAPHICS, true)], ErrorKind::InUse, "is in the IOMMU group 1 with pci_0000_01_00_1, which the host uses"),
        (vec![Wanted::Mdev(Uuid::nil())], ErrorKind::NotFound, "no mediated device"),
    ] {
        let said = format!("{wanted:?}");
        let (refused, seen) = machine.during(devices.claim(guest("web"), wanted)).await;
        let error = refused.unwrap_err();
        assert!(error.kind() == kind && error.to_string().contains(reason), "{said}: {error}");
        assert_eq!((seen, driver(&machine, USB).as_str()), (vec![], "uhci_hcd"));
    }
    // The whole group; a bridge stays with the host.
    let (given, _) = machine.during(devices.claim(guest("web"), vec![pci(GRAPHICS, true), pci(SOUND, true)])).await;
    given.unwrap();
}

#[tokio::test]
async fn a_group_with_the_host_needs_an_iommu_and_what_the_host_needs_stays() {
    let mut laptop = Machine::of(LAPTOP).await;
    let devices = laptop.devices.clone();
    let mut refusal = async |wanted| laptop.during(devices.claim(guest("web"), vec![wanted])).await.0.unwrap_err().to_string();
    assert!(refusal(pci("0000:00:1a.0", true)).await.contains("intel_iommu=on"));
    let console = refusal(pci("0000:00:02.0", true)).await;
    assert!(
        console.contains("it shows the console; to take it all the same, use lodgectl nodedev-detach pci_0000_00_02_0 --force"),
        "{console}"
    );
}

#[tokio::test]
async fn usb_devices_are_meant_by_what_is_said_of_them() {
    let mut machine = Machine::of(LAPTOP).await;
    let second = "device devices/pci0000:00/0000:00:1a.0/usb1/1-2 in bus/usb/devices\nuevent = DEVTYPE=usb_device\\nDEVNAME=bus/usb/001/005\n\
                  busnum = 1\ndevnum = 5\nidVendor = 046d\nidProduct = fffe\ndevpath = 2\n";
    sysfs_tree::build(machine.root.path(), second);
    let devices = machine.devices.clone();
    let mouse = Some((0x046d, 0xfffe));
    for (wanted, expected) in [
        (usb(None, Some((1, 2)), None), Ok((1, 2))),
        (usb(mouse, Some((1, 5)), None), Ok((1, 5))),
        (usb(mouse, None, Some((1, "2"))), Ok((1, 5))),
        (usb(mouse, None, None), Err((ErrorKind::InvalidArgument, "<address bus='1' device='2'/>, <address bus='1' device='5'/>"))),
        (usb(Some((1, 2)), None, None), Err((ErrorKind::NotFound, "the host has no USB device 0001:0002"))),
        (usb(mouse, Some((1, 1)), None), Err((ErrorKind::NotFound, "046d:fffe number 1 on bus 1"))),
    ] {
        let (given, _) = machine.during(devices.claim(guest("web"), vec![wanted.clone()])).await;
        match expected {
            Ok((bus, number)) => assert_eq!(given.unwrap(), [Given::Usb(bus, number)], "{wanted:?}"),
            Err((kind, reason)) => {
                let error = given.unwrap_err();
                assert!(error.kind() == kind && error.to_string().contains(reason), "{wanted:?}: {error}");
            }
        }
        release(&mut machine, &guest("web")).await;
    }
    let optional = Wanted::Usb { ids: Some((1, 2)), place: None, port: None, optional: true };
    let (given, _) = machine.during(devices.claim(guest("web"), vec![optional])).await;
    assert_eq!(given.unwrap(), [Given::Nothing]);
}

#[tokio::test]
async fn what_has_a_part_that_a_guest_has_stays_too() {
    for (text, wanted, name) in [
        (LAPTOP, usb(None, Some((1, 2)), None), "pci_0000_00_1a_0"),
        (SERVER, pci("0000:06:10.0", true), "pci_0000_06_00_0"),
        (SERVER, Wanted::Mdev(Uuid::parse_str("6fa8e0e4-5b54-4f0a-8c0e-0d1d8f7b8a2a").unwrap()), "pci_0000_81_00_0"),
    ] {
        let mut machine = Machine::of(text).await;
        let devices = machine.devices.clone();
        machine.during(devices.claim(guest("web"), vec![wanted])).await.0.unwrap();
        let (refused, _) = machine.during(devices.detach(manage(), name, Detaching { force: true, ..Default::default() })).await;
        let error = refused.unwrap_err();
        assert!(error.kind() == ErrorKind::InUse && error.to_string().contains("which is in use by domain 'web'"), "{name}: {error}");
    }
}

#[tokio::test]
async fn another_device_at_the_same_port_is_nobodys() {
    let mut machine = Machine::of(LAPTOP).await;
    let devices = machine.devices.clone();
    machine.during(devices.claim(guest("web"), vec![usb(None, Some((1, 2)), None)])).await.0.unwrap();
    assert_eq!(devices.view("usb_1_1").unwrap().used_by, "web");
    let mouse = machine.sys("devices/pci0000:00/0000:00:1a.0/usb1/1-1");
    std::fs::write(mouse.join("uevent"), "DEVTYPE=usb_device\nDEVNAME=bus/usb/001/007\n").unwrap();
    std::fs::write(mouse.join("devnum"), "7\n").unwrap();
    machine.during(devices.refresh()).await.0.unwrap();
    assert_eq!(devices.view("usb_1_1").unwrap().used_by, "");
}

#[tokio::test]
async fn a_start_that_fails_leaves_what_there_was() {
    let mut machine = Machine::of(&GROUPS.replace("0000:00:1a.0", REFUSED)).await;
    let devices = machine.devices.clone();
    let web = guest("web");
    machine.during(devices.claim(web.clone(), vec![pci(GRAPHICS, true), pci(SOUND, true), pci(REFUSED, true)])).await.0.unwrap();
    let error = machine.during(devices.take(web.uuid)).await.0.unwrap_err();
    assert!(error.to_string().contains("did not take it"), "{error}");
    release(&mut machine, &web).await;
    for (address, expected) in [(GRAPHICS, "nouveau"), (SOUND, "snd_hda_intel"), (REFUSED, "igbvf")] {
        assert_eq!(driver(&machine, address), expected);
    }
    assert!(devices.views().iter().all(|view| view.used_by.is_empty()));
}

#[tokio::test]
async fn a_claim_of_a_start_that_was_called_off_is_not_made() {
    let mut machine = Machine::of(GROUPS).await;
    let devices = machine.devices.clone();
    let web = guest("web");
    let looking = devices.looking();
    // Begun, waiting for whoever looks, and called off.
    assert!(devices.claim(web.clone(), vec![pci(USB, true)]).now_or_never().is_none());
    drop(looking);
    release(&mut machine, &web).await;
    machine.during(devices.claim(guest("mail"), vec![pci(USB, true)])).await.0.unwrap();
}

#[tokio::test]
async fn a_later_service_knows_who_has_what_and_gives_back_what_nobody_has() {
    let mut machine = Machine::of(GROUPS).await;
    let devices = machine.devices.clone();
    let (runs, ended) = (guest("runs"), guest("ended"));
    for (guest, address) in [(&runs, PREPARED), (&ended, USB)] {
        machine.during(devices.claim(guest.clone(), vec![pci(address, true)])).await.0.unwrap();
        machine.during(devices.take(guest.uuid)).await.0.unwrap();
    }
    assert_eq!(driver(&machine, USB), "vfio-pci");
    let (publisher, publications) = Publisher::new();
    let sysfs = Sysfs::below(machine.root.path()).with_kernel(kernel);
    machine.devices = NodeDevices::load(sysfs, machine.store.clone(), publisher).await.unwrap();
    machine.publications = publications;
    let devices = machine.devices.clone();
    assert_eq!(devices.view("pci_0000_00_1b_0").unwrap().used_by, "runs");
    let settling = async {
        devices.release_others(|guest| guest == runs.uuid).await;
        Ok(())
    };
    machine.during(settling).await.0.unwrap();
    assert_eq!((driver(&machine, USB), driver(&machine, PREPARED)), ("uhci_hcd".to_owned(), "vfio-pci".to_owned()));
    let holders: Vec<_> = devices.views().iter().map(|view| view.used_by.clone()).filter(|holder| !holder.is_empty()).collect();
    assert_eq!(holders, ["runs"]);
}
