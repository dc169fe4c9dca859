//! Directories: volumes as files, what others do to them, and names that could leave.

use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

use super::devices::{entries, info};
use super::service::{NONE, Service, kind, volume};

#[tokio::test]
async fn a_raw_volume_is_as_large_as_asked_and_as_allocated() {
    let service = Service::new().await;
    let (_, path) = service.directory_pool("images").await;
    let sparse = service.make("images", &volume("sparse.img", "raw", 1 << 40, "")).await.unwrap();
    assert_eq!((sparse.capacity().await.unwrap(), sparse.allocation().await.unwrap()), (1 << 40, 0));
    let full = "<volume><name>full.img</name><capacity unit='MiB'>3</capacity><target><permissions><mode>0644</mode><owner>107</owner>\
                <group>108</group></permissions></target></volume>";
    let full = service.make("images", full).await.unwrap();
    assert_eq!((full.capacity().await.unwrap(), full.format().await.unwrap()), (3 << 20, "raw".to_owned()));
    assert!(full.allocation().await.unwrap() >= 3 << 20);
    let found = std::fs::metadata(path.join("full.img")).unwrap();
    assert_eq!((found.mode() & 0o7777, found.uid(), found.gid(), found.len()), (0o644, 107, 108, 3 << 20));
    let xml = full.get_xml(&NONE).await.unwrap();
    assert!(xml.contains("<owner>107</owner>") && xml.contains("<mode>0644</mode>"), "{xml}");
    full.delete(&NONE).await.unwrap();
    assert_eq!(service.volumes("images").await, ["sparse.img"]);
    assert!(full.delete(&NONE).await.is_err());
}

#[tokio::test]
async fn nobody_makes_a_program_of_roots_with_a_volume() {
    let service = Service::new().await;
    let (_, path) = service.directory_pool("images").await;
    let asked = "<volume><name>sh</name><capacity>1</capacity><target><permissions><mode>6755</mode></permissions></target></volume>";
    service.make("images", asked).await.unwrap();
    assert_eq!(std::fs::metadata(path.join("sh")).unwrap().mode() & 0o7777, 0o755);
}

#[tokio::test]
async fn names_that_could_leave_the_pool_are_refused() {
    let service = Service::new().await;
    let (_, path) = service.directory_pool("images").await;
    for name in ["../out", "a/b", "..", ".", "", "a&#10;b", ".lodge-new-x"] {
        let refused = kind(service.make("images", &volume(name, "raw", 1, "")).await);
        assert!(refused == "InvalidXml" || refused == "InvalidArgument", "{name}: {refused}");
    }
    let outside = service.path("outside");
    std::fs::write(&outside, "mine").unwrap();
    symlink(&outside, path.join("link")).unwrap();
    service.pool("images").await.refresh(&NONE).await.unwrap();
    assert_eq!(service.volumes("images").await, Vec::<String>::new());
    assert_eq!(kind(service.make("images", &volume("link", "raw", 1, "")).await), "AlreadyExists");
    assert_eq!(std::fs::read(&outside).unwrap(), b"mine");
}

#[tokio::test]
async fn what_others_change_is_seen_without_being_asked_for() {
    let service = Service::new().await;
    let (_, path) = service.directory_pool("images").await;
    std::fs::write(path.join("new.img"), vec![0; 5000]).unwrap();
    service.wait_for_volume("images", "new.img", true).await;
    assert_eq!(service.volume("images", "new.img").await.capacity().await.unwrap(), 5000);
    std::fs::remove_file(path.join("new.img")).unwrap();
    service.wait_for_volume("images", "new.img", false).await;
}

