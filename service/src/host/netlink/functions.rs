//! Virtual functions of a network card (SR-IOV), as the card's own interface sets and shows them: `IFLA_VFINFO_LIST` of rtnetlink(7),
//! which ip-link(8) calls `vf`.

use rtnetlink::LinkUnspec;
use rtnetlink::packet_route::AddressFamily;
use rtnetlink::packet_route::link::{LinkAttribute, LinkExtentMask, LinkVfInfo, VfInfo, VfInfoMac, VfInfoVlan};

use super::{Netlink, NetlinkError, all};

/// What a virtual function is held to, whoever uses it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct VirtualFunction {
    /// Its Ethernet address; zeros leave it to the function.
    pub mac: [u8; 6],
    /// The tag of its frames, 1 to 4095; 0 for none.
    pub vlan: u16,
}

impl Netlink {
    /// What a virtual function of a card is held to, by the number of the card's interface and that of the function.
    ///
    /// # Errors
    /// There is no such function, or the kernel does not answer.
    pub async fn virtual_function(&self, card: u32, number: u32) -> Result<VirtualFunction, NetlinkError> {
        let what = format!("look at virtual function {number}");
        let question = self.handle.link().get().match_index(card).set_filter_mask(AddressFamily::Unspec, vec![LinkExtentMask::Vf]);
        let links = all(question.execute(), &what).await?;
        let attributes = links.into_iter().flat_map(|link| link.attributes);
        let functions = attributes.filter_map(|attribute| match attribute {
            LinkAttribute::VfInfoList(functions) => Some(functions),
            _ => None,
        });
        let found = functions.flatten().find_map(|LinkVfInfo(facts)| function(&facts, number));
        found.ok_or_else(|| NetlinkError { what, source: std::io::ErrorKind::NotFound.into() })
    }

    /// Holds a virtual function of a card to something.
    ///
    /// # Errors
    /// The kernel or the card refuses.
    pub async fn set_virtual_function(&self, card: u32, number: u32, function: VirtualFunction) -> Result<(), NetlinkError> {
        let VirtualFunction { mac, vlan } = function;
        let facts = vec![VfInfo::Mac(VfInfoMac::new(number, &mac)), VfInfo::Vlan(VfInfoVlan::new(number, vlan.into(), 0))];
        let list = LinkAttribute::VfInfoList(vec![LinkVfInfo(facts)]);
        let message = LinkUnspec::new_with_index(card).append_extra_attribute(list).build();
        let what = format!("set address and tag of virtual function {number}");
        self.handle.link().set(message).execute().await.map_err(|error| NetlinkError::new(what, error))
    }
}

/// The facts of one function, where they are of that with a number.
fn function(facts: &[VfInfo], number: u32) -> Option<VirtualFunction> {
    let mac = facts.iter().find_map(|fact| match fact {
        VfInfo::Mac(found) if found.vf_id == number => found.mac.first_chunk().copied(),
        _ => None,
    })?;
    let vlan = facts.iter().find_map(|fact| match fact {
        VfInfo::Vlan(found) => u16::try_from(found.vlan_id).ok(),
        _ => None,
    });
    Some(VirtualFunction { mac, vlan: vlan.unwrap_or_default() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_facts_of_a_function_are_told_from_those_of_others() {
        let of =
            |number, mac: [u8; 6], vlan| vec![VfInfo::Mac(VfInfoMac::new(number, &mac)), VfInfo::Vlan(VfInfoVlan::new(number, vlan, 0))];
        let list = [of(0, [2, 0, 0, 0, 0, 1], 0), of(1, [2, 0, 0, 0, 0, 2], 42)];
        let found = |number| list.iter().find_map(|facts| function(facts, number));
        assert_eq!(found(1), Some(VirtualFunction { mac: [2, 0, 0, 0, 0, 2], vlan: 42 }));
        assert_eq!(found(0), Some(VirtualFunction { mac: [2, 0, 0, 0, 0, 1], vlan: 0 }));
        assert_eq!(found(2), None);
    }
}
