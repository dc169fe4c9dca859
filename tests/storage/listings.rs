//! The pools and volumes of the listings that Lodge comes from (8-9 to 8-14, `tests/listings.rs` has their facts): they define as they
//! stand there, and with places that exist they do their work, by `lodgectl` alone and by `busctl` alone.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use lodge_tests::binaries::{command, installed};

use super::clients::{Client, Step};
use super::devices::Loop;

/// A pool and a volume whose documents do their work where places that are somebody else's are those of the test.
struct Life {
    listings: &'static str,
    /// Its name, and its document.
    pool: (&'static str, &'static str),
    volume: &'static str,
    /// What stands in the documents, and what is there: a directory, a device, or the name of its first partition.
    places: &'static [(&'static str, Place)],
    /// Whether the device gets a file system.
    format: bool,
    /// The volume when it is read back.
    facts: &'static [&'static str],
}

#[derive(Clone, Copy)]
enum Place {
    Directory,
    Device,
    Partition,
    Devices,
}

/// What a sparse volume of a terabyte is when it is read back (8-10 and 8-13).
const SPARSE: &[&str] = &[
    "<capacity unit='bytes'>1099511627776</capacity>",
    "<allocation unit='bytes'>0</allocation>",
    "<mode>0744</mode>",
    "<owner>107</owner>",
    "<group>107</group>",
    "<format type='raw'/>",
];

const LIVES: &[Life] = &[
    Life {
        listings: "8-11 with 8-10 and 8-13",
        pool: ("virtimages", "storage-pool/dir"),
        volume: "storage-volume/sparse",
        places: &[("/var/lib/virt/images", Place::Directory)],
        format: false,
        facts: SPARSE,
    },
    Life {
        listings: "8-13 in a file system",
        pool: ("usb disk (backup)", "storage-pool/fs-auto"),
        volume: "storage-volume/sparse",
        places: &[("/dev/sdc1", Place::Device), ("/media/backup", Place::Directory)],
        format: true,
        facts: SPARSE,
    },
    Life {
        listings: "the type 'disk', which 8-9 tells of",
        pool: ("sdb", "storage-pool/disk-running"),
        volume: "storage-volume/partition",
        places: &[("sdb1", Place::Partition), ("/dev/sdb", Place::Device), ("/dev/disk/by-id", Place::Devices)],
        format: false,
        facts: &["<capacity unit='bytes'>536000000000</capacity>", "<extent start='1048576' end='536001048576'/>"],
    },
];

fn fixture(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name).with_extension("xml");
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The text of an element without others in it.
fn text<'a>(xml: &'a str, element: &str) -> &'a str {
    let (_, rest) = xml.split_once(&format!("<{element}>")).unwrap_or_else(|| panic!("<{element}> in {xml}"));
    rest.split_once("</").unwrap().0
}

impl Life {
    /// A document with places that exist.
    fn placed(&self, name: &str, device: &Loop, directory: &str) -> String {
        let partition = format!("{}p1", device.name());
        self.places.iter().fold(fixture(name), |text, (there, place)| {
            let here = match place {
                Place::Directory => directory,
                Place::Device => &device.device,
                Place::Partition => &partition,
                Place::Devices => "/dev",
            };
            text.replace(there, here)
        })
    }

    fn is_lived_by(&self, client: &Client) {
        let told = |what: &str| format!("{}, {}: {what}", self.listings, client.name);
        // As it stands there.
        client.does(Step::DefinePool(&fixture(self.pool.1)));
        client.does(Step::UndefinePool);

        let device = Loop::new(1_000_204_886_016);
        let directory = client.bus.directory().join("images").display().to_string();
        let volume = self.placed(self.volume, &device, &directory);
        let name = text(&volume, "name").to_owned();
        client.does(Step::DefinePool(&self.placed(self.pool.1, &device, &directory)));
        client.does(Step::BuildPool { format: self.format });
        client.does(Step::StartPool);
        let xml = client.does(Step::PoolXml);
        assert!(!xml.contains("<available unit='bytes'>0</available>"), "{}", told(&xml));
        let before = client.does(Step::Volumes);
        client.does(Step::CreateVolume(&volume));
        client.does(Step::RefreshPool);
        let after = client.does(Step::Volumes);
        assert!(after.lines().any(|line| line == name) && after.lines().count() == before.lines().count() + 1, "{}", told(&after));
        let xml = client.does(Step::VolumeXml(&name));
        for fact in self.facts {
            assert!(xml.contains(fact), "{}", told(&format!("{fact} in {xml}")));
        }
        let there = std::fs::metadata(text(&xml, "path")).unwrap();
        let mode = u32::from_str_radix(text(&xml, "mode"), 8).unwrap();
        assert_eq!((there.mode() & 0o777, there.uid().to_string()), (mode, text(&xml, "owner").to_owned()), "{}", told(&xml));

        client.does(Step::DeleteVolume(&name));
        assert_eq!(client.does(Step::Volumes), before, "{}", told("a volume is deleted"));
        assert!(!Path::new(text(&xml, "path")).exists());
        client.does(Step::StopPool);
        client.does(Step::DeletePool);
        client.does(Step::UndefinePool);
        let refusal = client.is_refused(Step::PoolXml);
        assert!(refusal.to_lowercase().contains("pool"), "{}", told(&refusal));
    }
}

