//! Single changes to a domain's document, each as a value. Pure: how a changed document is stored or
//! brought to a running guest is the actor's business.

use lodge_model::domain::Domain;
use lodge_model::domain::cpu::Vcpus;
use lodge_model::domain::memory::{CurrentMemory, Memory};
use lodge_model::xml::first_forbidden;

use super::metadata;
use crate::error::{Error, ErrorKind, Result};

/// One change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Edit {
    /// The line for people; empty removes it.
    Title(String),
    /// The text for people; empty removes it.
    Description(String),
    /// Memory in bytes, up to the limit.
    Memory(u64),
    /// The limit of memory in bytes.
    MaxMemory(u64),
    /// Virtual processors, up to the limit.
    Vcpus(u32),
    /// The limit of virtual processors.
    MaxVcpus(u32),
    /// An application's element in the metadata; empty removes it.
    Metadata {
        /// The application's namespace.
        uri: String,
        /// The prefix to write.
        prefix: String,
        /// The element.
        xml: String,
    },
}

impl Edit {
    /// Changes a document.
    ///
    /// # Errors
    /// `InvalidArgument` for values that this document cannot have.
    pub fn apply(&self, domain: &mut Domain) -> Result<()> {
        if let Self::Title(text) | Self::Description(text) = self
            && let Some((_, character)) = first_forbidden(text)
        {
            return Err(refusal(format!("the text holds the character {character:?}, which no document can hold; leave it out")));
        }
        match self {
            Self::Title(title) if title.contains(['\n', '\r']) => {
                return Err(refusal("a title is one line; put longer text into the description"));
            }
            Self::Title(title) => domain.title = some_text(title),
            Self::Description(text) => domain.description = some_text(text),
            Self::Memory(bytes) => set_memory(domain, *bytes)?,
            Self::MaxMemory(bytes) => set_max_memory(domain, *bytes)?,
            Self::Vcpus(count) => set_vcpus(domain, *count)?,
            Self::MaxVcpus(count) => set_max_vcpus(domain, *count)?,
            Self::Metadata { uri, prefix, xml } => metadata::set(domain, uri, prefix, xml)?,
        }
        Ok(())
    }

    /// Whether a running guest must be told, rather than only its document changed.
    ///
    /// # Errors
    /// `NotSupported` for what a running guest cannot have.
    pub fn live_memory(&self) -> Result<Option<u64>> {
        match self {
            Self::Memory(bytes) => Ok(Some(*bytes)),
            Self::Vcpus(_) => Err(Error::new(
                ErrorKind::NotSupported,
                "processors cannot be added to or taken from a running guest; change the definition with the option config, it holds from the next start",
            )),
            Self::MaxMemory(_) | Self::MaxVcpus(_) => {
                Err(Error::new(ErrorKind::NotSupported, "a running guest's limits are fixed; the definition's hold from the next start"))
            }
            Self::Title(_) | Self::Description(_) | Self::Metadata { .. } => Ok(None),
        }
    }
}

fn some_text(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

fn refusal(reason: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidArgument, reason)
}

/// Memory is counted in KiB in documents; a guest gets at least what was asked.
fn whole_kib(bytes: u64) -> Result<u64> {
    match bytes.checked_next_multiple_of(1024) {
        Some(bytes) if bytes > 0 => Ok(bytes),
        _ => Err(refusal(format!("{bytes} is not an amount of memory; expected bytes, at least 1024"))),
    }
}

fn set_memory(domain: &mut Domain, bytes: u64) -> Result<()> {
    let bytes = whole_kib(bytes)?;
    let limit = domain.memory_bytes();
    if bytes > limit {
        return Err(refusal(format!("{bytes} bytes are more than the limit of {limit}; raise the limit first (SetMaxMemory)")));
    }
    domain.current_memory.get_or_insert_with(CurrentMemory::default).bytes = bytes;
    Ok(())
}

fn set_max_memory(domain: &mut Domain, bytes: u64) -> Result<()> {
    let bytes = whole_kib(bytes)?;
    if domain.numa_cells().next().is_some() {
        return Err(refusal("the domain's memory is the sum of its NUMA cells; change those in its XML"));
    }
    if let Some(current) = &mut domain.current_memory {
        current.bytes = current.bytes.min(bytes);
    }
    domain.memory.get_or_insert_with(Memory::default).bytes = bytes;
    Ok(())
}

