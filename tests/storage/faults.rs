//! Work that ends before it is done: cancelled, out of room, not allowed, killed. Nothing half-made stays.

use std::os::fd::AsFd;

use lodge_dbus_interfaces::options::{TransferOptions, VolumeOptions, WipeOptions};
use lodge_dbus_interfaces::types::WipeAlgorithm;

use super::devices::{Loop, entries};
use super::service::{NONE, Service, kind, soon, volume};

const AT_ONCE: VolumeOptions = VolumeOptions { preallocate_metadata: false, no_wait: true };

#[tokio::test]
async fn what_is_cancelled_leaves_nothing_and_others_are_busy_meanwhile() {
    let service = Service::new().await;
    let (pool, path) = service.directory_pool("images").await;
    let volume_a = service.make("images", &volume("a.img", "raw", 64 << 20, "")).await.unwrap();
    // It waits for bytes that never come.
    let (reader, writer) = std::io::pipe().unwrap();
    let upload = TransferOptions { no_wait: true, ..Default::default() };
    let job = volume_a.upload(reader.as_fd().into(), &upload).await.unwrap();
    assert_eq!(kind(volume_a.delete(&NONE).await), "Busy");
    assert_eq!(kind(volume_a.wipe(&WipeOptions::default()).await), "Busy");
    assert_eq!(kind(pool.stop(&NONE).await), "Busy");
    let source = volume_a.inner().path().to_owned();
    assert_eq!(kind(pool.clone_volume(&volume("b.img", "raw", 64 << 20, ""), &source, &AT_ONCE).await), "Busy");
    service.job(job.clone()).await.cancel(&NONE).await.unwrap();
    assert_eq!(service.ended(job).await.0, "cancelled");
    drop(writer);
    // 35 passes over 64 MiB: long enough to be called off.
    let wipe = WipeOptions { algorithm: WipeAlgorithm::Gutmann, no_wait: true };
    let job = volume_a.wipe(&wipe).await.unwrap();
    service.job(job.clone()).await.cancel(&NONE).await.unwrap();
    assert_eq!(service.ended(job).await.0, "cancelled");
    let (_, job, _) = pool.clone_volume(&volume("b.qcow2", "qcow2", 64 << 20, ""), &source, &AT_ONCE).await.unwrap();
    service.job(job.clone()).await.cancel(&NONE).await.ok();
    let (state, message) = service.ended(job).await;
    assert!(state == "cancelled" || state == "succeeded", "{state} {message}");
    let left = if state == "succeeded" { vec!["a.img", "b.qcow2"] } else { vec!["a.img"] };
    assert_eq!(service.volumes("images").await, left);
    assert_eq!(entries(&path).len(), left.len());
    volume_a.delete(&NONE).await.unwrap();
}

#[tokio::test]
async fn what_does_not_fit_leaves_nothing() {
    let service = Service::new().await;
    let device = Loop::new(32 << 20);
    let path = service.path("small");
    std::fs::create_dir(&path).unwrap();
    let xml = format!(
        "<pool type='fs'><name>small</name><source><device path='{}'/><format type='ext4'/></source><target><path>{}</path></target></pool>",
        device.device,
        path.display()
    );
    super::devices::run("mkfs.ext4", "e2fsprogs", &["-q", &device.device]);
    service.create(&xml).await.unwrap();
    let (pool, _) = (service.pool("small").await, ());
    service.make("small", &volume("a.img", "raw", 8 << 20, "")).await.unwrap();
    std::fs::write(path.join("a.img"), vec![1; 8 << 20]).unwrap();
    // Others take the room that the last refresh has seen.
    std::fs::write(path.join(".filler"), vec![1; 12 << 20]).unwrap();
    let full = "<volume><name>b.img</name><capacity unit='MiB'>16</capacity></volume>";
    assert_eq!(kind(service.make("small", full).await), "NoSpace");
    let source = service.volume("small", "a.img").await.inner().path().to_owned();
    let cloned = soon("a clone", pool.clone_volume(&volume("c.qcow2", "qcow2", 8 << 20, ""), &source, &Default::default())).await;
    assert_eq!(kind(cloned), "NoSpace");
    // More comes than the file system has.
    let qcow2 = service.make("small", &volume("d.qcow2", "qcow2", 1 << 20, "")).await.unwrap();
    let zeros = std::fs::File::open("/dev/zero").unwrap();
    assert_eq!(kind(soon("an upload", qcow2.upload(zeros.as_fd().into(), &TransferOptions::default())).await), "NoSpace");
    qcow2.delete(&NONE).await.unwrap();
    assert_eq!(service.volumes("small").await, ["a.img", "lost+found"]);
    assert_eq!(entries(&path), [".filler", "a.img", "lost+found"].map(std::path::PathBuf::from));
    pool.stop(&NONE).await.unwrap();
}

