//! The graphics card.

use super::Dialect;
use super::input::Input;
use super::is_hvm;
use super::output::Output;
use crate::domain::Domain;
use crate::domain::devices::{Video, VideoModel};
use crate::native::ReadError;

/// Cards: xl's words and those of a domain.
const CARDS: [(&str, &str); 4] = [("stdvga", "vga"), ("cirrus", "cirrus"), ("qxl", "qxl"), ("none", "none")];

/// The framebuffer of a paravirtual guest.
const PARAVIRTUAL: &str = "xen";

pub(super) fn read(input: &mut Input, domain: &mut Domain) -> Result<(), ReadError> {
    let item = input.take("videoram");
    let memory: Option<u32> = item.as_ref().map(|item| item.number("videoram", "a number of MiB")).transpose()?;
    let vram = match (memory.filter(|memory| *memory > 0).and_then(|memory| memory.checked_mul(1024)), &item) {
        (None, Some(item)) => return Err(item.unexpected("videoram", "a number of MiB")),
        (vram, _) => vram,
    };
    let card = if is_hvm(domain) { card(input)? } else { None };
    if card.is_none() && vram.is_none() {
        return Ok(());
    }
    // Xen's default where a size is all that is said.
    let card = card.unwrap_or(if is_hvm(domain) { "cirrus" } else { PARAVIRTUAL });
    let model = VideoModel { kind: Some(card.to_owned()), vram, ..VideoModel::default() };
    domain.devices.list.push(Video { model: Some(model), ..Video::default() }.into());
    Ok(())
}

fn card(input: &mut Input) -> Result<Option<&'static str>, ReadError> {
    let mut found = None;
    if let Some(item) = input.take("vga") {
        let word = item.text("vga")?;
        let known = CARDS.iter().find(|(theirs, _)| *theirs == word).map(|(_, ours)| *ours);
        found = Some(known.ok_or_else(|| item.unexpected("vga", "'none', 'stdvga', 'cirrus' or 'qxl'"))?);
    }
    for (key, card) in [("nographic", "none"), ("stdvga", "vga")] {
        let Some(item) = input.take(key) else { continue };
        match (item.switch(key)?, found) {
            (true, None) => found = Some(card),
            (true, Some(other)) if other != card => {
                input.warn(item.position, format!("'{key}' does not count, since the card is '{other}', and is left out"));
            }
            (false, None) if key == "stdvga" => found = Some("cirrus"),
            _ => {}
        }
    }
    Ok(found)
}

pub(super) fn write(domain: &Domain, output: &mut Output) {
    let Some(video) = domain.devices.videos().next() else { return };
    if is_hvm(domain) {
        let name = video.model_name();
        if output.dialect == Dialect::Xl {
            output.text("vga", CARDS.iter().find(|(_, ours)| *ours == name).map(|(theirs, _)| *theirs));
        } else if name == "none" {
            output.switch("nographic", Some(true));
        } else {
            output.switch("stdvga", Some(name == "vga").filter(|_| matches!(name, "vga" | "cirrus")));
        }
    } else if video.model_name() != PARAVIRTUAL {
        return;
    }
    let vram = video.model.as_ref().and_then(|model| model.vram);
    output.number("videoram", vram.map(|vram| vram.div_ceil(1024)).filter(|size| *size > 0));
}
