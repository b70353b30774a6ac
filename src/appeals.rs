//! `citywatch appeals`: what citizens say, by the hotline's lists.

use crate::dead_letter::Format;
use crate::failure::{Failure, read_text};
use crate::lines::DataDir;
use crate::people::ask;
use clap::{Args, Subcommand};
use command_center::{AdminAnswer, AdminRequest};
use std::io::Write;
use std::path::PathBuf;

/// What citizens say.
#[derive(Subcommand)]
pub enum Appeals {
    /// Take a list of the hotline in, CSV in UTF-8; the same reference again is the same appeal
    Import(Import),
}

/// `appeals import`.
#[derive(Args)]
pub struct Import {
    /// The list: its head names the columns reference, class, text, and of lon, lat, datum, area, danger, name, phone
    /// those that there are
    file: PathBuf,
    /// A line each new appeal (reference, number, secret), or one JSON
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
    #[command(flatten)]
    data: DataDir,
}

impl Appeals {
    /// Runs it; the answer is no where a line was refused.
    pub fn run(self) -> Result<(), Failure> {
        let Appeals::Import(Import { file, format, data }) = self;
        let imported = match ask(&data, AdminRequest::ImportAppeals { list: read_text(&file)? })? {
            AdminAnswer::Imported(imported) => imported,
            AdminAnswer::Refused(why) => return Err(Failure::usage(format!("{}: {why}", file.display()))),
            other => return Err(Failure::internal(format!("an answer to another question came: {other:?}"))),
        };
        let mut out = std::io::stdout().lock();
        if format == Format::Json {
            writeln!(out, "{}", serde_json::to_string(&imported).map_err(Failure::internal)?)?;
        } else {
            for one in &imported.taken {
                writeln!(out, "{} {} {}", one.reference, one.number, one.secret)?;
            }
        }
        out.flush()?;
        let (taken, known, refused) = (imported.taken.len(), imported.known, imported.refused.len());
        eprintln!("citywatch: {taken} taken, {known} known before, {refused} refused");
        for line in &imported.refused {
            eprintln!("{}:{}: {}", file.display(), line.line, line.reason);
        }
        if refused == 0 { Ok(()) } else { Err(Failure::No) }
    }
}
