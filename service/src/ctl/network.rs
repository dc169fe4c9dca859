//! `net-...`: virtual networks.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use clap_complete::ArgValueCompleter;
use lodge_dbus_interfaces::NETWORK_INTERFACE;
use lodge_dbus_interfaces::options::{DefineOptions, Dictionary, InactiveOptions, NetworkUpdateOptions, NoOptions};
use lodge_dbus_interfaces::proxies::NetworkProxy;
use zbus::OwnedObjectPath;
use zbus::proxy::CacheProperties;

use super::complete::network_names;
use super::failure::{Failure, Outcome};
use super::input;
use super::inventory::{self, Object};
use super::json;
use super::output::{Output, warn};
use super::service::{self, Service, property};
use super::table::{Table, facts, one_line};
use super::uri::Bus;

/// Commands of this group.
#[derive(Subcommand)]
#[allow(clippy::enum_variant_names, reason = "the commands are named so")]
pub enum Command {
    /// List networks: those that run, or more
    #[command(after_help = "Examples:\n  lodgectl net-list --all\n  lodgectl net-list --all --json | jq -r '.[].Bridge'")]
    NetList(List),
    /// Store a network for good, without starting it; or give a network a new definition
    #[command(after_help = "Examples:\n  lodgectl net-define lab.xml\n  virsh net-dumpxml --inactive default | lodgectl net-define -")]
    NetDefine(File),
    /// Start a network that is stored nowhere and vanishes when it stops
    #[command(after_help = "Example:\n  lodgectl net-create lab.xml")]
    NetCreate(File),
    /// Start a network
    #[command(after_help = "Example:\n  lodgectl net-start default")]
    NetStart(Named),
    /// Stop a network; guests in it stay, with their cable leading nowhere
    #[command(after_help = "Example:\n  lodgectl net-destroy default")]
    NetDestroy(Named),
    /// Remove a network's definition; one that runs goes on until it stops
    #[command(after_help = "Example:\n  lodgectl net-undefine lab")]
    NetUndefine(Named),
    /// Print a network's document
    #[command(after_help = "Examples:\n  lodgectl net-dumpxml default\n  lodgectl net-dumpxml default --inactive > default.xml")]
    NetDumpxml {
        #[command(flatten)]
        network: Named,
        /// As it is stored, also while it runs
        #[arg(long)]
        inactive: bool,
    },
    /// Print what there is to know about a network
    #[command(after_help = "Example:\n  lodgectl net-info default")]
    NetInfo(Named),
    /// Start a network with the service from now on
    #[command(after_help = "Examples:\n  lodgectl net-autostart default\n  lodgectl net-autostart default --disable")]
    NetAutostart {
        #[command(flatten)]
        network: Named,
        /// No longer
        #[arg(long)]
        disable: bool,
    },
    /// Change one part of a network
    #[command(after_help = "\
Examples:
  lodgectl net-update default add ip-dhcp-host \"<host mac='52:54:00:6b:3c:58' name='web' ip='192.168.122.50'/>\"
  lodgectl net-update default delete dns-host \"<host ip='192.168.122.9'/>\" --config
  lodgectl net-update default modify ip-dhcp-host host.xml --live")]
    NetUpdate(Update),
    /// Print the addresses that are lent to guests
    #[command(after_help = "Examples:\n  lodgectl net-dhcp-leases default\n  lodgectl net-dhcp-leases default --mac 52:54:00:6b:3c:58")]
    NetDhcpLeases {
        #[command(flatten)]
        network: Named,
        /// Only those of this Ethernet address
        #[arg(long, value_name = "MAC")]
        mac: Option<String>,
    },
    /// Print a network's UUID
    #[command(after_help = "Example:\n  lodgectl net-uuid default")]
    NetUuid(Named),
    /// Print a network's name
    #[command(after_help = "Example:\n  lodgectl net-name 3e3fce45-4f53-4fa7-bb32-11f34168b82b")]
    NetName(Named),
}

/// Which network.
#[derive(Args)]
pub struct Named {
    /// The network: its name or UUID
    #[arg(value_name = "NETWORK", add = ArgValueCompleter::new(network_names))]
    network: String,
}

/// Which document.
#[derive(Args)]
pub struct File {
    /// The network document; - is standard input
    #[arg(value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    file: PathBuf,
}

/// Arguments of `net-list`.
#[derive(Args)]
#[allow(clippy::struct_excessive_bools, reason = "they are switches of a command line")]
pub struct List {
    /// Those that do not run, too
    #[arg(long)]
    all: bool,
    /// Only those that do not run
    #[arg(long, conflicts_with = "all")]
    inactive: bool,
    /// Only those that start with the service
    #[arg(long, conflicts_with = "no_autostart")]
    autostart: bool,
    /// Only those that do not start with the service
    #[arg(long)]
    no_autostart: bool,
    /// Only those that have a stored definition
    #[arg(long, conflicts_with = "transient")]
    persistent: bool,
    /// Only those that vanish when they stop
    #[arg(long)]
    transient: bool,
    /// Print names only, one on each line
    #[arg(long, group = "format")]
    name: bool,
    /// Print UUIDs only, one on each line
    #[arg(long, group = "format")]
    uuid: bool,
    /// Print all properties as JSON, named as on the bus
    #[arg(long, group = "format")]
    json: bool,
}

