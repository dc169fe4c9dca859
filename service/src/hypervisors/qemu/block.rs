//! Images: `-blockdev` nodes, front ends not included.
//!
//! Every layer is a node of its own: the protocol (a file, a device, a server), the format on it, filters on that. Nodes
//! are named `image-N-file`, `image-N` and `image-N-FILTER`, N counting images from 1; a device gets the topmost.
//!
//! Invariants:
//! - The format is always said. An image that the definition says nothing of is raw: were it probed, a guest could write
//!   another format's header into its raw disk and reach any file of the host.
//! - A backing chain is what the definition says. Only where it says nothing does QEMU follow the image's header.

use lodge_model::domain::devices::{
    BackingStore, DetectZeroes, Discard, Disk, DiskCache, DiskDevice, DiskIo, DiskSource, DiskSourceElement, DiskType, HostTransport,
    IoTune, SourceHost,
};
use lodge_model::xml::OnOff;
use serde_json::{Value, json};

use super::alias;
use super::command::Draft;
use super::props::Props;
use super::refusal::Refusal;
use crate::hypervisors::resources::{Access, HostResource, LabelClass};
use crate::hypervisors::secrets;

/// Formats by their names in a definition and in QEMU.
const FORMATS: &[(&str, &str)] = &[
    ("raw", "raw"),
    ("iso", "raw"),
    ("qcow2", "qcow2"),
    ("qcow", "qcow"),
    ("qed", "qed"),
    ("vmdk", "vmdk"),
    ("vdi", "vdi"),
    ("vpc", "vpc"),
    ("vhdx", "vhdx"),
    ("bochs", "bochs"),
    ("cloop", "cloop"),
    ("dmg", "dmg"),
    ("parallels", "parallels"),
];
/// Formats whose images name a backing file.
const WITH_BACKING: &[&str] = &["qcow2", "qcow", "qed", "vmdk"];

/// Adds the nodes of a disk.
///
/// Returns the topmost node's name, `None` for an empty drive.
///
/// # Errors
/// The source lacks something or is of a kind that cannot be used yet.
pub fn add(draft: &mut Draft<'_>, disk: &Disk) -> Result<Option<String>, Refusal> {
    let source = disk.source_view()?;
    if source == DiskSource::Empty {
        return Ok(None);
    }
    let image = Image {
        owner: format!("<disk> '{}'", disk.target_dev()),
        source,
        element: disk.source.as_ref(),
        format: disk.driver.as_ref().and_then(|driver| driver.kind.as_deref()),
        backing: disk.backing_store.as_deref(),
        read_only: disk.is_read_only(),
        shared: disk.shareable,
        cdrom: disk.device() == DiskDevice::Cdrom,
        top: true,
        disk,
    };
    let mut top = image.add(draft)?;
    let name = alias::of(disk.alias.as_ref());
    if let Some(iotune) = &disk.iotune {
        let group = iotune.group_name.clone().unwrap_or_else(|| format!("limits-{name}"));
        add_throttle_group(draft, &group, iotune)?;
        top = add_throttle(draft, &top, &group, 0);
    }
    for (number, filter) in disk.throttle_filters.iter().flat_map(|filters| &filters.filters).enumerate() {
        top = add_throttle(draft, &top, &filter.group, number + 1);
    }
    if disk.driver.as_ref().and_then(|driver| driver.copy_on_read) == Some(OnOff(true)) {
        let node = format!("{top}-cor");
        draft.blockdev(Props::of("driver", "copy-on-read").with("node-name", node.clone()).with("file", top));
        top = node;
    }
    Ok(Some(top))
}

/// An image of a disk's chain.
struct Image<'a> {
    owner: String,
    source: DiskSource<'a>,
    element: Option<&'a DiskSourceElement>,
    format: Option<&'a str>,
    backing: Option<&'a BackingStore>,
    read_only: bool,
    shared: bool,
    cdrom: bool,
    /// Whether it is the one that the guest sees.
    top: bool,
    disk: &'a Disk,
}

