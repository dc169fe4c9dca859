//! The identity of whoever calls.

/// Who made a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The unique bus name; `None` on a peer-to-peer connection, which has no names.
    pub bus_name: Option<String>,
    /// The numeric user, as the bus or the socket's peer credentials tell it.
    pub uid: u32,
    /// Whether the message allows that a person is asked.
    pub interactive: bool,
}