/// Arguments of `net-update`.
#[derive(Args)]
pub struct Update {
    #[command(flatten)]
    network: Named,
    /// add (or add-last), add-first, modify or delete
    #[arg(value_name = "COMMAND")]
    command: String,
    /// bridge, domain, ip, ip-dhcp-host, ip-dhcp-range, dns-host, dns-txt, dns-srv, forward, forward-interface, forward-pf or portgroup
    #[arg(value_name = "SECTION")]
    section: String,
    /// The element, or a file with it; - is standard input
    #[arg(value_name = "XML")]
    xml: String,
    /// Which <ip> it is in, counted from 0; by itself it is the one that fits
    #[arg(long, value_name = "INDEX")]
    parent_index: Option<u32>,
    /// Change what runs
    #[arg(long)]
    live: bool,
    /// Change the definition
    #[arg(long)]
    config: bool,
    /// Accepted for scripts: it is what happens without --live and --config
    #[arg(long, hide = true, conflicts_with_all = ["live", "config"])]
    current: bool,
}

/// Runs a command of this group.
pub async fn run(command: Command, bus: Bus, output: Output) -> Outcome {
    let service = Service::connect(bus).await?;
    match command {
        Command::NetList(list) => show_list(&service, &list, output).await,
        Command::NetDefine(File { file }) => {
            let (path, warnings) = service.manager.define_network(&input::read(&file)?, &DefineOptions::default()).await?;
            made(&service, path, &warnings, "defined", &file, output).await
        }
        Command::NetCreate(File { file }) => {
            let (path, warnings) = service.manager.create_network(&input::read(&file)?, &NoOptions {}).await?;
            made(&service, path, &warnings, "created", &file, output).await
        }
        Command::NetStart(named) => {
            let network = named.find(&service).await?;
            network.start(&NoOptions {}).await?;
            warn(&property::<Vec<String>>(network.inner(), "Warnings").await?);
            output.confirm(format_args!("Network {} started", named.network))
        }
        Command::NetDestroy(named) => {
            named.find(&service).await?.destroy(&NoOptions {}).await?;
            output.confirm(format_args!("Network {} destroyed", named.network))
        }
        Command::NetUndefine(named) => {
            named.find(&service).await?.undefine(&NoOptions {}).await?;
            output.confirm(format_args!("Network {} has been undefined", named.network))
        }
        Command::NetDumpxml { network, inactive } => {
            output.document(&network.find(&service).await?.get_xml(&InactiveOptions { inactive }).await?)
        }
        Command::NetInfo(named) => show_info(&named.find(&service).await?, output).await,
        Command::NetAutostart { network, disable } => {
            service::set_property(network.find(&service).await?.inner(), "Autostart", (!disable).into()).await?;
            output.confirm(format_args!("Network {} {} as autostarted", network.network, if disable { "unmarked" } else { "marked" }))
        }
        Command::NetUpdate(update) => change(&service, update, output).await,
        Command::NetDhcpLeases { network, mac } => show_leases(&network.find(&service).await?, mac.as_deref(), output).await,
        Command::NetUuid(named) => output.line(property::<String>(named.find(&service).await?.inner(), "Uuid").await?),
        Command::NetName(named) => output.line(property::<String>(named.find(&service).await?.inner(), "Name").await?),
    }
}

impl Named {
    async fn find(&self, service: &Service) -> Outcome<NetworkProxy<'static>> {
        at(service, service.manager.get_network(&self.network).await?).await
    }
}

/// The network at a path that the service told.
pub async fn at(service: &Service, path: OwnedObjectPath) -> Outcome<NetworkProxy<'static>> {
    Ok(NetworkProxy::builder(&service.connection).path(path).cache_properties(CacheProperties::No).build().await?)
}

async fn made(service: &Service, path: OwnedObjectPath, warnings: &[String], what: &str, file: &Path, output: Output) -> Outcome {
    warn(warnings);
    let name: String = property(at(service, path).await?.inner(), "Name").await?;
    output.confirm(format_args!("Network {name} {what} from {}", file.display()))
}

