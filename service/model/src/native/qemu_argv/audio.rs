//! Sound cards and where the sound goes.

use super::ReadError;
use super::conversion::Conversion;
use super::devices::nothing_left;
use super::options::Opt;
use super::outcome::Outcome;
use super::props::Props;
use super::tree::{Build, element};
use crate::xml::Element;

/// Sound cards of `-soundhw` and of `-device`: word, model.
const CARDS: &[(&str, &str)] = &[
    ("ac97", "ac97"),
    ("AC97", "ac97"),
    ("es1370", "es1370"),
    ("ES1370", "es1370"),
    ("sb16", "sb16"),
    ("pcspk", "pcspk"),
    ("hda", "ich6"),
    ("intel-hda", "ich6"),
    ("ich9-intel-hda", "ich9"),
    ("usb-audio", "usb"),
    ("virtio-sound", "virtio"),
];

/// What is plugged into an HDA controller.
const CODECS: &[(&str, &str)] = &[("hda-duplex", "duplex"), ("hda-micro", "micro"), ("hda-output", "output")];

/// Converts options of sound.
///
/// # Errors
/// None; the signature is that of the other families.
pub fn convert(to: &mut Conversion<'_>, option: &Opt) -> Result<Option<Outcome>, ReadError> {
    if option.name != "soundhw" {
        return Ok(None);
    }
    let mut unknown = Vec::new();
    for word in option.value.split(',') {
        match CARDS.iter().find(|(known, _)| *known == word) {
            Some((_, model)) => to.device(element("sound").with("model", model)),
            None => unknown.push(word),
        }
    }
    Ok(Some(if unknown.is_empty() { Outcome::Done } else { Outcome::Left("it names a sound card that QEMU has no longer") }))
}

/// A sound card of `-device`.
pub fn device(to: &mut Conversion<'_>, driver: &str, _model: Option<&str>, props: &Props) -> Option<Result<(), String>> {
    if let Some((_, codec)) = CODECS.iter().find(|(known, _)| *known == driver) {
        return Some(plug_codec(to, codec, props));
    }
    let (_, model) = CARDS.iter().find(|(known, _)| *known == driver)?;
    Some(card(to, model, props))
}

fn card(to: &mut Conversion<'_>, model: &str, props: &Props) -> Result<(), String> {
    let audio = props.take("audiodev").map(str::to_owned);
    let address = match model {
        "usb" => to.buses.usb(props)?,
        "sb16" | "pcspk" => None,
        _ => to.buses.pci(props)?,
    };
    let id = props.take("id").map(str::to_owned);
    let streams = props.take("streams").map(str::to_owned);
    nothing_left(props)?;
    let audio = audio_element(to, audio.as_deref())?;
    if let Some(id) = id {
        to.sound_cards.insert(id, to.devices.len());
    }
    let sound = element("sound").with("model", model).maybe("streams", streams);
    to.device(sound.children(audio).children(address));
    Ok(())
}

fn plug_codec(to: &mut Conversion<'_>, codec: &str, props: &Props) -> Result<(), String> {
    let bus = props.take("bus").map(|bus| bus.split('.').next().unwrap_or_default().to_owned());
    let audio = props.take("audiodev").map(str::to_owned);
    props.ignore(&["cad"]);
    nothing_left(props)?;
    let at = match bus {
        Some(bus) => to.sound_cards.get(&bus).copied(),
        None => to.devices.iter().rposition(|device| device.name == "sound"),
    };
    let audio = audio_element(to, audio.as_deref())?;
    let Some(sound) = at.and_then(|at| to.devices.get_mut(at)) else {
        return Err("no element is the sound card that it is plugged into".to_owned());
    };
    // A duplex codec is what a card has when nothing is said.
    let codec = (codec != "duplex").then(|| element("codec").with("type", codec));
    *sound = std::mem::take(sound).children(codec).children(audio);
    Ok(())
}

fn audio_element(to: &mut Conversion<'_>, id: Option<&str>) -> Result<Option<Element>, String> {
    let Some(id) = id else { return Ok(None) };
    match to.audio_number(id) {
        Some(number) => Ok(Some(element("audio").with("id", number))),
        None => Err(format!("the sound back end '{id}' is of a kind that no element says")),
    }
}

/// Back ends of sound: QEMU's word and the document's.
const BACK_ENDS: &[(&str, &str)] = &[
    ("none", "none"),
    ("alsa", "alsa"),
    ("coreaudio", "coreaudio"),
    ("dbus", "dbus"),
    ("jack", "jack"),
    ("oss", "oss"),
    ("pa", "pulseaudio"),
    ("pipewire", "pipewire"),
    ("sdl", "sdl"),
    ("spice", "spice"),
    ("wav", "file"),
];

/// `<audio>` of a back end; `None` when no element says it.
pub fn back_end(props: &Props, number: u32) -> Option<Element> {
    let driver = props.take("driver")?;
    let (_, kind) = BACK_ENDS.iter().find(|(known, _)| *known == driver)?;
    let mut audio = element("audio").with("id", number).with("type", kind);
    audio = audio.maybe("timerPeriod", props.take("timer-period"));
    if *kind == "file" {
        audio = audio.maybe("path", props.take("path"));
    }
    if *kind == "pulseaudio" {
        audio = audio.maybe("serverName", props.take("server"));
    }
    props.ignore(&["id"]);
    props.left().is_empty().then_some(audio)
}
