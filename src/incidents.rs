//! `citywatch incidents`: what the rules found, one JSON transition a line.

use crate::failure::Failure;
use crate::lines::{DataDir, print_lines};
use crate::remote::Remote;
use crate::tail::Ask;
use clap::{Args, Subcommand};
use model::{Domain, EventTime};

/// What the rules found.
#[derive(Subcommand)]
pub enum Incidents {
    /// Print every transition of every incident, one JSON a line, and go on with what comes
    Tail(Tail),
}

/// `incidents tail`.
#[derive(Args)]
pub struct Tail {
    /// Only this domain: drainage, waste, traffic, air or cross
    #[arg(long)]
    domain: Option<Domain>,
    /// Only from this time on, as in 2026-07-20T08:00:00+08:00
    #[arg(long)]
    from: Option<EventTime>,
    #[command(flatten)]
    data: DataDir,
    /// Ask the citywatch behind this address, as in http://127.0.0.1:8080, with a token that has incidents:read
    #[arg(long, conflicts_with = "data_dir", requires = "token")]
    url: Option<String>,
    /// The token for --url
    #[arg(long, requires = "url")]
    token: Option<String>,
    /// End at what is there now, sorted by time, instead of going on
    #[arg(long)]
    no_follow: bool,
}

impl Incidents {
    /// Runs it.
    pub fn run(self) -> Result<(), Failure> {
        let Incidents::Tail(Tail { domain, from, data, url, token, no_follow }) = self;
        if let (Some(url), Some(token)) = (url, token) {
            return Remote { url, token, domain, from, follow: !no_follow }.print();
        }
        print_lines(&data, &Ask::Incidents { domain, from, follow: !no_follow }, &mut |json, out| {
            out.extend_from_slice(json);
            out.push(b'\n');
            Ok(())
        })
    }
}
