//! How a command ends when it does not end well: the exit code, and the one place that prints an error and its causes.

use std::error::Error;
use std::io::Write;
use std::process::ExitCode;

/// The answer is no: a rule is wrong, a test failed.
pub const NO: u8 = 1;
/// Wrong use: arguments, files, the configuration, an address that cannot be used.
pub const USAGE: u8 = 2;
/// A fault inside, or of the machine below.
pub const INTERNAL: u8 = 70;

/// Why a command did not end well.
#[derive(Debug)]
pub enum Failure {
    /// The answer is no; it has been told on standard output.
    No,
    /// Wrong use: who called can mend it.
    Usage(Box<dyn Error + Send + Sync>),
    /// A fault inside, or of the machine below.
    Internal(Box<dyn Error + Send + Sync>),
    /// The reader of standard output went away (`| head`): nobody is left to tell, and nothing is wrong.
    ReaderGone,
}

impl Failure {
    /// Wrong use, by a cause or by its text.
    pub fn usage(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Failure {
        Failure::Usage(cause.into())
    }

    /// A fault inside.
    pub fn internal(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Failure {
        Failure::Internal(cause.into())
    }

    /// Prints the error with its causes on standard error; gives the exit code.
    pub fn report(&self) -> ExitCode {
        let (error, code) = match self {
            Failure::No => return ExitCode::from(NO),
            Failure::ReaderGone => return ExitCode::SUCCESS,
            Failure::Usage(error) => (error, USAGE),
            Failure::Internal(error) => (error, INTERNAL),
        };
        // Where standard error is closed too, the exit code has to do.
        let _ = writeln!(std::io::stderr(), "citywatch: {}", chain(&**error));
        ExitCode::from(code)
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Failure::No => f.write_str("the answer is no"),
            Failure::ReaderGone => f.write_str("the reader went away"),
            Failure::Usage(error) | Failure::Internal(error) => f.write_str(&chain(&**error).replace('\n', ";")),
        }
    }
}

/// An error and all its causes, a line each.
pub fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(&format!("\n  because: {error}"));
        cause = error.source();
    }
    text
}

/// For writing to standard output only: its failures are the reader's leaving, or the machine's.
impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Failure {
        if error.kind() == std::io::ErrorKind::BrokenPipe { Failure::ReaderGone } else { Failure::internal(error) }
    }
}

/// Why a file could not be used.
#[derive(Debug, thiserror::Error)]
#[error("could not {doing} {}", path.display())]
pub struct FileError {
    /// What was attempted, as in "read".
    pub doing: &'static str,
    /// Which file.
    pub path: std::path::PathBuf,
    /// What the system said.
    #[source]
    pub source: std::io::Error,
}

/// Reads a file that the user named.
pub fn read_text(path: &std::path::Path) -> Result<String, Failure> {
    std::fs::read_to_string(path)
        .map_err(|source| Failure::usage(FileError { doing: "read", path: path.to_owned(), source }))
}