impl Image<'_> {
    /// Adds its nodes and those behind it; returns the name of its format's.
    fn add(&self, draft: &mut Draft<'_>) -> Result<String, Refusal> {
        self.check()?;
        let format = self.qemu_format()?;
        let node = format!("image-{}", draft.next_image());
        let backing = match self.backing {
            None => None,
            Some(backing) if backing.is_end() => Some(Value::Null),
            Some(backing) => Some(Value::String(self.behind(backing)?.add(draft)?)),
        };
        if backing.as_ref().is_some_and(|backing| !backing.is_null()) && !WITH_BACKING.contains(&format) {
            return Err(Refusal::invalid(format!(
                "{} has a <backingStore>, which an image of type '{format}' cannot have: set <driver type='qcow2'/> if it is one, or take \
                 <backingStore> out",
                self.owner
            )));
        }
        let follows_header = self.backing.is_none() && WITH_BACKING.contains(&format);
        let file = format!("{node}-file");
        let protocol = self.protocol(draft, follows_header)?;
        let protocol = protocol.with("node-name", file.clone()).with("read-only", self.read_only).and(self.cache()).and(self.discard());
        draft.blockdev(protocol);
        let key = self.key(draft, format)?;
        let driver = if key.is_some() && format == "raw" { "luks" } else { format };
        let layer = Props::of("driver", driver).with("node-name", node.clone()).with("read-only", self.read_only);
        let layer = match key {
            Some(key) if driver == "luks" => layer.with("key-secret", key),
            Some(key) => layer.with("encrypt", json!({ "format": "luks", "key-secret": key })),
            None => layer,
        };
        let layer = layer.and(self.cache()).and(self.discard()).and(self.slice()?).with("file", file);
        // `backing` is an option of formats with backing files only.
        let layer = if WITH_BACKING.contains(&format) { layer.opt("backing", backing) } else { layer };
        draft.blockdev(layer);
        Ok(node)
    }

    /// What is behind it, read only.
    fn behind<'b>(&'b self, backing: &'b BackingStore) -> Result<Image<'b>, Refusal> {
        Ok(Image {
            owner: self.owner.clone(),
            source: backing.source_view()?,
            element: backing.source.as_ref(),
            format: backing.format.as_ref().and_then(|format| format.kind.as_deref()),
            backing: backing.backing_store.as_deref(),
            read_only: true,
            shared: false,
            cdrom: false,
            top: false,
            disk: self.disk,
        })
    }

    fn check(&self) -> Result<(), Refusal> {
        if self.disk.auth.is_some() || self.element.is_some_and(|element| element.auth.is_some()) {
            return Err(Refusal::unsupported(format!(
                "{} asks for a password (<auth>), which no source of this version takes: take <auth> out",
                self.owner
            )));
        }
        if self.disk.transient.is_some() {
            return Err(Refusal::unsupported(format!(
                "{} is <transient/>, which this version cannot do: take the element out",
                self.owner
            )));
        }
        Ok(())
    }

    /// What opens the image, as QEMU knows it; `None` for one that is not encrypted.
    fn key(&self, draft: &mut Draft<'_>, format: &str) -> Result<Option<String>, Refusal> {
        // The disk's own is about the image that the guest sees.
        let of_disk = if self.top { self.disk.encryption.as_ref() } else { None };
        let Some(encryption) = self.element.and_then(|element| element.encryption.as_ref()).or(of_disk) else { return Ok(None) };
        let refused = |why: &str| Err(Refusal::unsupported(format!("{} is encrypted, {why}", self.owner)));
        match encryption.format.as_deref().unwrap_or_default() {
            "luks" => {}
            "default" if format == "qcow2" => {}
            "default" | "qcow" => {
                return refused(
                    "with the AES of old qcow images, which QEMU opens for no guest: convert the image, as in qemu-img convert, to one with \
                     <encryption format='luks'>",
                );
            }
            _ => return refused("in a way that only images of RBD have: use <encryption format='luks'>"),
        }
        if encryption.engine.as_deref().is_some_and(|engine| engine != "qemu") {
            return refused("and opened by another than QEMU, which only images of RBD can be: take engine='…' out");
        }
        if !["raw", "qcow2"].contains(&format) {
            return refused("which an image of this type cannot be: use raw or qcow2");
        }
        match encryption.secrets.first().and_then(|reference| secrets::name(reference, "volume")) {
            Some(name) => Ok(Some(draft.secret(name, &self.owner))),
            None => refused("and no secret opens it: add <secret type='passphrase' uuid='…'/> to its <encryption>"),
        }
    }

    fn qemu_format(&self) -> Result<&'static str, Refusal> {
        if matches!(self.source, DiskSource::Dir { .. }) {
            return Ok("raw");
        }
        let word = self.format.unwrap_or("raw");
        let known = FORMATS.iter().find(|(name, _)| *name == word).map(|(_, format)| *format);
        known.ok_or_else(|| {
            let names: Vec<_> = FORMATS.iter().map(|(name, _)| *name).collect();
            Refusal::invalid(format!("{} has the format '{word}', which is not known: use one of {}", self.owner, names.join(", ")))
        })
    }

    fn protocol(&self, draft: &mut Draft<'_>, follows_header: bool) -> Result<Props, Refusal> {
        match &self.source {
            DiskSource::File { path } => {
                self.note(draft, path, follows_header);
                Ok(Props::of("driver", "file").with("filename", *path).opt("aio", self.aio()))
            }
            DiskSource::Block { path } => {
                self.note(draft, path, follows_header);
                let drive = self.cdrom && (path.starts_with("/dev/sr") || path.starts_with("/dev/cdrom"));
                let driver = if drive { "host_cdrom" } else { "host_device" };
                Ok(Props::of("driver", driver).with("filename", *path).opt("aio", self.aio()))
            }
            DiskSource::Dir { path } if self.read_only => {
                draft.resource(path, Access::Read, LabelClass::Directory);
                let floppy = self.disk.device() == DiskDevice::Floppy;
                Ok(Props::of("driver", "vvfat").with("dir", *path).with("floppy", floppy).with("rw", false))
            }
            DiskSource::Dir { .. } => {
                Err(Refusal::unsupported(format!("{} is a directory, which the guest cannot write safely: add <readonly/>", self.owner)))
            }
            DiskSource::Network { protocol, name, hosts } => {
                for socket in hosts.iter().filter_map(|host| host.socket.as_deref()) {
                    draft.resource(socket, Access::ReadWrite, LabelClass::Socket);
                }
                self.network(protocol, *name, hosts)
            }
            DiskSource::Volume { pool, volume } => Err(Refusal::unsupported(format!(
                "{} is the volume {volume} of pool {pool}, which is not started or does not have it: start the pool, or use <disk type='file'> with \
                 the volume's path",
                self.owner
            ))),
            DiskSource::Nvme { .. } | DiskSource::VhostUser { .. } | DiskSource::VhostVdpa { .. } => Err(Refusal::unsupported(format!(
                "{} is of type '{}', which this version cannot do: use type='file' or type='block'",
                self.owner,
                self.disk.kind.unwrap_or_default()
            ))),
            DiskSource::Empty => Err(DiskSource::missing(DiskType::File, "disk").into()),
        }
    }

    fn network(&self, protocol: &str, name: Option<&str>, hosts: &[SourceHost]) -> Result<Props, Refusal> {
        match protocol {
            "nbd" => {
                let server = server(&self.owner, hosts, 10809)?;
                Ok(Props::of("driver", "nbd").with("server", server).opt("export", name))
            }
            "http" | "https" | "ftp" | "ftps" if self.read_only => {
                let host = hosts.first().and_then(|host| Some((host.name.as_deref()?, host.port)));
                let (host, port) = host.ok_or_else(|| no_host(&self.owner))?;
                let port = port.map(|port| format!(":{port}")).unwrap_or_default();
                let query = self.element.and_then(|element| element.query.as_deref()).map(|query| format!("?{query}"));
                let path = name.unwrap_or_default().trim_start_matches('/');
                let url = format!("{protocol}://{host}{port}/{path}{}", query.unwrap_or_default());
                let timeout = self.element.and_then(|element| element.timeout.as_ref()).map(|timeout| timeout.seconds);
                let readahead = self.element.and_then(|element| element.readahead.as_ref()).map(|readahead| readahead.size);
                Ok(Props::of("driver", protocol).with("url", url).opt("readahead", readahead).opt("timeout", timeout))
            }
            "http" | "https" | "ftp" | "ftps" => {
                Err(Refusal::invalid(format!("{} is read over {protocol}, which cannot be written: add <readonly/>", self.owner)))
            }
            other => Err(Refusal::unsupported(format!(
                "{} is read over '{other}', which this version cannot do: use one of nbd, http, https, or attach it on the host and use \
                 <disk type='block'>",
                self.owner
            ))),
        }
    }

    fn note(&self, draft: &mut Draft<'_>, path: &str, follows_header: bool) {
        let (access, class) = match (self.read_only, self.shared) {
            (true, _) => (Access::Read, LabelClass::ReadOnly),
            (false, true) => (Access::ReadWrite, LabelClass::Shared),
            (false, false) => (Access::ReadWrite, LabelClass::Image),
        };
        let resource = HostResource::new(path, access, class);
        match follows_header {
            true => draft.resource_with_header(resource),
            false => draft.resource(path, access, class),
        }
    }

    fn aio(&self) -> Option<&'static str> {
        self.disk.driver.as_ref().and_then(|driver| driver.io).map(DiskIo::as_str)
    }

    fn cache(&self) -> Props {
        let cache = self.disk.driver.as_ref().and_then(|driver| driver.cache).unwrap_or_default();
        let flags = match cache {
            DiskCache::Default => return Props::empty(),
            DiskCache::None | DiskCache::Directsync => json!({ "direct": true, "no-flush": false }),
            DiskCache::Writeback | DiskCache::Writethrough => json!({ "direct": false, "no-flush": false }),
            DiskCache::Unsafe => json!({ "direct": false, "no-flush": true }),
        };
        Props::empty().with("cache", flags)
    }

    fn discard(&self) -> Props {
        let driver = self.disk.driver.as_ref();
        let zeroes = driver.and_then(|driver| driver.detect_zeroes);
        // Zeroes can be unmapped only where discarding is on.
        let discard = driver.and_then(|driver| driver.discard).or((zeroes == Some(DetectZeroes::Unmap)).then_some(Discard::Unmap));
        Props::empty().opt("discard", discard.map(Discard::as_str)).opt("detect-zeroes", zeroes.map(DetectZeroes::as_str))
    }

    fn slice(&self) -> Result<Props, Refusal> {
        let slices = self.element.and_then(|element| element.slices.as_deref());
        match slices.map(|slices| slices.slices.as_slice()) {
            None | Some([]) => Ok(Props::empty()),
            Some([slice]) if self.qemu_format()? == "raw" => Ok(Props::empty().with("offset", slice.offset).with("size", slice.size)),
            Some(_) => Err(Refusal::unsupported(format!("{} has <slices>, which only a raw image can have, and one of them", self.owner))),
        }
    }
}

