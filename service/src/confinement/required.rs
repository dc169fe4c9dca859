//! What an administrator requires of every guest: that a security module confines it (`security_require_confined`).
//!
//! It refuses, and does nothing else. Whether guests without `<seclabel>` are confined is for the modules to decide
//! (`security_default_confined`).

use std::sync::Arc;

use async_trait::async_trait;
use lodge_model::domain::seclabel::SeclabelType;
use serde_json::Value;

use crate::error::{Error, ErrorKind, Result};
use crate::hypervisors::confine::{Confine, Confined, Subject};

/// The layer.
#[derive(Debug, Clone)]
pub struct Required {
    /// Security modules that confine guests on this host.
    pub models: Vec<&'static str>,
    /// Whether a guest whose definition says nothing is confined.
    pub by_default: bool,
}

#[async_trait]
impl Confine for Required {
    fn name(&self) -> &'static str {
        "required"
    }

    async fn plan(&self, guest: &Subject) -> Result<Option<Arc<dyn Confined>>> {
        match self.objection(guest) {
            None => Ok(None),
            Some(objection) => Err(Error::new(
                ErrorKind::NotSupported,
                format!("an unconfined guest may not run on this host (security_require_confined), and {objection}"),
            )),
        }
    }

    fn recall(&self, _record: Value) -> Result<Arc<dyn Confined>> {
        Err(Error::new(ErrorKind::Internal, "a requirement writes nothing down"))
    }
}

impl Required {
    fn objection(&self, guest: &Subject) -> Option<String> {
        let Some(first) = self.models.first() else {
            return Some("no security driver confines guests here: see security_driver in the settings".to_owned());
        };
        let seclabels = guest.domain.seclabels.iter();
        let off = seclabels.clone().find(|seclabel| seclabel.kind == Some(SeclabelType::None));
        if let Some(seclabel) = off {
            let model = seclabel.model.as_deref().unwrap_or(first);
            return Some(format!("its <seclabel type='none'> says that {model} is not to confine it: take that out"));
        }
        let confines = |model: Option<&str>| model.is_none_or(|model| self.models.contains(&model));
        let asked = seclabels.into_iter().any(|seclabel| confines(seclabel.model.as_deref()));
        (!self.by_default && !asked).then(|| format!("it has no <seclabel> for {first}: add <seclabel type='dynamic' model='{first}'/>"))
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use lodge_model::document::Document as _;
    use lodge_model::domain::Domain;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn an_unconfined_guest_is_refused_with_what_to_do() {
        let (none, selinux) = (Vec::new(), vec!["selinux"]);
        let table = [
            (&none, true, "", Some("no security driver confines guests here")),
            (&selinux, true, "", None),
            (&selinux, false, "", Some("it has no <seclabel> for selinux")),
            (&selinux, false, "<seclabel type='dynamic' model='dac'/>", Some("it has no <seclabel> for selinux")),
            (&selinux, false, "<seclabel type='dynamic'/>", None),
            (&selinux, false, "<seclabel type='static' model='selinux'><label>a</label></seclabel>", None),
            (&selinux, true, "<seclabel type='none'/>", Some("says that selinux is not to confine it")),
            (&selinux, true, "<seclabel type='none' model='dac'/>", Some("says that dac is not to confine it")),
        ];
        for (models, by_default, seclabel, expected) in table {
            let xml = format!("<domain type='qemu'><name>a</name><memory>1</memory><os><type>hvm</type></os>{seclabel}</domain>");
            let (domain, _) = Domain::parse(&xml).unwrap();
            let guest = Subject {
                domain,
                uuid: Uuid::nil(),
                id: 1,
                runtime: PathBuf::new(),
                log: "/nonexistent/log".into(),
                programs: Vec::new(),
                resources: Vec::new(),
            };
            let objection = Required { models: models.clone(), by_default }.objection(&guest);
            assert_eq!(objection.is_some(), expected.is_some(), "{seclabel}: {objection:?}");
            assert!(objection.unwrap_or_default().contains(expected.unwrap_or_default()), "{seclabel}");
        }
    }
}
