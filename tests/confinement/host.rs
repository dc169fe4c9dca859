//! A small host for guests to be kept from: their files, the service's, and somebody else's.

use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use lodge_model::document::Document as _;
use lodge_model::domain::Domain;
use lodge_service::confinement::capabilities::Capabilities;
use lodge_service::confinement::dac::{self, Dac};
use lodge_service::confinement::limits::Limits;
use lodge_service::confinement::namespaces::Namespaces;
use lodge_service::confinement::seccomp::Seccomp;
use lodge_service::host::boot;
use lodge_service::host::process::{Exit, Process, ProcessSpec, Signal, hold};
use lodge_service::hypervisors::confine::{Confine, Confined, Program, Subject};
use lodge_service::hypervisors::resources::{Access, HostResource, LabelClass};
use lodge_tests::binaries;
use uuid::Uuid;

/// Whom guests run as, and somebody else: numbers that nobody has.
pub const GUEST: u32 = 54_321;
pub const STRANGER: u32 = 54_322;
/// Open files that a guest may have.
pub const MOST_FILES: u64 = 64;

/// A host with a directory of its own.
pub struct Host {
    pub directory: tempfile::TempDir,
}

impl Host {
    /// # Panics
    /// Not root.
    pub fn new() -> Self {
        assert!(rustix::process::geteuid().is_root(), "the confinement tests change owners and mounts: run them as root (make test does)");
        let directory = tempfile::tempdir().unwrap();
        std::fs::set_permissions(directory.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        let host = Self { directory };
        host.hostile("hostile", 0o755);
        host
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// A file with an owner and permissions.
    pub fn file(&self, name: &str, owner: u32, mode: u32) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, "something").unwrap();
        own(&path, owner, mode);
        path
    }

    /// A directory that can be searched.
    pub fn folder(&self, name: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(&path).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    /// The hostile program where everybody can execute it.
    pub fn hostile(&self, name: &str, mode: u32) -> PathBuf {
        let path = self.path(name);
        // By another process: a file that this one has open for writing, or a child of another test, cannot be executed.
        assert!(binaries::command("cp").arg(env!("CARGO_BIN_EXE_hostile")).arg(&path).status().unwrap().success());
        own(&path, 0, mode);
        path
    }

    /// A guest with these files.
    pub fn guest(&self, name: &str, seclabel: &str, resources: Vec<HostResource>) -> Subject {
        let xml = format!("<domain type='qemu'><name>{name}</name><memory>65536</memory><os><type>hvm</type></os>{seclabel}</domain>");
        let (domain, _) = Domain::parse(&xml).unwrap();
        let runtime = self.folder(&format!("run/{name}"));
        Subject { domain, uuid: Uuid::new_v4(), id: 1, runtime, log: self.path("log"), programs: vec![self.path("hostile")], resources }
    }

    /// A layer by its name, as the system instance has it.
    pub fn layer(&self, name: &str) -> Arc<dyn Confine> {
        match name {
            "dac" => Arc::new(self.dac(true)),
            "capabilities" => Arc::new(Capabilities { no_new_privs_before_exec: true }),
            "namespaces" => {
                let devices = ["null", "zero", "full", "random", "urandom", "ptmx", "kvm"].map(|name| Path::new("/dev").join(name));
                Arc::new(Namespaces { devices: devices.to_vec(), private: vec![self.folder("run"), self.folder("private")] })
            }
            "limits" => Arc::new(Limits { files: Some(MOST_FILES), ..Limits::default() }),
            "seccomp" => Arc::new(Seccomp),
            other => panic!("no layer {other}"),
        }
    }

    /// Users and owners.
    pub fn dac(&self, remember_owner: bool) -> Dac {
        let options = dac::Options { user: format!("+{GUEST}"), group: Some(format!("+{GUEST}")), dynamic_ownership: true, remember_owner };
        Dac::new(options, boot::id().unwrap())
    }
}

/// Sets owner and permissions.
pub fn own(path: &Path, owner: u32, mode: u32) {
    chown(path, Some(owner), Some(owner)).unwrap();
    // Second: a change of owner takes the set-uid bit away.
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

/// Whom a file belongs to.
pub fn owner(path: &Path) -> u32 {
    std::os::unix::fs::MetadataExt::uid(&path.metadata().unwrap())
}

/// An image that belongs to a guest alone.
pub fn image(path: &Path) -> HostResource {
    HostResource::new(path, Access::ReadWrite, LabelClass::Image)
}

/// A program that runs under a guest's confinement. Killed when dropped.
pub struct Running {
    pub process: Process,
    output: PathBuf,
}

impl Running {
    /// Starts the guest's program as the driver does: held until it is admitted.
    pub async fn start(confined: Option<&dyn Confined>, guest: &Subject, arguments: &[String]) -> Self {
        let output = guest.runtime.with_extension("report");
        let mut spec = ProcessSpec::new(&guest.programs[0]).arguments(arguments);
        spec.output = Some(std::fs::File::create(&output).unwrap().into());
        let mut steps = confined.map(|confined| confined.steps(Program::Hypervisor).unwrap()).unwrap_or_default();
        steps.sort_by_key(|(stage, _)| *stage);
        spec.steps = steps.into_iter().map(|(_, step)| step).collect();
        let held = hold(spec).await.unwrap();
        if let Some(confined) = confined {
            confined.admit(held.process()).await.unwrap();
        }
        Self { process: held.release().await.unwrap(), output }
    }

    /// Waits for its end; answers with what it printed.
    pub async fn report(self) -> String {
        let exit = self.process.exited().await;
        let report = std::fs::read_to_string(&self.output).unwrap();
        assert_eq!(exit, Exit::Code(0), "{report}");
        report
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.process.signal(Signal::KILL).unwrap();
    }
}