#[tokio::test]
async fn where_nothing_may_be_written_nothing_is_left() {
    let service = Service::new().await;
    let (pool, path) = service.directory_pool("images").await;
    let made = service.make("images", &volume("a.img", "raw", 1 << 20, "")).await.unwrap();
    // Root is not stopped by modes.
    let place = path.to_str().unwrap();
    super::devices::run("mount", "mount", &["--bind", place, place]);
    super::devices::run("mount", "mount", &["-o", "remount,bind,ro", place]);
    let source = made.inner().path().to_owned();
    let zeros = std::fs::File::open("/dev/zero").unwrap();
    let once = TransferOptions { length: 10, ..Default::default() };
    let results = [
        kind(service.make("images", &volume("b.img", "raw", 1 << 20, "")).await),
        kind(service.make("images", &volume("b.qcow2", "qcow2", 1 << 20, "")).await),
        kind(soon("a clone", pool.clone_volume(&volume("c.qcow2", "qcow2", 1 << 20, ""), &source, &Default::default())).await),
        kind(soon("an upload", made.upload(zeros.as_fd().into(), &once)).await),
        kind(soon("a wipe", made.wipe(&WipeOptions::default())).await),
        kind(soon("growing", made.resize(2 << 20, &Default::default())).await),
        kind(made.delete(&NONE).await),
    ];
    pool.refresh(&NONE).await.unwrap();
    let (left, volumes) = (entries(&path), service.volumes("images").await);
    super::devices::run("umount", "mount", &[place]);
    assert_eq!(results, ["HostFailed"; 7]);
    assert_eq!((left, volumes), (vec!["a.img".into()], vec!["a.img".to_owned()]));
    assert_eq!(made.capacity().await.unwrap(), 1 << 20);
    assert_eq!(pool.warnings().await.unwrap(), Vec::<String>::new());
}

#[tokio::test]
async fn what_nobody_works_on_any_more_is_swept() {
    let service = Service::new().await;
    let (_, path) = service.directory_pool("images").await;
    service.make("images", &volume("a.img", "raw", 16 << 20, "")).await.unwrap();
    let service = service.crash_and_restart().await;
    // What a service leaves that dies in the middle of its work: a hidden file that nobody has locked.
    std::fs::write(path.join(".lodge-new-0a81f5b2-8403-7b23-c8d6-21ccc2f80d6f"), vec![0; 1000]).unwrap();
    // And one that another service is just making.
    let busy = std::fs::File::create(path.join(".lodge-new-busy")).unwrap();
    assert!(lodge_service::host::work_lock::begin(&busy).unwrap());
    service.pool("images").await.refresh(&NONE).await.unwrap();
    assert_eq!(entries(&path), [".lodge-new-busy", "a.img"].map(std::path::PathBuf::from));
    drop(busy);
    service.pool("images").await.refresh(&NONE).await.unwrap();
    assert_eq!(entries(&path), ["a.img"].map(std::path::PathBuf::from));
    assert_eq!(service.volumes("images").await, ["a.img"]);
}
