//! Guests whose memory the host cannot read, and keys wrapped for them.

use std::borrow::Cow;

use crate::element;
use crate::keywords;
use crate::xml::{OnOff, Value, YesNo};

keywords! {
    /// What encrypts the guest's memory.
    pub enum LaunchSecurityType {
        /// AMD Secure Encrypted Virtualization.
        Sev = "sev",
        /// AMD SEV with Secure Nested Paging.
        SevSnp = "sev-snp",
        /// IBM Secure Execution.
        S390Pv = "s390-pv",
        /// Intel Trust Domain Extensions (libvirt 12).
        Tdx = "tdx",
    }
}

/// A policy: bits that the processor's firmware enforces. Hexadecimal with `0x`, or decimal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Policy(pub u64);

impl Value for Policy {
    const EXPECTED: &'static str = "a number such as 0x0003 or 3";
    fn parse(text: &str) -> Option<Self> {
        <u64 as Value>::parse(text).map(Self)
    }
    fn format(&self) -> Cow<'_, str> {
        Cow::Owned(format!("{:#06x}", self.0))
    }
}

element! {
    /// `<launchSecurity>`: encryption of the guest's memory.
    pub struct LaunchSecurity {
        /// By what.
        required "type" kind: LaunchSecurityType,
        /// Whether kernel, ramdisk and command line are measured.
        attr "kernelHashes" kernel_hashes: Option<YesNo>,
        /// Whether the author's key is part of the id block (SNP).
        attr "authorKey" author_key: Option<YesNo>,
        /// Whether the chip's own key signs (SNP).
        attr "vcek" vcek: Option<YesNo>,
        /// Place of the encryption bit in a page table entry.
        leaf "cbitpos" c_bit_position: Option<u32>,
        /// Physical address bits that encryption takes.
        leaf "reducedPhysBits" reduced_phys_bits: Option<u32>,
        /// What is allowed with the guest.
        leaf "policy" policy: Option<Policy>,
        /// Handle of the firmware (SEV).
        leaf "handle" handle: Option<u32>,
        /// The owner's Diffie-Hellman certificate, base64 (SEV).
        leaf "dhCert" dh_cert: Option<String>,
        /// The owner's session, base64 (SEV).
        leaf "session" session: Option<String>,
        /// Workarounds that the guest may see, base64 (SNP).
        leaf "guestVisibleWorkarounds" guest_visible_workarounds: Option<String>,
        /// Id block, base64 (SNP).
        leaf "idBlock" id_block: Option<String>,
        /// Signature of the id block, base64 (SNP).
        leaf "idAuth" id_auth: Option<String>,
        /// Data of the host for the guest, base64 (SNP).
        leaf "hostData" host_data: Option<String>,
    }
}

keywords! {
    /// A cipher whose keys are wrapped.
    pub enum Cipher {
        /// AES.
        Aes = "aes",
        /// DEA.
        Dea = "dea",
    }
}

element! {
    /// `<keywrap>`.
    pub struct KeyWrap {
        /// For which ciphers.
        children "cipher" ciphers: Vec<CipherState>,
    }
}

element! {
    /// Whether keys of a cipher are wrapped.
    pub struct CipherState {
        /// Which.
        required "name" name: Cipher,
        /// Whether.
        required "state" state: OnOff,
    }
}
