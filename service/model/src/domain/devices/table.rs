//! The macro that makes [`Device`](super::Device) from a table of kinds.

/// Makes the enum, its codec, and the iterators of [`Devices`](super::Devices).
macro_rules! devices {
    ($( $kind:ident $element:literal $iter:ident $iter_mut:ident $placed:ident; )*) => {
        /// A device of a guest.
        #[derive(Debug, Clone, PartialEq)]
        pub enum Device {
            $( #[doc = concat!("`<", $element, ">`.")] $kind(Box<$kind>), )*
        }

        impl Choice for Device {
            fn knows(name: &str) -> bool {
                matches!(name, $( $element )|*)
            }

            fn read(reader: &mut Reader<'_, '_>) -> Result<Self, XmlError> {
                match reader.name() {
                    $( $element => $kind::read(reader).map(|device| Self::$kind(Box::new(device))), )*
                    other => Err(reader.error(format!("<{other}> is not a device"))),
                }
            }

            fn name(&self) -> &'static str {
                match self { $( Self::$kind(_) => $element, )* }
            }

            fn write(&self, writer: &mut Writer) {
                match self { $( Self::$kind(device) => device.write(writer), )* }
            }
        }

        impl Device {
            /// The name for the hypervisor; `None` when there is none or the kind has none.
            pub fn alias(&self) -> Option<&str> {
                let alias = match self { $( Self::$kind(device) => table::devices!(@alias $placed device), )* };
                alias?.name.as_deref()
            }

            /// The place for a name for the hypervisor; `None` for kinds that have none.
            pub fn alias_mut(&mut self) -> Option<&mut Option<Alias>> {
                match self { $( Self::$kind(device) => table::devices!(@alias_mut $placed device), )* }
            }

            /// The place on the guest's buses; `None` when there is none or the kind has none.
            pub fn address(&self) -> Option<&Address> {
                match self { $( Self::$kind(device) => table::devices!(@address $placed device), )* }
            }

            /// The place for an address; `None` for kinds that have none.
            pub fn address_mut(&mut self) -> Option<&mut Option<Address>> {
                match self { $( Self::$kind(device) => table::devices!(@address_mut $placed device), )* }
            }
        }

        impl Devices {
            $(
                #[doc = concat!("The `<", $element, ">` elements in order.")]
                pub fn $iter(&self) -> impl Iterator<Item = &$kind> {
                    self.list.iter().filter_map(|device| match device {
                        Device::$kind(device) => Some(&**device),
                        _ => None,
                    })
                }

                #[doc = concat!("The `<", $element, ">` elements in order, to change.")]
                pub fn $iter_mut(&mut self) -> impl Iterator<Item = &mut $kind> {
                    self.list.iter_mut().filter_map(|device| match device {
                        Device::$kind(device) => Some(&mut **device),
                        _ => None,
                    })
                }
            )*
        }

        $(
            impl From<$kind> for Device {
                fn from(device: $kind) -> Self {
                    Self::$kind(Box::new(device))
                }
            }
        )*
    };
    (@alias placed $device:ident) => { $device.alias.as_ref() };
    (@alias unplaced $device:ident) => {{ let _ = $device; None }};
    (@alias_mut placed $device:ident) => { Some(&mut $device.alias) };
    (@alias_mut unplaced $device:ident) => {{ let _ = $device; None }};
    (@address placed $device:ident) => { $device.address.as_ref() };
    (@address unplaced $device:ident) => {{ let _ = $device; None }};
    (@address_mut placed $device:ident) => { Some(&mut $device.address) };
    (@address_mut unplaced $device:ident) => {{ let _ = $device; None }};
}

pub(super) use devices;
