//! A secret that the service keeps: the `<secret>` document. It says what the secret is for, and how it
//! is kept (libvirt, formatsecret and its schema, 11.3).
//!
//! The value of the secret never stands in the document. Others name the secret by its UUID or by what
//! it is for, with a [`SecretReference`](crate::encryption::SecretReference).
//!
//! [`Secret`] is the element as it is written, with the parts of all types of use; [`SecretView`] is
//! what the store works with.

use uuid::Uuid;

use crate::document::{Document, Problem, Problems};
use crate::xml::YesNo;
use crate::{element, keywords};

keywords! {
    /// What secrets are for.
    pub enum SecretUsageType {
        /// The passphrase of an encrypted volume.
        Volume = "volume",
        /// The key of a user of a Ceph cluster.
        Ceph = "ceph",
        /// The password of a user of an iSCSI target.
        Iscsi = "iscsi",
        /// The passphrase of a private key for TLS.
        Tls = "tls",
        /// The passphrase that the state of an emulated TPM is encrypted with.
        Vtpm = "vtpm",
    }
}

element! {
    /// A secret.
    pub struct Secret {
        /// Whether its value is kept in memory only; no when left out.
        attr "ephemeral" ephemeral: Option<YesNo>,
        /// Whether its value is shown to nobody, once it is set; no when left out.
        attr "private" private: Option<YesNo>,
        /// Identity. Made up when the secret is defined without one.
        leaf "uuid" uuid: Option<Uuid>,
        /// What it is for, in words.
        leaf "description" description: Option<String>,
        /// What it is for. A secret without it can be named by its UUID only.
        child "usage" usage: Option<SecretUsage>,
    }
}

element! {
    /// What a secret is for, as it is written; which part counts depends on the type.
    pub struct SecretUsage {
        /// See [`SecretUsageType`]; open, as uses are.
        attr "type" kind: Option<String>,
        /// `volume`: absolute path of the volume.
        leaf "volume" volume: Option<String>,
        /// `ceph`, `tls`, `vtpm`: a name of the owner's choice.
        leaf "name" name: Option<String>,
        /// `iscsi`: a name of the owner's choice, often that of the target.
        leaf "target" target: Option<String>,
    }
}

/// A secret, checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SecretView<'a> {
    /// Whether its value must not be written to any file.
    pub ephemeral: bool,
    /// Whether its value must not be shown to clients.
    pub private: bool,
    /// What it is for.
    pub usage: Option<UsageView<'a>>,
}

/// What a secret is for: type and name together tell it from all others of a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct UsageView<'a> {
    /// Type.
    pub kind: SecretUsageType,
    /// What references to the secret say in their `usage`: the path of the volume, or a name.
    pub name: &'a str,
}

impl Document for Secret {
    const ROOT: &'static str = "secret";

    fn check(&self, found: &mut Problems) {
        self.checked_usage(found);
    }
}

impl Secret {
    /// How the secret is kept, and what it is for.
    ///
    /// # Errors
    /// Every [`Problem`] of these; of a secret without [`Document::validate`]'s problems there is none.
    pub fn view(&self) -> Result<SecretView<'_>, Vec<Problem>> {
        Problems::checked(Self::ROOT, |found| {
            let usage = self.checked_usage(found);
            Some(SecretView { ephemeral: self.ephemeral.unwrap_or_default().0, private: self.private.unwrap_or_default().0, usage })
        })
    }

    fn checked_usage(&self, found: &mut Problems) -> Option<UsageView<'_>> {
        let usage = self.usage.as_ref()?;
        found.inside("usage", |found| usage.view(found))
    }
}

impl SecretUsage {
    fn view(&self, found: &mut Problems) -> Option<UsageView<'_>> {
        let kind: SecretUsageType = found.needed_word("@type", self.kind.as_deref())?;
        let element = kind.element();
        let mut name = None;
        for (part, text) in [("volume", &self.volume), ("name", &self.name), ("target", &self.target)] {
            match text.as_deref() {
                Some(text) if part == element => name = Some(text),
                Some(_) => found.add(part, format!("a secret of the type '{kind}' has <{element}> instead; remove <{part}>")),
                None => {}
            }
        }
        let name = name.filter(|name| !name.trim().is_empty());
        match name {
            None => found.add(element, format!("it is not said {}", kind.missing())),
            Some(name) if name.contains(char::is_control) => {
                found.add(element, "there is a line end or another control character in it; write it on one line");
            }
            Some(path) if kind == SecretUsageType::Volume => found.absolute(element, path),
            Some(_) => {}
        }
        Some(UsageView { kind, name: name? })
    }
}

impl SecretUsageType {
    /// The element that says what a secret of this type is for.
    pub const fn element(self) -> &'static str {
        match self {
            Self::Volume => "volume",
            Self::Ceph | Self::Tls | Self::Vtpm => "name",
            Self::Iscsi => "target",
        }
    }

    /// What is not said without it, and what to write.
    const fn missing(self) -> &'static str {
        match self {
            Self::Volume => "which volume the secret opens; write its path, such as <volume>/srv/images/mail.qcow2</volume>",
            Self::Ceph => "what the secret is called; write a name by which <auth> can say it, such as <name>client.guests</name>",
            Self::Iscsi => {
                "what the secret is called; write a name by which <auth> can say it, such as <target>iqn.2013-06.com.example:disks</target>"
            }
            Self::Tls => "what the secret is called; write a name of your choice, such as <name>migration key</name>",
            Self::Vtpm => "what the secret is called; write a name of your choice, such as <name>TPM of mail</name>",
        }
    }
}

#[cfg(test)]
mod tests;
