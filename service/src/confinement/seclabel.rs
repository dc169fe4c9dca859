//! What a definition wishes of a security module: its `<seclabel>` (libvirt, formatdomain).

use lodge_model::domain::Domain;
use lodge_model::domain::seclabel::SeclabelType;
use lodge_model::xml::YesNo;

use crate::error::{Error, ErrorKind, Result};

/// A wish.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish<'a> {
    /// A label of its own, chosen at each start.
    Dynamic {
        /// What it is made from, instead of the host's own.
        base: Option<&'a str>,
        /// Whether files are given labels that fit.
        relabel: bool,
    },
    /// This label.
    Static {
        /// It.
        label: &'a str,
        /// Whether files are given labels that fit.
        relabel: bool,
    },
    /// Not to be confined by it.
    Nothing,
}

/// The wish of a definition: of the `<seclabel>` that names the model, else of one that names none.
///
/// # Errors
/// `InvalidXml` for a static one that has no label.
pub fn wish<'a>(model: &str, domain: &'a Domain) -> Result<Wish<'a>> {
    let of = |model: Option<&str>| domain.seclabels.iter().find(|seclabel| seclabel.model.as_deref() == model);
    let Some(seclabel) = of(Some(model)).or_else(|| of(None)) else { return Ok(Wish::Dynamic { base: None, relabel: true }) };
    let relabel = |default| seclabel.relabel.map_or(default, |YesNo(relabel)| relabel);
    match seclabel.kind.unwrap_or_default() {
        SeclabelType::None => Ok(Wish::Nothing),
        SeclabelType::Dynamic => Ok(Wish::Dynamic { base: seclabel.base_label.as_deref(), relabel: relabel(true) }),
        SeclabelType::Static => match seclabel.label.as_deref().map(str::trim).filter(|label| !label.is_empty()) {
            Some(label) => Ok(Wish::Static { label, relabel: relabel(false) }),
            None => {
                let sentence = format!("<seclabel type='static'> has no <label> for {model}: add it, or write type='dynamic'");
                Err(Error::new(ErrorKind::InvalidXml, sentence).in_context(format_args!("domain '{}'", domain.name)))
            }
        },
    }
}
