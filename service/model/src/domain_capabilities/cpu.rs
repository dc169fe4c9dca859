//! The processors that a domain can have.

use super::SupportEnum;
use crate::domain::cpu::{CpuFallback, CpuFeature, CpuMode, MaxPhysicalAddress};
use crate::xml::{Choice, Content, Reader, Writer, XmlError, YesNo};
use crate::{element, keywords};

element! {
    /// Processors, by where they come from.
    pub struct CpuSupport {
        /// One by one.
        children "mode" modes: Vec<CpuModeSupport>,
    }
}

element! {
    /// Processors of one mode.
    pub struct CpuModeSupport {
        /// The mode.
        required "name" mode: CpuMode,
        /// Whether there are.
        required "supported" supported: YesNo,
        /// Words, attribute by attribute.
        children "enum" enums: Vec<SupportEnum>,
        /// Of the mode `custom`, the models; of `host-model`, the one that it stands for.
        each "*" models: Vec<CpuModelEntry>,
        /// Of `host-model`, who made it.
        leaf "vendor" vendor: Option<String>,
        /// Of `host-model`, bits of a physical address.
        child "maxphysaddr" max_physical_address: Option<MaxPhysicalAddress>,
        /// Of `host-model`, features that differ from the model.
        children "feature" features: Vec<CpuFeature>,
    }
}

/// A model, or what keeps the one before it from being used.
#[derive(Debug, Clone, PartialEq)]
pub enum CpuModelEntry {
    /// A model.
    Model(CpuModelSupport),
    /// What keeps a model from being used.
    Blockers(CpuBlockers),
}

keywords! {
    /// Whether a guest can have a model with all of its features on this host.
    pub enum Usable {
        /// It can.
        Yes = "yes",
        /// It cannot.
        No = "no",
        /// Nobody can tell.
        Unknown = "unknown",
    }
}

element! {
    /// A model.
    pub struct CpuModelSupport {
        /// Whether the nearest one is taken where this cannot be had, of `host-model`.
        attr "fallback" fallback: Option<CpuFallback>,
        /// Twelve characters that the guest sees as vendor, of `host-model`.
        attr "vendor_id" vendor_id: Option<String>,
        /// Whether a guest can have it.
        attr "usable" usable: Option<Usable>,
        /// Whether the hypervisor will drop it.
        attr "deprecated" deprecated: Option<YesNo>,
        /// The name that this one stands for, where it does.
        attr "canonical" canonical: Option<String>,
        /// Who makes such processors; `unknown` when nobody can tell.
        attr "vendor" vendor: Option<String>,
        /// Its name.
        text "" name: Option<String>,
    }
}

element! {
    /// What keeps a model from being used.
    pub struct CpuBlockers {
        /// The model.
        required "model" model: String,
        /// Features that it has and this host cannot give.
        children "feature" features: Vec<CpuBlocker>,
    }
}

element! {
    /// A feature that this host cannot give.
    pub struct CpuBlocker {
        /// Its name.
        required "name" name: String,
    }
}

impl Choice for CpuModelEntry {
    fn knows(name: &str) -> bool {
        matches!(name, "model" | "blockers")
    }

    fn read(reader: &mut Reader<'_, '_>) -> Result<Self, XmlError> {
        match reader.name() {
            "blockers" => Content::read(reader).map(Self::Blockers),
            _ => Content::read(reader).map(Self::Model),
        }
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Model(_) => "model",
            Self::Blockers(_) => "blockers",
        }
    }

    fn write(&self, writer: &mut Writer) {
        match self {
            Self::Model(model) => model.write(writer),
            Self::Blockers(blockers) => blockers.write(writer),
        }
    }
}
