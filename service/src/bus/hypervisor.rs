//! `org.lodge.Lodge1.Hypervisor`: what a hypervisor can do on this host.

use std::collections::HashMap;
use std::sync::Arc;

use lodge_dbus_interfaces::options::{Dictionary, DomainCapabilitiesOptions, NoOptions, Received};
use lodge_dbus_interfaces::{Error, Result};
use lodge_model::document::Document as _;
use lodge_model::domain::DomainType;
use lodge_model::xml::Value as _;
use zbus::message::Header;
use zbus::{Connection, OwnedVariant, Str};

use super::Shared;
use super::guarded::Guarded;
use crate::authorization::{Action, Details};
use crate::hypervisors::{Driver, Wanted};

/// One hypervisor.
pub struct HypervisorObject {
    driver: Arc<dyn Driver>,
    shared: Arc<Shared>,
}

impl HypervisorObject {
    pub fn new(driver: Arc<dyn Driver>, shared: Arc<Shared>) -> Self {
        Self { driver, shared }
    }
}

impl Guarded for HypervisorObject {
    fn view_action(&self) -> Action {
        Action::HypervisorView
    }

    fn details(&self, verb: &'static str) -> Details {
        Details { hypervisor: Some(self.driver.name()), ..Details::of_verb(verb) }
    }
}

/// What the options say, where they say something.
fn wanted(options: DomainCapabilitiesOptions) -> Result<Wanted> {
    let said = |text: String| Some(text).filter(|text| !text.is_empty());
    let kind = |word: String| match DomainType::parse(&word) {
        Some(kind) => Ok(kind),
        None => Err(Error::InvalidOption(format!("option \"type\" must be {}, not '{word}'", DomainType::EXPECTED))),
    };
    let DomainCapabilitiesOptions { arch, machine, domain_type } = options;
    Ok(Wanted { kind: said(domain_type).map(kind).transpose()?, arch: said(arch), machine: said(machine) })
}

#[zbus::interface(name = "org.lodge.Lodge1.Hypervisor", introspection_docs = false)]
impl HypervisorObject {
    #[zbus(property(emits_changed_signal = "const"))]
    fn name(&self) -> &'static str {
        self.driver.name()
    }

    #[zbus(property)]
    async fn version(&self) -> String {
        self.driver.describe().await.version
    }

    #[zbus(property)]
    async fn available(&self) -> bool {
        self.driver.describe().await.available
    }

    #[zbus(property)]
    async fn reason(&self) -> String {
        self.driver.describe().await.reason
    }

    #[zbus(property)]
    async fn accelerators(&self) -> Vec<String> {
        self.driver.describe().await.accelerators
    }

    #[zbus(property)]
    async fn architectures(&self) -> Vec<String> {
        self.driver.describe().await.architectures
    }

    #[zbus(out_args("machines"))]
    async fn get_machines(
        &self,
        arch: &str,
        options: Received,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] connection: &Connection,
    ) -> Result<Vec<Dictionary>> {
        NoOptions::read(&options)?;
        self.shared.authorize(&header, connection, self.view_action(), self.details("GetMachines")).await?;
        let view = self.driver.describe().await;
        if !view.architectures.iter().any(|known| known == arch) {
            let known = view.architectures.join(", ");
            return Err(Error::NotSupported(format!(
                "there is no emulator for the architecture '{arch}'; architectures there are: {known}"
            )));
        }
        let machines = view.machines.into_iter().filter(|machine| machine.arch == arch);
        Ok(machines
            .map(|machine| {
                let mut dictionary: Dictionary = HashMap::from([
                    ("name".to_owned(), OwnedVariant::from(Str::from(machine.name))),
                    ("default".to_owned(), OwnedVariant::from(machine.default)),
                    ("max-vcpus".to_owned(), OwnedVariant::from(machine.max_vcpus)),
                ]);
                if let Some(alias) = machine.alias {
                    dictionary.insert("alias".to_owned(), OwnedVariant::from(Str::from(alias)));
                }
                if machine.deprecated {
                    dictionary.insert("deprecated".to_owned(), OwnedVariant::from(true));
                }
                dictionary
            })
            .collect())
    }

    #[zbus(out_args("xml"))]
    async fn get_domain_capabilities(
        &self,
        options: Received,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] connection: &Connection,
    ) -> Result<String> {
        let wanted = wanted(DomainCapabilitiesOptions::read(&options)?)?;
        let details = self.details("GetDomainCapabilities");
        self.shared.authorize(&header, connection, Action::HypervisorView, details).await?;
        Ok(self.driver.domain_capabilities(wanted).await?.to_xml())
    }
}
