//! Two clients that people have, each alone: `lodgectl`, and `busctl`, which knows nothing of Lodge. What a person would type is
//! one table for each; both come to the same answers.

use std::path::PathBuf;

use lodge_dbus_interfaces::{
    BUS_NAME, MANAGER_INTERFACE, ROOT_PATH, SECRET_INTERFACE, STORAGE_POOL_INTERFACE, STORAGE_VOLUME_INTERFACE, paths,
};
use lodge_tests::binaries::{built, installed};
use lodge_tests::bus::PrivateBus;
use serde_json::Value;

/// Something to be done.
#[derive(Clone, Copy, Debug)]
pub enum Step<'a> {
    /// With a document.
    DefinePool(&'a str),
    /// Formatting a device that has nothing on it, if that is asked.
    BuildPool {
        format: bool,
    },
    StartPool,
    RefreshPool,
    /// The document.
    PoolXml,
    /// The names, one a line.
    Volumes,
    /// With a document.
    CreateVolume(&'a str),
    /// With a document and the name of the volume with the content.
    CloneVolume(&'a str, &'a str),
    /// The document of a volume.
    VolumeXml(&'a str),
    DeleteVolume(&'a str),
    StopPool,
    DeletePool,
    UndefinePool,
    /// With a document.
    DefineSecret(&'a str),
    /// Its UUID and value.
    SetSecret(&'a str, &'a str),
}

/// A client on a bus that starts the built `lodged`, which works on one pool.
pub struct Client {
    pub bus: PrivateBus,
    pub name: &'static str,
    pool: String,
    command: fn(&Self, Step<'_>) -> Vec<String>,
    answer: fn(&Self, Step<'_>, String) -> String,
}

impl Client {
    /// Both, each with a service of its own, for a pool of this name.
    pub fn both(pool: &str) -> [Self; 2] {
        let new = |name, command, answer| Self { bus: PrivateBus::with_lodged(&[]), name, pool: pool.to_owned(), command, answer };
        [new("lodgectl", lodgectl, |_, _, printed| printed), new("busctl", busctl, said_by_busctl)]
    }

    /// Does something, and answers with what was asked for.
    pub fn does(&self, step: Step<'_>) -> String {
        self.tries(step).unwrap_or_else(|complaint| panic!("{} {step:?}: {complaint}\n{}", self.name, self.bus.log()))
    }

    /// Tries something that is refused, and answers with the reason.
    pub fn is_refused(&self, step: Step<'_>) -> String {
        match self.tries(step) {
            Ok(printed) => panic!("{} {step:?} is not refused: {printed}", self.name),
            Err(complaint) => complaint,
        }
    }

    fn tries(&self, step: Step<'_>) -> Result<String, String> {
        let program = if self.name == "busctl" { installed("busctl", "systemd") } else { built(self.name) };
        let output = self.bus.command(program).args((self.command)(self, step)).output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        match output.status.success() {
            true => Ok((self.answer)(self, step, text(output.stdout)).trim_end().to_owned()),
            false => Err(text(output.stderr)),
        }
    }

    /// A file with some content, in the directory of the bus.
    fn file(&self, content: &str) -> String {
        let path: PathBuf = self.bus.directory().join("document");
        std::fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    }
}

fn lodgectl(client: &Client, step: Step<'_>) -> Vec<String> {
    let pool = client.pool.as_str();
    let file = |content| client.file(content);
    let words: &[&str] = match step {
        Step::DefinePool(xml) => &["pool-define", &file(xml)],
        Step::BuildPool { format: true } => &["pool-build", pool, "--no-overwrite"],
        Step::BuildPool { format: false } => &["pool-build", pool],
        Step::StartPool => &["pool-start", pool],
        Step::RefreshPool => &["pool-refresh", pool],
        Step::PoolXml => &["pool-dumpxml", pool],
        Step::Volumes => &["vol-list", pool, "--name"],
        Step::CreateVolume(xml) => &["vol-create", pool, &file(xml)],
        Step::CloneVolume(xml, source) => &["vol-create-from", pool, &file(xml), source, "--inputpool", pool],
        Step::VolumeXml(name) => &["vol-dumpxml", name, "--pool", pool],
        Step::DeleteVolume(name) => &["vol-delete", name, "--pool", pool],
        Step::StopPool => &["pool-destroy", pool],
        Step::DeletePool => &["pool-delete", pool],
        Step::UndefinePool => &["pool-undefine", pool],
        Step::DefineSecret(xml) => &["secret-define", &file(xml)],
        Step::SetSecret(uuid, value) => &["secret-set-value", uuid, "--plain", "--file", &file(value)],
    };
    words.iter().map(|word| (*word).to_owned()).collect()
}

fn busctl(client: &Client, step: Step<'_>) -> Vec<String> {
    let pool = || paths::pool(&client.pool).to_string();
    let volume = |name| paths::volume(&client.pool, name).to_string();
    let bytes = |value: &str| value.bytes().map(|byte| byte.to_string()).collect::<Vec<_>>().join(" ");
    // Path, interface, method, signature and arguments; no options but where they stand.
    let (path, interface, method, arguments): (String, &str, &str, Vec<&str>) = match step {
        Step::DefinePool(xml) => (ROOT_PATH.into(), MANAGER_INTERFACE, "DefinePool", vec!["sa{sv}", xml, "0"]),
        Step::BuildPool { format: true } => (pool(), STORAGE_POOL_INTERFACE, "Build", vec!["a{sv}", "1", "overwrite", "s", "if-empty"]),
        Step::BuildPool { format: false } => (pool(), STORAGE_POOL_INTERFACE, "Build", vec!["a{sv}", "0"]),
        Step::StartPool => (pool(), STORAGE_POOL_INTERFACE, "Start", vec!["a{sv}", "0"]),
        Step::RefreshPool => (pool(), STORAGE_POOL_INTERFACE, "Refresh", vec!["a{sv}", "0"]),
        Step::PoolXml => (pool(), STORAGE_POOL_INTERFACE, "GetXml", vec!["a{sv}", "0"]),
        Step::Volumes => (ROOT_PATH.into(), "org.freedesktop.DBus.ObjectManager", "GetManagedObjects", vec![]),
        Step::CreateVolume(xml) => (pool(), STORAGE_POOL_INTERFACE, "CreateVolume", vec!["sa{sv}", xml, "0"]),
        Step::CloneVolume(xml, source) => {
            return call(&pool(), STORAGE_POOL_INTERFACE, "CloneVolume", &["soa{sv}", xml, &volume(source), "0"]);
        }
        Step::VolumeXml(name) => (volume(name), STORAGE_VOLUME_INTERFACE, "GetXml", vec!["a{sv}", "0"]),
        Step::DeleteVolume(name) => (volume(name), STORAGE_VOLUME_INTERFACE, "Delete", vec!["a{sv}", "0"]),
        Step::StopPool => (pool(), STORAGE_POOL_INTERFACE, "Stop", vec!["a{sv}", "0"]),
        Step::DeletePool => (pool(), STORAGE_POOL_INTERFACE, "Delete", vec!["a{sv}", "0"]),
        Step::UndefinePool => (pool(), STORAGE_POOL_INTERFACE, "Undefine", vec!["a{sv}", "0"]),
        Step::DefineSecret(xml) => (ROOT_PATH.into(), MANAGER_INTERFACE, "DefineSecret", vec!["sa{sv}", xml, "0"]),
        Step::SetSecret(uuid, value) => {
            let length = value.len().to_string();
            let value = bytes(value);
            let arguments = [&["aya{sv}", &*length][..], &value.split(' ').collect::<Vec<_>>(), &["0"]].concat();
            return call(paths::secret(uuid).as_str(), SECRET_INTERFACE, "SetValue", &arguments);
        }
    };
    call(&path, interface, method, &arguments)
}

fn call(path: &str, interface: &str, method: &str, arguments: &[&str]) -> Vec<String> {
    let how = ["--user", "--json=short", "--timeout=60", "call", BUS_NAME, path, interface, method];
    how.iter().chain(arguments).map(|word| (*word).to_owned()).collect()
}

/// What `lodgectl` would print.
fn said_by_busctl(client: &Client, step: Step<'_>, printed: String) -> String {
    if printed.is_empty() {
        return printed;
    }
    let said: Value = serde_json::from_str(&printed).unwrap_or_else(|error| panic!("{error} in {printed}"));
    let first = &said["data"][0];
    match step {
        Step::Volumes => {
            let volumes = first.as_object().unwrap().keys().filter_map(|path| paths::volume_name(path));
            let mut names: Vec<_> = volumes.filter(|(pool, _)| *pool == client.pool).map(|(_, name)| name).collect();
            names.sort();
            names.join("\n")
        }
        _ => first.as_str().unwrap_or_default().to_owned(),
    }
}
