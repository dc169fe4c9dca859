//! Names and lines that a network hands to the kernel and to other programs.

use crate::document::{Problems, interface_name_problem};

/// Longest name of DNS, and longest part of one between dots (RFC 1035, 2.3.4).
const MAX_DNS_NAME: usize = 253;
const MAX_DNS_LABEL: usize = 63;

/// Tells why no interface can have the name, if none can.
pub(super) fn interface(found: &mut Problems, path: &str, name: &str) {
    if !line(found, path, name) {
        return;
    }
    if let Some(reason) = interface_name_problem(name) {
        found.add(path, reason);
    }
}

/// Tells a text that is no name of DNS. An underscore may be in it, as there is in many.
pub(super) fn dns(found: &mut Problems, path: &str, name: &str) {
    if !line(found, path, name) {
        return;
    }
    let label = |label: &str| !label.is_empty() && label.len() <= MAX_DNS_LABEL && label.chars().all(is_in_label);
    if name.len() > MAX_DNS_NAME || !name.strip_suffix('.').unwrap_or(name).split('.').all(label) {
        let reason = format!("'{name}' is no name of DNS; write letters, digits and - in parts between dots, such as guest.example.com");
        found.add(path, reason);
    }
}

/// Tells a text that is no single part of a name of DNS.
pub(super) fn dns_label(found: &mut Problems, path: &str, name: &str) {
    if !line(found, path, name) {
        return;
    }
    if name.is_empty() || name.len() > MAX_DNS_LABEL || !name.chars().all(is_in_label) {
        found.add(path, format!("'{name}' is no part of a name of DNS; write letters, digits and -, up to {MAX_DNS_LABEL}"));
    }
}

/// Letters of every script: a DNS server puts them into the form that DNS has for them (RFC 5891).
fn is_in_label(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '-' | '_')
}

/// Tells a name that dnsmasq takes for something else where it expects one (dnsmasq(8), `--dhcp-host`).
pub(super) fn dhcp_host(found: &mut Problems, path: &str, name: &str) {
    let number = name.strip_suffix(['s', 'm', 'h', 'd', 'w']).unwrap_or(name);
    let is_time = name == "infinite" || (!number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()));
    if is_time || name == "ignore" {
        found.add(
            path,
            format!("'{name}' means something else to the DHCP server; write a name that begins with a letter and is not a time"),
        );
        return;
    }
    dns(found, path, name);
}

/// Tells a text of more than one line, or with other characters that a line of a configuration cannot
/// hold; returns whether it is one.
pub(super) fn line(found: &mut Problems, path: &str, text: &str) -> bool {
    let bad = text.chars().find(|c| c.is_control());
    if let Some(bad) = bad {
        found.add(path, format!("it holds the character {bad:?}, and must be one line; leave that out"));
    }
    bad.is_none()
}