#[tokio::test]
async fn a_raw_volume_with_the_header_of_another_format_stays_raw() {
    let service = Service::new().await;
    let (_, path) = service.directory_pool("images").await;
    let secret = service.path("secret");
    std::fs::write(&secret, vec![b's'; 65536]).unwrap();
    let trap = service.path("trap");
    let arguments = ["create", "-q", "-f", "qcow2", "-F", "raw", "-b", secret.to_str().unwrap(), trap.to_str().unwrap()];
    super::devices::run("qemu-img", "qemu-utils", &arguments);
    let header = std::fs::read(&trap).unwrap();
    // A guest writes what it likes into its raw disk.
    service.make("images", &volume("disk.img", "raw", 1 << 20, "")).await.unwrap();
    let file = std::fs::OpenOptions::new().write(true).open(path.join("disk.img")).unwrap();
    std::os::unix::fs::FileExt::write_all_at(&file, &header, 0).unwrap();
    drop(file);
    let pool = service.pool("images").await;
    pool.refresh(&NONE).await.unwrap();
    let disk = service.volume("images", "disk.img").await;
    assert_eq!((disk.format().await.unwrap(), disk.capacity().await.unwrap()), ("raw".to_owned(), 1 << 20));
    assert_eq!(disk.backing_path().await.unwrap(), "");
    // One that somebody else put there is told as what it says it is, and not followed.
    std::fs::copy(&trap, path.join("foreign.qcow2")).unwrap();
    pool.refresh(&NONE).await.unwrap();
    let foreign = service.volume("images", "foreign.qcow2").await;
    assert_eq!(foreign.backing_path().await.unwrap(), secret.to_str().unwrap());
    let source = foreign.inner().path().to_owned();
    let cloned = pool.clone_volume(&volume("copy", "raw", 65536, ""), &source, &Default::default()).await;
    assert_eq!(kind(cloned), "InvalidState");
    assert!(!entries(&path).iter().any(|name| name == std::path::Path::new("copy")));
    // Nor one that the service itself laid over it.
    let over = format!(
        "<volume><name>over.qcow2</name><capacity>65536</capacity><target><format type='qcow2'/></target>\
         <backingStore><path>{}</path><format type='raw'/></backingStore></volume>",
        secret.display()
    );
    let over = service.make("images", &over).await.unwrap();
    for format in ["raw", "qcow2"] {
        let cloned = pool.clone_volume(&volume("copy", format, 65536, ""), over.inner().path(), &Default::default()).await;
        assert_eq!(kind(cloned), "InvalidState", "{format}");
    }
}

#[tokio::test]
async fn an_image_is_made_as_it_is_described() {
    let service = Service::new().await;
    let (_, path) = service.directory_pool("images").await;
    let base = "<volume><name>base.qcow2</name><capacity unit='MiB'>64</capacity><target><format type='qcow2'/><compat>1.1</compat>\
                <clusterSize unit='KiB'>128</clusterSize><features><lazy_refcounts/></features></target></volume>";
    service.make("images", base).await.unwrap();
    let found = info(&path.join("base.qcow2"));
    assert_eq!((found["cluster-size"].as_u64(), found["virtual-size"].as_u64()), (Some(128 << 10), Some(64 << 20)));
    assert_eq!(found["format-specific"]["data"]["lazy-refcounts"], true);
    // Its size is that of what it is laid over.
    let top = format!(
        "<volume><name>top.qcow2</name><target><format type='qcow2'/></target><backingStore><path>{}</path><format type='qcow2'/></backingStore></volume>",
        path.join("base.qcow2").display()
    );
    let top = service.make("images", &top).await.unwrap();
    assert_eq!(top.capacity().await.unwrap(), 64 << 20);
    assert_eq!(info(&path.join("top.qcow2"))["backing-filename-format"], "qcow2");
    assert_eq!(top.backing_path().await.unwrap(), path.join("base.qcow2").to_str().unwrap());
    for format in ["qed", "vmdk", "vdi", "vpc"] {
        let made = service.make("images", &volume(&format!("a.{format}"), format, 4 << 20, "")).await.unwrap();
        assert_eq!(made.format().await.unwrap(), format);
    }
    assert_eq!(kind(service.make("images", &volume("a.iso", "iso", 1, "")).await), "NotSupported");
    let directory = service.make("images", &volume("folder", "dir", 0, "")).await.unwrap();
    assert_eq!(directory.kind().await.unwrap(), "dir");
    directory.delete(&NONE).await.unwrap();
    assert!(!path.join("folder").exists());
    let mode = std::fs::metadata(path.join("top.qcow2")).unwrap().permissions().mode() & 0o7777;
    assert_eq!(mode, 0o600);
}
