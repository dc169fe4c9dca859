//! The table of what can be asked for.

use std::fmt;

/// What a caller wants to do, by object and class of verb. Each is a polkit action
/// `org.lodge.Lodge1.<object>.<verb class>` on the system bus.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// See a domain's state and description.
    DomainView,
    /// Start, stop, suspend and resume a domain.
    DomainManage,
    /// Make, change or remove a domain's definition.
    DomainDefine,
    /// Use a domain's console or screen.
    DomainConsole,
    /// See what the hypervisors can do.
    HypervisorView,
}

impl Action {
    /// The action's name without the prefix.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::DomainView => "domain.view",
            Self::DomainManage => "domain.manage",
            Self::DomainDefine => "domain.define",
            Self::DomainConsole => "domain.console",
            Self::HypervisorView => "hypervisor.view",
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What an action is about, for rules and for the question put to a person.
#[derive(Debug, Clone, Default)]
pub struct Details {
    /// The verb, as the bus method is called.
    pub verb: &'static str,
    /// The domain's name, where there is one.
    pub domain: Option<String>,
}
