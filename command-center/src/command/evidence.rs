//! Files of evidence: kept once by their hash, of a few kinds, and not larger than is useful.

use crate::CenterError;
use crate::auth::secret;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Largest file, in bytes. A larger one is refused.
pub(crate) const BYTES_MAX: usize = 16 << 20;
/// Kinds that are taken, and how their files begin at which byte.
const KINDS: &[(&str, usize, &[u8])] = &[
    ("image/jpeg", 0, &[0xff, 0xd8, 0xff]),
    ("image/png", 0, b"\x89PNG\r\n\x1a\n"),
    ("image/webp", 8, b"WEBP"),
    ("video/mp4", 4, b"ftyp"),
    ("application/pdf", 0, b"%PDF-"),
];

/// The folder of files.
pub(crate) struct Files(PathBuf);

impl Files {
    /// Makes the folder if it is missing, for its owner alone.
    pub(crate) fn new(folder: PathBuf) -> Result<Files, CenterError> {
        let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder);
        made.map_err(|source| CenterError::File { doing: "make", path: folder.clone(), source })?;
        Ok(Files(folder))
    }

    /// The kind of a file by how it begins; none if it is none that is taken.
    pub(crate) fn kind(bytes: &[u8]) -> Option<&'static str> {
        let begins = |at: usize, with: &[u8]| bytes.get(at..at + with.len()) == Some(with);
        KINDS.iter().find(|(_, at, with)| begins(*at, with)).map(|(kind, ..)| *kind)
    }

    /// Keeps a file; it is on the disk when this returns. Gives its hash. Blocks.
    pub(crate) fn keep(&self, bytes: &[u8]) -> Result<String, CenterError> {
        let hash = secret::hexadecimal(&Sha256::digest(bytes));
        let path = self.0.join(&hash);
        if path.is_file() {
            return Ok(hash);
        }
        let half = self.0.join(format!("{hash}.{}.half", &secret::new()?[..8]));
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |source| CenterError::File { doing: "write", path, source }
        };
        let write = || {
            let mut file = File::options().write(true).create_new(true).mode(0o600).open(&half)?;
            file.write_all(bytes)?;
            file.sync_all()?;
            std::fs::rename(&half, &path)?;
            File::open(&self.0)?.sync_all()
        };
        write().map_err(failed(&path))?;
        Ok(hash)
    }

    /// Reads a file back; `None` if there is none of this hash. Blocks.
    pub(crate) fn read(&self, hash: &str) -> Result<Option<Vec<u8>>, CenterError> {
        // A hash is never a path.
        if hash.len() != 64 || !hash.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Ok(None);
        }
        let path = self.0.join(hash);
        match std::fs::read(&path) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(CenterError::File { doing: "read", path, source }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_kept_once_by_its_hash() {
        let dir = tempfile::tempdir().unwrap();
        let files = Files::new(dir.path().join("evidence")).unwrap();
        let png = b"\x89PNG\r\n\x1a\nwhatever";
        let hash = files.keep(png).unwrap();
        assert_eq!((hash.len(), files.keep(png).unwrap()), (64, hash.clone()));
        assert_eq!(files.read(&hash).unwrap().as_deref(), Some(&png[..]));
        assert_eq!(files.read(&"0".repeat(64)).unwrap(), None);
        assert_eq!(files.read("../center.sqlite").unwrap(), None);
        assert_eq!(std::fs::read_dir(dir.path().join("evidence")).unwrap().count(), 1);
    }

    #[test]
    fn what_a_file_is_shows_at_its_beginning() {
        assert_eq!(Files::kind(&[0xff, 0xd8, 0xff, 0xe0]), Some("image/jpeg"));
        assert_eq!(Files::kind(b"RIFF\0\0\0\0WEBPVP8 "), Some("image/webp"));
        assert_eq!(Files::kind(b"<html>"), None);
        assert_eq!(Files::kind(b""), None);
    }
}
