//! `citywatch simulate`: a scenario in the city that comes with citywatch, published by MQTT, or written to files.

use crate::city::{self, now};
use crate::failure::{Failure, FileError};
use crate::progress::count_bar;
use clap::Args;
use ingest::Publisher;
use model::{EventTime, Millis};
use seeds::{SCENARIOS, SENSORS_MAX, Scenario};
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// `simulate`.
#[derive(Args)]
pub struct Simulate {
    /// rainstorm, smog or calm
    #[arg(value_name = "SCENARIO", value_parser = scenario)]
    scenario: String,
    /// Where to publish, as in mqtt://127.0.0.1:1883; may be left out to write files only
    #[arg(long, value_name = "URL", required_unless_present_any = ["registry", "labels", "readings"])]
    broker: Option<String>,
    /// How many sensors the city has, 1 to 2000000
    #[arg(long, value_name = "N", default_value = "2000", value_parser = count)]
    sensors: usize,
    /// Readings a second, however far their times run ahead of the clock: the receiver needs time.source = "feed".
    /// Left out, each sensor measures at its own interval, now
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    rate: Option<u32>,
    /// Another number is another city and another day
    #[arg(long, value_name = "N", default_value = "1")]
    seed: u64,
    /// When the scenario begins, as in 2026-07-20T16:00:00+08:00; left out: now, or with --rate so that it ends now
    #[arg(long, value_name = "TIME")]
    start: Option<EventTime>,
    /// How much of it is played
    #[arg(long, value_name = "DURATION", default_value = "12h", value_parser = length)]
    length: Millis,
    /// Write what truly happens here: CSV `start,end,domain,key,name`
    #[arg(long, value_name = "FILE")]
    labels: Option<PathBuf>,
    /// Write the city here, areas.geojson and sensors.csv, for `registry.paths` of `run` and `--sensors` of `backtest`
    #[arg(long, value_name = "DIR")]
    registry: Option<PathBuf>,
    /// Write the readings here, one JSON a line, for `--data` of `backtest`
    #[arg(long, value_name = "FILE")]
    readings: Option<PathBuf>,
}

fn scenario(text: &str) -> Result<String, String> {
    if SCENARIOS.iter().any(|(name, _)| *name == text) {
        return Ok(text.to_owned());
    }
    let list: Vec<String> = SCENARIOS.iter().map(|(name, plays)| format!("  {name:<10} {plays}")).collect();
    Err(format!("there are these scenarios:\n{}", list.join("\n")))
}

fn count(text: &str) -> Result<usize, String> {
    let count: usize = text.parse().map_err(|_| "not a number".to_owned())?;
    if (1..=SENSORS_MAX).contains(&count) { Ok(count) } else { Err(format!("use 1 to {SENSORS_MAX}")) }
}

fn length(text: &str) -> Result<Millis, String> {
    let length: Millis = text.parse().map_err(|error: model::DurationError| error.to_string())?;
    if length.0 > 0 { Ok(length) } else { Err("use more than nothing".to_owned()) }
}

impl Simulate {
    /// Runs it.
    pub fn run(self) -> Result<(), Failure> {
        let start = match (self.start, self.rate) {
            (Some(start), _) => start,
            (None, Some(_)) => now() - self.length,
            (None, None) => now(),
        };
        let registry = Arc::new(seeds::registry(self.sensors, self.seed));
        let scenario = Scenario::new(&self.scenario, registry, self.seed, start)
            .expect("the name was found in the list when the arguments were read");
        let end = start + self.length;
        if let Some(dir) = &self.registry {
            write_registry(dir, &scenario)?;
        }
        if let Some(path) = &self.labels {
            write(path, |out| seeds::write_labels(&scenario.labels(start, end), out))?;
        }
        if let Some(path) = &self.readings {
            let bar = count_bar((scenario.readings_per_second() * self.length.0 as f64 / 1_000.0) as u64);
            write(path, |out| {
                let mut line = Vec::new();
                for reading in scenario.readings(start, end) {
                    line.clear();
                    reading.encode(&mut line);
                    line.push(b'\n');
                    out.write_all(&line)?;
                    bar.inc(1);
                }
                Ok(())
            })?;
            bar.finish_and_clear();
        }
        match &self.broker {
            Some(broker) => city::runtime()?.block_on(self.publish(broker, &scenario, start, end)),
            None => Ok(()),
        }
    }

    async fn publish(
        &self,
        broker: &str,
        scenario: &Scenario,
        start: EventTime,
        end: EventTime,
    ) -> Result<(), Failure> {
        let name = format!("citywatch-simulate-{}", std::process::id());
        let publisher = Publisher::connect(broker, &name).await.map_err(Failure::usage)?;
        let bar = count_bar((scenario.readings_per_second() * self.length.0 as f64 / 1_000.0) as u64);
        let began = Instant::now();
        let mut count = 0_u64;
        for reading in scenario.readings(start, end) {
            let due = match self.rate {
                Some(rate) => Duration::from_secs_f64(count as f64 / f64::from(rate)),
                None => Duration::from_millis((reading.time - start).0.max(0) as u64),
            };
            if began.elapsed() < due {
                tokio::time::sleep_until((began + due).into()).await;
            }
            let sensor = scenario.registry().sensor(&reading.sensor).expect("readings are of sensors of the registry");
            publisher.publish_reading(&sensor.domain, &reading).await;
            count += 1;
            bar.inc(1);
        }
        publisher.finish().await;
        bar.finish_and_clear();
        let seconds = began.elapsed().as_secs_f64();
        Ok(writeln!(io::stdout(), "{count} readings published and acknowledged in {seconds:.1} s")?)
    }
}

fn write_registry(dir: &Path, scenario: &Scenario) -> Result<(), Failure> {
    std::fs::create_dir_all(dir)
        .map_err(|source| Failure::usage(FileError { doing: "make", path: dir.to_owned(), source }))?;
    write(&dir.join("areas.geojson"), |out| out.write_all(seeds::AREAS.as_bytes()))?;
    write(&dir.join("sensors.csv"), |out| seeds::write_sensors(scenario.registry().sensors(), out))
}

/// Writes a file by `fill`.
fn write(path: &Path, fill: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>) -> Result<(), Failure> {
    let filled = File::create(path).and_then(|file| {
        let mut out = BufWriter::with_capacity(1 << 18, file);
        fill(&mut out)?;
        out.flush()
    });
    filled.map_err(|source| Failure::usage(FileError { doing: "write", path: path.to_owned(), source }))
}
