//! How values are sealed for the disk: XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha-03; RFC 8439) with a random nonce, bound to
//! the secret's UUID, so that no file can take the place of another's.
//!
//! The key is the credential `lodge-secrets-key` where the service was given one: systemd-creds(1) can keep that sealed to the
//! machine's TPM, and then the files alone open nothing. Else it is a file that only the service's user can read, made at
//! first use: that protects copies of single files, not of the whole directory.

use std::path::Path;

use chacha20poly1305::aead::{Aead, Generate, Key, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::Value;
use crate::error::{Error, ErrorKind, Result};
use crate::host::service_credentials;
use crate::store::SecretValues;

/// What a sealed value begins with: what it is, and which way it was sealed.
const MAGIC: &[u8; 8] = b"lodgesv1";
/// The name of the credential, a key of 32 bytes.
const CREDENTIAL: &str = "lodge-secrets-key";

const NONCE_BYTES: usize = 24;
const KEY_BYTES: usize = 32;

/// What values are sealed with.
pub struct Sealing(XChaCha20Poly1305);

impl Sealing {
    /// The one that is known, or the one of the key that is to be used.
    ///
    /// # Errors
    /// The key cannot be read, made or used.
    pub fn of<'a>(known: &'a mut Option<Self>, values: &SecretValues) -> Result<&'a Self> {
        match known {
            Some(known) => Ok(known),
            None => Ok(known.insert(Self::with(&key(values, service_credentials::directory().as_deref())?)?)),
        }
    }

    fn with(key: &[u8]) -> Result<Self> {
        XChaCha20Poly1305::new_from_slice(key).map(Self).map_err(|_| {
            Error::new(ErrorKind::HostFailed, format!("the key of the secrets has {} bytes instead of {KEY_BYTES}", key.len()))
        })
    }

    /// Seals a value.
    ///
    /// # Errors
    /// The host has no randomness to give.
    pub fn seal(&self, uuid: Uuid, value: &Value) -> Result<Vec<u8>> {
        let nonce = XNonce::try_generate().map_err(|error| no_randomness().caused_by(error))?;
        let payload = Payload { msg: value, aad: uuid.as_bytes() };
        let sealed = self.0.encrypt(&nonce, payload).map_err(|_| Error::new(ErrorKind::Internal, "a value cannot be sealed"))?;
        Ok([MAGIC.as_slice(), nonce.as_slice(), &sealed].concat())
    }

    /// Opens what [`Sealing::seal`] made.
    ///
    /// # Errors
    /// It is not that, was changed, or was sealed for another secret or with another key.
    pub fn open(&self, uuid: Uuid, sealed: &[u8]) -> Result<Value> {
        let unreadable = |why: &str| {
            let message =
                format!("the value of secret {uuid} cannot be read: {why}; set it again with SetValue (lodgectl secret-set-value)");
            Error::new(ErrorKind::HostFailed, message)
        };
        let parts = sealed.strip_prefix(MAGIC).and_then(|rest| rest.split_first_chunk::<NONCE_BYTES>());
        let (nonce, text) = parts.ok_or_else(|| unreadable("its file is not one of this service"))?;
        let opened = self.0.decrypt(&XNonce::from(*nonce), Payload { msg: text, aad: uuid.as_bytes() });
        opened.map(Zeroizing::new).map_err(|_| unreadable("it was changed, or sealed with another key"))
    }
}

fn key(values: &SecretValues, credentials: Option<&Path>) -> Result<Zeroizing<Vec<u8>>> {
    if let Some(directory) = credentials
        && let Some(key) = service_credentials::read(directory, CREDENTIAL, KEY_BYTES)
            .map_err(|error| Error::new(ErrorKind::HostFailed, format!("cannot read the credential {CREDENTIAL}")).caused_by(error))?
    {
        return Ok(Zeroizing::new(key));
    }
    if let Some(key) = values.key()? {
        return Ok(Zeroizing::new(key));
    }
    let key = Key::<XChaCha20Poly1305>::try_generate().map_err(|error| no_randomness().caused_by(error))?;
    let key = Zeroizing::new(key.to_vec());
    values.save_key(&key)?;
    Ok(key)
}

fn no_randomness() -> Error {
    Error::new(ErrorKind::HostFailed, "the host has no random numbers to give")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> Value {
        Zeroizing::new(text.as_bytes().to_vec())
    }

    #[test]
    fn only_the_same_secret_and_key_open_a_value() {
        let (one, other) = (Uuid::new_v4(), Uuid::new_v4());
        let sealing = Sealing::with(&[1; KEY_BYTES]).unwrap();
        let sealed = sealing.seal(one, &value("open sesame")).unwrap();
        assert_eq!(sealing.open(one, &sealed).unwrap(), value("open sesame"));
        assert!(!sealed.windows(4).any(|part| part == b"open"));
        assert_ne!(sealing.seal(one, &value("open sesame")).unwrap(), sealed);
        let refusals = [
            sealing.open(other, &sealed),
            Sealing::with(&[2; KEY_BYTES]).unwrap().open(one, &sealed),
            sealing.open(one, &sealed[1..]),
            sealing.open(one, &sealed[..MAGIC.len() + 3]),
            sealing.open(one, b""),
        ];
        for refusal in refusals {
            assert_eq!(refusal.unwrap_err().kind(), ErrorKind::HostFailed);
        }
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(sealing.open(one, &changed).is_err(), "byte {at}");
        }
    }

    #[test]
    fn the_credential_comes_before_the_file_and_must_be_a_key() {
        let root = tempfile::tempdir().unwrap();
        let store = crate::store::Store::open(crate::store::Layout::under(root.path())).unwrap();
        let values = store.secret_values();
        let made = key(values, None).unwrap();
        assert_eq!(key(values, Some(root.path())).unwrap(), made, "without a credential");
        std::fs::write(root.path().join(CREDENTIAL), [7; KEY_BYTES]).unwrap();
        assert_eq!(key(values, Some(root.path())).unwrap().as_slice(), [7; KEY_BYTES]);
        std::fs::write(root.path().join(CREDENTIAL), [7; KEY_BYTES + 1]).unwrap();
        assert!(Sealing::with(&key(values, Some(root.path())).unwrap()).is_err());
    }
}
