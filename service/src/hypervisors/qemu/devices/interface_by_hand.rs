//! Connections to the host's networks for a QEMU that a person runs: what needs no service is used, and user networking
//! stands in for the rest, so that the command runs as it is printed.

use lodge_model::domain::devices::{Interface, InterfaceSource};
use serde_json::json;

use super::interface::slirp;
use crate::hypervisors::qemu::command::Draft;
use crate::hypervisors::qemu::props::Props;
use crate::hypervisors::qemu::refusal::Refusal;

/// The back end of an interface on a network of the host; `None` where a person needs nothing else than the service does.
///
/// # Errors
/// The source lacks something.
pub(super) fn by_hand(draft: &mut Draft<'_>, interface: &Interface) -> Result<Option<Props>, Refusal> {
    let target = interface.target.as_ref().and_then(|target| target.dev.clone()).filter(|dev| !dev.is_empty());
    match (interface.source_view()?, target) {
        (InterfaceSource::Bridge { bridge }, _) => {
            draft.warn(format!(
                "<interface type='bridge'> is connected by QEMU's qemu-bridge-helper, which must be allowed to: write the line 'allow {bridge}' \
                 into /etc/qemu/bridge.conf"
            ));
            Ok(Some(Props::of("type", "bridge").with("br", bridge)))
        }
        (InterfaceSource::Ethernet, Some(dev)) => {
            draft.warn(format!(
                "<interface type='ethernet'> takes the tap device {dev}, which must be there and be yours: ip tuntap add dev {dev} mode tap user \
                 NAME"
            ));
            Ok(Some(Props::of("type", "tap").with("ifname", dev).with("script", "no").with("downscript", "no")))
        }
        (InterfaceSource::Network { network, .. }, _) => stand_in(draft, interface, &format!("network '{network}'")).map(Some),
        (InterfaceSource::Direct { dev, .. }, _) => stand_in(draft, interface, &format!("interface '{dev}' of the host")).map(Some),
        (InterfaceSource::Ethernet, None) => stand_in(draft, interface, "tap device").map(Some),
        _ => Ok(None),
    }
}

fn stand_in(draft: &mut Draft<'_>, interface: &Interface, what: &str) -> Result<Props, Refusal> {
    let place = interface.mac_address().map(|mac| format!(" with the address {mac}")).unwrap_or_default();
    draft.warn(format!(
        "<interface type='{}'>{place} has user networking in the command, since only Lodge can connect it to the {what}: for a bridge of the host \
         put {} in place of its -netdev, with the same id",
        interface.kind,
        json!({ "type": "bridge", "br": "BRIDGE", "id": "…" })
    ));
    slirp(draft, interface)
}
