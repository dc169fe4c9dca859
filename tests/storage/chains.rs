//! Images that are laid over others: what is told of them, and copies of them.

use std::path::Path;

use lodge_dbus_interfaces::options::{Dictionary, VolumeOptions};

use super::devices::{entries, run};
use super::service::{NONE, Service, kind, soon, volume};

fn over(name: &str, base: &Path, format: &str) -> String {
    format!(
        "<volume><name>{name}</name><target><format type='qcow2'/></target><backingStore><path>{}</path><format type='{format}'/></backingStore></volume>",
        base.display()
    )
}

fn write(image: &Path, pattern: u8, at: u64) {
    let command = format!("write -q -P {pattern} {at} 65536");
    run("qemu-io", "qemu-utils", &["-f", "qcow2", "-c", &command, image.to_str().unwrap()]);
}

fn told(levels: &[Dictionary]) -> Vec<String> {
    let word =
        |level: &Dictionary, key: &str| level.get(key).map(|value| value.downcast_ref::<&str>().unwrap().to_owned()).unwrap_or_default();
    levels.iter().map(|level| ["path", "format", "pool", "volume"].map(|key| word(level, key)).join(" ")).collect()
}

#[tokio::test]
async fn a_chain_through_pools_is_told_and_copied_whole() {
    let service = Service::new().await;
    let (pool, path) = service.directory_pool("images").await;
    let (_, there) = service.directory_pool("other").await;
    let base = service.make("images", &volume("base.img", "raw", 256 << 10, "")).await.unwrap();
    std::fs::write(path.join("base.img"), vec![1; 256 << 10]).unwrap();
    service.make("other", &over("middle.qcow2", &path.join("base.img"), "raw")).await.unwrap();
    write(&there.join("middle.qcow2"), 2, 65536);
    let top = service.make("images", &over("top.qcow2", &there.join("middle.qcow2"), "qcow2")).await.unwrap();
    write(&path.join("top.qcow2"), 3, 131_072);

    let middle = format!("{} qcow2 other middle.qcow2", there.join("middle.qcow2").display());
    let bottom = format!("{} raw images base.img", path.join("base.img").display());
    assert_eq!(told(&top.get_backing_chain(&NONE).await.unwrap()), [middle.clone(), bottom]);
    assert_eq!(told(&base.get_backing_chain(&NONE).await.unwrap()), Vec::<String>::new());

    let source = top.inner().path().to_owned();
    soon("a clone", pool.clone_volume(&volume("copy.img", "raw", 256 << 10, ""), &source, &Default::default())).await.unwrap();
    let expected: Vec<u8> = [1, 2, 3, 1].into_iter().flat_map(|byte| vec![byte; 65536]).collect();
    assert!(std::fs::read(path.join("copy.img")).unwrap() == expected);

    // A copy that is itself laid over something has its content all the same.
    let xml = over("over.qcow2", &path.join("base.img"), "raw");
    soon("a clone", pool.clone_volume(&xml, &source, &Default::default())).await.unwrap();
    let flat = service.path("flat");
    run("qemu-img", "qemu-utils", &["convert", "-O", "raw", path.join("over.qcow2").to_str().unwrap(), flat.to_str().unwrap()]);
    assert!(std::fs::read(&flat).unwrap() == expected);
    let zeros = service.make("images", &volume("zeros.img", "raw", 256 << 10, "")).await.unwrap();
    soon("a clone", pool.clone_volume(&xml.replace("over.qcow2", "covers.qcow2"), zeros.inner().path(), &Default::default()))
        .await
        .unwrap();
    run("qemu-img", "qemu-utils", &["convert", "-O", "raw", path.join("covers.qcow2").to_str().unwrap(), flat.to_str().unwrap()]);
    assert!(std::fs::read(&flat).unwrap().iter().all(|byte| *byte == 0));

    // No level goes away or changes while it is read: a key is derived for some seconds.
    let slow = "<volume><name>slow.img</name><target><encryption format='default'/></target></volume>";
    let options = VolumeOptions { no_wait: true, ..Default::default() };
    let (_, job, _) = pool.clone_volume(slow, &source, &options).await.unwrap();
    assert_eq!(kind(base.delete(&NONE).await), "Busy");
    assert_eq!(kind(service.volume("other", "middle.qcow2").await.delete(&NONE).await), "Busy");
    service.job(job.clone()).await.cancel(&NONE).await.unwrap();
    service.ended(job).await;

    // In a pool that is not started it is a file as any other.
    service.pool("other").await.stop(&NONE).await.unwrap();
    assert_eq!(told(&top.get_backing_chain(&NONE).await.unwrap()), [format!("{} qcow2  ", there.join("middle.qcow2").display())]);
    assert_eq!(kind(pool.clone_volume(&volume("again.img", "raw", 256 << 10, ""), &source, &Default::default()).await), "InvalidState");
    assert_eq!(entries(&path).len(), 6);
}

#[tokio::test]
async fn what_a_guest_wrote_into_its_disk_leads_nowhere() {
    let service = Service::new().await;
    let (pool, path) = service.directory_pool("images").await;
    service.make("images", &volume("secret.img", "raw", 65536, "")).await.unwrap();
    service.make("images", &volume("disk.img", "raw", 1 << 20, "")).await.unwrap();
    let top = service.make("images", &over("top.qcow2", &path.join("disk.img"), "raw")).await.unwrap();
    // The guest's raw disk now looks as an image over another volume.
    let trap = service.path("trap");
    let secret = path.join("secret.img");
    run("qemu-img", "qemu-utils", &["create", "-q", "-f", "qcow2", "-F", "raw", "-b", secret.to_str().unwrap(), trap.to_str().unwrap()]);
    let header = std::fs::read(&trap).unwrap();
    let disk = std::fs::OpenOptions::new().write(true).open(path.join("disk.img")).unwrap();
    std::os::unix::fs::FileExt::write_all_at(&disk, &header, 0).unwrap();
    pool.refresh(&NONE).await.unwrap();
    assert_eq!(told(&top.get_backing_chain(&NONE).await.unwrap()), [format!("{} raw images disk.img", path.join("disk.img").display())]);
    let source = top.inner().path().to_owned();
    soon("a clone", pool.clone_volume(&volume("copy.img", "raw", 1 << 20, ""), &source, &Default::default())).await.unwrap();
    // What is in the copy are the guest's own bytes.
    assert!(std::fs::read(path.join("copy.img")).unwrap().starts_with(&header));
}

#[tokio::test]
async fn a_chain_without_an_end_is_refused() {
    let service = Service::new().await;
    let (pool, path) = service.directory_pool("images").await;
    for (name, base) in [("a.qcow2", "b.qcow2"), ("b.qcow2", "a.qcow2")] {
        let (image, base) = (path.join(name), path.join(base));
        let arguments = ["create", "-q", "-u", "-f", "qcow2", "-F", "qcow2", "-b", base.to_str().unwrap(), image.to_str().unwrap(), "1M"];
        run("qemu-img", "qemu-utils", &arguments);
    }
    pool.refresh(&NONE).await.unwrap();
    let looping = service.volume("images", "a.qcow2").await;
    assert_eq!(kind(looping.get_backing_chain(&NONE).await), "InvalidState");
    let refused = pool.clone_volume(&volume("c.img", "raw", 1 << 20, ""), looping.inner().path(), &Default::default()).await;
    assert!(refused.unwrap_err().to_string().contains("leads back into itself"));
}
