//! Devices of the host by `lodgectl`: the verbs of virsh, what they ask for, and what they print.
//!
//! What is listed are devices of a mock, so that it is known; the built `lodged` tells of the host that the test runs on.

use std::collections::HashMap;

use lodge_dbus_interfaces::{BUS_NAME, NODE_DEVICE_INTERFACE, ROOT_PATH, paths};
use lodge_tests::binaries;
use lodge_tests::bus::PrivateBus;
use tokio::sync::mpsc;
use zbus::{Connection, OwnedObjectPath, OwnedVariant, Variant};

use crate::{Ran, lodgectl};

type Options = HashMap<String, OwnedVariant>;

/// Name, parent, what it is, driver, the domain that uses it.
type Facts = (&'static str, &'static str, &'static [&'static str], &'static str, &'static str);

/// A host with an adapter of two virtual functions, one of which a guest has.
const HOST: [Facts; 5] = [
    ("computer", "", &["system"], "", ""),
    ("pci_0000_06_00_0", "computer", &["pci", "virt_functions"], "igb", ""),
    ("net_ens1_90_e2_ba_00_00_01", "pci_0000_06_00_0", &["net"], "", ""),
    ("pci_0000_06_10_0", "computer", &["pci", "phys_function"], "vfio-pci", "web"),
    ("usb_1_1", "computer", &["usb_device"], "usb", ""),
];

/// A service that tells the test what it was asked for.
struct Mock {
    bus: PrivateBus,
    calls: mpsc::Receiver<String>,
    _connection: Connection,
}

impl Mock {
    async fn start() -> Self {
        let bus = PrivateBus::start();
        let connection = bus.connect().await;
        let (called, calls) = mpsc::channel(4);
        let server = connection.object_server();
        server.at(ROOT_PATH, MockInventory).await.unwrap();
        server.at(ROOT_PATH, MockManager(called.clone())).await.unwrap();
        for facts in HOST {
            server.at(paths::device(facts.0), MockDevice { facts, called: called.clone() }).await.unwrap();
        }
        connection.request_name(BUS_NAME).await.unwrap();
        Self { bus, calls, _connection: connection }
    }

    /// Runs the program while the mock answers, and tells what that was asked for.
    async fn run(&mut self, arguments: &[&str]) -> (Ran, Vec<String>) {
        let mut command = lodgectl(&self.bus, arguments);
        let ran = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
        (ran.into(), std::iter::from_fn(|| self.calls.try_recv().ok()).collect())
    }
}

struct MockManager(mpsc::Sender<String>);

#[zbus::interface(name = "org.lodge.Lodge1.Manager")]
impl MockManager {
    async fn get_device(&self, name: String) -> zbus::fdo::Result<OwnedObjectPath> {
        match HOST.iter().any(|facts| facts.0 == name) {
            true => Ok(paths::device(&name)),
            false => Err(zbus::fdo::Error::Failed(format!("there is no device '{name}'"))),
        }
    }

    async fn create_device(&self, xml: String, options: Options) -> (OwnedObjectPath, Vec<String>) {
        self.0.send(format!("create {xml} {options:?}")).await.unwrap();
        (paths::device("usb_1_1"), vec!["/device/foo, line 1".to_owned()])
    }
}

struct MockInventory;

#[zbus::interface(name = "org.freedesktop.DBus.ObjectManager")]
impl MockInventory {
    async fn get_managed_objects(&self) -> HashMap<OwnedObjectPath, HashMap<&str, HashMap<&str, Variant<'_>>>> {
        let object = |(name, parent, capabilities, driver, used_by): Facts| {
            let group = if used_by.is_empty() { -1 } else { 31 };
            let properties = [
                ("Name", Variant::from(name)),
                ("Parent", Variant::from(parent)),
                ("Capabilities", Variant::from(capabilities.to_vec())),
                ("Path", Variant::from(format!("/sys/devices/{name}"))),
                ("DeviceFiles", Variant::from(Vec::<&str>::new())),
                ("Driver", Variant::from(driver)),
                ("Vendor", Variant::from("Our works")),
                ("Product", Variant::from("")),
                ("IommuGroup", Variant::from(group)),
                ("UsedBy", Variant::from(used_by)),
            ];
            (paths::device(name), HashMap::from([(NODE_DEVICE_INTERFACE, HashMap::from(properties))]))
        };
        HOST.into_iter().map(object).collect()
    }
}

