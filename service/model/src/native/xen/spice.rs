//! SPICE displays, of xl's fully virtualized guests.

use super::graphics::address;
use super::input::Input;
use super::output::Output;
use super::{Dialect, is_hvm};
use crate::domain::Domain;
use crate::domain::devices::{
    Channel, ChannelTarget, ChannelType, ChardevType, Clipboard, Compression, Graphics, GraphicsType, HubType, Mouse, MouseMode, Password,
    Redirdev, Streaming,
};
use crate::native::ReadError;
use crate::xml::YesNo;

/// Most channels for USB devices of the client.
const MAX_REDIRECTED: usize = 4;

/// The channel of the agent in the guest.
const AGENT: &str = "com.redhat.spice.0";

pub(super) fn read(input: &mut Input, domain: &mut Domain) -> Result<(), ReadError> {
    if !is_hvm(domain) {
        return Ok(());
    }
    let Some(item) = input.take("spice") else { return Ok(()) };
    if !item.switch("spice")? {
        return Ok(());
    }
    let (port, tls_port) = (port(input, "spiceport")?, port(input, "spicetls_port")?);
    let free = input.switch("spicedisable_ticketing")?;
    let mut graphics = Graphics {
        kind: GraphicsType::Spice,
        port,
        tls_port,
        autoport: Some(YesNo(port.is_none() && tls_port.is_none())),
        listen: input.text("spicehost")?,
        keymap: input.text("keymap")?,
        ..Graphics::default()
    };
    if free == Some(true) {
        input.leave_out("spicepasswd", "does not count beside 'spicedisable_ticketing'");
    }
    graphics.password = input.text("spicepasswd")?.map(Password);
    if free != Some(true) && graphics.password.is_none() {
        let reason = "SPICE has no 'spicepasswd'; xl starts no such guest unless 'spicedisable_ticketing' is 1, and in a domain no password means that anybody may connect";
        input.warn(item.position, reason.into());
    }
    let mode = |on| if on { MouseMode::Client } else { MouseMode::Server };
    graphics.mouse = input.switch("spiceagent_mouse")?.map(|on| Mouse { mode: Some(mode(on)), ..Mouse::default() });
    graphics.clipboard =
        input.switch("spice_clipboard_sharing")?.map(|on| Clipboard { copy_paste: Some(YesNo(on)), ..Clipboard::default() });
    let compression = input.text("spice_image_compression")?;
    graphics.image = compression.map(|word| Compression { compression: Some(word), ..Compression::default() });
    graphics.streaming = input.text("spice_streaming_video")?.map(|word| Streaming { mode: Some(word), ..Streaming::default() });
    let list = &mut domain.devices.list;
    list.push(graphics.into());
    if input.switch("spicevdagent")? == Some(true) {
        let target = Some(ChannelTarget { kind: ChannelType::Virtio, name: Some(AGENT.into()), ..ChannelTarget::default() });
        list.push(Channel { kind: Some(ChardevType::SpiceVmc), target, ..Channel::default() }.into());
    }
    let expected = "a number of channels from 0 to 4";
    let redirected = match input.take("spiceusbredirection") {
        Some(item) => Some(item.number("spiceusbredirection", expected)?)
            .filter(|count| *count <= MAX_REDIRECTED)
            .ok_or_else(|| item.unexpected("spiceusbredirection", expected))?,
        None => 0,
    };
    for _ in 0..redirected {
        list.push(Redirdev { bus: Some(HubType::Usb), kind: ChardevType::SpiceVmc, ..Redirdev::default() }.into());
    }
    Ok(())
}

fn port(input: &mut Input, key: &str) -> Result<Option<i32>, ReadError> {
    let Some(item) = input.take(key) else { return Ok(None) };
    let port: u16 = item.number(key, "a port from 1 to 65535")?;
    if port == 0 {
        input.warn(item.position, format!("'{key}' is 0, which is no port, and is left out"));
    }
    Ok(Some(port).filter(|port| *port > 0).map(i32::from))
}

pub(super) fn write(domain: &Domain, output: &mut Output) {
    let spice = domain.devices.graphics().find(|graphics| graphics.kind == GraphicsType::Spice);
    let Some(spice) = spice.filter(|_| is_hvm(domain) && output.dialect == Dialect::Xl) else { return };
    output.switch("spice", Some(true));
    output.text("spicehost", address(spice));
    let fixed = spice.autoport != Some(YesNo(true));
    // There is one keyboard for all displays, and others write it.
    let alone = !domain.devices.graphics().any(|graphics| matches!(graphics.kind, GraphicsType::Vnc | GraphicsType::Sdl));
    output.text("keymap", spice.keymap.as_ref().filter(|_| alone));
    output.number("spiceport", spice.fixed_port().filter(|_| fixed));
    output.number("spicetls_port", spice.fixed_tls_port().filter(|_| fixed));
    output.switch("spicedisable_ticketing", Some(spice.password.is_none()));
    output.text("spicepasswd", spice.password.as_ref().map(|password| password.0.clone()));
    let mouse = spice.mouse.as_ref().and_then(|mouse| mouse.mode);
    output.switch("spiceagent_mouse", mouse.map(|mode| mode == MouseMode::Client));
    let agent = |channel: &&Channel| channel.kind == Some(ChardevType::SpiceVmc);
    output.switch("spicevdagent", domain.devices.channels().find(agent).map(|_| true));
    let clipboard = spice.clipboard.as_ref().and_then(|clipboard| clipboard.copy_paste);
    output.switch("spice_clipboard_sharing", clipboard.map(|copy_paste| copy_paste.0));
    let redirected = domain.devices.redirdevs().filter(|device| device.kind == ChardevType::SpiceVmc).count();
    output.number("spiceusbredirection", Some(redirected.min(MAX_REDIRECTED)).filter(|count| *count > 0));
    output.text("spice_image_compression", spice.image.as_ref().and_then(|image| image.compression.as_ref()));
    output.text("spice_streaming_video", spice.streaming.as_ref().and_then(|streaming| streaming.mode.as_ref()));
}
