//! The accounts of the embedded endpoint: a file of passwords that only its owner may use.

use crate::failure::{Failure, FileError, read_text};
use ingest::{Access, Account, Right, SecretHash};
use std::collections::HashMap;
use std::fs::Metadata;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// Who may connect: the accounts of the file, or anybody on this machine if there is none.
///
/// A line is `device:password`, or `feed utility:password` for an account that subscribes to the incident feed.
pub fn access(credentials: &Path) -> Result<Access, Failure> {
    if credentials.as_os_str().is_empty() {
        return Ok(Access::Loopback);
    }
    check_mode(credentials)?;
    let text = read_text(credentials)?;
    let mut accounts = HashMap::new();
    for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let place = format!("{}:{}", credentials.display(), index + 1);
        let (right, entry) = match line.strip_prefix("feed ") {
            Some(entry) => (Right::Subscribe, entry),
            None => (Right::Publish, line),
        };
        // Names become levels of topics, and the word before a name is its right.
        let is_name = |name: &str| !name.is_empty() && !name.contains(['+', '#', '/', ' ']);
        let Some((name, secret)) = entry.split_once(':').filter(|(name, secret)| is_name(name) && !secret.is_empty())
        else {
            return Err(Failure::usage(format!(
                "{place}: expected device:password or feed utility:password, the name without + # / and spaces"
            )));
        };
        let secret = SecretHash::new(name.as_bytes(), secret.as_bytes());
        if accounts.insert(name.to_owned(), Account { secret, right }).is_some() {
            return Err(Failure::usage(format!("{place}: {name} stands twice: keep one of them")));
        }
    }
    Ok(Access::Credentials(accounts))
}

/// Whether nobody but its owner may use a file or folder.
pub fn is_private(metadata: &Metadata) -> bool {
    metadata.permissions().mode() & 0o077 == 0
}

/// Refuses a file of secrets that others on this machine can read or write.
fn check_mode(path: &Path) -> Result<(), Failure> {
    let metadata = std::fs::metadata(path)
        .map_err(|source| Failure::usage(FileError { doing: "look at", path: path.to_owned(), source }))?;
    if is_private(&metadata) {
        return Ok(());
    }
    let (mode, path) = (metadata.permissions().mode() & 0o777, path.display());
    Err(Failure::usage(format!("{path} has mode {mode:03o}: others could use its passwords; chmod 600 {path}")))
}