fn set_vcpus(domain: &mut Domain, count: u32) -> Result<()> {
    let limit = domain.max_vcpus();
    if count == 0 || count > limit {
        return Err(refusal(format!("{count} processors are not possible; expected 1 to {limit}, the limit (SetMaxVcpus changes it)")));
    }
    let vcpus = domain.vcpu.get_or_insert_with(Vcpus::default);
    vcpus.count = Some(limit);
    vcpus.current = (count != limit).then_some(count);
    Ok(())
}

fn set_max_vcpus(domain: &mut Domain, count: u32) -> Result<()> {
    if count == 0 {
        return Err(refusal("a guest needs a processor; expected 1 or more"));
    }
    let product = domain.cpu.as_ref().and_then(|cpu| cpu.topology.as_ref()).map(|topology| topology.vcpus());
    if let Some(product) = product.filter(|product| *product != u64::from(count)) {
        return Err(refusal(format!(
            "the domain's processor topology has {product} processors, not {count}; change the topology in its XML"
        )));
    }
    let vcpus = domain.vcpu.get_or_insert_with(Vcpus::default);
    vcpus.current = vcpus.current.filter(|current| *current < count);
    vcpus.count = Some(count);
    Ok(())
}

#[cfg(test)]
mod tests {
    use lodge_model::document::Document as _;

    use super::*;

    const MIB: u64 = 1 << 20;

    fn edited(body: &str, edit: &Edit) -> Result<Domain> {
        let xml = format!("<domain type='qemu'><name>a</name>{body}</domain>");
        let (mut domain, _) = Domain::parse(&xml).map_err(Error::from)?;
        edit.apply(&mut domain).map(|()| domain)
    }

    #[test]
    fn memory_and_processors_stay_within_their_limits() {
        let body = "<memory unit='MiB'>64</memory><currentMemory unit='MiB'>64</currentMemory><vcpu current='2'>4</vcpu>";
        let facts = |domain: &Domain| {
            (domain.current_memory_bytes() / MIB, domain.memory_bytes() / MIB, domain.current_vcpus(), domain.max_vcpus())
        };
        for (edit, expected) in [
            (Edit::Memory(32 * MIB), (32, 64, 2, 4)),
            (Edit::Memory(32 * MIB - 1), (32, 64, 2, 4)),
            (Edit::MaxMemory(128 * MIB), (64, 128, 2, 4)),
            (Edit::MaxMemory(16 * MIB), (16, 16, 2, 4)),
            (Edit::Vcpus(3), (64, 64, 3, 4)),
            (Edit::Vcpus(4), (64, 64, 4, 4)),
            (Edit::MaxVcpus(8), (64, 64, 2, 8)),
            (Edit::MaxVcpus(1), (64, 64, 1, 1)),
        ] {
            assert_eq!(facts(&edited(body, &edit).unwrap()), expected, "{edit:?}");
        }
        for edit in [
            Edit::Memory(65 * MIB),
            Edit::Memory(0),
            Edit::Memory(u64::MAX),
            Edit::MaxMemory(0),
            Edit::Vcpus(0),
            Edit::Vcpus(5),
            Edit::MaxVcpus(0),
        ] {
            assert_eq!(edited(body, &edit).unwrap_err().kind(), ErrorKind::InvalidArgument, "{edit:?}");
        }
    }

    #[test]
    fn a_topology_binds_the_number_of_processors() {
        let body = "<memory>65536</memory><vcpu>4</vcpu><cpu><topology sockets='1' cores='2' threads='2'/></cpu>";
        assert!(edited(body, &Edit::MaxVcpus(4)).is_ok());
        assert!(edited(body, &Edit::MaxVcpus(2)).unwrap_err().to_string().contains("topology has 4 processors"));
    }

    #[test]
    fn texts_can_be_set_and_removed() {
        let title = |text: &str| edited("<title>old</title>", &Edit::Title(text.into())).map(|domain| domain.title);
        assert_eq!(title("new").unwrap().as_deref(), Some("new"));
        assert_eq!(title("").unwrap(), None);
        assert_eq!(title("two\nlines").unwrap_err().kind(), ErrorKind::InvalidArgument);
    }
}
