//! The bridge that guests are connected to: `<bridge>`.

use crate::xml::OnOff;
use crate::{element, keywords};

keywords! {
    /// Who keeps the table of the Ethernet addresses behind a bridge's ports.
    pub enum MacTableManager {
        /// The kernel, which learns them.
        Kernel = "kernel",
        /// The service, from the definitions of the guests: nothing is flooded.
        Libvirt = "libvirt",
    }
}

element! {
    /// A bridge: one that the service makes, or for the mode `bridge` one of the host.
    pub struct Bridge {
        /// Its name, up to 15 bytes. Of one that the service makes it is chosen when left out.
        attr "name" name: Option<String>,
        /// Zone of firewalld that it belongs to.
        attr "zone" zone: Option<String>,
        /// Whether it takes part in the spanning tree; on when left out.
        attr "stp" stp: Option<OnOff>,
        /// Seconds until a port of it forwards; 0 when left out.
        attr "delay" delay: Option<u32>,
        /// Who keeps its table of addresses; the kernel when left out.
        attr "macTableManager" mac_table_manager: Option<MacTableManager>,
    }
}
