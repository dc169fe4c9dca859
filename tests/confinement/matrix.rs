//! Layer by layer, what a hostile program in QEMU's place is refused by that layer alone, by none, and by all together.
//!
//! The expectations are the table of docs/security.md: `UPDATE_EXPECT=1` writes it there.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use lodge_service::confinement::Stack;
use lodge_service::host::process::{ProcessSpec, Signal, launch};
use lodge_service::hypervisors::confine::Subject;

use crate::host::{GUEST, Host, MOST_FILES, Running, STRANGER, image, own};

const LAYERS: [&str; 5] = ["dac", "capabilities", "namespaces", "limits", "seccomp"];

/// An attempt: as the hostile program has it, in words, and the layers that refuse it by themselves.
type Row = (&'static str, &'static str, &'static [&'static str]);

#[rustfmt::skip]
const MATRIX: &[Row] = &[
    ("write/own", "use its own disk", &[]),
    ("read/stranger", "read the disk of a guest of another user", &["dac", "capabilities"]),
    ("read/root", "read a file of root", &["dac"]),
    ("read/neighbour", "read the firmware variables of another guest of the same user", &["namespaces"]),
    ("list/neighbour", "list the sockets of another guest", &["namespaces"]),
    ("read/secret", "read a file of the service", &["dac", "namespaces"]),
    ("read/device", "open a device of the host", &["dac", "namespaces"]),
    ("mknod", "make a device node and open it", &["dac", "capabilities"]),
    ("mount", "mount a file system", &["dac", "capabilities", "seccomp"]),
    ("change-user", "become another user", &["dac", "capabilities"]),
    ("raw-socket", "open a raw network socket", &["dac", "capabilities"]),
    ("set-uid", "get privileges from a set-uid program", &["capabilities"]),
    ("trace/neighbour", "trace another guest of the same user", &["seccomp"]),
    ("trace/host", "trace a process of root", &["dac", "capabilities", "seccomp"]),
    ("signal/host", "signal a process of root", &["dac"]),
    ("namespace", "make a user namespace", &["seccomp"]),
    ("files", "open more files than it may", &["limits"]),
];

/// A host with everything that is attempted, and a device node in `/dev` that goes with it.
struct Scene {
    host: Host,
    device: std::path::PathBuf,
}

impl Scene {
    fn new() -> Self {
        let host = Host::new();
        let device = Path::new("/dev").join(format!("lodge-test-{}", std::process::id()));
        let mode = rustix::fs::Mode::from_raw_mode(0o600);
        let null = rustix::fs::makedev(1, 3);
        rustix::fs::mknodat(rustix::fs::CWD, &device, rustix::fs::FileType::CharacterDevice, mode, null).unwrap();
        host.file("own.img", 0, 0o600);
        host.file("stranger.img", STRANGER, 0o600);
        host.file("root.txt", 0, 0o600);
        host.folder("private");
        host.file("private/secret.txt", 0, 0o600);
        // As it is while the neighbour runs.
        host.file("private/neighbour.fd", GUEST, 0o644);
        host.folder("run");
        host.folder("run/neighbour");
        host.hostile("set-uid", 0o4755);
        Self { host, device }
    }

    fn guest(&self) -> Subject {
        self.host.guest("one", "", vec![image(&self.host.path("own.img"))])
    }

    fn arguments(&self, guest: &Subject, neighbour: i32, root: i32) -> Vec<String> {
        let path = |name: &str| self.host.path(name).display().to_string();
        let what = |attempt: &str| match attempt {
            "write/own" => path("own.img"),
            "read/stranger" => path("stranger.img"),
            "read/root" => path("root.txt"),
            "read/neighbour" => path("private/neighbour.fd"),
            "list/neighbour" => path("run/neighbour"),
            "read/secret" => path("private/secret.txt"),
            "read/device" => self.device.display().to_string(),
            "mknod" => guest.runtime.join("node").display().to_string(),
            "mount" => guest.runtime.display().to_string(),
            "change-user" => STRANGER.to_string(),
            "set-uid" => path("set-uid"),
            "trace/neighbour" => neighbour.to_string(),
            "trace/host" | "signal/host" => root.to_string(),
            "files" => (2 * MOST_FILES).to_string(),
            _ => String::new(),
        };
        MATRIX.iter().map(|(attempt, ..)| format!("{attempt}={}", what(attempt))).collect()
    }

    /// What a hostile program is refused under these layers.
    async fn refused(&self, layers: &[&str]) -> Vec<String> {
        let stack = Stack::new(layers.iter().map(|name| self.host.layer(name)).collect());
        let confine: Arc<dyn lodge_service::hypervisors::confine::Confine> = Arc::new(stack);
        let (guest, neighbour) = (self.guest(), self.host.guest("neighbour", "", Vec::new()));
        let confined = confine.plan(&guest).await.unwrap();
        let of_neighbour = confine.plan(&neighbour).await.unwrap();
        for confined in [&confined, &of_neighbour].into_iter().flatten() {
            confined.apply().await.unwrap();
        }
        let neighbour = Running::start(of_neighbour.as_deref(), &neighbour, &["wait".to_owned()]).await;
        let root = launch(ProcessSpec::new(self.host.path("hostile")).arguments(["wait"])).await.unwrap();
        let arguments = self.arguments(&guest, neighbour.process.pid(), root.pid());
        let report = Running::start(confined.as_deref(), &guest, &arguments).await.report().await;
        root.signal(Signal::KILL).unwrap();
        for confined in [confined, of_neighbour].into_iter().flatten() {
            confined.release().await.unwrap();
        }
        // The directory of a run ends with it.
        own(&guest.runtime, 0, 0o755);
        assert_eq!(report.lines().count(), MATRIX.len(), "{report}");
        report.lines().filter_map(|line| Some(line.split_once(" refused")?.0.to_owned())).collect()
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        std::fs::remove_file(&self.device).unwrap();
    }
}

#[tokio::test]
async fn every_layer_refuses_by_itself_what_it_is_there_for() {
    let scene = Scene::new();
    assert_eq!(scene.refused(&[]).await, Vec::<String>::new(), "nothing is refused for other reasons");
    for layer in LAYERS {
        let expected: Vec<_> = MATRIX.iter().filter(|(.., by)| by.contains(&layer)).map(|(attempt, ..)| *attempt).collect();
        assert_eq!(scene.refused(&[layer]).await, expected, "{layer} by itself");
    }
    let expected: Vec<_> = MATRIX.iter().filter(|(.., by)| !by.is_empty()).map(|(attempt, ..)| *attempt).collect();
    assert_eq!(scene.refused(&LAYERS).await, expected, "all together");
}

#[test]
fn the_documentation_has_this_table() {
    let mut table = format!("| attempt | {} | together |\n|---|{}---|\n", LAYERS.join(" | "), "---|".repeat(LAYERS.len()));
    for (_, words, by) in MATRIX {
        let cell = |refuses: bool| if refuses { "refused" } else { "" };
        let cells = LAYERS.map(|layer| cell(by.contains(&layer))).join(" | ");
        writeln!(table, "| {words} | {cells} | {} |", if by.is_empty() { "allowed" } else { "refused" }).unwrap();
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/security.md");
    let (begin, end) = ("<!-- matrix: begin -->\n\n", "\n<!-- matrix: end -->");
    let text = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = text.split_once(begin).expect("the place for the table");
    let (found, after) = rest.split_once(end).expect("the end of the table");
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(&path, format!("{before}{begin}{table}{end}{after}")).unwrap();
    } else {
        assert_eq!(found, table, "UPDATE_EXPECT=1 writes it");
    }
}