struct MockDevice {
    facts: Facts,
    called: mpsc::Sender<String>,
}

impl MockDevice {
    /// Notes a call with its options in order of their names.
    async fn note(&self, verb: &str, options: &Options) {
        let text = |value: &OwnedVariant| match &**value {
            Variant::Str(text) => format!("{text:?}"),
            Variant::Bool(on) => on.to_string(),
            other => format!("{other:?}"),
        };
        let mut options: Vec<_> = options.iter().map(|(key, value)| format!(" {key}={}", text(value))).collect();
        options.sort();
        self.called.send(format!("{verb} {}{}", self.facts.0, options.concat())).await.unwrap();
    }
}

#[zbus::interface(name = "org.lodge.Lodge1.NodeDevice")]
impl MockDevice {
    #[zbus(property)]
    fn name(&self) -> &str {
        self.facts.0
    }

    #[zbus(out_args("xml"))]
    async fn get_xml(&self, options: Options) -> String {
        self.note("xml", &options).await;
        format!("<device>\n  <name>{}</name>\n</device>\n", self.facts.0)
    }

    async fn detach(&self, options: Options) {
        self.note("detach", &options).await;
    }

    async fn reattach(&self, options: Options) {
        self.note("reattach", &options).await;
    }

    async fn reset(&self, options: Options) {
        self.note("reset", &options).await;
    }

