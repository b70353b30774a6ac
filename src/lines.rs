//! Prints what a data directory holds: asks the citywatch that runs there, or opens its log for reading if none does.

use crate::city_log;
use crate::failure::Failure;
use crate::socket::{self, Request};
use crate::tail::{Ask, Order, Tail};
use bus::EmbeddedLog;
use clap::Args;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

/// A finite answer is sorted in memory up to this size; beyond it, pieces of this size are each sorted.
const SORTED_BYTES_MAX: usize = 256 * 1024 * 1024;

/// Which data directory.
#[derive(Args)]
pub struct DataDir {
    /// The data directory of the demo or run
    #[arg(long, value_name = "DIR", default_value = "data")]
    pub data_dir: PathBuf,
}

impl DataDir {
    /// The log of a data directory on which no citywatch runs, for reading.
    pub fn log(&self) -> Result<EmbeddedLog, Failure> {
        let folder = self.data_dir.join("log");
        if !folder.is_dir() {
            let data = self.data_dir.display();
            if let Some(mark) = city_log::mark(&self.data_dir) {
                return Err(Failure::usage(format!(
                    "\"{data}\" belongs to {mark}, and no citywatch runs there: start it, or ask another by --url"
                )));
            }
            return Err(Failure::usage(format!(
                "there is no citywatch data in \"{data}\": start one, or name its directory by --data-dir"
            )));
        }
        EmbeddedLog::open_read_only(folder).map_err(Failure::usage)
    }
}

/// How one JSON line is shown.
pub type Show<'a> = &'a mut dyn FnMut(&[u8], &mut Vec<u8>) -> Result<(), Failure>;

/// Prints the whole answer: as it comes if it goes on, else sorted.
pub fn print_lines(data: &DataDir, ask: &Ask, show: Show<'_>) -> Result<(), Failure> {
    let follows = ask.follows();
    let mut next: Box<dyn FnMut() -> Result<Option<Vec<u8>>, Failure>> =
        match socket::ask(&data.data_dir, &Request::Tail(ask.clone()))? {
            Some(mut answer) => Box::new(move || Ok(answer.next()?.map(String::into_bytes))),
            None => {
                let log = data.log()?;
                if follows {
                    eprintln!("citywatch: none runs on \"{}\": this is what it left", data.data_dir.display());
                }
                let mut tail = Tail::new(Arc::new(log), ask.clone());
                Box::new(move || Ok(tail.next().map_err(Failure::internal)?.map(|line| line.json)))
            }
        };
    let mut out = std::io::stdout().lock();
    let mut text = Vec::new();
    if follows {
        while let Some(json) = next()? {
            text.clear();
            show(&json, &mut text)?;
            out.write_all(&text)?;
        }
        return Ok(out.flush()?);
    }
    let mut held = Vec::new();
    let mut held_bytes = 0;
    while let Some(json) = next()? {
        held_bytes += json.len();
        held.push((ask.order(&json).map_err(Failure::internal)?, json));
        if held_bytes > SORTED_BYTES_MAX {
            print_sorted(&mut held, &mut out, show)?;
            held_bytes = 0;
        }
    }
    print_sorted(&mut held, &mut out, show)?;
    Ok(out.flush()?)
}

fn print_sorted(held: &mut Vec<(Order, Vec<u8>)>, out: &mut impl Write, show: Show<'_>) -> Result<(), Failure> {
    held.sort_unstable_by_key(|(order, _)| *order);
    let mut text = Vec::new();
    for (_, json) in held.drain(..) {
        text.clear();
        show(&json, &mut text)?;
        out.write_all(&text)?;
    }
    Ok(())
}
