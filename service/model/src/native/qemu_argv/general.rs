//! The guest's name and identity.

use super::ReadError;
use super::conversion::Conversion;
use super::options::{Opt, bad};
use super::outcome::{Outcome, partly};
use super::props::Props;
use super::tree::{Build, element};

/// Converts options of the identity.
///
/// # Errors
/// A value begins as JSON and is none.
pub fn convert(to: &mut Conversion<'_>, option: &Opt) -> Result<Option<Outcome>, ReadError> {
    Ok(Some(match option.name.as_str() {
        "name" => name(to, &to.props(option, "guest")?),
        "uuid" => {
            if uuid::Uuid::try_parse(&option.value).is_err() {
                return Err(bad(option, "a UUID such as 5ed04a1e-2d77-4c3a-9d0b-8b6f3c1f0a77", &option.value));
            }
            to.general.push(element("uuid").content(&option.value));
            Outcome::Done
        }
        _ => return Ok(None),
    }))
}

fn name(to: &mut Conversion<'_>, props: &Props) -> Outcome {
    if let Some(name) = props.take("guest") {
        to.general.push(element("name").content(name));
    }
    props.ignore(&["process", "debug-threads"]);
    partly(props)
}

/// Gives a guest without a name one.
pub fn finish(to: &mut Conversion<'_>) {
    if !to.general.iter().any(|element| element.name == "name") {
        to.general.insert(0, element("name").content("unnamed"));
        to.warn_of_all("there is no -name; the domain is named 'unnamed': choose a name before it is defined");
    }
}
