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

/// The variable that named the back end before there was `-audiodev`.
pub const VARIABLE: &str = "QEMU_AUDIO_DRV";

/// Whether QEMU before 8.2 read its sound's settings from a variable.
pub fn is_read_by_old_qemu(name: &str) -> bool {
    ["QEMU_AUDIO_", "QEMU_PA_", "QEMU_ALSA_", "QEMU_OSS_", "QEMU_WAV_", "QEMU_SPICE_"].iter().any(|prefix| name.starts_with(prefix))
}

/// Converts options of sound.
///
/// # Errors
/// A value begins as JSON and is none.
pub fn convert(to: &mut Conversion<'_>, option: &Opt) -> Result<Option<Outcome>, ReadError> {
    match option.name.as_str() {
        "soundhw" => Ok(Some(cards(to, &option.value))),
        "audio" => Ok(Some(card_with_back_end(to, &to.props(option, "driver")?))),
        _ => Ok(None),
    }
}

/// `-soundhw`: several cards, or all that there are.
fn cards(to: &mut Conversion<'_>, words: &str) -> Outcome {
    let mut unknown = Vec::new();
    for word in words.split(',') {
        match CARDS.iter().find(|(known, _)| *known == word) {
            Some((_, model)) => to.device(element("sound").with("model", model)),
            None => unknown.push(word),
        }
    }
    if !unknown.is_empty() {
        to.warn(format!("the sound card '{}' is left out: no element says it", unknown.join(",")));
    }
    Outcome::Done
}

/// `-audio`: a back end, and perhaps a card that uses it.
fn card_with_back_end(to: &mut Conversion<'_>, props: &Props) -> Outcome {
    let model = match props.take("model") {
        None => None,
        Some(word) => match CARDS.iter().find(|(known, _)| *known == word) {
            Some((_, model)) => Some(*model),
            None => return Outcome::Kept(format!("no element says the sound card '{word}'")),
        },
    };
    let number = to.next_audio_number();
    let Some(audio) = back_end(props, number) else { return Outcome::Kept("its back end is of a kind that no element says".to_owned()) };
    to.add_audio(audio);
    if let Some(model) = model {
        to.device(element("sound").with("model", model).child(element("audio").with("id", number)));
    }
    Outcome::Done
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

/// Adds the back end that the environment names, where no option does.
pub fn finish(to: &mut Conversion<'_>) {
    let known = to.variable(VARIABLE).and_then(|word| BACK_ENDS.iter().find(|(theirs, _)| *theirs == word)).map(|(_, kind)| *kind);
    match known {
        Some(kind) if !to.has("audiodev") && !to.has("audio") => {
            let number = to.next_audio_number();
            to.add_audio(element("audio").with("id", number).with("type", kind));
        }
        Some(_) => {}
        None => {
            if let Some(word) = to.variable(VARIABLE).map(str::to_owned) {
                to.warn_of_all(&format!("{VARIABLE}={word} is left out: no element says this back end; write <audio>"));
            }
        }
    }
}
