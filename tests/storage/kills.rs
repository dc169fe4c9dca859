//! `lodged` killed in the middle of work on a volume, and started again by the next call: nothing half-made is there, what was
//! done in place is told, and what was read is as it was.

use std::ffi::OsStr;
use std::io::Write as _;
use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};

use futures_util::StreamExt as _;
use lodge_dbus_interfaces::BUS_NAME;
use lodge_dbus_interfaces::options::{BuildOptions, PoolStartOptions, ResizeOptions, TransferOptions, VolumeOptions, WipeOptions};
use lodge_dbus_interfaces::types::WipeAlgorithm;
use lodge_tests::binaries;
use lodge_tests::bus::PrivateBus;
use rustix::process::{Pid, Signal, kill_process};
use zbus::OwnedObjectPath;
use zbus::fdo::{DBusProxy, NameOwnerChangedStream, PropertiesProxy};

use super::devices::{Loop, appears, entries, run};
use super::service::{NONE, Service, soon, volume};

const AT_ONCE: VolumeOptions = VolumeOptions { preallocate_metadata: false, no_wait: true };

/// A bus with a service that is killed.
struct Doomed {
    service: Service,
    watcher: DBusProxy<'static>,
    owners: NameOwnerChangedStream,
    bus: PrivateBus,
}

impl Doomed {
    async fn new() -> Self {
        Self::on(PrivateBus::with_lodged(&[])).await
    }

    /// One whose service is killed as it makes a system call for the first time.
    async fn at(call: &str) -> Self {
        let strace = binaries::installed("strace", "strace");
        let directory = tempfile::TempDir::new().unwrap();
        let exec = format!(
            "{} -f -b execve -qq -o /dev/null -e trace={call} -e inject={call}:signal=KILL:when=1 {} --session --root {}",
            strace.display(),
            binaries::built("lodged").display(),
            directory.path().join("lodge").display()
        );
        let text = format!("[D-BUS Service]\nName={BUS_NAME}\nExec={exec}\n");
        Self::on(PrivateBus::with_service(directory, &text)).await
    }

    async fn on(bus: PrivateBus) -> Self {
        let watcher = DBusProxy::new(&bus.connect().await).await.unwrap();
        let owners = watcher.receive_name_owner_changed_with_args(&[(0, BUS_NAME)]).await.unwrap();
        Self { service: Service::on_bus(bus.connect().await), watcher, owners, bus }
    }

    async fn kill(&mut self) {
        let pid = self.watcher.get_connection_unix_process_id(BUS_NAME.try_into().unwrap()).await.unwrap();
        kill_process(Pid::from_raw(i32::try_from(pid).unwrap()).unwrap(), Signal::KILL).unwrap();
        self.until_gone().await;
    }

    async fn until_gone(&mut self) {
        let gone = async {
            while let Some(change) = self.owners.next().await {
                if change.args().unwrap().new_owner().is_none() {
                    return;
                }
            }
        };
        soon("the end of the service", gone).await;
    }

    /// Waits until a job tells that it has done something, and makes sure that it is not done.
    async fn under_way(&self, job: OwnedObjectPath) {
        let told = PropertiesProxy::builder(&self.service.client).destination(BUS_NAME).path(job.clone()).build();
        let mut changes = told.await.unwrap().receive_properties_changed().await.unwrap();
        let job = self.service.job(job).await;
        // It may have been told before anybody listened.
        if job.progress().await.unwrap() == 0.0 {
            soon("progress", changes.next()).await.unwrap();
        }
        assert_eq!(job.state().await.unwrap().as_str(), "running", "it was too fast");
    }

    async fn warnings(&self, pool: &str) -> Vec<String> {
        self.service.pool(pool).await.warnings().await.unwrap_or_else(|error| panic!("{error}\n{}", self.bus.log()))
    }
}

/// Bytes that are not zero, and nowhere the same for long.
fn content(length: usize) -> Vec<u8> {
    (0..length).map(|at| u8::try_from((at / 7 + at / 65_536) % 251).unwrap() + 1).collect()
}

fn encrypted(name: &str, format: &str, mebibytes: u64) -> String {
    format!(
        "<volume><name>{name}</name><capacity unit='MiB'>{mebibytes}</capacity><target><format type='{format}'/><encryption format='default'/>\
         </target></volume>"
    )
}

