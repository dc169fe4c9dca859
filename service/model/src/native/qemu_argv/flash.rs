//! Firmware in flash memory: of `-drive if=pflash`, `-pflash`, and of nodes that the machine names.

use super::conversion::Conversion;
use super::image;
use super::outcome::{Outcome, all_or_kept};
use super::props::{Props, is_on};
use super::tree::{Build, element};
use crate::xml::Element;

/// Firmware in flash memory: the first image is the code, the second the variables.
pub fn drive(to: &mut Conversion<'_>, props: &Props) -> Outcome {
    let Some(file) = props.take("file").map(str::to_owned) else { return Outcome::Kept("it has no file".to_owned()) };
    let read_only = props.take_any(&["readonly", "read-only"]).and_then(is_on) == Some(true);
    let format = props.take("format").map(str::to_owned);
    let unit = props.take_any(&["unit", "index"]).map(str::to_owned);
    props.ignore(&["id", "if"]);
    if let Outcome::Kept(reason) = all_or_kept(props) {
        return Outcome::Kept(reason);
    }
    let second = unit.as_deref() == Some("1") || (unit.is_none() && to.os.element("loader").is_some());
    let format = format.filter(|format| format != "raw");
    to.os = std::mem::take(&mut to.os).child(match second {
        true => element("nvram").maybe("format", format).content(file),
        false => loader(read_only, format, &file),
    });
    Outcome::Done
}

fn loader(read_only: bool, format: Option<String>, file: &str) -> Element {
    let loader = element("loader").with("readonly", if read_only { "yes" } else { "no" }).with("type", "pflash");
    loader.maybe("format", format).content(file)
}

/// Firmware in a node; whether an element says it.
pub fn node(to: &mut Conversion<'_>, name: &str, node: &str) -> bool {
    let Some((image, nodes)) = image::of_node(to, node) else { return false };
    let Some(("file", source)) = image.source else { return false };
    let Some(file) = source.attribute("file").map(str::to_owned) else { return false };
    let format = image.driver.iter().find(|(name, _)| *name == "type").map(|(_, format)| format.clone()).filter(|format| format != "raw");
    nodes.iter().for_each(|node| to.used(node));
    to.os = std::mem::take(&mut to.os).child(match name {
        "loader" => loader(image.read_only, format, &file),
        _ => element("nvram").maybe("format", format).content(file),
    });
    true
}