    async fn destroy(&self, options: Options) {
        self.note("destroy", &options).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn devices_are_listed_by_name_by_what_they_are_and_as_a_tree() {
    let mut mock = Mock::start().await;
    let names: String = ["computer", "net_ens1_90_e2_ba_00_00_01", "pci_0000_06_00_0", "pci_0000_06_10_0", "usb_1_1"]
        .map(|name| format!("{name}\n"))
        .concat();
    let tree =
        "computer\n  |\n  +- pci_0000_06_00_0\n  |   |\n  |   +- net_ens1_90_e2_ba_00_00_01\n  |\n  +- pci_0000_06_10_0\n  +- usb_1_1\n\n";
    for (arguments, expected) in [
        (&["nodedev-list"][..], names.as_str()),
        (&["nodedev-list", "--cap", "net,usb_device"], "net_ens1_90_e2_ba_00_00_01\nusb_1_1\n"),
        (&["nodedev-list", "--cap", "phys_function"], "pci_0000_06_10_0\n"),
        (&["nodedev-list", "--cap", "mdev"], ""),
        (&["nodedev-list", "--tree"], tree),
    ] {
        assert_eq!(mock.run(arguments).await.0.good(), expected, "{arguments:?}");
    }
    let json = mock.run(&["nodedev-list", "--cap", "phys_function", "--json"]).await.0.good();
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!((&json[0]["Name"], &json[0]["UsedBy"], &json[0]["IommuGroup"]), (&"pci_0000_06_10_0".into(), &"web".into(), &31.into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_known_of_a_device_is_told_as_far_as_there_is_something() {
    let mut mock = Mock::start().await;
    let info = mock.run(&["nodedev-info", "pci_0000_06_10_0"]).await.0.good();
    let words: Vec<Vec<&str>> = info.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(
        words,
        [
            &["Name:", "pci_0000_06_10_0"][..],
            &["Parent:", "computer"],
            &["Capabilities:", "pci,", "phys_function"],
            &["Vendor:", "Our", "works"],
            &["Driver:", "vfio-pci"],
            &["IOMMU", "group:", "31"],
            &["Used", "by:", "web"],
            &["Path:", "/sys/devices/pci_0000_06_10_0"],
        ]
    );
    let document = mock.run(&["nodedev-dumpxml", "usb_1_1"]).await;
    assert_eq!(document.1, ["xml usb_1_1"]);
    assert_eq!(document.0.good(), "<device>\n  <name>usb_1_1</name>\n</device>\n");
    assert!(mock.run(&["nodedev-info", "usb_9"]).await.0.failed().contains("there is no device 'usb_9'"));
}

#[tokio::test(flavor = "multi_thread")]
async fn each_verb_asks_for_what_it_says() {
    let mut mock = Mock::start().await;
    for (arguments, asked, told) in [
        (&["nodedev-detach", "usb_1_1"][..], "detach usb_1_1", "Device usb_1_1 detached\n"),
        (
            &["nodedev-detach", "usb_1_1", "--driver", "mlx5_vfio_pci", "--force"],
            "detach usb_1_1 driver=\"mlx5_vfio_pci\" force=true",
            "Device usb_1_1 detached\n",
        ),
        (&["nodedev-reattach", "usb_1_1"], "reattach usb_1_1", "Device usb_1_1 re-attached\n"),
        (&["nodedev-reset", "usb_1_1"], "reset usb_1_1", "Device usb_1_1 reset\n"),
        (&["nodedev-reset", "usb_1_1", "--force"], "reset usb_1_1 force=true", "Device usb_1_1 reset\n"),
        (&["nodedev-destroy", "usb_1_1"], "destroy usb_1_1", "Destroyed node device 'usb_1_1'\n"),
    ] {
        let (ran, calls) = mock.run(arguments).await;
        assert_eq!((ran.good().as_str(), calls), (told, vec![asked.to_owned()]), "{arguments:?}");
    }
    let file = mock.bus.directory().join("vgpu.xml");
    std::fs::write(&file, "<device/>").unwrap();
    let (ran, calls) = mock.run(&["nodedev-create", file.to_str().unwrap()]).await;
    assert_eq!((ran.code, ran.stdout), (Some(0), format!("Node device usb_1_1 created from {}\n", file.display())));
    assert_eq!((ran.stderr.contains("/device/foo, line 1"), calls), (true, vec!["create <device/> {}".to_owned()]));
}

#[test]
fn a_service_tells_of_the_host_that_it_is_on() {
    let bus = PrivateBus::with_lodged(&[]);
    let run = |arguments: &[&str]| crate::run(&bus, arguments).good();
    let names = run(&["nodedev-list"]);
    let lo = names.lines().find(|name| name.starts_with("net_lo_")).expect("every host has a loopback interface");
    assert_eq!(run(&["nodedev-list", "--cap", "system"]), "computer\n");
    let tree = run(&["nodedev-list", "--tree"]);
    assert!(tree.starts_with("computer\n") && tree.contains(lo), "{tree}");
    let file = bus.directory().join("lo.xml");
    std::fs::write(&file, run(&["nodedev-dumpxml", lo])).unwrap();
    run(&["validate", file.to_str().unwrap()]);
    // By its path as well, and as any client of the bus sees it.
    assert_eq!(run(&["nodedev-dumpxml", "/sys/devices/virtual/net/lo"]), run(&["nodedev-dumpxml", lo]));
    let path = paths::device(lo).to_string();
    let mut busctl = bus.command(binaries::installed("busctl", "systemd"));
    busctl.arg(format!("--address={}", bus.address())).args(["get-property", BUS_NAME, &path, NODE_DEVICE_INTERFACE, "UsedBy"]);
    assert_eq!(Ran::from(busctl.output().unwrap()).good(), "s \"\"\n");
    let refused = crate::run(&bus, &["nodedev-detach", lo]).failed();
    assert!(refused.contains("is no PCI device"), "{refused}");
}
