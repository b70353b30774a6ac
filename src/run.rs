//! `citywatch run`: citywatch for a city, by a configuration file.

use crate::city::{self, City};
use crate::config::Config;
use crate::failure::Failure;
use crate::inputs;
use crate::stop::Stop;
use clap::{Args, ValueEnum};
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

/// `run`.
#[derive(Args)]
pub struct Run {
    /// The configuration file; `citywatch config default` prints one
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Only this part, may be given several times; all parts of this version if left out
    #[arg(long, value_enum)]
    role: Vec<Role>,
}

/// The parts of citywatch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Role {
    /// The MQTT edge
    Ingest,
    /// The rules stage
    Stream,
    /// Writes history (not in this version)
    Historian,
    /// Cases, API and page (not in this version)
    CommandCenter,
}

impl Run {
    /// Runs it.
    pub fn run(self) -> Result<(), Failure> {
        let has = |role| self.role.is_empty() || self.role.contains(&role);
        for role in [Role::Historian, Role::CommandCenter] {
            if self.role.contains(&role) {
                let name = role.to_possible_value().expect("every role has a name");
                return Err(Failure::usage(format!("the role {} is not in this version", name.get_name())));
            }
        }
        let config = Config::load(&self.config)?;
        let registry = match &config.registry.paths[..] {
            [] => inputs::demo().registry,
            paths => inputs::registry(paths)?,
        };
        let rules = match &config.rules.paths[..] {
            [] => inputs::packs(),
            paths => inputs::rule_files(paths)?.rules,
        };
        let known = inputs::known(&registry);
        inputs::checked(&rules, &known)?;

        let runtime = city::runtime()?;
        let _inside = runtime.enter();
        let stop = Stop::new()?;
        let mut city = City::open(&config)?;
        if has(Role::Stream) {
            city.publish(&config, &rules, &known, &registry)?;
            city.start_stream(&config)?;
        }
        if has(Role::Ingest) {
            runtime.block_on(city.start_ingest(&config, Arc::new(registry)))?;
        }
        if let Some(address) = city.mqtt() {
            writeln!(std::io::stdout(), "mqtt endpoint on {address}")?;
        }
        let broken = runtime.block_on(city.broken_or(stop.wait(None)));
        city.stop(&runtime)?;
        broken
    }
}
