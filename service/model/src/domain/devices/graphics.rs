//! Graphical displays: how a person sees and uses the guest.

use super::parts::Password;
use super::problem::{Problem, needed};
use crate::xml::YesNo;
use crate::{element, keywords};

keywords! {
    /// The protocol of a display.
    pub enum GraphicsType {
        /// Remote framebuffer.
        Vnc = "vnc",
        /// SPICE.
        Spice = "spice",
        /// A window of the hypervisor.
        Sdl = "sdl",
        /// D-Bus.
        Dbus = "dbus",
        /// Remote desktop protocol.
        Rdp = "rdp",
        /// An OpenGL context without a window; it goes with another display.
        EglHeadless = "egl-headless",
        /// A window of the hypervisor's own desktop.
        Desktop = "desktop",
    }
}

keywords! {
    /// How clients of a VNC display share it.
    pub enum SharePolicy {
        /// A client may ask to be alone.
        AllowExclusive = "allow-exclusive",
        /// Always shared.
        ForceShared = "force-shared",
        /// Never shared.
        Ignore = "ignore",
    }
}

keywords! {
    /// What happens to connected clients when the password changes.
    pub enum Connected {
        /// They stay.
        Keep = "keep",
        /// They are thrown out.
        Disconnect = "disconnect",
        /// The change fails.
        Fail = "fail",
    }
}

keywords! {
    /// Whether a SPICE channel is encrypted.
    pub enum ChannelMode {
        /// Either way.
        Any = "any",
        /// Encrypted.
        Secure = "secure",
        /// Not.
        Insecure = "insecure",
    }
}

keywords! {
    /// Where a display listens.
    pub enum ListenType {
        /// On an address.
        Address = "address",
        /// On the address of a network.
        Network = "network",
        /// On a unix socket.
        Socket = "socket",
        /// Nowhere; clients are handed over.
        None = "none",
    }
}

keywords! {
    /// Who moves the mouse of a SPICE display.
    pub enum MouseMode {
        /// The client says where it is.
        Client = "client",
        /// The client says how it moves.
        Server = "server",
    }
}

element! {
    /// A display: `<graphics>`.
    pub struct Graphics {
        /// The protocol.
        required "type" kind: GraphicsType,
        /// TCP port; -1 asks for a free one.
        attr "port" port: Option<i32>,
        /// TCP port of encrypted SPICE; -1 asks for a free one.
        attr "tlsPort" tls_port: Option<i32>,
        /// Whether a free port is chosen at start.
        attr "autoport" autoport: Option<YesNo>,
        /// TCP port of VNC over WebSocket; -1 asks for a free one.
        attr "websocket" websocket: Option<i32>,
        /// Address it listens on; the older form of `<listen>`.
        attr "listen" listen: Option<String>,
        /// Absolute path of a unix socket; the older form of `<listen>`.
        attr "socket" socket: Option<String>,
        /// Keyboard layout such as `de`.
        attr "keymap" keymap: Option<String>,
        /// Password.
        attr "passwd" password: Option<Password>,
        /// When the password ends, in UTC: `2030-12-31T23:59:59`.
        attr "passwdValidTo" password_valid_to: Option<String>,
        /// What happens to clients when the password changes.
        attr "connected" connected: Option<Connected>,
        /// How clients share a VNC display.
        attr "sharePolicy" share_policy: Option<SharePolicy>,
        /// Whether VNC clients may shut the guest down.
        attr "powerControl" power_control: Option<YesNo>,
        /// Whether SPICE channels are encrypted unless they say otherwise.
        attr "defaultMode" default_mode: Option<ChannelMode>,
        /// X11 display of a window.
        attr "display" display: Option<String>,
        /// X11 authority file of a window.
        attr "xauth" xauth: Option<String>,
        /// Whether a window fills the screen.
        attr "fullscreen" fullscreen: Option<YesNo>,
        /// Address of a D-Bus.
        attr "address" address: Option<String>,
        /// Whether D-Bus clients connect without a bus.
        attr "p2p" peer_to_peer: Option<YesNo>,
        /// User of RDP.
        attr "username" user: Option<String>,
        /// Whether a new RDP user takes the place of the old one.
        attr "replaceUser" replace_user: Option<YesNo>,
        /// Whether several RDP users may be connected.
        attr "multiUser" multi_user: Option<YesNo>,
        /// Where it listens.
        children "listen" listens: Vec<Listen>,
        /// SPICE channels with a mode of their own.
        children "channel" channels: Vec<SpiceChannel>,
        /// Compression of images.
        child "image" image: Option<Compression>,
        /// JPEG compression on slow connections.
        child "jpeg" jpeg: Option<Compression>,
        /// zlib compression on slow connections.
        child "zlib" zlib: Option<Compression>,
        /// Compression of sound.
        child "playback" playback: Option<Compression>,
        /// Detection of video streams.
        child "streaming" streaming: Option<Streaming>,
        /// Copy and paste.
        child "clipboard" clipboard: Option<Clipboard>,
        /// Who moves the mouse.
        child "mouse" mouse: Option<Mouse>,
        /// Drag and drop of files.
        child "filetransfer" file_transfer: Option<FileTransfer>,
        /// OpenGL.
        child "gl" gl: Option<Gl>,
        /// The sound backend that it carries.
        child "audio" audio: Option<AudioReference>,
    }
}

