//! What of the host a plan says that the guest uses.

use std::path::{Path, PathBuf};

use lodge_model::document::Document as _;
use lodge_model::domain::Domain;

use super::Host;
use crate::hypervisors::qemu::command::plan;
use crate::hypervisors::qemu::complete;
use crate::hypervisors::qemu::input::PlanInput;

fn used(host: &Host, session: bool, devices: &str) -> Vec<PathBuf> {
    let xml = format!(
        "<domain type='qemu'><name>a</name><memory>65536</memory><os><type arch='x86_64' machine='q35'>hvm</type></os><devices>{devices}</devices></domain>"
    );
    let (mut domain, _) = Domain::parse(&xml).unwrap();
    complete::complete(&mut domain, &host.capabilities, &mut || 7).unwrap();
    let plan = plan(&domain, &PlanInput { session, ..host.input() }).unwrap_or_else(|refusal| panic!("{devices}: {}", refusal.message));
    plan.resources.into_iter().map(|resource| resource.path).collect()
}

#[test]
fn devices_of_the_host_are_named_one_by_one() {
    let mut host = Host::recorded("10.0");
    host.facts.scsi_units = [("2:0:1:3".to_owned(), PathBuf::from("/dev/sg4"))].into();
    host.facts.iommu_groups = [("0000:01:00.0".to_owned(), "14".to_owned())].into();
    let usb = |source: &str| format!("<hostdev type='usb'><source>{source}</source></hostdev>");
    let table = [
        (usb("<vendor id='0x1d6b'/><product id='0x0002'/><address bus='1' device='9'/>"), vec!["/dev/bus/usb/001/009"]),
        (usb("<address bus='1' device='12' port='2.3'/>"), vec!["/dev/bus/usb/001/012"]),
        ("<hostdev type='usb'><source missing='yes'><vendor id='1'/><product id='2'/></source></hostdev>".to_owned(), vec![]),
        (
            "<hostdev type='pci'><source><address domain='0' bus='1' slot='0' function='0'/></source></hostdev>".to_owned(),
            vec!["/dev/vfio/vfio", "/dev/vfio/14"],
        ),
        (
            "<interface type='hostdev'><source><address type='pci' domain='0' bus='1' slot='0' function='0'/></source></interface>"
                .to_owned(),
            vec!["/dev/vfio/vfio", "/dev/vfio/14"],
        ),
        (
            "<hostdev type='scsi'><source><adapter name='scsi_host2'/><address bus='0' target='1' unit='3'/></source></hostdev>".to_owned(),
            vec!["/dev/sg4"],
        ),
    ];
    for (devices, expected) in table {
        assert_eq!(used(&host, true, &devices), expected.iter().map(PathBuf::from).collect::<Vec<_>>(), "{devices}");
    }
}

#[test]
fn what_is_opened_by_path_is_in_the_list() {
    let host = Host::recorded("10.0");
    let table = [
        ("<interface type='user'><rom file='/r/nic.rom'/></interface>", "/r/nic.rom"),
        ("<serial type='file'><source path='/l/serial.log'/></serial>", "/l/serial.log"),
        ("<serial type='pty'><log file='/l/pty.log'/></serial>", "/l/pty.log"),
        (
            "<disk type='network'><source protocol='nbd'><host transport='unix' socket='/s/nbd'/></source><target dev='vda' bus='virtio'/></disk>",
            "/s/nbd",
        ),
        ("<graphics type='spice'><gl enable='yes' rendernode='/dev/dri/renderD128'/></graphics>", "/dev/dri/renderD128"),
        ("<sound model='ich9'/><audio id='1' type='file' path='/l/sound.wav'/>", "/l/sound.wav"),
    ];
    for (devices, expected) in table {
        for session in [true, false] {
            let found = used(&host, session, devices);
            assert!(found.iter().any(|path| path == Path::new(expected)), "{devices}: {found:?}");
        }
    }
}
