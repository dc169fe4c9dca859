//! Secrets: fixtures, errors with their place, and what is told.

use proptest::prelude::*;

use super::*;
use crate::testing::problems::are_told;
use crate::testing::strategies::{is_read_as_written, maybe, text, uuid, yes_no};
use crate::testing::{damage, fixtures};

#[test]
fn fixtures_are_read_and_written_as_expected() {
    fixtures::are_read_and_written_as_expected::<Secret>("secret", 8);
}

#[test]
fn junk_is_kept_and_told() {
    damage::junk_is_kept_and_told::<Secret>("secret");
}

#[test]
fn broken_documents_do_no_harm() {
    damage::broken_documents_do_no_harm::<Secret>("secret");
}

#[test]
fn every_type_has_a_fixture() {
    let secrets: Vec<Secret> = fixtures::files("secret").iter().map(|file| Secret::parse(&fixtures::text(file)).unwrap().0).collect();
    for kind in SecretUsageType::ALL {
        let is_for = |secret: &Secret| secret.view().unwrap().usage.is_some_and(|usage| usage.kind == *kind);
        assert!(secrets.iter().any(is_for), "no fixture of the type {kind}");
    }
}

prop_compose! {
    fn secret()(
        ephemeral in yes_no(), private in yes_no(), uuid in uuid(), description in maybe(text()),
        usage in maybe((maybe(text()), maybe(text()), maybe(text()), maybe(text()))),
    ) -> Secret {
        let usage = usage.map(|(kind, volume, name, target)| SecretUsage { kind, volume, name, target, ..Default::default() });
        Secret { ephemeral, private, uuid, description, usage, ..Default::default() }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn what_is_written_reads_as_the_same(secret in secret()) {
        is_read_as_written(&secret)?;
    }

    #[test]
    fn views_tell_what_the_check_tells(secret in secret()) {
        prop_assert_eq!(secret.view().err(), secret.validate().err());
    }
}

#[test]
fn errors_say_where_and_what_was_expected() {
    for (text, expected) in [
        ("<encryption/>", "/encryption, line 1, column 1: expected <secret>, found <encryption>"),
        ("<secret ephemeral='maybe'/>", "/secret/@ephemeral, line 1, column 9: expected 'yes' or 'no', found 'maybe'"),
        ("<secret private='1'/>", "/secret/@private, line 1, column 9: expected 'yes' or 'no', found '1'"),
        (
            "<secret>\n  <uuid>f52a81b2-424e-490c-823d-6bd4235bc57</uuid></secret>",
            "/secret/uuid, line 2, column 3: expected a UUID such as ",
        ),
    ] {
        let error = Secret::parse(text).unwrap_err().to_string();
        assert!(error.contains(expected), "{error} for {text}");
    }
}

#[test]
fn the_use_is_said_as_its_type_asks_for() {
    let used = |kind: &str, elements: &str| format!("<secret><usage type='{kind}'>{elements}</usage></secret>");
    for (text, expected) in [
        ("<secret/>".into(), ""),
        (
            "<secret><usage/></secret>".into(),
            "/secret/usage/@type: write one of 'volume', 'ceph', 'iscsi', 'tls', 'vtpm', or remove the element",
        ),
        (used("passphrase", "<volume>/a</volume>"), "/secret/usage/@type: 'passphrase' is not known here; write one of 'volume'"),
        (used("volume", "<volume>/a b.img</volume>"), ""),
        (used("volume", "<volume>a.img</volume>"), "/secret/usage/volume: 'a.img' is not an absolute path"),
        (used("volume", "<volume>/a&#10;b.img</volume>"), "/secret/usage/volume: write it on one line"),
        (used("volume", ""), "/secret/usage/volume: which volume the secret opens; write its path, such as <volume>/"),
        (used("volume", "<volume> </volume>"), "/secret/usage/volume: which volume the secret opens"),
        (
            used("volume", "<name>/a.img</name>"),
            "/secret/usage/name: a secret of the type 'volume' has <volume> instead; remove <name>
             /secret/usage/volume: write its path",
        ),
        (used("ceph", "<name>client.guests secret</name>"), ""),
        (used("ceph", "<name/>"), "/secret/usage/name: such as <name>client.guests</name>"),
        (used("ceph", "<name>a&#10;b</name>"), "/secret/usage/name: write it on one line"),
        (used("iscsi", "<target>iqn.2013-06.com.example:disks</target>"), ""),
        (used("iscsi", ""), "/secret/usage/target: such as <target>iqn."),
        (used("tls", "<name>key</name><target>a</target>"), "/secret/usage/target: has <name> instead; remove <target>"),
        (used("tls", ""), "/secret/usage/name: such as <name>migration key</name>"),
        (used("vtpm", ""), "/secret/usage/name: such as <name>TPM of mail</name>"),
    ] {
        are_told::<Secret>(&[(&text, expected)]);
    }
}

#[test]
fn views_fill_in_what_holds_when_nothing_is_written() {
    let (bare, _) = Secret::parse("<secret/>").unwrap();
    assert_eq!(bare.view(), Ok(SecretView { ephemeral: false, private: false, usage: None }));
    let text = "<secret ephemeral='yes' private='yes'><usage type='iscsi'><target>disks</target></usage></secret>";
    let (full, _) = Secret::parse(text).unwrap();
    let usage = Some(UsageView { kind: SecretUsageType::Iscsi, name: "disks" });
    assert_eq!(full.view(), Ok(SecretView { ephemeral: true, private: true, usage }));
}
