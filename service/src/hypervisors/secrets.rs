//! How a driver gets the values of secrets that a definition names: by asking whoever keeps them, at the start.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use lodge_model::encryption::SecretReference;
use zeroize::Zeroizing;

use crate::error::{Error, ErrorKind, Result};

/// The value of a secret, wiped when it is dropped.
pub type SecretValue = Zeroizing<Vec<u8>>;

/// Tells the value of a secret by its name, see [`name`].
pub type Reveal = Arc<dyn Fn(String) -> BoxFuture<'static, Result<SecretValue>> + Send + Sync>;

/// What a secret is asked for by: its UUID, or what it is for as in `volume:/srv/images/mail.qcow2`. `None` where the reference
/// names nothing.
pub fn name(reference: &SecretReference, used_for: &str) -> Option<String> {
    let by_use = || reference.usage.as_ref().filter(|usage| !usage.is_empty()).map(|usage| format!("{used_for}:{usage}"));
    reference.uuid.map(|uuid| uuid.to_string()).or_else(by_use)
}

/// Of somebody who keeps no secrets.
pub fn nobody() -> Reveal {
    Arc::new(|name| {
        Box::pin(async move { Err(Error::new(ErrorKind::NotFound, format!("there is no secret '{name}': nobody keeps secrets here"))) })
    })
}
