//! Finding the QEMU binary for an architecture.

use std::path::{Path, PathBuf};

use rustix::fs::Access;

use super::CapabilitiesError;

/// An architecture of guests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arch {
    /// 64-bit PCs.
    X86_64,
    /// 32-bit PCs.
    I686,
}

impl Arch {
    /// All of them, that of this machine first.
    pub const ALL: [Self; 2] = [Self::X86_64, Self::I686];

    /// The architecture of this name in the XML of a domain.
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|arch| arch.name() == name)
    }

    /// As in the XML of a domain.
    pub fn name(self) -> &'static str {
        match self {
            Self::X86_64 => "x86_64",
            Self::I686 => "i686",
        }
    }

    /// As QEMU has it.
    pub fn qemu_name(self) -> &'static str {
        match self {
            Self::X86_64 => "x86_64",
            Self::I686 => "i386",
        }
    }

    /// Bits of a word.
    pub fn word_bits(self) -> u32 {
        match self {
            Self::X86_64 => 64,
            Self::I686 => 32,
        }
    }

    /// Binaries in the order of preference. The one for 64 bits runs 32-bit guests too; `qemu-kvm` is what Red Hat's
    /// distributions call theirs.
    fn candidates(self) -> &'static [&'static str] {
        match self {
            Self::X86_64 => &["/usr/bin/qemu-system-x86_64", "/usr/bin/qemu-kvm", "/usr/libexec/qemu-kvm"],
            Self::I686 => &["/usr/bin/qemu-system-i386", "/usr/bin/qemu-system-x86_64", "/usr/bin/qemu-kvm", "/usr/libexec/qemu-kvm"],
        }
    }
}

/// The QEMU to run guests of `arch` with.
///
/// # Errors
/// [`CapabilitiesError::NotFound`] with the package to install.
pub fn find_emulator(arch: Arch) -> Result<PathBuf, CapabilitiesError> {
    first_executable(arch.candidates())
        .ok_or_else(|| CapabilitiesError::NotFound { arch: arch.name(), looked_for: arch.candidates().join(", ") })
}

fn first_executable(candidates: &[&str]) -> Option<PathBuf> {
    let executable = |path: &&&str| Path::new(path).is_file() && rustix::fs::access(**path, Access::EXEC_OK).is_ok();
    candidates.iter().find(executable).map(PathBuf::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_that_can_be_executed_is_taken() {
        let candidates = ["/nowhere/qemu", "/etc/passwd", "/usr", "/bin/sh", "/bin/true"];
        assert_eq!(first_executable(&candidates), Some(PathBuf::from("/bin/sh")));
        assert_eq!(first_executable(&candidates[..3]), None);
    }
}
