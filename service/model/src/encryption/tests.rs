//! Encryption as a document of its own.

use proptest::prelude::*;

use super::*;
use crate::testing::problems::are_told;
use crate::testing::{damage, fixtures, strategies};

#[test]
fn fixtures_are_read_and_written_as_expected() {
    fixtures::are_read_and_written_as_expected::<Encryption>("encryption", 6);
}

#[test]
fn junk_is_kept_and_told() {
    damage::junk_is_kept_and_told::<Encryption>("encryption");
}

#[test]
fn broken_documents_do_no_harm() {
    damage::broken_documents_do_no_harm::<Encryption>("encryption");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn what_is_written_reads_as_the_same(encryption in strategies::encryption()) {
        strategies::is_read_as_written(&encryption)?;
    }
}

#[test]
fn errors_say_where_and_what_was_expected() {
    for (text, expected) in [
        ("<secret/>", "/secret, line 1, column 1: expected <encryption>, found <secret>"),
        (
            "<encryption format='luks'>\n  <secret type='passphrase' uuid='12'/></encryption>",
            "/encryption/secret/@uuid, line 2, column 29: expected a UUID such as ",
        ),
        (
            "<encryption><cipher size='large'/></encryption>",
            "/encryption/cipher/@size, line 1, column 21: expected a number from 0 to 4294967295, found 'large'",
        ),
    ] {
        let error = Encryption::parse(text).unwrap_err().to_string();
        assert!(error.contains(expected), "{error} for {text}");
    }
}

/// A document with one secret and these attributes and elements.
fn with(attributes: &str, elements: &str) -> String {
    format!("<encryption {attributes}><secret type='passphrase' usage='/a.img'/>{elements}</encryption>")
}

#[test]
fn what_is_missing_or_does_not_fit_is_told() {
    let two = "<secret type='passphrase' usage='/b.img'/>";
    for (text, expected) in [
        (with("", ""), "/encryption/@format: write format='luks'"),
        (with("format='rot13'", ""), "/encryption/@format: 'rot13' is not known here; write one of 'default', 'qcow', 'luks'"),
        (with("format='luks' engine='dm-crypt'", ""), "/encryption/@engine: write one of 'qemu', 'librbd'"),
        (with("format='luks2' engine='dm-crypt'", ""), "/encryption/@engine: write one of 'qemu', 'librbd'"),
        (with("format='luks2'", ""), "/encryption/@engine: write engine='librbd'"),
        (with("format='luks-any' engine='qemu'", ""), "/encryption/@engine: write engine='librbd'"),
        (with("format='qcow' engine='librbd'", ""), "/encryption/@engine: leave engine out"),
        (with("format='qcow'", two), "/encryption/secret: here are 2 secrets; keep one"),
        (with("format='luks'", two), "/encryption/secret: here are 2 secrets; keep one"),
        (with("format='luks' engine='librbd'", two), ""),
        ("<encryption format='luks'/>".into(), "/encryption/secret: nothing opens the image"),
        ("<encryption format='default'/>".into(), ""),
        ("<encryption format='qcow'/>".into(), ""),
        ("<encryption format='luks'><secret usage='a'/></encryption>".into(), "/encryption/secret/@type: write type='passphrase'"),
        ("<encryption format='luks'><secret type='passphrase'/></encryption>".into(), "/encryption/secret/@uuid: no secret is named"),
        (
            with("format='luks' engine='librbd'", "<secret type='passphrase' uuid='0d2c9f6e-63b1-4f0a-9d57-7be0a4c1182f' usage='b'/>"),
            "/encryption/secret[2]/@usage: keep one of them",
        ),
        (with("format='qcow'", "<cipher name='aes' size='256'/>"), "/encryption/cipher: is always the same"),
        (
            with("format='luks'", "<cipher/><ivgen/>"),
            "/encryption/cipher/@name: write one, such as name='aes'
             /encryption/cipher/@size: write its bits, such as size='256'
             /encryption/ivgen/@name: write name='plain64'",
        ),
        (with("format='luks'", "<ivgen name='plain64'/>"), "/encryption/ivgen: add it, such as <cipher"),
        (with("format='luks'", "<cipher name='aes' size='256' mode='xts'/><ivgen name='essiv' hash='sha256'/>"), ""),
    ] {
        are_told::<Encryption>(&[(&text, expected)]);
    }
}
