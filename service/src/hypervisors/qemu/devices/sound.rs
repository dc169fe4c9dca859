//! `<sound>`: sound cards.

use lodge_model::domain::devices::Sound;
use lodge_model::xml::YesNo;

use super::{audio, virtio};
use crate::hypervisors::qemu::command::Draft;
use crate::hypervisors::qemu::props::Props;
use crate::hypervisors::qemu::refusal::Refusal;
use crate::hypervisors::qemu::{alias, buses};

/// Adds a sound card.
///
/// # Errors
/// A model that is not known, no place, or no back end.
pub fn add(draft: &mut Draft<'_>, sound: &Sound) -> Result<(), Refusal> {
    let name = alias::of(sound.alias.as_ref());
    let audio = audio::of(draft, sound.audio.as_ref().map(|audio| audio.id))?;
    let model = sound.model.as_deref().unwrap_or("ich6");
    let element = format!("<sound model='{model}'>");
    let driver = match model {
        "ich6" => "intel-hda",
        "ich9" => "ich9-intel-hda",
        "ac97" => "AC97",
        "es1370" => "ES1370",
        "sb16" => "sb16",
        "usb" => "usb-audio",
        "virtio" => "virtio-sound-pci",
        other => {
            return Err(Refusal::unsupported(format!(
                "<sound> has the model '{other}', which this version cannot do: use ich9, ich6, ac97, es1370, sb16, usb or virtio"
            )));
        }
    };
    let card = Props::device(driver).with("id", name);
    match driver {
        "intel-hda" | "ich9-intel-hda" => {
            let place = buses::pci(draft, name, sound.address.as_ref())?;
            draft.device(&element, card.and(place))?;
            codecs(draft, sound, name, audio.as_deref())
        }
        "sb16" => draft.device(&element, card.opt("audiodev", audio)),
        "usb-audio" => {
            let place = buses::usb(draft, name, sound.address.as_ref())?;
            let multi = sound.multichannel == Some(YesNo(true));
            draft.device(&element, card.and(place).opt("multi", multi.then_some(true)).opt("audiodev", audio))
        }
        _ => {
            let place = buses::pci(draft, name, sound.address.as_ref())?;
            let options = virtio::driver(sound.driver.as_ref()).opt("streams", sound.streams);
            draft.device(&element, card.and(place).and(options).opt("audiodev", audio))
        }
    }
}

fn codecs(draft: &mut Draft<'_>, sound: &Sound, card: &str, audio: Option<&str>) -> Result<(), Refusal> {
    let mut words: Vec<_> = sound.codecs.iter().map(|codec| codec.kind.as_deref().unwrap_or("duplex")).collect();
    if words.is_empty() {
        words.push("duplex");
    }
    for (number, word) in words.into_iter().enumerate() {
        let driver = match word {
            "duplex" | "micro" | "output" => format!("hda-{word}"),
            other => return Err(Refusal::invalid(format!("<codec type='{other}'/> is not known: use duplex, micro or output"))),
        };
        let codec = Props::device(&driver).with("id", format!("{card}-codec{number}")).with("bus", format!("{card}.0"));
        draft.device("<sound>", codec.with("cad", number).opt("audiodev", audio))?;
    }
    Ok(())
}
