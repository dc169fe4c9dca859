//! Encryption of an image, and the secrets that open it.

use crate::element;

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
        /// Secrets with the passphrases.
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
