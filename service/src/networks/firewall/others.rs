//! Other programs' rules that cut guests off: a packet that our table accepts still goes through theirs.
//!
//! Docker and ufw set the policy of what is forwarded to `drop`. That is told, with the next step; it is theirs to change.

use crate::host::nftables::{BaseChain, base_chains};

use super::nftables::table_of;

/// What to tell about the rules of others, for a network whose guests reach the world by the host.
pub async fn warnings(bridge: &str) -> Vec<String> {
    match base_chains().await {
        Ok(chains) => told(bridge, &chains),
        Err(error) => {
            tracing::warn!("whether other programs' rules cut guests off is not known: {error}");
            Vec::new()
        }
    }
}

fn told(bridge: &str, chains: &[BaseChain]) -> Vec<String> {
    let dropping = chains.iter().filter(|chain| chain.hook == "forward" && chain.policy == "drop" && chain.table != table_of(bridge));
    dropping
        .map(|chain| {
            let BaseChain { family, table, name, .. } = chain;
            let step = if family.starts_with("ip") && name == "FORWARD" {
                let (iptables, chain) = (if family == "ip6" { "ip6tables" } else { "iptables" }, forwarded_by(chains));
                format!("{iptables} -I {chain} -i {bridge} -j ACCEPT; {iptables} -I {chain} -o {bridge} -j ACCEPT")
            } else {
                format!("nft insert rule {family} {table} {name} iifname {bridge} accept; the same with oifname")
            };
            format!(
                "guests do not reach the world: the chain {name} of the table {family} {table} drops what no rule of it accepts (Docker and ufw \
                 set that); let the network through, as with: {step}"
            )
        })
        .collect()
}

/// Where a rule for the administrator belongs: Docker keeps a chain for that.
fn forwarded_by(chains: &[BaseChain]) -> &'static str {
    if chains.iter().any(|chain| chain.name == "DOCKER-USER") { "DOCKER-USER" } else { "FORWARD" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_drops_forwarded_packets_is_told() {
        let chain = |family: &str, name: &str, hook: &str, policy: &str| BaseChain {
            family: family.into(),
            table: "filter".into(),
            name: name.into(),
            hook: hook.into(),
            policy: policy.into(),
        };
        let quiet = [chain("ip", "FORWARD", "forward", "accept"), chain("ip", "INPUT", "input", "drop")];
        assert_eq!(told("virbr0", &quiet), Vec::<String>::new());
        let cut = told("virbr0", &[chain("ip", "FORWARD", "forward", "drop"), chain("inet", "fw", "forward", "drop")]);
        assert_eq!(cut.len(), 2);
        assert!(cut[0].contains("iptables -I FORWARD -i virbr0 -j ACCEPT"), "{}", cut[0]);
        assert!(cut[1].contains("nft insert rule inet filter fw iifname virbr0 accept"), "{}", cut[1]);
    }
}
