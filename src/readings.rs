//! The readings that rules are tried on: recorded files, or what a citywatch on this machine measured.

use crate::failure::Failure;
use crate::inputs;
use crate::past::{self, Head, Source, Stretch};
use crate::progress::bytes_bar;
use crate::rules::open_recording;
use crate::socket::{self, Request};
use ::rules::Settings;
use ::rules::ast::RuleSet;
use ::rules::backtest::{self, Outcome, Run};
use clap::Args;
use model::{Entry, EventTime, Offset, Partition, Registry};
use std::path::PathBuf;
use std::sync::Arc;

/// Which readings.
#[derive(Args, Clone, Debug)]
pub struct Readings {
    /// Recorded readings: CSV `time,sensor,metric,value`, or NDJSON of observations
    #[arg(long, num_args = 1.., value_name = "FILE", requires = "sensors", conflicts_with = "from")]
    data: Vec<PathBuf>,
    /// The sensors: CSV or GeoJSON points; areas and metrics may be among the files
    #[arg(long, num_args = 1.., value_name = "FILE", requires = "data")]
    sensors: Vec<PathBuf>,
    /// Instead of --data: what the citywatch of --data-dir measured from this time on
    #[arg(long, value_name = "TIME")]
    from: Option<EventTime>,
    /// Up to this time; until now if left out
    #[arg(long, value_name = "TIME", requires = "from")]
    to: Option<EventTime>,
    /// The data directory of the demo or run
    #[arg(long, value_name = "DIR", default_value = "data", requires = "from")]
    data_dir: PathBuf,
}

impl Readings {
    /// Whether any are named.
    pub fn are_named(&self) -> bool {
        !self.data.is_empty() || self.from.is_some()
    }

    /// The sensors of these readings.
    pub fn registry(&self) -> Result<Arc<Registry>, Failure> {
        let Some(_) = self.from else {
            if self.data.is_empty() {
                return Err(Failure::usage("name readings: --data with --sensors, or --from with --data-dir"));
            }
            return Ok(Arc::new(inputs::registry(&self.sensors)?));
        };
        let mut registry = None;
        self.ask(&mut |head, _| {
            registry = Some(Registry::from_text(&head.registry).map_err(Failure::internal)?);
            Ok(false)
        })?;
        registry.map(Arc::new).ok_or_else(|| Failure::internal("citywatch gave no registry"))
    }

    /// Runs each of the rule sets over the readings.
    pub fn run(&self, sets: &[Arc<RuleSet>], registry: &Arc<Registry>) -> Result<Vec<Outcome>, Failure> {
        if self.from.is_none() {
            return sets.iter().map(|set| self.run_files(set, registry)).collect();
        }
        let mut runs: Vec<Run> = Vec::new();
        self.ask(&mut |head, line| {
            if runs.is_empty() {
                let settings = head.settings.clone().settings()?;
                runs.extend(sets.iter().map(|set| Run::new(set, registry, &settings)));
                if head.source == Source::History {
                    eprintln!("citywatch: the log does not reach back so far: these readings are from history");
                }
            }
            let Some(line) = line else { return Ok(true) };
            let (place, entry) = entry(head.source, line)?;
            give(&mut runs, place, &entry);
            Ok(true)
        })?;
        Ok(runs.into_iter().map(Run::finish).collect())
    }

    fn run_files(&self, rules: &Arc<RuleSet>, registry: &Arc<Registry>) -> Result<Outcome, Failure> {
        let (mut recording, bytes) = open_recording(&self.data)?;
        let bar = bytes_bar(bytes);
        let settings = Settings::default();
        let outcome = backtest::run(rules, registry, &settings, &mut recording, &mut |read| bar.set_position(read));
        bar.finish_and_clear();
        outcome.map_err(Failure::usage)
    }

    /// Hands the head and each line after it to `see`, first the head alone; false ends it.
    #[expect(clippy::type_complexity, reason = "the one place that names it")]
    fn ask(&self, see: &mut dyn FnMut(&Head, Option<&[u8]>) -> Result<bool, Failure>) -> Result<(), Failure> {
        let from = self.from.unwrap_or(EventTime::MIN);
        let stretch = Stretch { from, to: self.to.unwrap_or(EventTime::MAX) };
        let mut head: Option<Head> = None;
        let mut line = |line: &[u8]| -> Result<bool, Failure> {
            match &head {
                Some(head) => see(head, Some(line)),
                None => see(head.insert(serde_json::from_slice(line).map_err(Failure::internal)?), None),
            }
        };
        if let Some(mut answer) = socket::ask(&self.data_dir, &Request::Past { past: stretch })? {
            while let Some(text) = answer.next()? {
                if !line(text.as_bytes())? {
                    break;
                }
            }
            return Ok(());
        }
        let log = crate::lines::DataDir { data_dir: self.data_dir.clone() }.log()?;
        let mut failed = None;
        past::tell(&log, None, &Settings::default(), stretch, &mut |lines| {
            for one in lines.split(|byte| *byte == b'\n').filter(|one| !one.is_empty()) {
                match line(one) {
                    Ok(true) => {}
                    Ok(false) => return false,
                    Err(error) => {
                        failed = Some(error);
                        return false;
                    }
                }
            }
            true
        })?;
        failed.map_or(Ok(()), Err)
    }
}

/// Where an entry stands on the log; what history tells stands nowhere.
pub type Place = Option<(Partition, Offset)>;

/// What a line of what was measured says.
pub fn entry(source: Source, line: &[u8]) -> Result<(Place, Entry<'_>), Failure> {
    let unread = || Failure::internal(format!("not a line of readings: {}", String::from_utf8_lossy(line)));
    if source == Source::History {
        return Ok((None, Entry::decode(line).map_err(|_| unread())?));
    }
    let mut parts = line.splitn(3, |byte| *byte == b' ');
    let mut number = || std::str::from_utf8(parts.next()?).ok()?.parse::<u64>().ok();
    let (Some(partition), Some(offset)) = (number(), number()) else { return Err(unread()) };
    let entry = parts.next().and_then(|entry| Entry::decode(entry).ok()).ok_or_else(unread)?;
    Ok((Some((partition as Partition, offset)), entry))
}

/// Gives an entry to every run.
pub fn give(runs: &mut [Run], place: Place, entry: &Entry<'_>) {
    match (place, entry) {
        (Some((partition, offset)), entry) => runs.iter_mut().for_each(|run| run.entry(partition, offset, entry)),
        (None, Entry::Reading(reading)) => runs.iter_mut().for_each(|run| run.reading(reading)),
        // History has readings only.
        (None, _) => {}
    }
}
