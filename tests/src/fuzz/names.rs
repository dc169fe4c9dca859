//! Names of domains where they become something else: object paths, files, units of systemd.

use lodge_dbus_interfaces::paths;
use lodge_model::document::{MAX_FILE_NAME_BYTES, file_name_problem, name_problem};
use lodge_service::host::systemd::scope_name;

/// The text as a name, and as an object path.
pub fn all(text: &str) {
    let path = paths::domain(text);
    assert_eq!(paths::domain_name(path.as_str()).as_deref(), Some(text));
    if let Some(name) = paths::domain_name(text) {
        assert_eq!(paths::domain(&name).as_str(), text);
    }
    let scope = scope_name(text);
    assert!(scope.bytes().all(|byte| byte.is_ascii_alphanumeric() || b":-_.\\".contains(&byte)), "{scope}");
    let is_one_file = |name: &str| !name.is_empty() && !name.contains(['/', '\0']) && name != "." && name != "..";
    if name_problem("domain", text).is_none() {
        assert!(is_one_file(text) && format!("{text}.xml").len() <= MAX_FILE_NAME_BYTES, "{text:?}");
    }
    if file_name_problem("volume", text).is_none() {
        assert!(is_one_file(text) && text.len() <= MAX_FILE_NAME_BYTES, "{text:?}");
    }
}
