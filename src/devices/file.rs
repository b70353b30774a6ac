//! The file of accounts: who may connect to the embedded endpoint, and what Mosquitto's files are made from.
//!
//! A line is `name:secret` for a device, `feed name:secret` for a utility that follows the incident feed, and
//! `ingest name:secret` for citywatch itself at a broker. A secret is hashed (`$6$salt$hash`) as `citywatch devices`
//! writes it, or plain, for small files written by hand. A line that begins with # is a comment.
//! It is changed as a whole: the new one is written beside it and takes its place, so that nobody reads half of it.

use crate::failure::{Failure, FileError, read_text};
use ingest::{Right, SecretHash};
use std::collections::BTreeMap;
use std::fs::{File, Metadata, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// Accounts by name.
pub type Accounts = BTreeMap<String, Entry>;

/// What a line says of a name.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    pub right: Right,
    pub secret: SecretHash,
    /// It stands in the file as it is.
    pub is_plain: bool,
}

/// Words before a name, and their right; a device has none.
const WORDS: [(&str, Right); 2] = [("feed ", Right::Subscribe), ("ingest ", Right::Ingest)];

/// Whether a name can be one: it becomes a level of topics, and stands before a colon.
pub fn is_name(name: &str) -> bool {
    let is_bad = |c: char| matches!(c, '+' | '#' | '/' | ':') || c.is_whitespace() || c.is_control();
    !name.is_empty() && !name.contains(is_bad)
}

/// Reads the file, which nobody but its owner may use.
pub fn read(path: &Path) -> Result<Accounts, Failure> {
    check_mode(path)?;
    let text = read_text(path)?;
    let mut accounts = Accounts::new();
    for (index, line) in text.lines().enumerate() {
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        let place = format!("{}:{}", path.display(), index + 1);
        let found = WORDS.iter().find_map(|(word, right)| line.strip_prefix(word).map(|rest| (*right, rest)));
        let (right, entry) = found.unwrap_or((Right::Publish, line));
        let Some((name, secret)) = entry.split_once(':').filter(|(name, secret)| is_name(name) && !secret.is_empty())
        else {
            return Err(Failure::usage(format!(
                "{place}: expected device:password or feed utility:password, the name without + # / : and spaces"
            )));
        };
        let hashed = SecretHash::parse(secret);
        let is_plain = hashed.is_none();
        let secret = hashed.unwrap_or_else(|| SecretHash::new(name.as_bytes(), secret.as_bytes()));
        if accounts.insert(name.to_owned(), Entry { right, secret, is_plain }).is_some() {
            return Err(Failure::usage(format!("{place}: {name} stands twice: keep one of them")));
        }
    }
    Ok(accounts)
}

/// A file that is being changed; nobody else changes it meanwhile.
pub struct Change {
    path: PathBuf,
    pub accounts: Accounts,
    _lock: File,
}

impl Change {
    /// Begins; a file that is missing is an empty one.
    pub fn begin(path: &Path) -> Result<Change, Failure> {
        let failed = |doing, path: &Path| {
            let path = path.to_owned();
            move |source| Failure::usage(FileError { doing, path, source })
        };
        let beside = path.with_added_extension("lock");
        let lock = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&beside);
        let lock = lock.map_err(failed("make", &beside))?;
        lock.lock().map_err(failed("lock", &beside))?;
        let accounts = if path.exists() { read(path)? } else { Accounts::new() };
        Ok(Change { path: path.to_owned(), accounts, _lock: lock })
    }

    /// Puts the accounts in the place of those before, all secrets hashed.
    pub fn finish(self) -> Result<(), Failure> {
        let mut text = "# Accounts of citywatch, written by `citywatch devices`. Secrets are hashed.\n".to_owned();
        for (name, Entry { right, secret, .. }) in &self.accounts {
            let word = WORDS.iter().find(|(_, of_word)| of_word == right).map_or("", |(word, _)| word);
            text.push_str(&format!("{word}{name}:{secret}\n"));
        }
        replace(&self.path, &text)
    }
}

/// Puts a private file in the place of another, whole or not at all.
pub fn replace(path: &Path, text: &str) -> Result<(), Failure> {
    let draft = path.with_added_extension("new");
    let write = || {
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&draft, path)?;
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(folder)?.sync_all()
    };
    write().map_err(|source| Failure::usage(FileError { doing: "write", path: path.to_owned(), source }))
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
