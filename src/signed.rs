//! A change of rules or registry, in somebody's name, asked of the citywatch that runs.

use crate::change::{Outcome, Request};
use crate::failure::Failure;
use crate::lines::DataDir;
use crate::socket;
use clap::Args;
use std::io::Write;
use stream::config::Author;

/// In whose name, and where.
#[derive(Args)]
pub struct Signed {
    /// Who changes it; your login name if left out
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
    /// Why
    #[arg(long, value_name = "TEXT", default_value = "")]
    reason: String,
    #[command(flatten)]
    data: DataDir,
}

impl Signed {
    /// Asks for the change and tells what came of it; the answer is no if it was refused.
    pub fn change(&self, request: impl FnOnce(Author) -> Request) -> Result<(), Failure> {
        let login = || ["USER", "LOGNAME"].iter().find_map(|name| std::env::var(name).ok());
        let by = self.by.clone().or_else(login).unwrap_or_else(|| "unknown".to_owned());
        let author = Author { by, reason: self.reason.clone() };
        let mut out = std::io::stdout().lock();
        match ask(&self.data, &request(author))? {
            Outcome::Refused(findings) => {
                out.write_all(findings.as_bytes())?;
                writeln!(out, "refused: nothing was changed")?;
                Err(Failure::No)
            }
            Outcome::InForce { version, hash, changed: true } => {
                Ok(writeln!(out, "version {version} is in force: {hash}")?)
            }
            Outcome::InForce { version, hash, changed: false } => {
                Ok(writeln!(out, "version {version} was in force already: {hash}")?)
            }
            Outcome::Stale(_) | Outcome::Versions(_) => {
                Err(Failure::internal("a change had an outcome that was not asked for"))
            }
        }
    }
}

/// Asks the citywatch that runs on this data directory.
pub fn ask(data: &DataDir, request: &Request) -> Result<Outcome, Failure> {
    let Some(mut answer) = socket::ask(&data.data_dir, &socket::Request::Change(request.clone()))? else {
        let data = data.data_dir.display();
        return Err(Failure::usage(format!("no citywatch runs on \"{data}\": start it, or name its --data-dir")));
    };
    let line = answer.next()?.ok_or_else(|| Failure::internal("citywatch gave no outcome"))?;
    serde_json::from_str(&line).map_err(Failure::internal)
}
