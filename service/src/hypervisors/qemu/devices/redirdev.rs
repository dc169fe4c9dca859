//! `<redirdev>`: USB devices of whoever looks at the guest's display.

use lodge_model::domain::devices::Redirdev;

use crate::hypervisors::qemu::command::{Draft, boot_index};
use crate::hypervisors::qemu::props::Props;
use crate::hypervisors::qemu::refusal::Refusal;
use crate::hypervisors::qemu::{alias, buses, chardev};

/// Adds a slot for a redirected device.
///
/// # Errors
/// A back end that cannot be, or no place.
pub fn add(draft: &mut Draft<'_>, redirdev: &Redirdev) -> Result<(), Refusal> {
    let name = alias::of(redirdev.alias.as_ref());
    let backend = chardev::add(draft, name, "redirdev", &redirdev.source_view()?, redirdev.log.as_ref())?;
    let place = buses::usb(draft, name, redirdev.address.as_ref())?;
    let front_end = Props::device("usb-redir").with("chardev", backend.id).with("id", name).opt("filter", filter(draft));
    draft.device("<redirdev>", front_end.and(place).opt("bootindex", boot_index(draft.domain, name)))
}

/// What may be redirected: rules as `CLASS:VENDOR:PRODUCT:VERSION:ALLOW`, -1 for any, the first that fits counts.
fn filter(draft: &Draft<'_>) -> Option<String> {
    let rules = draft.domain.devices.redirfilters().flat_map(|filter| &filter.rules);
    let any = |value: &Option<String>| value.clone().unwrap_or_else(|| "-1".to_owned());
    let rules: Vec<_> = rules
        .map(|rule| {
            let [class, vendor, product, version] = [&rule.class, &rule.vendor, &rule.product, &rule.version].map(any);
            format!("{class}:{vendor}:{product}:{version}:{}", i32::from(rule.allow.0))
        })
        .collect();
    (!rules.is_empty()).then(|| rules.join("|"))
}
