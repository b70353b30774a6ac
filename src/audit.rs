//! `citywatch audit`: whether what people did is told as it was.

use crate::failure::Failure;
use crate::lines::DataDir;
use crate::people::ask;
use crate::socket;
use clap::{Args, Subcommand};
use command_center::{AdminAnswer, AdminRequest, Head, Verified};
use std::io::Write;
use std::sync::Arc;

/// The audit.
#[derive(Subcommand)]
pub enum Audit {
    /// Verify the chain of acts: against itself, against the bus, and against a head that was written down
    Verify(Verify),
}

/// `audit verify`.
#[derive(Args)]
pub struct Verify {
    /// A head that an earlier `verify` printed, kept where nobody who runs citywatch can change it
    #[arg(long, value_name = "SEQ:HASH")]
    head: Option<Head>,
    #[command(flatten)]
    data: DataDir,
}

impl Audit {
    /// Runs it; the answer is no if anything was edited, deleted, reordered or cut off.
    pub fn run(self) -> Result<(), Failure> {
        let Audit::Verify(Verify { head, data }) = self;
        let found = if socket::is_served(&data.data_dir) {
            match ask(&data, AdminRequest::VerifyAudit { head })? {
                AdminAnswer::Verified(found) => found,
                _ => return Err(Failure::internal("an answer to another question came")),
            }
        } else {
            let log = Arc::new(data.log()?);
            if !data.data_dir.join("center").join("center.sqlite").is_file() {
                return Err(Failure::usage("the store is not in the data directory: start citywatch, then verify"));
            }
            let verified = command_center::verify_audit(data.data_dir.join("center"), log, head);
            crate::city::runtime()?.block_on(verified).map_err(Failure::internal)?
        };
        let mut out = std::io::stdout().lock();
        match found {
            Verified::Whole(head) => Ok(writeln!(out, "{} entries, whole; head {head}", head.seq)?),
            Verified::Broken(why) => {
                writeln!(out, "not whole: {why}")?;
                Err(Failure::No)
            }
        }
    }
}
