//! `nodedev-...`: the devices of the host, and taking them from it for guests.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use clap_complete::ArgValueCompleter;
use lodge_dbus_interfaces::NODE_DEVICE_INTERFACE;
use lodge_dbus_interfaces::options::{DetachOptions, NoOptions, ResetOptions};
use lodge_dbus_interfaces::proxies::NodeDeviceProxy;
use zbus::proxy::CacheProperties;

use super::complete::device_names;
use super::failure::{Failure, Outcome};
use super::input;
use super::inventory::{self, Object};
use super::json;
use super::output::{Output, warn};
use super::service::{Service, property};
use super::table;
use super::tree;
use super::uri::Bus;

/// Commands of this group.
#[derive(Subcommand)]
#[allow(clippy::enum_variant_names, reason = "the commands are named so")]
pub enum Command {
    /// List the devices of the host
    #[command(after_help = "\
Examples:
  lodgectl nodedev-list --tree
  lodgectl nodedev-list --cap pci,usb_device
  lodgectl nodedev-list --cap net --json")]
    NodedevList(List),
    /// Print what is known about a device
    #[command(after_help = "Example:\n  lodgectl nodedev-info pci_0000_00_1f_2")]
    NodedevInfo(Named),
    /// Print a device's document
    #[command(after_help = "Examples:\n  lodgectl nodedev-dumpxml computer\n  lodgectl nodedev-dumpxml pci_0000_00_1f_2")]
    NodedevDumpxml(Named),
    /// Take a PCI device from the host, for a guest
    #[command(after_help = "\
A device that the host itself needs (a disk in use, the console's graphics card, the network) is left alone.

Example:
  lodgectl nodedev-detach pci_0000_01_00_0")]
    NodedevDetach(Detach),
    /// Give a PCI device back to the host
    #[command(after_help = "Example:\n  lodgectl nodedev-reattach pci_0000_01_00_0")]
    NodedevReattach(Named),
    /// Reset a PCI device
    #[command(after_help = "Example:\n  lodgectl nodedev-reset pci_0000_01_00_0")]
    NodedevReset {
        #[command(flatten)]
        device: Named,
        /// Even if the host itself needs it
        #[arg(long)]
        force: bool,
    },
    /// Make a mediated device
    #[command(after_help = "Example:\n  lodgectl nodedev-create vgpu.xml")]
    NodedevCreate {
        /// The device document; - is standard input
        #[arg(value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
        file: PathBuf,
    },
    /// Remove a mediated device
    #[command(after_help = "Example:\n  lodgectl nodedev-destroy mdev_6fa8e0e4_5b54_4f0a_8c0e_0d1d8f7b8a2a_0000_00_02_0")]
    NodedevDestroy(Named),
}

/// Arguments of `nodedev-list`.
#[derive(Args)]
pub struct List {
    /// As a tree of what is on what
    #[arg(long, conflicts_with_all = ["json", "cap"])]
    tree: bool,
    /// Only devices that are, or can do, one of these, such as pci, usb_device, net, storage, mdev_types
    #[arg(long, value_name = "CAPABILITY", value_delimiter = ',')]
    cap: Vec<String>,
    /// Print all properties as JSON, named as on the bus
    #[arg(long)]
    json: bool,
}

/// Arguments of `nodedev-detach`.
#[derive(Args)]
pub struct Detach {
    #[command(flatten)]
    device: Named,
    /// The VFIO driver that it gets, in place of vfio-pci
    #[arg(long, value_name = "DRIVER")]
    driver: Option<String>,
    /// Even if the host itself needs it
    #[arg(long)]
    force: bool,
}

/// Which device.
#[derive(Args)]
pub struct Named {
    /// The device: its name, or its path in /sys
    #[arg(value_name = "DEVICE", add = ArgValueCompleter::new(device_names))]
    device: String,
}

/// Runs a command of this group.
pub async fn run(command: Command, bus: Bus, output: Output) -> Outcome {
    let service = Service::connect(bus).await?;
    match command {
        Command::NodedevList(list) => show(&service, &list, output).await,
        Command::NodedevInfo(named) => info(&service, &named, output).await,
        Command::NodedevDumpxml(named) => output.document(&named.find(&service).await?.get_xml(&NoOptions {}).await?),
        Command::NodedevDetach(Detach { device: named, driver, force }) => {
            let options = DetachOptions { driver: driver.unwrap_or_default(), force };
            named.find(&service).await?.detach(&options).await?;
            output.confirm(format_args!("Device {} detached", named.device))
        }
        Command::NodedevReattach(named) => {
            named.find(&service).await?.reattach(&NoOptions {}).await?;
            output.confirm(format_args!("Device {} re-attached", named.device))
        }
        Command::NodedevReset { device: named, force } => {
            named.find(&service).await?.reset(&ResetOptions { force }).await?;
            output.confirm(format_args!("Device {} reset", named.device))
        }
        Command::NodedevCreate { file } => {
            let (path, warnings) = service.manager.create_device(&input::read(&file)?, &NoOptions {}).await?;
            warn(&warnings);
            let device = NodeDeviceProxy::builder(&service.connection).path(path).cache_properties(CacheProperties::No).build().await?;
            let name: String = property(device.inner(), "Name").await?;
            output.confirm(format_args!("Node device {name} created from {}", file.display()))
        }
        Command::NodedevDestroy(named) => {
            named.find(&service).await?.destroy(&NoOptions {}).await?;
            output.confirm(format_args!("Destroyed node device '{}'", named.device))
        }
    }
}

impl Named {
    async fn find(&self, service: &Service) -> Outcome<NodeDeviceProxy<'static>> {
        let path = service.manager.get_device(&self.device).await?;
        Ok(NodeDeviceProxy::builder(&service.connection).path(path).cache_properties(CacheProperties::No).build().await?)
    }
}

