//! The `a{sv}` options of every method, from the bytes of a message.

use lodge_dbus_interfaces::errors::Error;
use lodge_dbus_interfaces::options::{
    ChangeOptions, ConsoleOptions, CreateOptions, DefineOptions, DestroyOptions, MetadataOptions, NoOptions, Received, ShutdownOptions,
    StartOptions, UndefineOptions, XmlOptions,
};
use zbus::wire::LE;
use zbus::wire::serialized::{Context, Data};

/// Reads options from the bytes that they have in a message, for each method.
pub fn all(bytes: &[u8]) {
    let data = Data::new(bytes, Context::new(LE, 0));
    let Ok((received, _)) = data.deserialize::<Received>() else { return };
    let refusals = [
        NoOptions::read(&received).err(),
        DefineOptions::read(&received).err(),
        CreateOptions::read(&received).err(),
        StartOptions::read(&received).err(),
        ShutdownOptions::read(&received).err(),
        DestroyOptions::read(&received).err(),
        UndefineOptions::read(&received).err(),
        XmlOptions::read(&received).err(),
        MetadataOptions::read(&received).err(),
        ChangeOptions::read(&received).err(),
        ConsoleOptions::read(&received).err(),
    ];
    for refusal in refusals.into_iter().flatten() {
        assert!(matches!(&refusal, Error::InvalidOption(reason) if !reason.is_empty()), "{refusal:?}");
    }
}
