//! Sound of the host: where the guest's sound cards play and record.

use crate::xml::YesNo;
use crate::{element, keywords};

keywords! {
    /// Where sound goes.
    pub enum AudioType {
        /// Nowhere.
        None = "none",
        /// ALSA.
        Alsa = "alsa",
        /// Core Audio of macOS.
        Coreaudio = "coreaudio",
        /// The D-Bus display.
        Dbus = "dbus",
        /// A file.
        File = "file",
        /// JACK.
        Jack = "jack",
        /// OSS.
        Oss = "oss",
        /// PipeWire.
        Pipewire = "pipewire",
        /// PulseAudio.
        Pulseaudio = "pulseaudio",
        /// SDL.
        Sdl = "sdl",
        /// The SPICE display.
        Spice = "spice",
    }
}

element! {
    /// A sound backend: `<audio>`.
    pub struct Audio {
        /// Its number, from 1.
        required "id" id: u32,
        /// Where sound goes.
        required "type" kind: AudioType,
        /// Microseconds between two looks at the buffers.
        attr "timerPeriod" timer_period: Option<u32>,
        /// Server, of PulseAudio.
        attr "serverName" server_name: Option<String>,
        /// Absolute path of the runtime directory, of PipeWire.
        attr "runtimeDir" runtime_dir: Option<String>,
        /// Absolute path of the file.
        attr "path" path: Option<String>,
        /// Driver, of SDL.
        attr "driver" driver: Option<String>,
        /// Whether buffers are mapped, of OSS.
        attr "tryMMap" try_mmap: Option<YesNo>,
        /// Whether the device is used alone, of OSS.
        attr "exclusive" exclusive: Option<YesNo>,
        /// Timing policy, -1 to 10, of OSS.
        attr "dspPolicy" dsp_policy: Option<i32>,
        /// What is recorded.
        child "input" input: Option<AudioStream>,
        /// What is played.
        child "output" output: Option<AudioStream>,
    }
}

element! {
    /// One direction of a backend.
    pub struct AudioStream {
        /// Whether the hypervisor mixes.
        attr "mixingEngine" mixing_engine: Option<YesNo>,
        /// Whether the settings below are used instead of the guest's.
        attr "fixedSettings" fixed_settings: Option<YesNo>,
        /// Voices.
        attr "voices" voices: Option<u32>,
        /// Length of the buffer in microseconds.
        attr "bufferLength" buffer_length: Option<u32>,
        /// Number of buffers.
        attr "bufferCount" buffer_count: Option<u32>,
        /// Device, of ALSA and OSS.
        attr "dev" dev: Option<String>,
        /// Whether the device is polled, of OSS.
        attr "tryPoll" try_poll: Option<YesNo>,
        /// Sink or source, of PulseAudio and PipeWire.
        attr "name" name: Option<String>,
        /// Name of the stream, of PulseAudio and PipeWire.
        attr "streamName" stream_name: Option<String>,
        /// Latency wanted in microseconds, of PulseAudio and PipeWire.
        attr "latency" latency: Option<u32>,
        /// Server, of JACK.
        attr "serverName" server_name: Option<String>,
        /// Name of this client, of JACK.
        attr "clientName" client_name: Option<String>,
        /// Pattern of the ports to connect, of JACK.
        attr "connectPorts" connect_ports: Option<String>,
        /// Whether the client's name must not change, of JACK.
        attr "exactName" exact_name: Option<YesNo>,
        /// Fixed settings.
        child "settings" settings: Option<AudioSettings>,
    }
}

element! {
    /// Fixed settings of a stream.
    pub struct AudioSettings {
        /// Samples a second.
        attr "frequency" frequency: Option<u32>,
        /// Channels.
        attr "channels" channels: Option<u32>,
        /// Format of a sample such as `s16`; open, as hypervisors add formats.
        attr "format" format: Option<String>,
    }
}