element! {
    /// Where a display listens.
    pub struct Listen {
        /// On what.
        attr "type" kind: Option<ListenType>,
        /// Address or host name.
        attr "address" address: Option<String>,
        /// Network whose address it is.
        attr "network" network: Option<String>,
        /// Absolute path of the socket; chosen by the service when left out.
        attr "socket" socket: Option<String>,
        /// Set by the service where a setting of its own asked for the socket.
        attr "fromConfig" from_config: Option<u32>,
        /// Set by the service where a setting of its own asked for a generated socket.
        attr "autoGenerated" auto_generated: Option<YesNo>,
    }
}

element! {
    /// A SPICE channel with a mode of its own.
    pub struct SpiceChannel {
        /// Channel such as `main` or `display`; open, as SPICE grows.
        required "name" name: String,
        /// Whether it is encrypted.
        required "mode" mode: ChannelMode,
    }
}

element! {
    /// Compression of a part of SPICE.
    pub struct Compression {
        /// `off`, `on`, `auto`, `auto_glz`, `never`, …: each part has words of its own.
        attr "compression" compression: Option<String>,
    }
}

element! {
    /// Detection of video streams.
    pub struct Streaming {
        /// `filter`, `all` or `off`.
        attr "mode" mode: Option<String>,
    }
}

element! {
    /// Copy and paste between guest and client.
    pub struct Clipboard {
        /// Whether it is possible.
        attr "copypaste" copy_paste: Option<YesNo>,
    }
}

element! {
    /// Who moves the mouse.
    pub struct Mouse {
        /// Who.
        attr "mode" mode: Option<MouseMode>,
    }
}

element! {
    /// Drag and drop of files.
    pub struct FileTransfer {
        /// Whether it is possible.
        attr "enable" enable: Option<YesNo>,
    }
}

element! {
    /// OpenGL of a display.
    pub struct Gl {
        /// Whether it is used.
        attr "enable" enable: Option<YesNo>,
        /// Absolute path of the host's render node.
        attr "rendernode" render_node: Option<String>,
    }
}

element! {
    /// Names a sound backend.
    pub struct AudioReference {
        /// Its number.
        required "id" id: u32,
    }
}

/// Where a display listens, checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GraphicsListen<'a> {
    /// On an address; the configured one when left out.
    Address(Option<&'a str>),
    /// On the address of a network.
    Network(&'a str),
    /// On a unix socket; the service chooses the path when left out.
    Socket(Option<&'a str>),
    /// Nowhere.
    None,
}

impl Graphics {
    /// Whether the port is chosen at start: asked for, or no port is written.
    pub fn autoport(&self) -> bool {
        match self.autoport {
            Some(YesNo(true)) => true,
            _ => self.fixed_port().is_none() && self.fixed_tls_port().is_none(),
        }
    }

    /// The TCP port that is written, if it is one.
    pub fn fixed_port(&self) -> Option<u16> {
        self.port.and_then(|port| u16::try_from(port).ok()).filter(|port| *port != 0)
    }

    /// The TCP port of encrypted SPICE that is written, if it is one.
    pub fn fixed_tls_port(&self) -> Option<u16> {
        self.tls_port.and_then(|port| u16::try_from(port).ok()).filter(|port| *port != 0)
    }

    /// Where it listens: as the elements say, else as the older attributes say, else on the
    /// configured address.
    ///
    /// # Errors
    /// Part of what a listen type asks for is missing.
    pub fn listen_views(&self) -> Result<Vec<GraphicsListen<'_>>, Problem> {
        if self.listens.is_empty() {
            return Ok(vec![match (self.socket.as_deref(), self.listen.as_deref()) {
                (Some(path), _) => GraphicsListen::Socket(Some(path)),
                (None, address) => GraphicsListen::Address(address.filter(|address| !address.is_empty())),
            }]);
        }
        self.listens.iter().map(|listen| listen.view(self)).collect()
    }
}

impl Listen {
    fn view<'a>(&'a self, graphics: &'a Graphics) -> Result<GraphicsListen<'a>, Problem> {
        Ok(match self.kind.unwrap_or_default() {
            ListenType::Address => {
                let address = self.address.as_deref().or(graphics.listen.as_deref());
                GraphicsListen::Address(address.filter(|address| !address.is_empty()))
            }
            ListenType::Network => {
                GraphicsListen::Network(needed(self.network.as_deref(), "<listen> of type 'network'", "the attribute network='…'")?)
            }
            ListenType::Socket => GraphicsListen::Socket(self.socket.as_deref().or(graphics.socket.as_deref())),
            ListenType::None => GraphicsListen::None,
        })
    }
}

impl Gl {
    /// Whether OpenGL is used.
    pub fn is_enabled(&self) -> bool {
        self.enable == Some(YesNo(true))
    }
}