async fn show_list(service: &Service, list: &List, output: Output) -> Outcome {
    let mut networks = inventory::objects(service, NETWORK_INTERFACE).await?;
    networks.retain(|network| list.wants(network));
    networks.sort_by_cached_key(|network| network.text("Name").to_owned());
    if list.json {
        return output.text(json::pretty(&networks.iter().map(Object::json).collect()));
    }
    if list.name || list.uuid {
        let property = if list.name { "Name" } else { "Uuid" };
        return output.text(networks.iter().map(|network| format!("{}\n", one_line(network.text(property)))).collect::<String>());
    }
    let mut table = Table::new(["Name", "State", "Autostart", "Persistent"]);
    for network in &networks {
        let state = if network.flag("Active") { "active" } else { "inactive" };
        table.row(vec![network.text("Name").to_owned(), state.to_owned(), yes(network.flag("Autostart")), yes(network.flag("Persistent"))]);
    }
    output.text(table.render(output.quiet))
}

impl List {
    fn wants(&self, network: &Object) -> bool {
        (self.all || network.flag("Active") != self.inactive)
            && (!self.autostart || network.flag("Autostart"))
            && (!self.no_autostart || !network.flag("Autostart"))
            && (!self.persistent || network.flag("Persistent"))
            && (!self.transient || !network.flag("Persistent"))
    }
}

fn yes(flag: bool) -> String {
    if flag { "yes" } else { "no" }.to_owned()
}

async fn show_info(network: &NetworkProxy<'_>, output: Output) -> Outcome {
    let object = network.inner();
    let flag = async |name| property::<bool>(object, name).await.map(yes);
    let text = async |name| property::<String>(object, name).await;
    let addresses: Vec<String> = property(object, "Addresses").await?;
    let warnings: Vec<String> = property(object, "Warnings").await?;
    let all = [
        ("Name", text("Name").await?),
        ("UUID", text("Uuid").await?),
        ("Active", flag("Active").await?),
        ("Persistent", flag("Persistent").await?),
        ("Autostart", flag("Autostart").await?),
        ("Mode", text("Mode").await?),
        ("Bridge", text("Bridge").await?),
        ("Domain", text("Domain").await?),
        ("Addresses", addresses.join("\n")),
        ("Connections", property::<u32>(object, "Connections").await?.to_string()),
        ("Pending changes", flag("PendingChanges").await?),
        ("Warnings", warnings.join("\n")),
    ];
    // Lines that say nothing are left out, but for those that virsh has.
    let said: Vec<(&str, String)> = all.into_iter().filter(|(name, value)| !value.is_empty() || *name == "Bridge").collect();
    output.text(facts(&said))
}

async fn change(service: &Service, update: Update, output: Output) -> Outcome {
    let Update { network: named, command, section, xml, parent_index: parent, live, config, current: _ } = update;
    let network = named.find(service).await?;
    let xml = if xml.trim_start().starts_with('<') { xml } else { input::read(Path::new(&xml))? };
    network.update(&command, &section, &xml, &NetworkUpdateOptions { live, config, parent }).await?;
    let what = match (live, config) {
        (true, false) => "live state",
        (false, true) => "persistent config",
        _ => "persistent config and live state, as far as there is such",
    };
    output.confirm(format_args!("Updated network {} {what}", named.network))
}

async fn show_leases(network: &NetworkProxy<'_>, mac: Option<&str>, output: Output) -> Outcome {
    let mut table = Table::new(["Expiry Time", "MAC address", "Protocol", "IP address", "Hostname", "Client ID or DUID"]);
    for lease in network.get_leases(&NoOptions {}).await? {
        let text = |key: &str| lease_text(&lease, key);
        let address = text("address").unwrap_or_default();
        if mac.is_some_and(|mac| text("mac").is_none_or(|of| !of.eq_ignore_ascii_case(mac))) {
            continue;
        }
        let protocol = if address.contains(':') { "ipv6" } else { "ipv4" };
        let or_dash = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
        table.row(vec![
            expiry(&lease)?,
            or_dash(text("mac")),
            protocol.to_owned(),
            address.clone(),
            or_dash(text("hostname")),
            or_dash(text("client-id")),
        ]);
    }
    output.text(table.render(output.quiet))
}

fn lease_text(lease: &Dictionary, key: &str) -> Option<String> {
    let text: &str = (&**lease.get(key)?).try_into().ok()?;
    Some(text.to_owned())
}

/// When a lease ends, in the person's time zone.
fn expiry(lease: &Dictionary) -> Outcome<String> {
    const MICROSECONDS: u64 = 1_000_000;
    let time: u64 = lease.get("expiry").and_then(|value| (&**value).try_into().ok()).unwrap_or_default();
    if time == 0 {
        return Ok("never".to_owned());
    }
    let seconds = i64::try_from(time / MICROSECONDS).unwrap_or(i64::MAX);
    let local = glib::DateTime::from_unix_local(seconds).and_then(|time| time.format("%Y-%m-%d %H:%M:%S"));
    Ok(local.map_err(|error| Failure::from(format!("the time {seconds} cannot be shown: {error}")))?.into())
}
