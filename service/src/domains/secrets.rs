//! Documents without what only somebody who may change the domain is to see.

use std::borrow::Cow;

use lodge_model::document::Document as _;
use lodge_model::domain::Domain;

use crate::error::Result;

/// The document without the passwords of its displays.
///
/// # Errors
/// The document cannot be read, which one of ours always can.
pub fn without_secrets(xml: &str) -> Result<Cow<'_, str>> {
    // Documents with a password are rare; the others need no work.
    if !xml.contains("passwd") {
        return Ok(Cow::Borrowed(xml));
    }
    let (mut domain, _) = Domain::parse(xml)?;
    for graphics in domain.devices.graphics_mut() {
        graphics.password = None;
    }
    Ok(Cow::Owned(domain.to_xml()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_of_displays_are_left_out() {
        let xml = "<domain type='qemu'><name>a</name><devices><graphics type='vnc' passwd='s3cret' port='5900'/></devices></domain>";
        let shown = without_secrets(xml).unwrap();
        assert!(!shown.contains("s3cret") && shown.contains("port='5900'"), "{shown}");
    }
}
