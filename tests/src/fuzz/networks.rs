//! What networks read of others: the leases that dnsmasq keeps, and changes that clients send.

use lodge_model::document::Document as _;
use lodge_model::network::Network;
use lodge_service::networks::{Update, read_leases};

/// A network with one of everything that a change can meet.
const NETWORK: &str = "<network><name>a</name><forward mode='nat'><interface dev='eth0'/></forward><dns><txt name='a' value='b'/>\
    <host ip='10.0.0.9'><hostname>nine</hostname></host></dns><ip address='10.0.0.1' prefix='24'><dhcp>\
    <range start='10.0.0.2' end='10.0.0.8'/><host mac='52:54:00:00:00:01' ip='10.0.0.3'/></dhcp></ip><portgroup name='web'/></network>";
const SECTIONS: [&str; 7] = ["ip-dhcp-host", "ip-dhcp-range", "dns-host", "dns-txt", "dns-srv", "forward-interface", "portgroup"];
const COMMANDS: [&str; 4] = ["add-first", "add-last", "modify", "delete"];

/// A file of leases, and an element of each section. A network that was changed is still one, and comes back.
pub fn all(text: &str) {
    assert!(read_leases(text).len() <= text.lines().count());
    let (network, _) = Network::parse(NETWORK).expect("it is one");
    for section in SECTIONS {
        for command in COMMANDS {
            let Ok(update) = Update::read(command, section, None, text) else { break };
            let mut changed = network.clone();
            if update.apply(&mut changed).is_ok() {
                let (again, warnings) = Network::parse(&changed.to_xml()).expect("what was written can be read");
                assert!(again == changed && warnings.is_empty(), "{section} {command}: {warnings:?}");
            }
        }
    }
}
