//! What a drive holds.

use super::props::{Props, is_on};
use super::source;
use super::tree::{Build, element};
use crate::xml::Element;

/// What is in a drive.
#[derive(Debug, Default)]
pub struct Image {
    /// `<source>`, and the type that goes with it; `None` for an empty drive.
    pub source: Option<(&'static str, Element)>,
    /// Attributes of `<driver>`.
    pub driver: Vec<(&'static str, String)>,
    /// Whether the guest cannot write.
    pub read_only: bool,
    /// Whether what the guest writes is lost when it ends, where that is said of this one.
    pub transient: Option<bool>,
    /// `cache.direct` and `cache.no-flush` of a node.
    pub cache: (bool, bool),
    /// Elements of `<iotune>`.
    pub limits: Vec<(String, String)>,
    /// The serial number.
    pub serial: Option<String>,
    /// `<backingStore>`, where it is said what the image is laid over.
    pub backing: Option<Element>,
    /// Objects that it is made of too.
    pub objects: Vec<String>,
    /// Attributes of `<target>`.
    pub target: Vec<(&'static str, String)>,
}

/// Formats by the endings of names.
const ENDINGS: &[(&str, &str)] = &[
    ("qcow2", "qcow2"),
    ("qcow", "qcow"),
    ("qed", "qed"),
    ("vdi", "vdi"),
    ("vhd", "vpc"),
    ("vhdx", "vhdx"),
    ("vmdk", "vmdk"),
    ("raw", "raw"),
    ("iso", "raw"),
];

impl Image {
    /// The name of an image in a file whose format is not said.
    pub fn has_unsaid_format(&self) -> bool {
        let is_file = self.source.as_ref().is_some_and(|(kind, _)| *kind == "file");
        is_file && !self.driver.iter().any(|(name, _)| *name == "type")
    }

    /// Says an attribute of `<driver>`.
    pub fn say(&mut self, name: &'static str, value: &str) {
        self.driver.retain(|(known, _)| *known != name);
        self.driver.push((name, value.to_owned()));
    }

    /// Says the format that the name tells. The second value is whether it tells one.
    pub fn guess_format(&mut self) -> (String, bool) {
        let name = self.source.as_ref().and_then(|(_, source)| source.attribute("file")).unwrap_or_default().to_owned();
        let ending = name.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase());
        let format = ENDINGS.iter().find(|(known, _)| ending.as_deref() == Some(*known)).map(|(_, format)| *format);
        self.driver.extend(format.map(|format| ("type", format.to_owned())));
        (name, format.is_some())
    }
}

/// The geometry that drives of old may say.
pub fn geometry(props: &Props) -> Option<Element> {
    let keys = [("cyls", "cyls"), ("heads", "heads"), ("secs", "secs"), ("trans", "trans")];
    let geometry = keys.iter().fold(element("geometry"), |geometry, (key, name)| geometry.maybe(name, props.take(key)));
    (!geometry.attributes.is_empty()).then_some(geometry)
}

/// Attributes of `<driver>` by the properties of `-drive`.
const DRIVER: &[(&str, &str)] = &[
    ("format", "type"),
    ("driver", "type"),
    ("cache", "cache"),
    ("aio", "io"),
    ("discard", "discard"),
    ("detect-zeroes", "detect_zeroes"),
    ("werror", "error_policy"),
    ("rerror", "rerror_policy"),
    ("copy-on-read", "copy_on_read"),
];

/// Words of a cache mode by whether the guest sees a write cache, whether the host's is bypassed, and whether flushes are
/// ignored (QEMU's manual page, `-drive cache=`).
pub fn cache_mode(write_cache: bool, (direct, no_flush): (bool, bool)) -> &'static str {
    match (write_cache, direct, no_flush) {
        (true, _, true) => "unsafe",
        (true, true, false) => "none",
        (true, false, false) => "writeback",
        (false, true, _) => "directsync",
        (false, false, _) => "writethrough",
    }
}

/// What a drive holds; `None` when no element says it. Properties that are not taken are for the caller.
pub fn of_drive(props: &Props) -> Option<Image> {
    let mut image = Image::default();
    let file = props.take_any(&["file", "file.filename"]).unwrap_or_default();
    if let Some(driver) = props.take("file.driver")
        && !matches!(driver, "file" | "host_device" | "host_cdrom")
    {
        return None;
    }
    image.source = source::of_name(file);
    if image.source.is_none() && !file.is_empty() {
        return None;
    }
    for (key, name) in DRIVER {
        if let Some(value) = props.take(key) {
            let value = match (*key, value) {
                ("cache", "off") => "none",
                ("discard", "on") => "unmap",
                ("discard", "off") => "ignore",
                (_, value) => value,
            };
            image.say(name, value);
        }
    }
    let parts = ["cache.writeback", "cache.direct", "cache.no-flush"].map(|key| props.take_on(key));
    if let [writeback, direct, no_flush] = parts
        && parts.iter().any(Option::is_some)
    {
        image.say("cache", cache_mode(writeback != Some(false), (direct == Some(true), no_flush == Some(true))));
    }
    // Locks are QEMU's own business.
    props.ignore(&["file.locking"]);
    image.read_only = props.take_any(&["readonly", "read-only"]).and_then(is_on) == Some(true);
    image.transient = props.take_on("snapshot");
    image.serial = props.take("serial").map(str::to_owned);
    image.limits = limits(props, "throttling.");
    Some(image)
}

/// Names of limits on the command line, of old and of now, and in documents.
const LIMITS: &[(&str, &str, &str)] = &[
    ("bps", "bps-total", "total_bytes_sec"),
    ("bps_rd", "bps-read", "read_bytes_sec"),
    ("bps_wr", "bps-write", "write_bytes_sec"),
    ("iops", "iops-total", "total_iops_sec"),
    ("iops_rd", "iops-read", "read_iops_sec"),
    ("iops_wr", "iops-write", "write_iops_sec"),
    ("bps_max", "bps-total-max", "total_bytes_sec_max"),
    ("bps_rd_max", "bps-read-max", "read_bytes_sec_max"),
    ("bps_wr_max", "bps-write-max", "write_bytes_sec_max"),
    ("iops_max", "iops-total-max", "total_iops_sec_max"),
    ("iops_rd_max", "iops-read-max", "read_iops_sec_max"),
    ("iops_wr_max", "iops-write-max", "write_iops_sec_max"),
    ("iops_size", "iops-size", "size_iops_sec"),
    ("bps_max_length", "bps-total-max-length", "total_bytes_sec_max_length"),
    ("bps_rd_max_length", "bps-read-max-length", "read_bytes_sec_max_length"),
    ("bps_wr_max_length", "bps-write-max-length", "write_bytes_sec_max_length"),
    ("iops_max_length", "iops-total-max-length", "total_iops_sec_max_length"),
    ("iops_rd_max_length", "iops-read-max-length", "read_iops_sec_max_length"),
    ("iops_wr_max_length", "iops-write-max-length", "write_iops_sec_max_length"),
];

/// Limits by their names of now, behind a prefix, or by those of old.
pub fn limits(props: &Props, prefix: &str) -> Vec<(String, String)> {
    let limit =
        |(old, new, name): &(&str, &str, &str)| Some(((*name).to_owned(), props.take_any(&[old, &format!("{prefix}{new}")])?.to_owned()));
    LIMITS.iter().filter_map(limit).collect()
}