async fn show(service: &Service, list: &List, output: Output) -> Outcome {
    let mut devices = inventory::objects(service, NODE_DEVICE_INTERFACE).await?;
    devices.sort_by_cached_key(|device| device.text("Name").to_owned());
    let wanted = |device: &Object| device.texts("Capabilities").iter().any(|capability| list.cap.contains(capability));
    devices.retain(|device| list.cap.is_empty() || wanted(device));
    if list.json {
        return output.text(json::pretty(&devices.iter().map(Object::json).collect()));
    }
    if list.tree {
        let mut children: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for device in &devices {
            children.entry(device.text("Parent")).or_default().push(device.text("Name"));
        }
        return output.text(tree::render(&children));
    }
    output.text(devices.iter().map(|device| format!("{}\n", table::one_line(device.text("Name")))).collect::<String>())
}

async fn info(service: &Service, named: &Named, output: Output) -> Outcome {
    let path = service.manager.get_device(&named.device).await?;
    let devices = inventory::objects(service, NODE_DEVICE_INTERFACE).await?;
    let device = devices.into_iter().find(|device| device.path == path);
    let device = device.ok_or_else(|| Failure::from(format!("device '{}' has just gone", named.device)))?;
    let text = |name: &str| device.text(name).to_owned();
    let group = device.signed("IommuGroup").filter(|group| *group >= 0).map(|group| group.to_string());
    let mut facts = vec![
        ("Name", text("Name")),
        ("Parent", text("Parent")),
        ("Capabilities", device.texts("Capabilities").join(", ")),
        ("Vendor", text("Vendor")),
        ("Product", text("Product")),
        ("Driver", text("Driver")),
        ("IOMMU group", group.unwrap_or_default()),
        ("Used by", text("UsedBy")),
        ("Path", text("Path")),
        ("Device files", device.texts("DeviceFiles").join("\n")),
    ];
    facts.retain(|(_, value)| !value.is_empty());
    output.text(table::facts(&facts))
}