fn server(owner: &str, hosts: &[SourceHost], default_port: u16) -> Result<Value, Refusal> {
    let host = hosts.first().ok_or_else(|| no_host(owner))?;
    match (host.transport.unwrap_or_default(), &host.name, &host.socket) {
        (HostTransport::Unix, _, Some(socket)) => Ok(json!({ "type": "unix", "path": socket })),
        (HostTransport::Tcp, Some(name), _) => {
            Ok(json!({ "type": "inet", "host": name, "port": host.port.unwrap_or(default_port).to_string() }))
        }
        _ => Err(no_host(owner)),
    }
}

fn no_host(owner: &str) -> Refusal {
    Refusal::invalid(format!("{owner} has a source on the network without a server: add <host name='…' port='…'/> to its <source>"))
}

/// Adds a group of limits, unless another disk of the group has.
fn add_throttle_group(draft: &mut Draft<'_>, name: &str, limits: &IoTune) -> Result<(), Refusal> {
    check_bursts(name, limits)?;
    if draft.throttle_groups.insert(name.to_owned()) {
        let limits = throttle_limits(limits);
        draft.object(Props::object("throttle-group", name).with("limits", limits.into_value()));
    }
    Ok(())
}

/// A limit for bursts is above one for the long run.
fn check_bursts(name: &str, limits: &IoTune) -> Result<(), Refusal> {
    let bursts = [
        ("total_bytes_sec", limits.total_bytes_sec, limits.total_bytes_sec_max),
        ("read_bytes_sec", limits.read_bytes_sec, limits.read_bytes_sec_max),
        ("write_bytes_sec", limits.write_bytes_sec, limits.write_bytes_sec_max),
        ("total_iops_sec", limits.total_iops_sec, limits.total_iops_sec_max),
        ("read_iops_sec", limits.read_iops_sec, limits.read_iops_sec_max),
        ("write_iops_sec", limits.write_iops_sec, limits.write_iops_sec_max),
    ];
    for (word, limit, burst) in bursts {
        if burst.is_some_and(|burst| burst > 0) && limit.unwrap_or(0) == 0 {
            return Err(Refusal::invalid(format!(
                "the limits '{name}' have {word}_max without {word}: add <{word}>, or take <{word}_max> out"
            )));
        }
    }
    Ok(())
}

