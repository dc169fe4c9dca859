//! `<seclabel>`: confinement of the domain by a security model of the host.

use crate::element;
use crate::keywords;
use crate::xml::YesNo;

keywords! {
    /// Who chooses the label.
    pub enum SeclabelType {
        /// We do, a fresh one at each start.
        Dynamic = "dynamic",
        /// The document.
        Static = "static",
        /// Nobody: the domain is not confined by this model.
        None = "none",
    }
}

element! {
    /// Confinement by one security model.
    pub struct Seclabel {
        /// Who chooses the label.
        attr "type" kind: Option<SeclabelType>,
        /// The model, such as `selinux`, `apparmor` or `dac`; that of the host when absent.
        attr "model" model: Option<String>,
        /// Whether files are given labels that fit.
        attr "relabel" relabel: Option<YesNo>,
        /// The label.
        leaf "label" label: Option<String>,
        /// The label of its files; of a running domain only.
        leaf "imagelabel" image_label: Option<String>,
        /// What a dynamic label is made from.
        leaf "baselabel" base_label: Option<String>,
    }
}
