//! Hyper-V's enlightenments: switches of `-cpu` that are elements of `<features>`.

use super::conversion::Conversion;
use super::tree::{Build, element, on_off, yes_no};
use crate::xml::Node;

/// Names of QEMU's Hyper-V switches where libvirt's are others.
const HYPERV: &[(&str, &str)] = &[
    ("relaxed", "relaxed"),
    ("vapic", "vapic"),
    ("vpindex", "vpindex"),
    ("runtime", "runtime"),
    ("synic", "synic"),
    ("stimer", "stimer"),
    ("reset", "reset"),
    ("frequencies", "frequencies"),
    ("reenlightenment", "reenlightenment"),
    ("tlbflush", "tlbflush"),
    ("ipi", "ipi"),
    ("evmcs", "evmcs"),
    ("avic", "avic"),
    ("emsr-bitmap", "emsr_bitmap"),
    ("xmm-input", "xmm_input"),
];

/// A Hyper-V enlightenment; whether there is an element for it.
pub fn add(to: &mut Conversion<'_>, name: &str, on: Result<bool, &str>) -> bool {
    let element = match (name, on) {
        ("spinlocks", Err(retries)) => {
            let retries = retries.strip_prefix("0x").map_or_else(|| retries.parse().ok(), |digits| u32::from_str_radix(digits, 16).ok());
            let Some(retries) = retries else { return false };
            element("spinlocks").with("state", "on").with("retries", retries)
        }
        ("vendor-id", Err(vendor)) => element("vendor_id").with("state", "on").with("value", vendor),
        ("time", Ok(on)) => {
            to.clock.add(element("timer").with("name", "hypervclock").with("present", yes_no(on)));
            return true;
        }
        ("stimer-direct", Ok(on)) => return refine(to, "stimer", "direct", on),
        ("tlbflush-direct", Ok(on)) => return refine(to, "tlbflush", "direct", on),
        ("tlbflush-ext", Ok(on)) => return refine(to, "tlbflush", "extended", on),
        ("passthrough", Ok(true)) => {
            to.hyperv = std::mem::take(&mut to.hyperv).with("mode", "passthrough");
            return true;
        }
        (name, Ok(on)) => match HYPERV.iter().find(|(known, _)| *known == name) {
            Some((_, word)) => element(word).with("state", on_off(on)),
            None => return false,
        },
        _ => return false,
    };
    to.hyperv.add(element);
    true
}

/// A switch inside of an enlightenment that is there already.
fn refine(to: &mut Conversion<'_>, name: &str, switch: &str, on: bool) -> bool {
    let enlightenment = to.hyperv.nodes.iter_mut().find_map(|node| match node {
        Node::Element(element) if element.name == name => Some(element),
        _ => None,
    });
    let Some(enlightenment) = enlightenment else { return false };
    *enlightenment = std::mem::take(enlightenment).child(element(switch).with("state", on_off(on)));
    true
}
