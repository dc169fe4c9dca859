//! Displays and graphics cards.

use lodge_model::domain::devices::{Audio, AudioType, Devices, Graphics, GraphicsType, Listen, ListenType, Video, VideoModel};
use lodge_model::xml::YesNo;

use super::list::insert;
use super::machine::Machine;

/// Graphics cards for a guest with a display and without a card. VGA shows something under every firmware and system
/// and loses little to the others; libvirt takes the older Cirrus.
const CARDS: &[(&str, &str)] = &[("vga", "VGA"), ("virtio", "virtio-vga"), ("cirrus", "cirrus-vga"), ("bochs", "bochs-display")];

/// Video memory in KiB of the cards whose memory QEMU lets us choose; libvirt's amount.
const VIDEO_MEMORY: u32 = 16384;
/// Memory in KiB of each of the two larger regions of a QXL card.
const QXL_MEMORY: u32 = 65536;

pub(super) fn complete(devices: &mut Devices, machine: &Machine<'_>) {
    for graphics in devices.graphics_mut() {
        listen(graphics);
        ports(graphics);
    }
    if devices.graphics().next().is_some() && devices.videos().next().is_none() {
        insert(devices, Video::default());
    }
    cards(devices, machine);
    if devices.audios().next().is_none() {
        let kind = sound_of(devices);
        insert(devices, Audio { id: 1, kind, ..Audio::default() });
    }
}

/// Where sound goes: with the display where that carries sound. VNC and headless guests are mute, as the host's
/// sound is not for whoever sits elsewhere.
fn sound_of(devices: &Devices) -> AudioType {
    let carried = devices.graphics().find_map(|graphics| match graphics.kind {
        GraphicsType::Spice => Some(AudioType::Spice),
        GraphicsType::Dbus => Some(AudioType::Dbus),
        GraphicsType::Sdl => Some(AudioType::Sdl),
        _ => None,
    });
    carried.unwrap_or(AudioType::None)
}

/// The attribute and the element that say the address agree, as programs read the one or the other.
fn listen(graphics: &mut Graphics) {
    if !matches!(graphics.kind, GraphicsType::Vnc | GraphicsType::Spice | GraphicsType::Rdp) {
        return;
    }
    if graphics.listens.is_empty() {
        let kind = if graphics.socket.is_some() { ListenType::Socket } else { ListenType::Address };
        graphics.listens.push(Listen { kind: Some(kind), ..Listen::default() });
    }
    let Some(first) = graphics.listens.first_mut() else { return };
    match *first.kind.get_or_insert_default() {
        ListenType::Address => match (&first.address, &graphics.listen) {
            (Some(address), None) => graphics.listen = Some(address.clone()),
            (None, Some(address)) => first.address = Some(address.clone()),
            _ => {}
        },
        ListenType::Socket => match (&first.socket, &graphics.socket) {
            (Some(path), None) => graphics.socket = Some(path.clone()),
            (None, Some(path)) => first.socket = Some(path.clone()),
            _ => {}
        },
        ListenType::Network | ListenType::None => {}
    }
}

/// A port of -1 asks for a free one at each start, and so does a VNC or RDP display without a port.
fn ports(graphics: &mut Graphics) {
    let listens = graphics.listens.iter().any(|listen| matches!(listen.kind, Some(ListenType::Address | ListenType::Network)));
    if !listens || graphics.autoport.is_some() && graphics.kind == GraphicsType::Spice {
        return;
    }
    match graphics.kind {
        GraphicsType::Vnc | GraphicsType::Rdp if graphics.autoport() => {
            graphics.autoport = Some(YesNo(true));
            graphics.port.get_or_insert(-1);
        }
        GraphicsType::Spice => {
            let asked = graphics.port == Some(-1) || graphics.tls_port == Some(-1);
            if asked && graphics.autoport() {
                graphics.autoport = Some(YesNo(true));
            }
        }
        _ => {}
    }
}

fn cards(devices: &mut Devices, machine: &Machine<'_>) {
    let has_primary = devices.videos().any(is_primary);
    for (number, video) in devices.videos_mut().enumerate() {
        let model = video.model.get_or_insert_with(VideoModel::default);
        let kind = model.kind.get_or_insert_with(|| machine.first_of(CARDS).to_owned());
        match kind.as_str() {
            "none" => continue,
            "qxl" => {
                model.ram.get_or_insert(QXL_MEMORY);
                model.vram.get_or_insert(QXL_MEMORY);
                model.vga_memory.get_or_insert(VIDEO_MEMORY);
            }
            "vga" | "cirrus" | "vmvga" | "bochs" => {
                model.vram.get_or_insert(VIDEO_MEMORY);
            }
            _ => {}
        }
        model.heads.get_or_insert(1);
        if number == 0 && !has_primary {
            model.primary.get_or_insert(YesNo(true));
        }
    }
}

/// Whether a card is the one that shows the boot.
pub(super) fn is_primary(video: &Video) -> bool {
    video.model.as_ref().is_some_and(|model| model.primary == Some(YesNo(true)))
}
