//! One PCI bus: who is in which slot.

use std::ops::RangeInclusive;

/// What makes a bus, which says what can be plugged into it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BusKind {
    /// The conventional root of 440FX.
    Root,
    /// The PCI Express root of q35: devices of the chipset, and ports.
    ExpressRoot,
    /// A conventional bus behind a bridge.
    Bridge,
    /// A PCI Express port: one slot.
    Port,
    /// Behind the upper end of a switch: ports only.
    Switch,
}

/// Who uses a function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Owner {
    /// The device of this position in the list.
    Device(usize),
    /// A part of the machine, by its name.
    Machine(&'static str),
}

/// A PCI bus.
#[derive(Debug, Clone)]
pub(super) struct Bus {
    pub kind: BusKind,
    slots: [[Option<Owner>; 8]; 32],
}

impl BusKind {
    /// The kind of bus that a controller model makes; `None` for what is no PCI controller.
    pub fn of_model(model: &str) -> Option<Self> {
        Some(match model {
            "pci-root" | "pci-expander-bus" => Self::Root,
            "pcie-root" | "pcie-expander-bus" => Self::ExpressRoot,
            "pci-bridge" | "dmi-to-pci-bridge" | "pcie-to-pci-bridge" => Self::Bridge,
            "pcie-root-port" | "pcie-switch-downstream-port" => Self::Port,
            "pcie-switch-upstream-port" => Self::Switch,
            _ => return None,
        })
    }

    /// Slots that an address may name. Slot 0 of a bridge is its hot-plug controller.
    pub fn slots(self) -> RangeInclusive<u32> {
        match self {
            Self::Root | Self::ExpressRoot | Self::Switch => 0..=31,
            Self::Bridge => 1..=31,
            Self::Port => 0..=0,
        }
    }
}

impl Bus {
    pub fn new(kind: BusKind) -> Self {
        Self { kind, slots: [[None; 8]; 32] }
    }

    fn slot(&self, slot: u32) -> [Option<Owner>; 8] {
        usize::try_from(slot).ok().and_then(|slot| self.slots.get(slot)).copied().unwrap_or_default()
    }

    /// Who uses a function.
    pub fn owner(&self, slot: u32, function: u32) -> Option<Owner> {
        usize::try_from(function).ok().and_then(|function| self.slot(slot).get(function).copied()).flatten()
    }

    /// Notes the user of a function; slot and function are within their ranges.
    pub fn take(&mut self, slot: u32, function: u32, owner: Owner) {
        let place = usize::try_from(slot).ok().and_then(|slot| self.slots.get_mut(slot));
        if let Some(place) = place.and_then(|slot| slot.get_mut(usize::try_from(function).ok()?)) {
            *place = Some(owner);
        }
    }

    /// Whether nobody uses a slot.
    pub fn is_free(&self, slot: u32) -> bool {
        self.slot(slot).iter().all(Option::is_none)
    }

    /// The users of a slot, function by function.
    pub fn owners(&self, slot: u32) -> impl Iterator<Item = (u32, Owner)> {
        (0..).zip(self.slot(slot)).filter_map(|(function, owner)| Some((function, owner?)))
    }
}
