//! Other programs' rules that cut guests off: a packet that our table accepts still goes through theirs.
//!
//! Docker and ufw set the policy of what is forwarded, and ufw of what comes in, to `drop`; firewalld refuses what is in no zone.
//! That is told, with the next step; it is theirs to change.

use super::nftables::table_of;
use crate::host::nftables::{BaseChain, base_chains};

/// The table of firewalld (firewalld.conf(5), `FirewallBackend=nftables`).
const FIREWALLD: &str = "firewalld";

/// What to tell about the rules of others. `forwards` says whether guests reach the world by the host, `unzoned` the zone of
/// firewalld that the bridge would be in and is not.
pub async fn warnings(bridge: &str, forwards: bool, unzoned: Option<&str>) -> Vec<String> {
    match base_chains().await {
        Ok(chains) => told(bridge, forwards, unzoned, &chains),
        Err(error) => {
            tracing::warn!("whether other programs' rules cut guests off is not known: {error}");
            Vec::new()
        }
    }
}

fn told(bridge: &str, forwards: bool, unzoned: Option<&str>, chains: &[BaseChain]) -> Vec<String> {
    if let (Some(zone), true) = (unzoned, chains.iter().any(|chain| chain.table == FIREWALLD)) {
        return vec![format!(
            "firewalld runs and keeps guests from this host's addresses and names, and from the world, unless the bridge is in a zone that lets \
             them, and its zone '{zone}', which is installed with this service, is not there: firewall-cmd --zone=trusted \
             --change-interface={bridge}"
        )];
    }
    let dropping = |hook: &str| {
        let hook = hook.to_owned();
        chains.iter().filter(move |chain| chain.hook == hook && chain.policy == "drop" && chain.table != table_of(bridge))
    };
    let forward = dropping("forward").filter(|_| forwards).map(|chain| (chain, "guests do not reach the world", &["i", "o"][..]));
    let input = dropping("input").map(|chain| (chain, "guests get no addresses and names of this host", &["i"][..]));
    let told = forward.chain(input).map(|(chain, what, sides)| {
        let BaseChain { family, table, name, .. } = chain;
        let steps: Vec<String> = sides.iter().map(|side| step(chain, bridge, side, chains)).collect();
        format!(
            "{what}: the chain {name} of the table {family} {table} drops what no rule of it accepts (Docker and ufw set that); let the network \
             through, as with: {}",
            steps.join("; ")
        )
    });
    told.collect()
}

/// A command that lets a network through a chain; `side` is where its interface stands, `i` or `o`.
fn step(chain: &BaseChain, bridge: &str, side: &str, chains: &[BaseChain]) -> String {
    let BaseChain { family, table, name, .. } = chain;
    if matches!(family.as_str(), "ip" | "ip6") && matches!(name.as_str(), "FORWARD" | "INPUT") {
        let iptables = if family == "ip6" { "ip6tables" } else { "iptables" };
        // Docker keeps a chain for what the administrator has to say of forwarding.
        let docker = name == "FORWARD" && chains.iter().any(|chain| chain.name.starts_with("DOCKER"));
        return format!("{iptables} -I {} -{side} {bridge} -j ACCEPT", if docker { "DOCKER-USER" } else { name });
    }
    format!("nft insert rule {family} {table} {name} {side}ifname {bridge} accept")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chain(family: &str, table: &str, name: &str, hook: &str, policy: &str) -> BaseChain {
        BaseChain { family: family.into(), table: table.into(), name: name.into(), hook: hook.into(), policy: policy.into() }
    }

    #[test]
    fn only_what_cuts_guests_off_is_told() {
        let quiet = [chain("ip", "filter", "FORWARD", "forward", "accept"), chain("ip", "nat", "POSTROUTING", "postrouting", "accept")];
        assert_eq!(told("virbr0", true, None, &quiet), Vec::<String>::new());
        let forward = [chain("ip", "filter", "FORWARD", "forward", "drop")];
        assert_eq!(told("virbr0", false, None, &forward), Vec::<String>::new());
        let cut = told("virbr0", true, None, &forward).concat();
        assert!(cut.contains("iptables -I FORWARD -i virbr0 -j ACCEPT; iptables -I FORWARD -o virbr0 -j ACCEPT"), "{cut}");
    }

    #[test]
    fn a_chain_of_any_name_has_its_step() {
        let chains = [chain("inet", "fw", "in", "input", "drop"), chain("ip6", "filter", "INPUT", "input", "drop")];
        let cut = told("virbr0", false, None, &chains);
        assert!(cut[0].contains("nft insert rule inet fw in iifname virbr0 accept"), "{}", cut[0]);
        assert!(cut[1].contains("ip6tables -I INPUT -i virbr0 -j ACCEPT"), "{}", cut[1]);
    }

    #[test]
    fn firewalld_is_told_once_and_with_its_own_words() {
        let chains = [
            chain("inet", "firewalld", "filter_FORWARD", "forward", "accept"),
            chain("inet", "firewalld", "filter_INPUT", "input", "accept"),
        ];
        assert_eq!(told("virbr0", true, None, &chains), Vec::<String>::new(), "it is in its zone");
        let told = told("virbr0", true, Some("lodge"), &chains);
        assert!(told.len() == 1 && told[0].contains("firewall-cmd --zone=trusted --change-interface=virbr0"), "{told:?}");
    }
}