fn names(path: &Path) -> Vec<PathBuf> {
    entries(path)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_volume_that_was_being_made_or_cloned_is_not_there() {
    let mut doomed = Doomed::new().await;
    let (pool, path) = doomed.service.directory_pool("images").await;
    doomed.service.make("images", &volume("a.img", "raw", 8 << 20, "")).await.unwrap();
    std::fs::write(path.join("a.img"), content(8 << 20)).unwrap();
    let source = doomed.service.volume("images", "a.img").await.inner().path().to_owned();
    for clone in [false, true] {
        // A key is derived from a passphrase for some seconds; that is long enough.
        let xml = encrypted("b.img", if clone { "qcow2" } else { "raw" }, 8);
        let started = if clone { pool.clone_volume(&xml, &source, &AT_ONCE).await } else { pool.create_volume(&xml, &AT_ONCE).await };
        started.unwrap();
        let hidden = |name: &str| name.starts_with(".lodge-new-");
        appears(&path, hidden).await;
        doomed.kill().await;
        assert!(names(&path).iter().any(|name| hidden(name.to_str().unwrap())), "it was too fast");
        // The next service is started by this call, and looks before it answers.
        assert_eq!(doomed.service.volumes("images").await, ["a.img"]);
        assert_eq!(names(&path), [PathBuf::from("a.img")], "{}", doomed.bus.log());
        let secret = doomed.service.manager().await.get_secret(&format!("volume:{}", path.join("b.img").display())).await;
        assert!(secret.is_err(), "the secret of a volume that is not there");
        assert!(std::fs::read(path.join("a.img")).unwrap() == content(8 << 20));
        assert_eq!(doomed.warnings("images").await, Vec::<String>::new());
    }
    soon("a clone", pool.clone_volume(&volume("b.img", "raw", 8 << 20, ""), &source, &Default::default())).await.unwrap();
    assert!(std::fs::read(path.join("b.img")).unwrap() == content(8 << 20));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partition_that_was_being_filled_is_not_there() {
    let mut doomed = Doomed::new().await;
    let (_, path) = doomed.service.directory_pool("images").await;
    doomed.service.make("images", &volume("a.img", "raw", 8 << 20, "")).await.unwrap();
    std::fs::write(path.join("a.img"), content(8 << 20)).unwrap();
    let source = doomed.service.volume("images", "a.img").await.inner().path().to_owned();
    for format in ["gpt", "dos"] {
        let device = Loop::new(64 << 20);
        let xml = format!(
            "<pool type='disk'><name>{format}</name><source><device path='{}'/><format type='{format}'/></source><target><path>/dev</path></target></pool>",
            device.device
        );
        doomed.service.define(&xml).await.unwrap();
        let pool = doomed.service.pool(format).await;
        soon("building", pool.build(&BuildOptions::default())).await.unwrap();
        soon("a start", pool.start(&PoolStartOptions::default())).await.unwrap();
        let first = format!("{}p1", device.name());
        let filled = format!("<volume><name>{first}</name><target><encryption format='default'/></target></volume>");
        pool.clone_volume(&filled, &source, &AT_ONCE).await.unwrap();
        let wanted = first.clone();
        appears(Path::new("/dev"), move |name| name == wanted).await;
        doomed.kill().await;
        assert!(Path::new("/dev").join(&first).exists(), "it was too fast");
        assert_eq!(doomed.service.volumes(format).await, Vec::<String>::new(), "{}", doomed.bus.log());
        assert!(!Path::new("/dev").join(&first).exists(), "{}", doomed.bus.log());
        let table: serde_json::Value = serde_json::from_str(&run("sfdisk", "fdisk", &["--json", &device.device])).unwrap();
        assert!(table["partitiontable"]["partitions"].as_array().is_none_or(Vec::is_empty), "{table}");
        // And to the end.
        let plain = format!("<volume><name>{first}</name></volume>");
        soon("a clone", pool.clone_volume(&plain, &source, &Default::default())).await.unwrap();
        assert_eq!(doomed.service.volumes(format).await, [first.as_str()]);
        assert!(std::fs::read(Path::new("/dev").join(&first)).unwrap() == content(8 << 20), "{format}");
        pool.stop(&NONE).await.unwrap();
        pool.undefine(&NONE).await.unwrap();
    }
    assert!(std::fs::read(path.join("a.img")).unwrap() == content(8 << 20));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_done_in_place_is_told_until_it_is_done_again() {
    let mut doomed = Doomed::new().await;
    let (_, path) = doomed.service.directory_pool("images").await;
    let made = doomed.service.make("images", &volume("a.img", "raw", 64 << 20, "")).await.unwrap();
    std::fs::write(path.join("a.img"), content(64 << 20)).unwrap();
    // 35 passes: long enough.
    let job = made.wipe(&WipeOptions { algorithm: WipeAlgorithm::Gutmann, no_wait: true }).await.unwrap();
    doomed.under_way(job).await;
    doomed.kill().await;
    let told = doomed.warnings("images").await;
    assert!(told.len() == 1 && told[0].starts_with("volume 'a.img' was being wiped when the service ended"), "{told:?}");
    // What it writes comes by a way of its own.
    let logged = async {
        while !doomed.bus.log().contains(&told[0]) {
            tokio::task::yield_now().await;
        }
    };
    soon("the same in the log", logged).await;
    assert_eq!(made.capacity().await.unwrap(), 64 << 20);
    // It is told also by the one after the next.
    doomed.kill().await;
    assert_eq!(doomed.warnings("images").await, told);
    soon("a wipe", made.wipe(&WipeOptions::default())).await.unwrap();
    assert_eq!(doomed.warnings("images").await, Vec::<String>::new());
    assert!(std::fs::read(path.join("a.img")).unwrap().iter().all(|byte| *byte == 0));

    let (reader, mut writer) = std::io::pipe().unwrap();
    let job = made.upload(reader.as_fd().into(), &TransferOptions { length: 64 << 20, no_wait: true, ..Default::default() }).await.unwrap();
    let progress = doomed.under_way(job);
    writer.write_all(&content(1 << 16)).unwrap();
    progress.await;
    doomed.kill().await;
    let told = doomed.warnings("images").await;
    assert!(told.len() == 1 && told[0].starts_with("volume 'a.img' was being uploaded to"), "{told:?}");
    assert_eq!(made.capacity().await.unwrap(), 64 << 20);
    made.delete(&NONE).await.unwrap();
    assert_eq!(doomed.warnings("images").await, Vec::<String>::new());
    assert_eq!(names(&path), Vec::<PathBuf>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_resize_that_was_interrupted_is_told() {
    let mut doomed = Doomed::at("fallocate").await;
    let (_, path) = doomed.service.directory_pool("images").await;
    let made = doomed.service.make("images", &volume("a.img", "raw", 8 << 20, "")).await.unwrap();
    std::fs::write(path.join("a.img"), content(8 << 20)).unwrap();
    let allocate = ResizeOptions { allocate: true, ..Default::default() };
    assert!(soon("the kill", made.resize(16 << 20, &allocate)).await.is_err());
    doomed.until_gone().await;
    let told = doomed.warnings("images").await;
    assert!(told.len() == 1 && told[0].starts_with("volume 'a.img' was being resized"), "{told:?}\n{}", doomed.bus.log());
    // What is told of it is how it is.
    let length = std::fs::metadata(path.join("a.img")).unwrap().len();
    assert_eq!(made.capacity().await.unwrap(), length);
    assert!(std::fs::read(path.join("a.img")).unwrap()[..8 << 20] == content(8 << 20));
    soon("growing", made.resize(16 << 20, &ResizeOptions::default())).await.unwrap();
    assert_eq!((made.capacity().await.unwrap(), doomed.warnings("images").await), (16 << 20, Vec::new()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_of_the_service_ends_with_it() {
    let mut doomed = Doomed::new().await;
    let (pool, path) = doomed.service.directory_pool("images").await;
    pool.create_volume(&encrypted("b.img", "raw", 8), &AT_ONCE).await.unwrap();
    appears(&path, |name| name.starts_with(".lodge-new-")).await;
    // Programs have the directory open, and nothing else here has but the service.
    let programs = tokio::task::spawn_blocking(move || {
        loop {
            if let Some(pid) = pids().into_iter().find(|pid| is_qemu_img_in(*pid, &path)) {
                return (pid, rustix::process::pidfd_open(pid, rustix::process::PidfdFlags::empty()).unwrap());
            }
            std::thread::yield_now();
        }
    });
    let (pid, pidfd) = soon("qemu-img", programs).await.unwrap();
    // Stopped, it does not end by itself.
    kill_process(pid, Signal::STOP).unwrap();
    doomed.kill().await;
    let ended = tokio::task::spawn_blocking(move || {
        let patience = rustix::event::Timespec { tv_sec: 60, tv_nsec: 0 };
        let ended = rustix::event::poll(&mut [rustix::event::PollFd::new(&pidfd, rustix::event::PollFlags::IN)], Some(&patience)).unwrap();
        // Otherwise it would stay as it is.
        rustix::process::pidfd_send_signal(&pidfd, Signal::KILL).ok();
        ended
    });
    assert_eq!(ended.await.unwrap(), 1, "qemu-img outlives the service");
}

fn pids() -> Vec<Pid> {
    let numbers = std::fs::read_dir("/proc").unwrap().filter_map(|entry| entry.unwrap().file_name().to_str()?.parse().ok());
    numbers.filter_map(Pid::from_raw).collect()
}

fn is_qemu_img_in(pid: Pid, directory: &Path) -> bool {
    let proc = PathBuf::from(format!("/proc/{}", pid.as_raw_nonzero()));
    let is_qemu_img = std::fs::read_link(proc.join("exe")).is_ok_and(|exe| exe.file_name() == Some(OsStr::new("qemu-img")));
    let files = std::fs::read_dir(proc.join("fd")).into_iter().flatten().flatten();
    is_qemu_img && files.filter_map(|file| std::fs::read_link(file.path()).ok()).any(|file| file.starts_with(directory))
}
