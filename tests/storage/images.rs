//! What is done with volumes that are files: clone, convert, resize, wipe, upload, download.

use std::io::{Read, Write};
use std::os::fd::AsFd;

use lodge_dbus_interfaces::options::{ResizeOptions, TransferOptions, WipeOptions};
use lodge_dbus_interfaces::types::WipeAlgorithm;

use super::devices::{entries, info, run};
use super::service::{NONE, Service, kind, soon, volume};

/// Bytes that are not zero and not the same.
fn content(length: usize) -> Vec<u8> {
    (0..length).map(|at| u8::try_from(at % 251).unwrap() + 1).collect()
}

#[tokio::test]
async fn a_clone_has_the_content_in_another_format_and_may_be_larger() {
    let service = Service::new().await;
    let (pool, path) = service.directory_pool("images").await;
    service.make("images", &volume("a.img", "raw", 3 << 20, "")).await.unwrap();
    std::fs::write(path.join("a.img"), content(3 << 20)).unwrap();
    let source = service.volume("images", "a.img").await.inner().path().to_owned();
    let clone = |xml: String| {
        let (pool, source) = (pool.clone(), source.clone());
        async move { soon("a clone", pool.clone_volume(&xml, &source, &Default::default())).await }
    };
    clone(volume("b.qcow2", "qcow2", 8 << 20, "")).await.unwrap();
    assert_eq!(info(&path.join("b.qcow2"))["virtual-size"].as_u64(), Some(8 << 20));
    clone("<volume><name>c.img</name></volume>".to_owned()).await.unwrap();
    assert!(std::fs::read(path.join("c.img")).unwrap() == content(3 << 20));
    // And into another pool, and back.
    let (other, there) = service.directory_pool("other").await;
    let qcow2 = service.volume("images", "b.qcow2").await.inner().path().to_owned();
    soon("a clone", other.clone_volume("<volume><name>d.img</name></volume>", &qcow2, &Default::default())).await.unwrap();
    let back = std::fs::read(there.join("d.img")).unwrap();
    assert!(back.len() == 8 << 20 && back[..3 << 20] == content(3 << 20) && back[3 << 20..].iter().all(|byte| *byte == 0));
    assert_eq!(kind(clone(volume("e.img", "raw", 1 << 20, "")).await), "InvalidArgument");
    assert_eq!(kind(clone(volume("c.img", "raw", 3 << 20, "")).await), "AlreadyExists");
    assert_eq!(entries(&path).len(), 3);
}

#[tokio::test]
async fn sizes_grow_and_shrink_only_when_asked() {
    let service = Service::new().await;
    let (_, path) = service.directory_pool("images").await;
    for (name, format) in [("a.img", "raw"), ("a.qcow2", "qcow2")] {
        let made = service.make("images", &volume(name, format, 4 << 20, "")).await.unwrap();
        soon("growing", made.resize(8 << 20, &ResizeOptions::default())).await.unwrap();
        assert_eq!(made.capacity().await.unwrap(), 8 << 20);
        assert_eq!(kind(made.resize(1 << 20, &ResizeOptions::default()).await), "InvalidArgument");
        soon("shrinking", made.resize(1 << 20, &ResizeOptions { shrink: true, ..Default::default() })).await.unwrap();
        assert_eq!(made.capacity().await.unwrap(), 1 << 20);
    }
    let raw = service.volume("images", "a.img").await;
    soon("growing", raw.resize(2 << 20, &ResizeOptions { allocate: true, ..Default::default() })).await.unwrap();
    assert!(raw.allocation().await.unwrap() >= 1 << 20);
    assert_eq!(info(&path.join("a.qcow2"))["virtual-size"].as_u64(), Some(1 << 20));
}

#[tokio::test]
async fn what_is_wiped_is_gone_and_an_image_is_an_image_again() {
    let service = Service::new().await;
    let (_, path) = service.directory_pool("images").await;
    let raw = service.make("images", &volume("a.img", "raw", 1 << 20, "")).await.unwrap();
    let write = || std::fs::write(path.join("a.img"), content(1 << 20)).unwrap();
    write();
    soon("a wipe", raw.wipe(&WipeOptions::default())).await.unwrap();
    assert!(std::fs::read(path.join("a.img")).unwrap() == vec![0; 1 << 20]);
    write();
    soon("a wipe", raw.wipe(&WipeOptions { algorithm: WipeAlgorithm::Random, ..Default::default() })).await.unwrap();
    let left = std::fs::read(path.join("a.img")).unwrap();
    assert!(left.len() == 1 << 20 && left != content(1 << 20) && left.iter().any(|byte| *byte != 0));
    let qcow2 = service.make("images", &volume("a.qcow2", "qcow2", 1 << 20, "")).await.unwrap();
    soon("a wipe", qcow2.wipe(&WipeOptions::default())).await.unwrap();
    assert_eq!((qcow2.format().await.unwrap(), qcow2.capacity().await.unwrap()), ("qcow2".to_owned(), 1 << 20));
    run("qemu-img", "qemu-utils", &["check", "-q", path.join("a.qcow2").to_str().unwrap()]);
}

#[tokio::test]
async fn bytes_go_in_and_out() {
    let service = Service::new().await;
    service.directory_pool("images").await;
    let volume = service.make("images", &volume("a.img", "raw", 1 << 20, "")).await.unwrap();
    // From a pipe, whose reader and writer both block.
    let (reader, mut writer) = std::io::pipe().unwrap();
    let sent = std::thread::spawn(move || writer.write_all(&content(1 << 20)).unwrap());
    soon("an upload", volume.upload(reader.as_fd().into(), &TransferOptions::default())).await.unwrap();
    sent.join().unwrap();
    let (mut reader, writer) = std::io::pipe().unwrap();
    let received = std::thread::spawn(move || {
        let mut bytes = Vec::new();
        reader.read_to_end(&mut bytes).unwrap();
        bytes
    });
    let range = TransferOptions { offset: 1000, length: 300_000, ..Default::default() };
    soon("a download", volume.download(writer.as_fd().into(), &range)).await.unwrap();
    drop(writer);
    assert!(received.join().unwrap() == content(1 << 20)[1000..301_000]);
    // From a file, into the middle; and what does not fit.
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(b"middle").unwrap();
    std::io::Seek::rewind(&mut file).unwrap();
    let range = TransferOptions { offset: 10, length: 6, ..Default::default() };
    soon("an upload", volume.upload(file.as_fd().into(), &range)).await.unwrap();
    let out = tempfile::NamedTempFile::new().unwrap();
    soon("a download", volume.download(out.as_fd().into(), &TransferOptions::default())).await.unwrap();
    let bytes = std::fs::read(out.path()).unwrap();
    assert!(bytes.len() == 1 << 20 && bytes[10..16] == *b"middle" && bytes[16] == content(17)[16]);
    for (offset, length) in [(1 << 20, 1), (0, (1 << 20) + 1), ((1 << 20) + 1, 0)] {
        let range = TransferOptions { offset, length, ..Default::default() };
        assert_eq!(kind(volume.download(out.as_fd().into(), &range).await), "InvalidArgument", "{offset} {length}");
    }
    let zero = std::fs::File::open("/dev/zero").unwrap();
    assert_eq!(kind(soon("an upload", volume.upload(zero.as_fd().into(), &TransferOptions::default())).await), "NoSpace");
    volume.delete(&NONE).await.unwrap();
}
