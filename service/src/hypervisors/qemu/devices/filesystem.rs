//! `<filesystem>`: directories of the host that the guest mounts, by 9p or virtiofs.

use std::path::{Path, PathBuf};

use lodge_model::domain::devices::{
    AccessMode, Filesystem, FilesystemBinary, FilesystemCacheMode, FilesystemDriverType, FilesystemSource, Multidevs, SandboxMode,
};
use lodge_model::xml::OnOff;

use super::virtio;
use crate::hypervisors::qemu::command::{Draft, boot_index};
use crate::hypervisors::qemu::plan::Companion;
use crate::hypervisors::qemu::props::{Options, Props};
use crate::hypervisors::qemu::refusal::Refusal;
use crate::hypervisors::qemu::{alias, buses};
use crate::hypervisors::resources::{Access, LabelClass};

/// Adds a shared directory.
///
/// # Errors
/// A source that is no directory, a missing program, or no place.
pub fn add(draft: &mut Draft<'_>, filesystem: &Filesystem) -> Result<(), Refusal> {
    let name = alias::of(filesystem.alias.as_ref());
    let Some(target) = &filesystem.target else {
        return Err(Refusal::invalid("<filesystem> needs <target dir='…'/>, the name that the guest mounts it by: add it"));
    };
    let source = filesystem.source_view()?;
    match (filesystem.driver_type(), source) {
        (FilesystemDriverType::Path, FilesystemSource::Mount { dir }) => plan9(draft, filesystem, name, dir, &target.dir),
        (FilesystemDriverType::Virtiofs, FilesystemSource::Mount { dir }) => {
            let socket = virtiofsd(draft, filesystem, name, dir)?;
            virtiofs(draft, filesystem, name, &socket, &target.dir)
        }
        (FilesystemDriverType::Virtiofs, FilesystemSource::Socket { path }) => {
            draft.resource(path, Access::ReadWrite, LabelClass::Socket);
            virtiofs(draft, filesystem, name, Path::new(path), &target.dir)
        }
        (driver, _) => Err(Refusal::unsupported(format!(
            "<filesystem> '{}' is of type '{}' with the driver '{driver}', which this version cannot do: use type='mount' with <driver type='virtiofs'/>",
            target.dir,
            filesystem.kind.unwrap_or_default()
        ))),
    }
}

fn access(filesystem: &Filesystem) -> Access {
    if filesystem.readonly { Access::Read } else { Access::ReadWrite }
}

fn plan9(draft: &mut Draft<'_>, filesystem: &Filesystem, name: &str, dir: &str, tag: &str) -> Result<(), Refusal> {
    let model = match filesystem.access_mode.unwrap_or_default() {
        AccessMode::Passthrough => "passthrough",
        AccessMode::Mapped => "mapped",
        AccessMode::Squash => "none",
    };
    draft.resource(dir, access(filesystem), LabelClass::Directory);
    let id = format!("fsdev-{name}");
    let multidevs = filesystem.multidevs.filter(|multidevs| *multidevs != Multidevs::Default);
    let back_end = Options::new("local").with("security_model", model).with("id", &id).with("path", dir);
    let back_end = back_end
        .opt("multidevs", multidevs)
        .opt("fmode", filesystem.file_mode.clone())
        .opt("dmode", filesystem.directory_mode.clone())
        .opt_on("readonly", filesystem.readonly.then_some(true));
    draft.option("-fsdev", back_end.render());
    let place = buses::pci(draft, name, filesystem.address.as_ref())?;
    let front_end = Props::device(&virtio::name("virtio-9p", filesystem.model)).with("id", name).with("fsdev", id).with("mount_tag", tag);
    draft.device("<filesystem>", front_end.and(virtio::transport!(filesystem.driver.as_ref())).and(place))
}

fn virtiofs(draft: &mut Draft<'_>, filesystem: &Filesystem, name: &str, socket: &Path, tag: &str) -> Result<(), Refusal> {
    let chardev = format!("chr-{name}");
    draft.option("-chardev", Options::new("socket").with("id", &chardev).with("path", socket.display()).render());
    let place = buses::pci(draft, name, filesystem.address.as_ref())?;
    let front_end = Props::device("vhost-user-fs-pci").with("id", name).with("chardev", chardev).with("tag", tag);
    let queue = filesystem.driver.as_ref().and_then(|driver| driver.queue);
    let front_end = front_end.opt("queue-size", queue).opt("bootindex", boot_index(draft.domain, name));
    draft.device("<filesystem>", front_end.and(place))
}

/// virtiofsd beside QEMU. The options with `-o` are understood by that in C (QEMU 7.2) and that in Rust.
fn virtiofsd(draft: &mut Draft<'_>, filesystem: &Filesystem, name: &str, dir: &str) -> Result<PathBuf, Refusal> {
    let binary = filesystem.binary.as_deref();
    let written = binary.and_then(|binary| binary.path.clone()).map(PathBuf::from);
    let Some(program) = written.or_else(|| draft.input.programs.virtiofsd.clone()) else {
        return Err(Refusal::unsupported(
            "<filesystem> with the driver 'virtiofs' needs virtiofsd, which is not installed: install it (package virtiofsd on Debian, qemu-system-common on Debian 12), or use <driver type='path'/>",
        ));
    };
    draft.resource(dir, access(filesystem), LabelClass::Directory);
    let socket = draft.input.runtime.join(format!("{name}.sock"));
    draft.resource(&socket, Access::ReadWrite, LabelClass::Socket);
    let mut arguments = vec![format!("--socket-path={}", socket.display()), "-o".to_owned(), format!("source={dir}")];
    arguments.extend(binary.map(virtiofsd_options).unwrap_or_default());
    draft.companion(Companion { alias: name.to_owned(), program, arguments, socket: socket.clone(), key: None });
    Ok(socket)
}

fn virtiofsd_options(binary: &FilesystemBinary) -> Vec<String> {
    let switch = |name: &str, value: Option<OnOff>| value.map(|OnOff(on)| format!("{}{name}", if on { "" } else { "no_" }));
    let lock = binary.lock.as_ref();
    let cache = binary.cache.as_ref().and_then(|cache| cache.mode).map(|mode| match mode {
        FilesystemCacheMode::None => "cache=none".to_owned(),
        FilesystemCacheMode::Always => "cache=always".to_owned(),
    });
    let sandbox = binary.sandbox.as_ref().and_then(|sandbox| sandbox.mode).map(|mode: SandboxMode| format!("sandbox={mode}"));
    let options = [
        cache,
        sandbox,
        switch("xattr", binary.xattr),
        switch("flock", lock.and_then(|lock| lock.flock)),
        switch("posix_lock", lock.and_then(|lock| lock.posix)),
    ];
    let mut arguments: Vec<_> = options.into_iter().flatten().flat_map(|option| ["-o".to_owned(), option]).collect();
    arguments.extend(binary.thread_pool.as_ref().and_then(|pool| pool.size).map(|size| format!("--thread-pool-size={size}")));
    arguments.extend(binary.open_files.as_ref().and_then(|files| files.max).map(|max| format!("--rlimit-nofile={max}")));
    arguments
}
