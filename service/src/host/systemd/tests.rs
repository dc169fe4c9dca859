//! The dialogue with systemd, against a manager of our own on a connection without a bus between.

use std::os::unix::net::UnixStream;
use std::sync::Mutex;

use zbus::OwnedVariant;
use zbus::object_server::SignalEmitter;

use super::*;

/// What a test's manager answers, and what it was asked.
struct FakeManager {
    answer: Answer,
    asked: std::sync::Arc<Mutex<Vec<String>>>,
}

enum Answer {
    Job(&'static str),
    Error(fn() -> zbus::fdo::Error),
}

#[zbus::interface(name = "org.freedesktop.systemd1.Manager")]
impl FakeManager {
    async fn start_transient_unit(
        &self,
        name: String,
        mode: String,
        properties: Vec<(String, OwnedVariant)>,
        _auxiliary: Vec<(String, Vec<(String, OwnedVariant)>)>,
        #[zbus(signal_emitter)] emitter: SignalEmitter<'_>,
    ) -> zbus::fdo::Result<OwnedObjectPath> {
        let shown = properties.iter().map(|(key, value)| format!("{key}={value:?}")).collect::<Vec<_>>().join(" ");
        self.asked.lock().unwrap().push(format!("{name} {mode} {shown}"));
        let result = match &self.answer {
            Answer::Error(error) => return Err(error()),
            Answer::Job(result) => *result,
        };
        let job = |number: u32| OwnedObjectPath::try_from(format!("/org/freedesktop/systemd1/job/{number}")).unwrap();
        // Another client's job first, then ours, before the answer: as fast as it can be.
        Self::job_removed(&emitter, 1, job(1), "other.service".into(), "failed".into()).await?;
        Self::job_removed(&emitter, 2, job(2), name, result.into()).await?;
        Ok(job(2))
    }

    #[zbus(signal)]
    async fn job_removed(emitter: &SignalEmitter<'_>, id: u32, job: OwnedObjectPath, unit: String, result: String) -> zbus::Result<()>;
}

async fn ask(answer: Answer) -> (Result<(), ScopeError>, Vec<String>) {
    let (ours, theirs) = UnixStream::pair().unwrap();
    let asked = std::sync::Arc::default();
    let manager = FakeManager { answer, asked: std::sync::Arc::clone(&asked) };
    let server = zbus::connection::Builder::unix_stream(theirs)
        .server(zbus::Guid::generate())
        .p2p()
        .serve_at("/org/freedesktop/systemd1", manager)
        .build();
    let client = zbus::connection::Builder::unix_stream(ours).p2p().build();
    let (_server, client) = tokio::try_join!(server, client).unwrap();
    let scope = Scope { unit: "lodge-qemu-x.scope", description: "Guest x", slice: &Slice::App, limits: &Limits::default() };
    let result = make_scope(&client, scope, 4711).await;
    let asked = asked.lock().unwrap().clone();
    (result, asked)
}

#[tokio::test]
async fn a_scope_is_asked_for_and_its_own_job_awaited() {
    let (result, asked) = ask(Answer::Job("done")).await;
    result.unwrap();
    let expected = "lodge-qemu-x.scope fail";
    assert!(asked[0].starts_with(expected), "{asked:?}");
    for part in ["PIDs", "4711", "Slice", "app.slice", "Guest x", "CollectMode", "inactive-or-failed"] {
        assert!(asked[0].contains(part), "{part} is not in {asked:?}");
    }
}

#[tokio::test]
async fn a_failed_job_and_a_refusal_say_why() {
    let error = ask(Answer::Job("timeout")).await.0.unwrap_err();
    assert!(error.to_string().contains("its job ended as \"timeout\""), "{error}");
    let refusal = || zbus::fdo::Error::AccessDenied("no".to_owned());
    let error = ask(Answer::Error(refusal)).await.0.unwrap_err();
    assert!(matches!(error, ScopeError::Refused { .. }), "{error:?}");
}

#[tokio::test]
async fn a_bus_without_systemd_is_told_apart() {
    for absent in [(|| zbus::fdo::Error::ServiceUnknown("x".to_owned())) as fn() -> zbus::fdo::Error, || {
        zbus::fdo::Error::NameHasNoOwner("x".to_owned())
    }] {
        let error = ask(Answer::Error(absent)).await.0.unwrap_err();
        assert!(matches!(error, ScopeError::NoSystemd), "{error:?}");
    }
}

#[test]
fn limits_become_properties() {
    let limits = Limits {
        devices: Some(
            [(DeviceKind::Character, 1, Some(3), true), (DeviceKind::Character, 136, None, true), (DeviceKind::Block, 8, Some(0), false)]
                .map(|(kind, major, minor, write)| DeviceRule { kind, major, minor, write })
                .into_iter()
                .collect(),
        ),
        memory_max: Some(1 << 30),
        cpu_quota: Some(500_000),
        cpus: [0, 1, 9].into_iter().collect(),
        io_read_bytes: vec![DeviceLimit { path: "/dev/sda".into(), amount: 10 }],
        ..Limits::default()
    };
    let expected = [
        ("MemoryMax", Variant::from(1_u64 << 30)),
        ("CPUQuotaPerSecUSec", Variant::from(500_000_u64)),
        ("IOReadBandwidthMax", Variant::from(vec![("/dev/sda".to_owned(), 10_u64)])),
        ("AllowedCPUs", Variant::from(vec![3_u8, 2])),
        ("DevicePolicy", Variant::from("strict")),
        (
            "DeviceAllow",
            Variant::from(
                [("/dev/char/1:3", "rw"), ("char-136", "rw"), ("/dev/block/8:0", "r")].map(|(n, a)| (n.to_owned(), a.to_owned())).to_vec(),
            ),
        ),
    ];
    assert_eq!(properties_of(&limits), expected);
    assert_eq!(properties_of(&Limits::default()), []);
}

#[test]
fn slices_are_named_by_paths() {
    for (path, expected) in
        [("/machine", "machine.slice"), ("/machine/my vm/", "machine-my\\x20vm.slice"), ("/", "-.slice"), ("a-b", "a\\x2db.slice")]
    {
        assert_eq!(Slice::Path(path.to_owned()).unit(), expected);
    }
}

#[test]
fn names_are_escaped_as_systemd_does() {
    let cases = [
        ("plain", "lodge-qemu-plain.scope"),
        ("my vm-1", "lodge-qemu-my\\x20vm\\x2d1.scope"),
        ("a/b.c", "lodge-qemu-a-b.c.scope"),
        (".hidden", "lodge-qemu-\\x2ehidden.scope"),
        ("ü", "lodge-qemu-\\xc3\\xbc.scope"),
    ];
    for (guest, expected) in cases {
        assert_eq!(scope_name(guest), expected);
    }
}
