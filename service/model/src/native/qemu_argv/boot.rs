//! What is booted, and in what order.

use super::ReadError;
use super::conversion::Conversion;
use super::options::Opt;
use super::outcome::{Outcome, partly};
use super::props::Props;
use super::tree::{Build, element, yes_no};
use crate::xml::{Element, Node};

/// What options say of booting together.
#[derive(Debug, Default)]
pub struct Facts {
    order: Vec<&'static str>,
    menu: Option<(bool, Option<u32>)>,
    /// Whether the firmware's memory is for System Management Mode only.
    pub secure: bool,
}

/// Converts options of booting.
///
/// # Errors
/// A value begins as JSON and is none.
pub fn convert(to: &mut Conversion<'_>, option: &Opt) -> Result<Option<Outcome>, ReadError> {
    let value = option.value.as_str();
    Ok(Some(match option.name.as_str() {
        "boot" => boot(to, &to.props(option, "order")?),
        "kernel" | "initrd" | "dtb" | "shim" => leaf(to, &option.name, value),
        "append" => leaf(to, "cmdline", value),
        "bios" => {
            to.os.add(element("loader").with("type", "rom").content(value));
            Outcome::Done
        }
        _ => return Ok(None),
    }))
}

fn leaf(to: &mut Conversion<'_>, name: &str, value: &str) -> Outcome {
    to.os.add(element(name).content(value));
    Outcome::Done
}

fn boot(to: &mut Conversion<'_>, props: &Props) -> Outcome {
    if let Some(order) = props.take("order") {
        for letter in order.chars() {
            let dev = match letter {
                'a' | 'b' => "fd",
                'c' => "hd",
                'd' => "cdrom",
                'n'..='p' => "network",
                other => return Outcome::Kept(format!("'{other}' is no kind of device that is booted from")),
            };
            // A kind that is there already comes no second time.
            if !to.facts.boot.order.contains(&dev) {
                to.facts.boot.order.push(dev);
            }
        }
    }
    if let Some(on) = props.take_on("menu") {
        let timeout = props.get("splash-time").and_then(|time| time.parse().ok()).filter(|_| on);
        to.facts.boot.menu = Some((on, timeout));
        if timeout.is_some() {
            props.take("splash-time");
        }
    }
    if let Some(timeout) = props.take("reboot-timeout") {
        to.os.add(element("bios").with("rebootTimeout", timeout));
    }
    // The service asks for a strict order always.
    props.take("strict");
    partly(props)
}

/// Writes the kind of guest and what it is booted from.
pub fn finish(to: &mut Conversion<'_>) {
    let facts = std::mem::take(&mut to.facts.boot);
    let kind = element("type").with("arch", &to.arch).maybe("machine", to.machine.as_deref()).content("hvm");
    let boots: Vec<Element> = facts.order.iter().map(|dev| element("boot").with("dev", dev)).collect();
    // Single devices that have a place exclude the other way.
    let boots = if to.has_boot_order() && !boots.is_empty() {
        to.warn_of_all("the order of -boot is left out: devices with bootindex come before it");
        Vec::new()
    } else {
        boots
    };
    if facts.secure {
        let loader = to.os.nodes.iter_mut().find_map(|node| match node {
            Node::Element(element) if element.name == "loader" => Some(element),
            _ => None,
        });
        if let Some(loader) = loader {
            loader.set_attribute("secure", "yes");
        }
    }
    let menu = facts.menu.map(|(on, timeout)| element("bootmenu").with("enable", yes_no(on)).maybe("timeout", timeout));
    to.os = std::mem::take(&mut to.os).child(kind).children(boots).children(menu);
}