#[test]
fn pools_and_volumes_of_the_listings_live_by_each_client_alone() {
    for life in LIVES {
        for client in Client::both(life.pool.0) {
            life.is_lived_by(&client);
        }
    }
}

/// Listings 8-9 and 8-12. With a target that exists it is in `tests/vm/storage.rs`, where the kernel has iSCSI.
#[test]
fn a_target_of_iscsi_is_kept_and_its_sizes_are_not_believed() {
    let xml = fixture("storage-pool/iscsi").replace("iscsi.example.com", "iscsi.invalid");
    for client in Client::both("virtimages") {
        client.does(Step::DefinePool(&fixture("storage-pool/iscsi")));
        client.does(Step::DefinePool(&xml));
        let kept = client.does(Step::PoolXml);
        assert!(kept.contains("<uuid>3e3fce45-4f53-4fa7-bb32-11f34168b82b</uuid>"), "{kept}");
        for part in ["<host name='iscsi.invalid'/>", "<device path='demo-target'/>", "<path>/dev/disk/by-path</path>"] {
            assert!(kept.contains(part), "{part} in {kept}");
        }
        assert!(!kept.contains("50000000"), "{kept}");
        let refusal = client.is_refused(Step::StartPool);
        assert!(refusal.contains("cannot start pool 'virtimages'") && refusal.contains("iscsi"), "{refusal}");
        assert!(client.is_refused(Step::RefreshPool).contains("not started"));
        client.does(Step::UndefinePool);
    }
}

/// Listing 8-14: encryption that is opened, and not made any more.
#[test]
fn volumes_with_the_encryption_of_old_are_read_and_none_is_made() {
    let encryption = fixture("encryption/qcow");
    let uuid = "c1f11a6d-8c5d-4a3e-ac7a-4e171c5e0d4a";
    assert!(encryption.contains(uuid));
    let volume = |name: &str, target: &str| {
        format!("<volume><name>{name}</name><capacity unit='MiB'>1</capacity><target><format type='raw'/>{target}</target></volume>")
    };
    for client in Client::both("virtimages") {
        let directory = client.bus.directory().join("images");
        client.does(Step::DefinePool(&fixture("storage-pool/dir").replace("/var/lib/virt/images", directory.to_str().unwrap())));
        client.does(Step::BuildPool { format: false });
        let image = directory.join("old.qcow2");
        encrypted_as_of_old(client.bus.directory(), &image);
        let secret = format!("<secret><uuid>{uuid}</uuid><usage type='volume'><volume>{}</volume></usage></secret>", image.display());
        client.does(Step::DefineSecret(&secret));
        client.does(Step::SetSecret(uuid, PASSPHRASE));
        client.does(Step::StartPool);
        let xml = client.does(Step::VolumeXml("old.qcow2"));
        assert!(xml.contains("<encryption format='qcow'>") && xml.contains(&format!("uuid='{uuid}'")), "{xml}");
        client.does(Step::CloneVolume(&volume("plain.img", ""), "old.qcow2"));
        assert!(std::fs::read(directory.join("plain.img")).unwrap() == content());

        let refusal = client.is_refused(Step::CreateVolume(&volume("new.qcow2", &encryption).replace("raw", "qcow2")));
        assert!(refusal.contains("the encryption of the format 'qcow' is broken") && refusal.contains("format='luks'"), "{refusal}");
        assert_eq!(client.does(Step::Volumes), "old.qcow2\nplain.img", "{}", client.name);
        client.does(Step::DeleteVolume("old.qcow2"));
    }
}

const PASSPHRASE: &str = "open sesame";

fn content() -> Vec<u8> {
    (0..1 << 20).map(|at: u32| at.to_le_bytes()[1]).collect()
}

/// Makes an image of qcow2 with its own encryption, as qemu-img still does.
fn encrypted_as_of_old(directory: &Path, image: &Path) {
    let (passphrase, plain) = (directory.join("passphrase"), directory.join("plain"));
    std::fs::write(&passphrase, PASSPHRASE).unwrap();
    std::fs::write(&plain, content()).unwrap();
    let object = format!("secret,id=key,file={}", passphrase.display());
    let options = ["-f", "raw", "-O", "qcow2", "-o", "encrypt.format=aes,encrypt.key-secret=key"];
    let mut convert = command(installed("qemu-img", "qemu-utils"));
    let converted = convert.args(["convert", "--object", &object]).args(options).arg(&plain).arg(image).output().unwrap();
    assert!(converted.status.success(), "{converted:?}");
}
