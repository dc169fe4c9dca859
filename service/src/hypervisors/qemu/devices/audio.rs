//! `<audio>`: where on the host the guest's sound comes from and goes to: `-audiodev`.

use lodge_model::domain::devices::{Audio, AudioStream, AudioType, Graphics, GraphicsType};

use crate::hypervisors::qemu::command::Draft;
use crate::hypervisors::qemu::props::Props;
use crate::hypervisors::qemu::refusal::Refusal;

/// The number of the back end that is made when the definition has none.
const DEFAULT_ID: u32 = 1;

/// Adds a back end for guests whose definition has none: the display's, or silence.
pub fn add_default(draft: &mut Draft<'_>) {
    let devices = &draft.domain.devices;
    if devices.audios().next().is_some() || devices.sounds().next().is_none() {
        return;
    }
    let through = |kind| devices.graphics().any(|graphics: &Graphics| graphics.kind == kind);
    let driver = match () {
        () if through(GraphicsType::Spice) => "spice",
        () if through(GraphicsType::Dbus) => "dbus",
        () => "none",
    };
    draft.option("-audiodev", Props::of("id", &name(DEFAULT_ID)).with("driver", driver).render());
}

/// Adds a back end.
///
/// # Errors
/// This QEMU does not have it.
pub fn add(draft: &mut Draft<'_>, audio: &Audio) -> Result<(), Refusal> {
    let driver = match audio.kind {
        AudioType::File => "wav",
        AudioType::Pulseaudio => "pa",
        other => other.as_str(),
    };
    if !draft.input.capabilities.has_audiodev(driver) {
        return Err(Refusal::unsupported(format!(
            "<audio type='{}'> needs QEMU's audio back end {driver}, which this QEMU does not have: use type='none', or one that it has",
            audio.kind
        )));
    }
    let props = Props::of("id", &name(audio.id)).with("driver", driver).opt("timer-period", audio.timer_period);
    let props = match audio.kind {
        AudioType::File => {
            if let Some(path) = &audio.path {
                draft.log(path);
            }
            props.opt("path", audio.path.clone())
        }
        AudioType::Pulseaudio => props.opt("server", audio.server_name.clone()),
        AudioType::Oss => props.yes("try-mmap", audio.try_mmap).yes("exclusive", audio.exclusive).opt("dsp-policy", audio.dsp_policy),
        AudioType::Sdl => props.opt("driver-name", audio.driver.clone()),
        _ => props,
    };
    if let Some(directory) = &audio.runtime_dir {
        draft.variable("PIPEWIRE_RUNTIME_DIR", directory);
    }
    let props = props.opt("in", audio.input.as_ref().map(|input| stream(audio.kind, input)));
    let props = props.opt("out", audio.output.as_ref().map(|output| stream(audio.kind, output)));
    draft.option("-audiodev", props.render());
    Ok(())
}

fn stream(kind: AudioType, stream: &AudioStream) -> serde_json::Value {
    let settings = stream.settings.as_ref();
    let props = Props::empty()
        .yes("mixing-engine", stream.mixing_engine)
        .yes("fixed-settings", stream.fixed_settings)
        .opt("voices", stream.voices)
        .opt("buffer-length", stream.buffer_length)
        .opt("frequency", settings.and_then(|settings| settings.frequency))
        .opt("channels", settings.and_then(|settings| settings.channels))
        .opt("format", settings.and_then(|settings| settings.format.clone()));
    let props = match kind {
        AudioType::Alsa | AudioType::Oss => props.opt("dev", stream.dev.clone()).yes("try-poll", stream.try_poll),
        AudioType::Pulseaudio | AudioType::Pipewire => {
            props.opt("name", stream.name.clone()).opt("stream-name", stream.stream_name.clone()).opt("latency", stream.latency)
        }
        AudioType::Jack => props
            .opt("server-name", stream.server_name.clone())
            .opt("client-name", stream.client_name.clone())
            .opt("connect-ports", stream.connect_ports.clone())
            .yes("exact-name", stream.exact_name),
        _ => props,
    };
    props.into_value()
}

/// QEMU's id of the back end of this number.
pub fn name(id: u32) -> String {
    format!("audio{id}")
}

/// QEMU's id of the back end that a sound card or display uses; `None` when there is none at all.
pub fn of(draft: &Draft<'_>, id: Option<u32>) -> Result<Option<String>, Refusal> {
    let devices = &draft.domain.devices;
    let mut numbers = devices.audios().map(|audio| audio.id);
    match id {
        Some(id) if numbers.any(|number| number == id) => Ok(Some(name(id))),
        Some(id) => {
            Err(Refusal::invalid(format!("<audio id='{id}'/> is used, and no such back end is there: add <audio id='{id}' type='none'/>")))
        }
        None => {
            let default = devices.sounds().next().map(|_| DEFAULT_ID);
            Ok(numbers.next().or(default).map(name))
        }
    }
}
