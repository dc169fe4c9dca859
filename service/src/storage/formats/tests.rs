//! Headers as qemu-img writes them, and such as nobody should.

use std::path::Path;

use proptest::prelude::*;

use super::*;
use crate::host::process::{Limits, ProcessSpec, run};
use crate::host::program::of_system;

async fn qemu_img(arguments: &[&str]) {
    let done = run(ProcessSpec::new(of_system("qemu-img")).arguments(arguments), &[], Limits::default()).await;
    done.expect("qemu-img is needed: install the package qemu-utils").require_success().unwrap();
}

fn header(path: &Path) -> Header {
    let file = File::open(path).unwrap();
    let length = file.metadata().unwrap().len();
    read(&file, length).unwrap()
}

#[tokio::test]
async fn what_qemu_img_makes_is_told() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
    for (format, options, expected, capacity) in [
        ("raw", "", VolumeFormat::Raw, None),
        ("qcow2", "compat=0.10", VolumeFormat::Qcow2, Some(3 << 20)),
        ("qcow2", "", VolumeFormat::Qcow2, Some(3 << 20)),
        ("qcow", "", VolumeFormat::Qcow, Some(3 << 20)),
        ("qed", "", VolumeFormat::Qed, Some(3 << 20)),
        ("vmdk", "", VolumeFormat::Vmdk, Some(3 << 20)),
        ("vmdk", "subformat=monolithicFlat", VolumeFormat::Vmdk, Some(3 << 20)),
        ("vdi", "", VolumeFormat::Vdi, Some(3 << 20)),
        ("vpc", "force_size=on", VolumeFormat::Vpc, Some(3 << 20)),
        ("vpc", "force_size=on,subformat=fixed", VolumeFormat::Vpc, Some(3 << 20)),
    ] {
        let image = path("image");
        let mut arguments = vec!["create", "-q", "-f", format];
        if !options.is_empty() {
            arguments.extend(["-o", options]);
        }
        arguments.extend([&image, "3M"]);
        qemu_img(&arguments).await;
        let found = header(Path::new(&image));
        assert_eq!((found.format, found.capacity), (expected, capacity), "{format} {options}");
        assert_eq!(found.external_data, options.contains("Flat"), "{format} {options}");
    }
}

#[tokio::test]
async fn features_and_what_an_image_is_laid_over_are_told() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
    let (base, top, qed) = (path("base"), path("top"), path("qed"));
    qemu_img(&["create", "-q", "-f", "qcow2", &base, "4M"]).await;
    let options = "cluster_size=128k,lazy_refcounts=on,extended_l2=on";
    qemu_img(&["create", "-q", "-f", "qcow2", "-o", options, "-F", "qcow2", "-b", &base, &top, "8M"]).await;
    qemu_img(&["create", "-q", "-f", "qed", "-F", "raw", "-b", &base, &qed, "8M"]).await;
    let found = header(Path::new(&top));
    assert_eq!(found.backing, Some((base.clone(), Some(VolumeFormat::Qcow2))));
    assert_eq!(found.qcow2, Some(Qcow2 { version: 3, cluster_size: 128 << 10, lazy_refcounts: true, extended_l2: true }));
    assert_eq!(found.capacity, Some(8 << 20));
    assert_eq!(header(Path::new(&qed)).backing, Some((base, Some(VolumeFormat::Raw))));
    let file = File::open(&top).unwrap();
    assert_eq!(read_as(VolumeFormat::Raw, &file, 1 << 20).unwrap(), Header::of(VolumeFormat::Raw));
    assert_eq!(read_as(VolumeFormat::Vdi, &file, 1 << 20).unwrap(), Header::of(VolumeFormat::Vdi));
}

#[tokio::test]
async fn encryption_is_told() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
    let object = ["--object", "secret,id=s,data=only-for-a-test"];
    let (luks, qcow2) = (path("luks"), path("qcow2"));
    let fast = "iter-time=10";
    qemu_img(&[&["create", "-q"], &object[..], &["-f", "luks", "-o", &format!("key-secret=s,{fast}"), &luks, "4M"]].concat()).await;
    let options = format!("encrypt.format=luks,encrypt.key-secret=s,encrypt.{fast}");
    qemu_img(&[&["create", "-q"], &object[..], &["-f", "qcow2", "-o", &options, &qcow2, "4M"]].concat()).await;
    let (luks, qcow2) = (header(Path::new(&luks)), header(Path::new(&qcow2)));
    assert_eq!((luks.format, luks.encryption, luks.capacity), (VolumeFormat::Luks, Some(EncryptionFormat::Luks), Some(4 << 20)));
    assert_eq!((qcow2.format, qcow2.encryption, qcow2.capacity), (VolumeFormat::Qcow2, Some(EncryptionFormat::Luks), Some(4 << 20)));
}

#[test]
fn other_words_for_what_it_is_are_known() {
    let mut iso = vec![0; 40_000];
    iso[32_769..32_774].copy_from_slice(b"CD001");
    let mut dmg = vec![0; 2048];
    dmg[1536..1540].copy_from_slice(b"koly");
    for (image, expected) in [(iso, VolumeFormat::Iso), (dmg, VolumeFormat::Dmg), (b"vhdxfile".to_vec(), VolumeFormat::Unknown)] {
        assert_eq!(read(image.as_slice(), image.len() as u64).unwrap().format, expected);
    }
}

proptest! {
    #[test]
    fn no_header_does_harm(start in 0_usize..8, mut rest in proptest::collection::vec(any::<u8>(), 0..600), length in any::<u64>()) {
        let magics: [&[u8]; 8] = [b"QFI\xfb\0\0\0\x01", b"QFI\xfb\0\0\0\x03", b"QED\0", b"KDMV", b"LUKS\xba\xbe\0\x01", b"conectix", b"COWD", b"# Disk DescriptorFile"];
        let mut image = magics[start].to_vec();
        image.append(&mut rest);
        let header = read(image.as_slice(), length).unwrap();
        prop_assert!(header.backing.is_none_or(|(name, _)| name.len() <= 4 * 1023 && !name.contains(char::is_control)));
    }
}
