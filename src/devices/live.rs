//! Who may connect to the endpoint, from its file, and again each time that the file changes.

use super::file;
use crate::failure::Failure;
use ingest::{Access, Account, Door};
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How often the file is looked at: what a revoked device has left, about.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Who may connect: the accounts of the file, or anybody on this machine if there is none.
pub fn access(credentials: &Path) -> Result<Access, Failure> {
    if credentials.as_os_str().is_empty() {
        return Ok(Access::Loopback);
    }
    let accounts = file::read(credentials)?.into_iter();
    let account = |(name, entry): (String, file::Entry)| (name, Account { secret: entry.secret, right: entry.right });
    Ok(Access::Credentials(accounts.map(account).collect()))
}

/// Which file it is, and of when.
type Seen = (u64, i64, i64, u64);

fn look(path: &Path) -> Option<Seen> {
    let held = std::fs::metadata(path).ok()?;
    Some((held.ino(), held.mtime(), held.mtime_nsec(), held.len()))
}

/// What a file is at this moment. Look before reading, so that a change in between is found.
pub struct Watched {
    path: PathBuf,
    seen: Option<Seen>,
}

impl Watched {
    pub fn new(path: &Path) -> Watched {
        Watched { path: path.to_owned(), seen: look(path) }
    }

    /// Has the endpoint go by the file as it is, until the endpoint ends. A file that is gone or cannot be read changes
    /// nothing, and is told once: whoever is half way through an edit must not lock the city out.
    pub async fn follow(mut self, door: Door) {
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            let now = look(&self.path);
            if now == self.seen {
                if door.is_closed() {
                    return;
                }
                continue;
            }
            self.seen = now;
            match access(&self.path) {
                Ok(access) => door.set_access(access),
                Err(failure) => {
                    let path = self.path.display();
                    // Where standard error is closed nobody can be told.
                    let _ = writeln!(
                        std::io::stderr(),
                        "citywatch: {path} changed and cannot be used, so who may connect stays as it was: {failure}"
                    );
                }
            }
        }
    }
}
