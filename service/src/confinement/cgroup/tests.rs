//! The layer without systemd, as root: groups of its own.

use std::path::Path;

use lodge_model::document::Document as _;
use lodge_model::domain::Domain;
use uuid::Uuid;

use super::*;
use crate::host::process::{ProcessSpec, hold};
use crate::hypervisors::resources::{Access, HostResource, LabelClass};

fn guest(name: &str, inside: &str, resources: Vec<HostResource>) -> Subject {
    let text = format!("<domain type='qemu'><name>{name}</name><memory>1</memory>{inside}</domain>");
    let domain = Domain::parse(&text).unwrap().0;
    Subject {
        domain,
        uuid: Uuid::nil(),
        id: 1,
        runtime: "/nonexistent".into(),
        log: "/nonexistent/log".into(),
        programs: Vec::new(),
        resources,
    }
}

fn layer(devices: &[&str]) -> Cgroup {
    Cgroup::new(Options { bus: None, slice: Slice::Machine, devices: Some(devices.iter().map(PathBuf::from).collect()) })
}

/// Opens each device for reading in a process of the guest; answers with those that could be opened.
async fn opened(confined: &dyn Confined, devices: &[&str]) -> Vec<String> {
    let report = tempfile::NamedTempFile::new().unwrap();
    let mut spec = ProcessSpec::new("/bin/sh")
        .arguments(["-c", "for device; do : <\"$device\" && echo \"$device\"; done", "sh"])
        .arguments(devices.iter().copied());
    spec.output = Some(report.reopen().unwrap().into());
    let held = hold(spec).await.unwrap();
    confined.admit(held.process()).await.unwrap();
    held.release().await.unwrap().exited().await;
    let said = std::fs::read_to_string(report.path()).unwrap();
    said.lines().filter(|line| Path::new(line).is_absolute()).map(str::to_owned).collect()
}

#[tokio::test]
async fn a_guest_opens_its_own_devices_and_no_others() {
    let own = HostResource::new("/dev/zero", Access::Read, LabelClass::Device);
    let guest = guest("cgroup-devices", "", vec![own]);
    let layer = layer(&["/dev/null"]);
    let confined = layer.plan(&guest).await.unwrap().unwrap();
    let tried = ["/dev/null", "/dev/zero", "/dev/full", "/dev/random"];
    assert_eq!(opened(&*confined, &tried).await, ["/dev/null", "/dev/zero"]);
    // A second program of the guest goes where the first one went.
    assert_eq!(opened(&*confined, &tried).await, ["/dev/null", "/dev/zero"]);

    // As after a restart of the service.
    let again = layer.recall(confined.record()).unwrap();
    again.release().await.unwrap();
    again.release().await.unwrap();
}

#[tokio::test]
async fn limits_that_nobody_would_enforce_are_refused() {
    let guest = guest("cgroup-memory", "<memtune><hard_limit>1024</hard_limit></memtune>", Vec::new());
    let confined = layer(&["/dev/null"]).plan(&guest).await.unwrap().unwrap();
    let held = hold(ProcessSpec::new("/bin/true")).await.unwrap();
    let error = confined.admit(held.process()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotSupported);
    assert!(error.to_string().contains("take them out"), "{error}");
}

#[tokio::test]
async fn a_session_without_systemd_leaves_its_guests_where_they_are() {
    let layer = Cgroup::new(Options { bus: None, slice: Slice::App, devices: None });
    let confined = layer.plan(&guest("cgroup-session", "", Vec::new())).await.unwrap().unwrap();
    assert_eq!(opened(&*confined, &["/dev/full"]).await, ["/dev/full"]);
}
