//! The two sides: who serves, and how a network is started and stopped there.

use futures_util::StreamExt as _;
use lodge_dbus_interfaces::{BUS_NAME, MANAGER_INTERFACE, NETWORK_INTERFACE, ROOT_PATH, paths};
use lodge_tests::binaries;
use zbus::fdo::DBusProxy;
use zbus::names::BusName;
use zbus::{Connection, DynamicType, OwnedObjectPath, Variant};

use crate::Result;
use crate::process::Process;
use crate::world::{World, command};

const LIBVIRT: &str = "org.libvirt";
const LIBVIRT_PATH: &str = "/org/libvirt/QEMU";

/// No options.
type Options<'a> = std::collections::HashMap<&'a str, Variant<'a>>;

/// A service and its network.
pub struct Side {
    /// The network's bridge.
    pub bridge: &'static str,
    connection: Connection,
    name: &'static str,
    network: OwnedObjectPath,
    interface: &'static str,
    /// The service's, the last first.
    _processes: Vec<Process>,
}

impl Side {
    /// Ours.
    pub async fn lodge(world: &World) -> Result<Self> {
        let connection = Connection::system().await?;
        let mut lodged = command(binaries::built("lodged"));
        lodged.args(["--system", "--idle-timeout=0", "--root"]).arg(world.path("lodge"));
        lodged.stderr(std::fs::File::create(world.path("lodged.log"))?);
        let process = Process::spawn(&mut lodged)?;
        until_there(&connection, "org.freedesktop.PolicyKit1").await?;
        until_there(&connection, BUS_NAME).await?;
        let body = (document("ours", "lodgebr0", 66), Options::new());
        connection.call_method(Some(BUS_NAME), ROOT_PATH, Some(MANAGER_INTERFACE), "DefineNetwork", &body).await?;
        let network = paths::network("ours");
        Ok(Self { bridge: "lodgebr0", connection, name: BUS_NAME, network, interface: NETWORK_INTERFACE, _processes: vec![process] })
    }

    /// libvirt's.
    pub async fn libvirt(world: &World) -> Result<Self> {
        let connection = Connection::system().await?;
        let log = |name: &str| std::fs::File::create(world.path(name));
        let libvirtd = Process::spawn(command("libvirtd").args(["--timeout", "0"]).stderr(log("libvirtd.log")?))?;
        let socket = std::path::Path::new("/run/libvirt/libvirt-sock");
        let until = std::time::Instant::now() + std::time::Duration::from_secs(30);
        while std::os::unix::net::UnixStream::connect(socket).is_err() {
            if std::time::Instant::now() > until {
                return Err("libvirtd did not start; install the package libvirt-daemon-system".into());
            }
            tokio::task::yield_now().await;
        }
        let bus = Process::spawn(command("libvirt-dbus").arg("--system").stderr(log("libvirt-dbus.log")?))?;
        until_there(&connection, LIBVIRT).await?;
        let xml = document("theirs", "virtbr0", 77);
        let reply = connection.call_method(Some(LIBVIRT), LIBVIRT_PATH, Some("org.libvirt.Connect"), "NetworkDefineXML", &xml).await?;
        let network = reply.body().deserialize()?;
        let interface = "org.libvirt.Network";
        Ok(Self { bridge: "virtbr0", connection, name: LIBVIRT, network, interface, _processes: vec![bus, libvirtd] })
    }

    /// Starts the network.
    pub async fn start(&self) -> Result<()> {
        match self.name {
            LIBVIRT => self.call("Create", &()).await,
            _ => self.call("Start", &Options::new()).await,
        }
    }

    /// Stops it.
    pub async fn stop(&self) -> Result<()> {
        match self.name {
            LIBVIRT => self.call("Destroy", &()).await,
            _ => self.call("Destroy", &Options::new()).await,
        }
    }

    async fn call<B: serde::Serialize + DynamicType>(&self, method: &str, body: &B) -> Result<()> {
        self.connection.call_method(Some(self.name), &self.network, Some(self.interface), method, body).await?;
        Ok(())
    }
}

fn document(name: &str, bridge: &str, number: u8) -> String {
    format!(
        "<network><name>{name}</name><forward mode='nat'/><bridge name='{bridge}' stp='on' delay='0'/><ip address='10.{number}.0.1' \
         netmask='255.255.255.0'><dhcp><range start='10.{number}.0.2' end='10.{number}.0.254'/></dhcp></ip></network>"
    )
}

async fn until_there(connection: &Connection, name: &'static str) -> Result<()> {
    let bus = DBusProxy::new(connection).await?;
    let mut owners = bus.receive_name_owner_changed_with_args(&[(0, name)]).await?;
    while !bus.name_has_owner(BusName::try_from(name)?).await? {
        owners.next().await.ok_or("the bus is gone")?;
    }
    Ok(())
}