/// Adds the groups of limits that `<throttlegroups>` names.
///
/// # Errors
/// Limits that contradict each other.
pub fn add_throttle_groups(draft: &mut Draft<'_>) -> Result<(), Refusal> {
    for group in draft.domain.throttle_groups.iter().flat_map(|groups| &groups.groups) {
        let name = group.group_name.clone().unwrap_or_default();
        add_throttle_group(draft, &name, group)?;
    }
    Ok(())
}

fn add_throttle(draft: &mut Draft<'_>, below: &str, group: &str, number: usize) -> String {
    let node = format!("{below}-limit{number}");
    let filter = Props::of("driver", "throttle").with("node-name", node.clone()).with("throttle-group", group);
    draft.blockdev(filter.with("file", below));
    node
}

fn throttle_limits(tune: &IoTune) -> Props {
    Props::empty()
        .opt("bps-total", tune.total_bytes_sec)
        .opt("bps-read", tune.read_bytes_sec)
        .opt("bps-write", tune.write_bytes_sec)
        .opt("iops-total", tune.total_iops_sec)
        .opt("iops-read", tune.read_iops_sec)
        .opt("iops-write", tune.write_iops_sec)
        .opt("bps-total-max", tune.total_bytes_sec_max)
        .opt("bps-read-max", tune.read_bytes_sec_max)
        .opt("bps-write-max", tune.write_bytes_sec_max)
        .opt("iops-total-max", tune.total_iops_sec_max)
        .opt("iops-read-max", tune.read_iops_sec_max)
        .opt("iops-write-max", tune.write_iops_sec_max)
        .opt("iops-size", tune.size_iops_sec)
        .opt("bps-total-max-length", tune.total_bytes_sec_max_length)
        .opt("bps-read-max-length", tune.read_bytes_sec_max_length)
        .opt("bps-write-max-length", tune.write_bytes_sec_max_length)
        .opt("iops-total-max-length", tune.total_iops_sec_max_length)
        .opt("iops-read-max-length", tune.read_iops_sec_max_length)
        .opt("iops-write-max-length", tune.write_iops_sec_max_length)
}
