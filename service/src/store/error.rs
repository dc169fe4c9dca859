//! What can go wrong with the files of the daemon.
//!
//! Every message is a sentence that names the file, the reason and, where there is one, the next step: it reaches a person
//! unchanged. The messages already contain the text of their source.

use std::io;
use std::path::PathBuf;

use rustix::io::Errno;

/// A file or directory of the daemon that could not be read, written or locked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Neither `HOME` nor the user database names a home directory.
    #[error("cannot tell where to keep files: no home directory is known; set HOME, or give a directory with --root")]
    NoHome,

    /// Another daemon works on the same directory.
    #[error("{} is in use by {}; stop that one first, or give this one another directory with --root", .directory.display(), holder_text(*.holder))]
    Locked {
        /// The directory that is locked.
        directory: PathBuf,
        /// Process id of the daemon that holds it, if it wrote one.
        holder: Option<u32>,
    },

    /// A name that cannot be the name of a file.
    #[error("the name '{}' cannot be used: {reason}", .name.escape_debug())]
    InvalidName {
        /// The name that was given.
        name: String,
        /// What is wrong with it and what is allowed, as a clause.
        reason: &'static str,
    },

    /// A file is larger than it may be.
    #[error("{} is too large: at most {limit} bytes are read", .path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Largest size that is read, in bytes.
        limit: u64,
    },

    /// A symbolic link, a directory or a device stands where a plain file should be.
    #[error("{} is not a plain file; symbolic links are not followed here: put the file itself in this place", .path.display())]
    NotAFile {
        /// What is in the way.
        path: PathBuf,
    },

    /// A symbolic link or a file stands where a directory should be.
    #[error("{} is not a directory; symbolic links are not followed here: put the directory itself in this place", .path.display())]
    NotADirectory {
        /// What is in the way.
        path: PathBuf,
    },

    /// Something other than a link stands where an autostart link should be.
    #[error("{} is not a symbolic link; remove it and try again", .path.display())]
    NotALink {
        /// What is in the way.
        path: PathBuf,
    },

    /// A file that should be text is not UTF-8.
    #[error("{} is not UTF-8 text (first bad byte at offset {offset})", .path.display())]
    NotText {
        /// The file.
        path: PathBuf,
        /// Offset of the first byte that does not belong, in bytes.
        offset: usize,
    },

    /// A status file cannot be understood, or a status cannot be expressed.
    #[error("cannot {operation} {}: {source}", .path.display())]
    Json {
        /// What was being done, as a verb.
        operation: &'static str,
        /// The status file.
        path: PathBuf,
        /// What serde found.
        source: serde_json::Error,
    },

    /// The file does not exist.
    #[error("{} does not exist", .path.display())]
    NotFound {
        /// The file.
        path: PathBuf,
    },

    /// A file of this name exists already and is not replaced.
    #[error("{} exists already; remove it or choose another name", .path.display())]
    AlreadyExists {
        /// The file.
        path: PathBuf,
    },

    /// The file system or the user's quota is full.
    #[error("cannot {operation} {}: {source}; free some space on that file system (or raise the quota) and try again", .path.display())]
    NoSpace {
        /// What was being done, as a verb.
        operation: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },

    /// The user who runs the daemon may not do this.
    #[error("cannot {operation} {}: {source}; it and its directory must belong to the user who runs lodged (see ls -ld)", .path.display())]
    PermissionDenied {
        /// What was being done, as a verb.
        operation: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },

    /// The file system is mounted read-only.
    #[error("cannot {operation} {}: {source}; remount that file system writable, or give another directory with --root", .path.display())]
    ReadOnly {
        /// What was being done, as a verb.
        operation: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },

    /// Anything else the kernel refused.
    #[error("cannot {operation} {}: {source}", .path.display())]
    Io {
        /// What was being done, as a verb.
        operation: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
}

impl StoreError {
    /// Whether the host ran out of room.
    pub fn is_no_space(&self) -> bool {
        matches!(self, Self::NoSpace { .. })
    }

    /// Whether it is only that something is not there.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::NotFound { .. })
    }

    /// Sorts what the kernel said into the cases that have a next step of their own.
    pub(super) fn io(operation: &'static str, path: PathBuf, source: impl Into<io::Error>) -> Self {
        let source = source.into();
        match source.raw_os_error().map(Errno::from_raw_os_error) {
            Some(Errno::NOSPC | Errno::DQUOT) => Self::NoSpace { operation, path, source },
            Some(Errno::ACCESS | Errno::PERM) => Self::PermissionDenied { operation, path, source },
            Some(Errno::ROFS) => Self::ReadOnly { operation, path, source },
            Some(Errno::NOENT) => Self::NotFound { path },
            Some(Errno::EXIST) => Self::AlreadyExists { path },
            _ => Self::Io { operation, path, source },
        }
    }
}

fn holder_text(holder: Option<u32>) -> String {
    holder.map_or_else(|| "another lodged".to_owned(), |pid| format!("another lodged (process {pid})"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kernel_errors_say_what_to_do() {
        let table = [
            (Errno::NOSPC, "free some space"),
            (Errno::DQUOT, "raise the quota"),
            (Errno::ACCESS, "must belong to the user"),
            (Errno::PERM, "must belong to the user"),
            (Errno::ROFS, "remount"),
            (Errno::NOENT, "does not exist"),
            (Errno::EXIST, "exists already"),
            (Errno::IO, "cannot write /a/b: "),
        ];
        for (errno, expected) in table {
            let message = StoreError::io("write", "/a/b".into(), errno).to_string();
            assert!(message.contains(expected) && message.contains("/a/b"), "{errno:?}: {message}");
        }
        assert!(matches!(StoreError::io("write", "/a".into(), Errno::DQUOT), StoreError::NoSpace { .. }));
    }
}
