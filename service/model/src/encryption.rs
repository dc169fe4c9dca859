//! Encryption of an image, and the secrets that open it: `<encryption>`, inside of a disk, a volume
//! or a pool, or a document of its own (libvirt, formatstorageencryption).
//!
//! Words are kept as text, since block layers add formats; [`Document::check`] tells those that are
//! not known. No passphrase ever stands in such a document, only the name of the secret that has it.

use crate::document::{Document, Problems};
use crate::{element, keywords};

keywords! {
    /// How an image is encrypted.
    pub enum EncryptionFormat {
        /// Left to the service.
        Default = "default",
        /// AES as qcow images of old have it; such images are opened, no new ones are made.
        Qcow = "qcow",
        /// Linux Unified Key Setup, version 1.
        Luks = "luks",
        /// Version 2, of RBD images.
        Luks2 = "luks2",
        /// Version 1 or 2, whichever the RBD image has.
        LuksAny = "luks-any",
    }
}

keywords! {
    /// Who encrypts and decrypts.
    pub enum EncryptionEngine {
        /// QEMU.
        Qemu = "qemu",
        /// Ceph's library.
        Librbd = "librbd",
    }
}

element! {
    /// Names a secret that the service keeps, by its UUID or by what it is used for.
    pub struct SecretReference {
        /// Kind of use: `passphrase`, `ceph`, `iscsi`, …; open, as uses are.
        attr "type" kind: Option<String>,
        /// UUID of the secret.
        attr "uuid" uuid: Option<uuid::Uuid>,
        /// What the secret is used for.
        attr "usage" usage: Option<String>,
    }
}

element! {
    /// Encryption of an image.
    pub struct Encryption {
        /// `luks`, `luks2`, `luks-any`, `qcow` or `default`; open, as formats are.
        attr "format" format: Option<String>,
        /// Who decrypts: `qemu` or `librbd`; open, as block layers are.
        attr "engine" engine: Option<String>,
        /// Secrets with the passphrases. Several are those of an RBD image and of the images that
        /// it is laid over, in this order.
        children "secret" secrets: Vec<SecretReference>,
        /// Cipher of a new image.
        child "cipher" cipher: Option<Cipher>,
        /// Initialization vectors of a new image.
        child "ivgen" ivgen: Option<IvGenerator>,
    }
}

element! {
    /// The cipher of a LUKS image.
    pub struct Cipher {
        /// Its name such as `aes`.
        attr "name" name: Option<String>,
        /// Size of the key in bits.
        attr "size" size: Option<u32>,
        /// Mode such as `xts`.
        attr "mode" mode: Option<String>,
        /// Hash such as `sha256`.
        attr "hash" hash: Option<String>,
    }
}

element! {
    /// How a LUKS image makes initialization vectors.
    pub struct IvGenerator {
        /// Name such as `plain64`.
        attr "name" name: Option<String>,
        /// Hash of `essiv`.
        attr "hash" hash: Option<String>,
    }
}

impl Document for Encryption {
    const ROOT: &'static str = "encryption";

    fn check(&self, found: &mut Problems) {
        let format = match &self.format {
            Some(format) => found.word("@format", format),
            None => {
                found.add("@format", "it is not said how the image is encrypted; write format='luks'");
                None
            }
        };
        let engine = match &self.engine {
            Some(engine) => found.word("@engine", engine),
            None => Some(EncryptionEngine::default()),
        };
        if let Some((format, engine)) = format.zip(engine) {
            check_engine(format, engine, found);
            self.check_secrets(format, engine, found);
        }
        found.each("secret", &self.secrets, |found, secret| {
            if secret.kind.as_deref() != Some("passphrase") {
                found.add("@type", "an image is opened with a passphrase; write type='passphrase'");
            }
            secret.check(found);
        });
        self.check_cipher(format, found);
    }
}

impl Encryption {
    fn check_secrets(&self, format: EncryptionFormat, engine: EncryptionEngine, found: &mut Problems) {
        let luks = !matches!(format, EncryptionFormat::Default | EncryptionFormat::Qcow);
        match self.secrets.len() {
            0 if luks => {
                let reason = "nothing opens the image; name the secret with its passphrase, such as <secret type='passphrase' uuid='…'/>";
                found.add("secret", reason);
            }
            0 | 1 => {}
            // Layers of an RBD image have a secret each.
            _ if engine == EncryptionEngine::Librbd => {}
            count => {
                found.add("secret", format!("an image of the format '{format}' has one passphrase, here are {count} secrets; keep one"))
            }
        }
    }

    fn check_cipher(&self, format: Option<EncryptionFormat>, found: &mut Problems) {
        match &self.cipher {
            Some(_) if format == Some(EncryptionFormat::Qcow) => {
                found.add(
                    "cipher",
                    "the cipher of the format 'qcow' is always the same; remove <cipher> and <ivgen> or write format='luks'",
                );
            }
            Some(cipher) => {
                if cipher.name.as_deref().unwrap_or_default().is_empty() {
                    found.add("cipher/@name", "the cipher has no name; write one, such as name='aes'");
                }
                if cipher.size.unwrap_or_default() == 0 {
                    found.add("cipher/@size", "the size of the cipher's key is not said; write its bits, such as size='256'");
                }
            }
            None if self.ivgen.is_some() => {
                found.add("ivgen", "initialization vectors belong to a cipher; add it, such as <cipher name='aes' size='256'/>");
            }
            None => {}
        }
        if self.ivgen.as_ref().is_some_and(|ivgen| ivgen.name.as_deref().unwrap_or_default().is_empty()) {
            found.add("ivgen/@name", "it is not said how initialization vectors are made; write name='plain64'");
        }
    }
}

/// Tells when the engine does not open images of the format.
fn check_engine(format: EncryptionFormat, engine: EncryptionEngine, found: &mut Problems) {
    use EncryptionFormat::{Default, Luks, Luks2, LuksAny, Qcow};
    match (format, engine) {
        (Luks2 | LuksAny, EncryptionEngine::Qemu) => {
            found.add("@engine", format!("only librbd opens images of the format '{format}'; write engine='librbd'"));
        }
        (Default | Qcow, EncryptionEngine::Librbd) => {
            found.add("@engine", format!("librbd does not open images of the format '{format}'; write format='luks' or leave engine out"));
        }
        (Default | Qcow | Luks, EncryptionEngine::Qemu) | (Luks | Luks2 | LuksAny, EncryptionEngine::Librbd) => {}
    }
}

impl SecretReference {
    /// Tells when it names no secret, or two.
    pub fn check(&self, found: &mut Problems) {
        match (self.uuid, self.usage.as_deref().unwrap_or_default()) {
            (None, "") => found.add("@uuid", "no secret is named; write its uuid='…', or usage='…' with what it is used for"),
            (Some(_), usage) if !usage.is_empty() => {
                found.add("@usage", "the secret is named by its UUID and by its use; keep one of them");
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests;
