//! `citywatch run`: citywatch for a city, by a configuration file.

use crate::city::{self, City, Shown};
use crate::cluster::ClusterArgs;
use crate::config::Config;
use crate::failure::Failure;
use crate::inputs;
use crate::rule_info::rule_infos;
use crate::stop::Stop;
use clap::{Args, ValueEnum};
use command_center::Rules;
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
    #[command(flatten)]
    cluster: ClusterArgs,
}

/// The parts of citywatch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Role {
    /// The MQTT edge
    Ingest,
    /// The rules stage
    Stream,
    /// Writes what was measured to history
    Historian,
    /// API and page
    CommandCenter,
}

impl Run {
    /// Runs it.
    pub fn run(self) -> Result<(), Failure> {
        let has = |role| self.role.is_empty() || self.role.contains(&role);
        let config = Config::load(&self.config)?;
        let cluster = self.cluster.cluster(&config, has(Role::Stream))?;
        // Of a cluster the first process publishes what the files say; the others take up what is in force.
        let publishes = has(Role::Stream) && cluster.as_ref().is_none_or(|cluster| cluster.process == 0);
        let registry = inputs::city_registry(&config.registry.paths)?;
        let areas = inputs::city_areas(&config.registry.paths)?;
        let duties = inputs::city_duties(&config.registry.paths)?;
        let rules = inputs::city_rules(&config.rules.paths)?;
        let known = inputs::known(&registry);
        let checked = inputs::checked(&rules.rules, &known)?;

        let registry = Arc::new(registry);
        let runtime = city::runtime()?;
        let _inside = runtime.enter();
        let mut city = City::open(&config)?;
        if publishes {
            city.publish(&config, &rules.together(), &known, &registry)?;
        } else {
            city.take_up()?;
        }
        if has(Role::Stream) {
            city.start_stream(&config, cluster.as_ref())?;
        }
        // Until here a signal ends the process as a kill does: it may have waited long for others, and nothing came in.
        let stop = Stop::new()?;
        // What was applied since the start before goes before the files.
        let (registry, shown) = match city.in_force() {
            Some(in_force) => (in_force.registry, in_force.rules),
            None => (registry, Rules { by_id: rule_infos(&checked, &rules.rules), versions: Vec::new() }),
        };
        if has(Role::Ingest) {
            runtime.block_on(city.start_ingest(&config, Arc::clone(&registry)))?;
        }
        if has(Role::Historian) {
            city.start_historian(&config)?;
        }
        if has(Role::CommandCenter) {
            let shown = Shown { rules: shown, areas, duties };
            runtime.block_on(city.start_center(&config, Arc::clone(&registry), shown))?;
        }
        if let Some(address) = city.mqtt() {
            writeln!(std::io::stdout(), "mqtt endpoint on {address}")?;
        }
        if let Some(link) = runtime.block_on(city.sign_in_link())? {
            writeln!(std::io::stdout(), "page: {link} (signs in whoever opens it first, once; good for ten minutes)")?;
        }
        let runs = Role::value_variants().iter().filter(|role| has(**role)).filter_map(|role| role.to_possible_value());
        let runs: Vec<String> = runs.map(|role| role.get_name().to_owned()).collect();
        let part = cluster.map_or(String::new(), |cluster| {
            format!(" (process {} of {} of the rules stage)", cluster.process, cluster.hosts.len())
        });
        writeln!(std::io::stdout(), "runs: {}{part}", runs.join(", "))?;
        let broken = runtime.block_on(city.broken_or(stop.wait(None)));
        city.stop(&runtime)?;
        broken
    }
}
