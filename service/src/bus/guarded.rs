//! Property reads behind the authorizer: the `org.freedesktop.DBus.Properties` of our objects.
//!
//! zbus gives every object one of its own, which holds the lock on the whole tree of objects while a getter or setter
//! works. A check there that waits, for a person perhaps, would keep every new object off the bus, and then every call.
//! Ours asks first, and holds nothing of others meanwhile; what it then answers comes from the object as before.
//!
//! Invariant: an object of ours is never in the tree with the other kind, not even for a moment. See [`put`].

use std::collections::HashMap;
use std::marker::PhantomData;
use std::sync::Arc;

use zbus::message::Header;
use zbus::object_server::{DispatchResult, Interface, InterfaceRef, SignalEmitter};
use zbus::{BoxDBusError, Connection, ObjectPath, ObjectServer, OwnedVariant, Variant, fdo};

use super::{Placeholder, Shared};
use crate::authorization::{Action, Details};

/// An interface whose properties are not for everybody. Its setters ask for themselves.
pub trait Guarded: Interface {
    /// What a reader needs.
    fn view_action(&self) -> Action;

    /// What the reading is about.
    fn details(&self, verb: &'static str) -> Details;
}

/// Puts an object into the tree, with its properties guarded.
pub async fn put<'p, T: Guarded>(
    server: &ObjectServer,
    shared: &Arc<Shared>,
    path: impl Into<ObjectPath<'p>>,
    object: T,
) -> zbus::Result<()> {
    let path = path.into();
    // A place in the tree comes with zbus's properties. They are gone before there is anything to read.
    server.at(&path, Placeholder).await?;
    server.remove::<fdo::Properties, _>(&path).await?;
    server.at(&path, Properties::<T> { shared: shared.clone(), of: PhantomData }).await?;
    server.at(&path, object).await?;
    server.remove::<Placeholder, _>(&path).await?;
    Ok(())
}

/// The properties of an object whose own interface is `T`.
struct Properties<T> {
    shared: Arc<Shared>,
    of: PhantomData<fn() -> T>,
}

/// A call, and what it is answered with.
struct Call<'a> {
    header: &'a Header<'a>,
    connection: &'a Connection,
    server: &'a ObjectServer,
}

impl<T: Guarded> Properties<T> {
    /// The object, once the caller may see it. `None` for an interface that has no properties.
    async fn seen(&self, interface: &str, verb: &'static str, call: &Call<'_>) -> Result<Option<InterfaceRef<T>>, BoxDBusError> {
        if interface != T::name().as_str() {
            return match interface.starts_with("org.freedesktop.DBus.") {
                true => Ok(None),
                false => Err(fdo::Error::UnknownInterface(format!("Unknown interface '{interface}'")).into()),
            };
        }
        let object = self.object(call).await?;
        let (action, details) = {
            let object = object.get().await;
            (object.view_action(), object.details(verb))
        };
        match self.shared.authorize(call.header, call.connection, action, details).await {
            Ok(_) => Ok(Some(object)),
            Err(error) => Err(Box::new(lodge_dbus_interfaces::Error::from(error))),
        }
    }

    async fn object(&self, call: &Call<'_>) -> Result<InterfaceRef<T>, BoxDBusError> {
        let path = call.header.path().ok_or(zbus::Error::MissingField)?;
        let gone = |_| fdo::Error::UnknownObject(format!("Unknown object '{path}'"));
        Ok(call.server.interface::<_, T>(path).await.map_err(gone)?)
    }
}

fn unknown(property: &str) -> BoxDBusError {
    fdo::Error::UnknownProperty(format!("Unknown property '{property}'")).into()
}

#[zbus::interface(name = "org.freedesktop.DBus.Properties", introspection_docs = false)]
impl<T: Guarded> Properties<T> {
    // Signals come first, and what answers with something last: busctl of systemd 252 takes the arguments of a signal for those of
    // the method before it, also one of another interface, and complains when those go in.
    #[zbus(signal)]
    async fn properties_changed(
        emitter: &SignalEmitter<'_>,
        interface_name: &str,
        changed_properties: HashMap<&str, Variant<'_>>,
        invalidated_properties: &[&str],
    ) -> zbus::Result<()>;

    #[allow(clippy::too_many_arguments, reason = "zbus hands each thing over by itself")]
    async fn set(
        &self,
        interface_name: &str,
        property_name: &str,
        value: &Variant<'_>,
        #[zbus(connection)] connection: &Connection,
        #[zbus(object_server)] server: &ObjectServer,
        #[zbus(header)] header: Header<'_>,
        #[zbus(signal_emitter)] emitter: SignalEmitter<'_>,
    ) -> Result<(), BoxDBusError> {
        let call = Call { header: &header, connection, server };
        if interface_name != T::name().as_str() {
            return Err(fdo::Error::UnknownInterface(format!("Unknown interface '{interface_name}'")).into());
        }
        let object = self.object(&call).await?;
        let object = object.get().await;
        match object.set(property_name, value, server, connection, Some(&header), &emitter) {
            DispatchResult::Async(setting) => setting.await,
            // No object of ours changes by `&mut self`.
            DispatchResult::NotFound | DispatchResult::RequiresMut => Err(unknown(property_name)),
        }
    }

    async fn get(
        &self,
        interface_name: &str,
        property_name: &str,
        #[zbus(connection)] connection: &Connection,
        #[zbus(object_server)] server: &ObjectServer,
        #[zbus(header)] header: Header<'_>,
        #[zbus(signal_emitter)] emitter: SignalEmitter<'_>,
    ) -> Result<OwnedVariant, BoxDBusError> {
        let call = Call { header: &header, connection, server };
        let Some(object) = self.seen(interface_name, "Get", &call).await? else { return Err(unknown(property_name)) };
        let object = object.get().await;
        let value = object.get(property_name, server, connection, Some(&header), &emitter).await;
        value.unwrap_or_else(|| Err(unknown(property_name)))
    }

    async fn get_all(
        &self,
        interface_name: &str,
        #[zbus(connection)] connection: &Connection,
        #[zbus(object_server)] server: &ObjectServer,
        #[zbus(header)] header: Header<'_>,
        #[zbus(signal_emitter)] emitter: SignalEmitter<'_>,
    ) -> Result<HashMap<String, OwnedVariant>, BoxDBusError> {
        let call = Call { header: &header, connection, server };
        let Some(object) = self.seen(interface_name, "GetAll", &call).await? else { return Ok(HashMap::new()) };
        let object = object.get().await;
        Ok(object.get_all(server, connection, Some(&header), &emitter).await?)
    }
}
