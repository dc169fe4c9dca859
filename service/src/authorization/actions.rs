//! The table of what can be asked for.
//!
//! Each action stands in `polkit/org.lodge.Lodge1.policy` too, with its words for people and its defaults; a test holds
//! the two together.

use std::fmt;

use uuid::Uuid;

use super::subject::Subject;

/// What polkit knows our actions by: the prefix of each.
const PREFIX: &str = "org.lodge.Lodge1.";

/// Declares the actions, so that list, words and type cannot differ.
macro_rules! actions {
    ($($(#[$documentation:meta])* $action:ident = $name:literal,)*) => {
        /// What a caller wants to do, by object and class of verb. Each is a polkit action
        /// `org.lodge.Lodge1.<object>.<verb class>` on the system bus.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Action {
            $($(#[$documentation])* $action,)*
        }

        impl Action {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$action),*];

            /// The action's name without the prefix.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$action => $name,)*
                }
            }
        }
    };
}

actions! {
    /// See a domain's state and description.
    DomainView = "domain.view",
    /// Start, stop, suspend and resume a domain.
    DomainManage = "domain.manage",
    /// Make, change or remove a domain's definition, and see the passwords in it.
    DomainDefine = "domain.define",
    /// Use a domain's console or screen.
    DomainConsole = "domain.console",
    /// See what the hypervisors can do.
    HypervisorView = "hypervisor.view",
    /// See a network's state and description, and what it has lent.
    NetworkView = "network.view",
    /// Start and stop a network.
    NetworkManage = "network.manage",
    /// Make, change or remove a network's definition.
    NetworkDefine = "network.define",
    /// See which secrets there are and what they are for.
    SecretView = "secret.view",
    /// Read the value of a secret.
    SecretRead = "secret.read",
    /// Make, change or remove a secret, and give it its value.
    SecretDefine = "secret.define",
    /// See a storage pool's state and description.
    PoolView = "pool.view",
    /// Start, stop, refresh, build and delete a storage pool.
    PoolManage = "pool.manage",
    /// Make, change or remove a storage pool's definition.
    PoolDefine = "pool.define",
    /// See which volumes there are.
    VolumeView = "volume.view",
    /// Make, change, read, write and remove volumes.
    VolumeManage = "volume.manage",
}

impl Action {
    /// The action's whole name.
    pub fn id(self) -> String {
        format!("{PREFIX}{self}")
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
    /// The object, where it is about one.
    pub subject: Option<Subject>,
    /// The domain's identity, where it is about a domain that has one already.
    pub uuid: Option<Uuid>,
    /// The hypervisor's name, where one is concerned.
    pub hypervisor: Option<&'static str>,
}

impl Details {
    /// A verb that is about nothing in particular.
    pub fn of_verb(verb: &'static str) -> Self {
        Self { verb, ..Self::default() }
    }

    /// A verb that is about an object.
    pub fn about(verb: &'static str, subject: Subject) -> Self {
        Self { subject: Some(subject), ..Self::of_verb(verb) }
    }

    /// Keys and values, as rules see them: `verb`, those of the object, `domain.uuid`, `hypervisor`.
    pub fn pairs(&self) -> Vec<(&'static str, String)> {
        let mut pairs = vec![("verb", self.verb.to_owned())];
        pairs.extend(self.subject.iter().flat_map(Subject::pairs));
        pairs.extend(self.uuid.map(|uuid| ("domain.uuid", uuid.to_string())));
        pairs.extend(self.hypervisor.map(|name| ("hypervisor", name.to_owned())));
        pairs
    }
}

/// What is asked, for the sentence of a refusal: `Start on domain 'web'`.
impl fmt::Display for Details {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.verb)?;
        match &self.subject {
            Some(subject) => write!(f, " on {subject}"),
            None => Ok(()),
        }
    }
}
