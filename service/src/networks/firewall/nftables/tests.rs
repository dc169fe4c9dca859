//! Rules as nft lists them: the commands are carried out by the program, in a network namespace of the test's own. Needs root.

use nix::sched::{CloneFlags, unshare};

use super::*;
use crate::host::nftables::{apply, tables};
use crate::host::process::{Limits, ProcessSpec, run};

/// What nft lists after the commands.
fn listed(commands: Vec<Vec<Value>>) -> String {
    unshare(CloneFlags::CLONE_NEWNET).expect("a network namespace of its own needs root");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        for commands in commands {
            apply(&commands).await.unwrap();
        }
        let nft = crate::host::program::find("nft").expect("nft is missing: install the package nftables");
        let output = run(ProcessSpec::new(nft).arguments(["list", "ruleset"]), b"", Limits::default()).await.unwrap();
        String::from_utf8(output.require_success().unwrap().stdout).unwrap()
    })
}

fn networks() -> Vec<Subnet> {
    vec![Subnet::new("192.168.122.1".parse().unwrap(), 24).unwrap(), Subnet::new("fd00:1::1".parse().unwrap(), 64).unwrap()]
}

fn rules(way: Way<'_>) -> Vec<Value> {
    make(&Rules { bridge: "virbr0", networks: networks(), way })
}

/// The rules of a listing, by their chains, without what stands around them.
fn chains(listing: &str) -> Vec<&str> {
    listing.lines().map(str::trim).filter(|line| !line.is_empty() && !line.contains(['{', '}'])).collect()
}

const TYPE_OF_FORWARD: &str = "type filter hook forward priority filter; policy accept;";
const AMONG_GUESTS: &str = "iifname \"virbr0\" oifname \"virbr0\" accept";
const REST: [&str; 2] = ["oifname \"virbr0\" reject", "iifname \"virbr0\" reject"];

#[test]
fn isolated_guests_reach_nobody_else() {
    let listing = listed(vec![rules(Way::Isolated)]);
    assert_eq!(chains(&listing), [&[TYPE_OF_FORWARD, AMONG_GUESTS][..], &REST].concat());
}

#[test]
fn routed_guests_reach_all_with_their_own_addresses_only() {
    let listing = listed(vec![rules(Way::Route { dev: Some("eth0") })]);
    let expected = [
        TYPE_OF_FORWARD,
        AMONG_GUESTS,
        "iifname \"eth0\" oifname \"virbr0\" ip daddr 192.168.122.0/24 accept",
        "iifname \"virbr0\" oifname \"eth0\" ip saddr 192.168.122.0/24 accept",
        "iifname \"eth0\" oifname \"virbr0\" ip6 daddr fd00:1::/64 accept",
        "iifname \"virbr0\" oifname \"eth0\" ip6 saddr fd00:1::/64 accept",
    ];
    let found: Vec<String> = chains(&listing).iter().map(|line| sorted_interfaces(line)).collect();
    assert_eq!(found, [&expected[..], &REST].concat());
}

/// The interfaces in front, whichever of them the command named first.
fn sorted_interfaces(line: &str) -> String {
    let swapped = line.strip_prefix("oifname \"virbr0\" iifname \"eth0\"").map(|rest| format!("iifname \"eth0\" oifname \"virbr0\"{rest}"));
    swapped.unwrap_or_else(|| line.to_owned())
}

#[test]
fn guests_behind_nat_get_answers_only_and_are_hidden() {
    let nat = NatView { ipv6: false, addresses: None, ports: 1024..=65535 };
    let listing = listed(vec![rules(Way::Nat { dev: None, nat })]);
    let expected = [
        TYPE_OF_FORWARD,
        AMONG_GUESTS,
        "oifname \"virbr0\" ip daddr 192.168.122.0/24 ct state established,related accept",
        "iifname \"virbr0\" ip saddr 192.168.122.0/24 accept",
        // IPv6 is routed.
        "oifname \"virbr0\" ip6 daddr fd00:1::/64 accept",
        "iifname \"virbr0\" ip6 saddr fd00:1::/64 accept",
        REST[0],
        REST[1],
        "type nat hook postrouting priority srcnat; policy accept;",
        "ip saddr 192.168.122.0/24 ip daddr 224.0.0.0/24 return",
        "ip saddr 192.168.122.0/24 ip daddr 255.255.255.255 return",
        "ip saddr 192.168.122.0/24 ip daddr != 192.168.122.0/24 meta l4proto tcp masquerade to :1024-65535",
        "ip saddr 192.168.122.0/24 ip daddr != 192.168.122.0/24 meta l4proto udp masquerade to :1024-65535",
        "ip saddr 192.168.122.0/24 ip daddr != 192.168.122.0/24 masquerade",
    ];
    assert_eq!(chains(&listing), expected);
}

#[test]
fn addresses_and_ports_of_nat_can_be_chosen_and_ipv6_be_hidden() {
    let addresses = Some("203.0.113.4".parse().unwrap()..="203.0.113.6".parse().unwrap());
    let listing = listed(vec![rules(Way::Nat { dev: Some("eth0"), nat: NatView { ipv6: true, addresses, ports: 5000..=6000 } })]);
    for line in [
        "ip saddr 192.168.122.0/24 ip daddr != 192.168.122.0/24 oifname \"eth0\" meta l4proto tcp snat ip to 203.0.113.4-203.0.113.6:5000-6000",
        "ip saddr 192.168.122.0/24 ip daddr != 192.168.122.0/24 oifname \"eth0\" snat ip to 203.0.113.4-203.0.113.6",
        "ip6 saddr fd00:1::/64 ip6 daddr ff02::/16 return",
        "ip6 saddr fd00:1::/64 ip6 daddr != fd00:1::/64 oifname \"eth0\" masquerade",
        "oifname \"virbr0\" iifname \"eth0\" ip6 daddr fd00:1::/64 ct state established,related accept",
    ] {
        assert!(chains(&listing).contains(&line), "{line}\n{listing}");
    }
}

#[test]
fn a_table_is_made_anew_and_taken_away_whatever_is_there() {
    let two = listed(vec![rules(Way::Isolated), rules(Way::Isolated)]);
    assert_eq!(chains(&two).len(), 4, "{two}");
    let gone = remove(&table_of("virbr0"));
    assert_eq!(listed(vec![rules(Way::Isolated), gone.clone(), gone]), "");
}

#[test]
fn bridges_have_tables_of_their_own_whatever_they_are_called() {
    assert_eq!(table_of("virbr0"), "lodge_virbr0");
    assert_eq!((table_of("br-0").as_str(), table_of("br_0").as_str()), ("lodge_br_2d0", "lodge_br_5f0"));
    let made = make(&Rules { bridge: "br-0.1", networks: networks(), way: Way::Isolated });
    assert!(listed(vec![made]).contains("lodge_br_2d0_2e1"));
    unshare(CloneFlags::CLONE_NEWNET).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    assert_eq!(runtime.block_on(tables(FAMILY)).unwrap(), Vec::<String>::new());
}
