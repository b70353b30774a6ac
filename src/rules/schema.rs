//! `citywatch rules schema`: the JSON Schema of rule files, for editors.

use crate::failure::Failure;
use std::io::Write;

/// Prints it.
pub fn run() -> Result<(), Failure> {
    Ok(std::io::stdout().lock().write_all(include_bytes!("../../docs/schemas/rules.json"))?)
}
