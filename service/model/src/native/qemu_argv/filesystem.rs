//! Shared folders: `-virtfs`, and the devices of 9p and virtiofs.

use super::ReadError;
use super::back_ends::Kind;
use super::characters;
use super::conversion::Conversion;
use super::devices::{nothing_left, on_pci};
use super::options::Opt;
use super::outcome::{Outcome, all_or_kept};
use super::props::Props;
use super::tree::{Build, element};
use crate::xml::Element;

/// Converts options of shared folders.
///
/// # Errors
/// A value begins as JSON and is none.
pub fn convert(to: &mut Conversion<'_>, option: &Opt) -> Result<Option<Outcome>, ReadError> {
    match option.name.as_str() {
        "virtfs" => Ok(Some(virtfs(to, &to.props(option, "fsdriver")?))),
        _ => Ok(None),
    }
}

/// `-virtfs`: a shared folder and its device in one.
fn virtfs(to: &mut Conversion<'_>, props: &Props) -> Outcome {
    if props.take("fsdriver") != Some("local") {
        return Outcome::Kept("no element says this".to_owned());
    }
    let tag = props.take("mount_tag").unwrap_or_default().to_owned();
    props.ignore(&["id"]);
    match folder(props, &tag) {
        Ok(filesystem) if props.left().is_empty() => {
            to.device(filesystem);
            Outcome::Done
        }
        Ok(_) => all_or_kept(props),
        Err(reason) => Outcome::Kept(reason),
    }
}

/// A shared folder of `-device`.
pub fn device(to: &mut Conversion<'_>, driver: &str, model: Option<&str>, props: &Props) -> Option<Result<(), String>> {
    match driver {
        "virtio-9p" => Some(shared_folder(to, model, props)),
        "vhost-user-fs" => Some(served_folder(to, props)),
        _ => None,
    }
}

/// A folder shared by 9p.
fn shared_folder(to: &mut Conversion<'_>, model: Option<&str>, props: &Props) -> Result<(), String> {
    let tag = props.take("mount_tag").unwrap_or_default().to_owned();
    let Some(id) = props.take("fsdev").map(str::to_owned) else { return Err("it has no back end".to_owned()) };
    let back_end = &to.back_end(Kind::Fsdev, &id).ok_or_else(|| format!("no -fsdev has the id '{id}'"))?.props;
    if back_end.take("fsdriver") != Some("local") {
        return Err(format!("the folder '{id}' is of a kind that no element says"));
    }
    let filesystem = folder(back_end, &tag)?;
    nothing_left(back_end)?;
    to.used(Kind::Fsdev, &id);
    on_pci(to, filesystem, model, props)
}

/// A shared folder from the properties of its back end.
fn folder(props: &Props, tag: &str) -> Result<Element, String> {
    let access = match props.take("security_model").or_else(|| props.take("security-model")) {
        Some("passthrough") | None => "passthrough",
        Some("mapped" | "mapped-xattr") => "mapped",
        Some("none") => "squash",
        Some(other) => return Err(format!("no element says security_model={other}")),
    };
    let path = props.take("path").ok_or("it has no path")?.to_owned();
    let read_only = props.take_on("readonly") == Some(true);
    let mut filesystem = element("filesystem").with("type", "mount").with("accessmode", access);
    for name in ["multidevs", "fmode", "dmode"] {
        filesystem = filesystem.maybe(name, props.take(name));
    }
    let policy = props.take("writeout").map(|policy| element("driver").with("type", "path").with("wrpolicy", policy));
    let filesystem = filesystem.children(policy).child(element("source").with("dir", path)).child(element("target").with("dir", tag));
    Ok(filesystem.children(read_only.then(|| element("readonly"))))
}

/// A folder shared by virtiofsd, which whoever starts QEMU has started before.
fn served_folder(to: &mut Conversion<'_>, props: &Props) -> Result<(), String> {
    let id = characters::chardev(props)?;
    let (_, sources) = characters::back_end(to, &id)?;
    let socket = sources.first().and_then(|source| source.attribute("path")).ok_or("its -chardev is no socket")?.to_owned();
    let tag = props.take("tag").unwrap_or_default().to_owned();
    let queue = props.take("queue-size").map(str::to_owned);
    let address = to.buses.pci(props)?;
    let boot = props.take("bootindex").map(|order| to.boot_order(order));
    nothing_left(props)?;
    to.used(Kind::Chardev, &id);
    let driver = element("driver").with("type", "virtiofs").maybe("queue", queue);
    let filesystem = element("filesystem").with("type", "mount").child(driver);
    let filesystem = filesystem.child(element("source").with("socket", socket)).child(element("target").with("dir", tag));
    to.device(filesystem.children(boot).children(address));
    Ok(())
}
