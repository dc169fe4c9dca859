//! Who a guest runs as: an owner as it is written, in the settings or in `<seclabel model='dac'>`.
//!
//! `USER`, `USER:GROUP`, each a name or a number; `+` before a number says that it is no name.

use crate::error::{Error, ErrorKind, Result};
use crate::host::credentials::{self, Account, User};
use crate::host::inode::Owner;

/// Somebody to run guests as.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Identity {
    /// For people: the user's name, or its number where it has none.
    pub name: String,
    /// The user id.
    pub uid: u32,
    /// The group id.
    pub gid: u32,
    /// All groups.
    pub groups: Vec<u32>,
}

impl Identity {
    /// Finds the user and the group; `written` is where they are written, for errors. Blocks.
    ///
    /// # Errors
    /// `InvalidArgument` when one of them does not exist.
    pub fn find(user: &str, group: Option<&str>, written: &str) -> Result<Self> {
        let account = account(user).map_err(|error| unusable(written, "user", user, &error))?;
        let gid = match group {
            Some(group) => self::group(group).map_err(|error| unusable(written, "group", group, &error))?,
            None => account.gid,
        };
        let groups = credentials::groups_of(&account.name, gid).map_err(|error| unusable(written, "user", user, &error))?;
        Ok(Self { name: account.name, uid: account.uid, gid, groups })
    }

    /// Finds what a label means. Blocks.
    ///
    /// # Errors
    /// As [`Identity::find`].
    pub fn of_label(label: &str) -> Result<Self> {
        let (user, group) = match label.trim().split_once(':') {
            Some((user, group)) => (user, Some(group)),
            None => (label.trim(), None),
        };
        Self::find(user, group, &format!("<seclabel model='dac'> has the label '{label}'"))
    }

    /// The label that means it without asking anybody for names.
    pub fn label(&self) -> String {
        format!("+{}:+{}", self.uid, self.gid)
    }

    /// Whom its files belong to.
    pub fn owner(&self) -> Owner {
        Owner { uid: self.uid, gid: self.gid }
    }

    /// What its processes are, with one more group.
    pub fn user(&self, also: Option<u32>) -> User {
        let mut groups = self.groups.clone();
        groups.extend(also.filter(|group| !self.groups.contains(group)));
        User { uid: self.uid, gid: self.gid, groups }
    }
}

fn account(written: &str) -> std::io::Result<Account> {
    if let (false, Some(account)) = (written.starts_with('+'), credentials::account(written)?) {
        return Ok(account);
    }
    let uid = number(written)?;
    let nobody = || Account { name: uid.to_string(), uid, gid: uid };
    Ok(credentials::account_of(uid)?.unwrap_or_else(nobody))
}

fn group(written: &str) -> std::io::Result<u32> {
    if let (false, Some(gid)) = (written.starts_with('+'), credentials::group(written)?) {
        return Ok(gid);
    }
    number(written)
}

/// A number that is an id: the last one means "no change" in system calls.
fn number(written: &str) -> std::io::Result<u32> {
    let digits = written.strip_prefix('+').unwrap_or(written);
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    match digits.parse().ok().filter(|id| is_number && *id != u32::MAX) {
        Some(id) => Ok(id),
        None => Err(std::io::Error::new(std::io::ErrorKind::NotFound, "there is none of that name")),
    }
}

fn unusable(written: &str, kind: &str, name: &str, error: &std::io::Error) -> Error {
    let sentence = format!("{written}, and its {kind} '{name}' cannot be used: {error}; make that {kind}, or write another");
    Error::new(ErrorKind::InvalidArgument, sentence)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_names_or_numbers() {
        let table = [
            ("root:root", Ok("+0:+0")),
            ("root", Ok("+0:+0")),
            ("+0:+5", Ok("+0:+5")),
            (" 4711:+12 ", Ok("+4711:+12")),
            ("+4711", Ok("+4711:+4711")),
            ("nobody-here:root", Err("user 'nobody-here' cannot be used")),
            ("root:nothing-here", Err("group 'nothing-here' cannot be used")),
            ("+4294967295:+0", Err("user '+4294967295'")),
            ("-1:0", Err("user '-1'")),
            ("", Err("user ''")),
            ("+:+", Err("user '+'")),
        ];
        for (label, expected) in table {
            match (Identity::of_label(label), expected) {
                (Ok(found), Ok(expected)) => assert_eq!(found.label(), expected, "{label}"),
                (Err(error), Err(part)) => assert!(error.to_string().contains(part), "{label}: {error}"),
                (found, _) => panic!("{label}: {found:?}"),
            }
        }
    }
}
