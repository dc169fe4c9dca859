//! What a security module gives a process: `/proc/self/attr` (proc_pid_attr(5)).

use std::ffi::CString;
use std::io;

use rustix::fs::{Mode, OFlags, open};

use super::process::ChildStep;

/// Takes on a label or profile when the program is executed. `value` is what the security module reads: a context for
/// SELinux, `exec PROFILE` for AppArmor.
///
/// # Errors
/// The value has a zero byte.
pub fn change_on_exec(attribute: Attribute, value: &str) -> io::Result<ChildStep> {
    let value = CString::new(value).map_err(|_| io::ErrorKind::InvalidInput)?;
    Ok(ChildStep::new(attribute.step(), move || {
        let file = open(attribute.path(), OFlags::WRONLY | OFlags::CLOEXEC, Mode::empty())?;
        let written = rustix::io::write(&file, value.as_bytes())?;
        // One write is one value; the kernel takes it whole or not at all.
        if written == value.as_bytes().len() { Ok(()) } else { Err(io::ErrorKind::WriteZero.into()) }
    }))
}

/// Whose attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attribute {
    /// SELinux, or the first security module that has labels.
    Selinux,
    /// AppArmor.
    Apparmor,
}

impl Attribute {
    /// The file. A module's own directory is there since Linux 5.8; the plain one is that of the first module.
    fn path(self) -> &'static std::ffi::CStr {
        match self {
            Self::Selinux => c"/proc/self/attr/exec",
            Self::Apparmor => c"/proc/self/attr/apparmor/exec",
        }
    }

    fn step(self) -> &'static str {
        match self {
            Self::Selinux => "take on the SELinux label",
            Self::Apparmor => "take on the AppArmor profile",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::process::{ProcessError, ProcessSpec, launch};

    #[test]
    fn a_value_has_no_zero_byte() {
        assert_eq!(change_on_exec(Attribute::Selinux, "a\0b").unwrap_err().kind(), io::ErrorKind::InvalidInput);
    }

    #[tokio::test]
    async fn a_label_that_cannot_be_had_keeps_the_program_from_running() {
        let mut spec = ProcessSpec::new("/bin/true");
        spec.steps.push(change_on_exec(Attribute::Apparmor, "exec nonexistent-profile-of-a-test").unwrap());
        let error = launch(spec).await.unwrap_err();
        assert!(matches!(error, ProcessError::Step { step: "take on the AppArmor profile", .. }), "{error}");
    }
}
