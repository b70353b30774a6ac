//! `citywatch replay`: recorded readings to an MQTT broker, or to citywatch's own endpoint.

use crate::city::now;
use crate::failure::Failure;
use crate::progress::bytes_bar;
use crate::rules::open_recording;
use crate::{city, inputs};
use clap::Args;
use ingest::Publisher;
use model::{EventTime, Millis, Registry};
use std::io::Write;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// `replay`.
#[derive(Args)]
pub struct Replay {
    /// Recorded readings: CSV `time,sensor,metric,value`, or NDJSON of observations; several are merged by time
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Where to publish, as in mqtt://127.0.0.1:1883
    #[arg(long, value_name = "URL")]
    broker: String,
    /// The sensors, whose domains make the topics; `sensors.csv` beside the first file if left out
    #[arg(long, num_args = 1.., value_name = "FILE")]
    sensors: Vec<PathBuf>,
    /// How many times as fast as it was recorded; as fast as the broker acknowledges if left out
    #[arg(long, value_name = "N", value_parser = speed)]
    speed: Option<f64>,
    /// Shift all times so that the first reading is now
    #[arg(long)]
    shift_to_now: bool,
    /// Give up when the broker cannot be reached for this long
    #[arg(long, value_name = "DURATION", default_value = "60s")]
    give_up_after: Millis,
}

fn speed(text: &str) -> Result<f64, String> {
    let speed: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    if speed.is_finite() && speed > 0.0 { Ok(speed) } else { Err("use a number above 0".to_owned()) }
}

impl Replay {
    /// Runs it.
    pub fn run(self) -> Result<(), Failure> {
        let registry = self.registry()?;
        city::runtime()?.block_on(self.publish(&registry))
    }

    fn registry(&self) -> Result<Registry, Failure> {
        if !self.sensors.is_empty() {
            return inputs::registry(&self.sensors);
        }
        let beside = self.files[0].with_file_name("sensors.csv");
        if !beside.is_file() {
            let folder = beside.parent().unwrap_or(&beside).display().to_string();
            return Err(Failure::usage(format!(
                "there is no sensors.csv in \"{folder}\": name the sensors by --sensors"
            )));
        }
        inputs::registry(&[beside])
    }

    async fn publish(&self, registry: &Registry) -> Result<(), Failure> {
        let publisher = Publisher::connect(&self.broker, &format!("citywatch-replay-{}", std::process::id()))
            .await
            .map_err(Failure::usage)?;
        let limit = self.give_up_after;
        let (count, unknown, seconds) = tokio::select! {
            played = self.play(&publisher, registry) => played?,
            () = publisher.gone_for(city::duration(limit)) => {
                let acked = publisher.progress().acked;
                return Err(Failure::internal(format!(
                    "the broker could not be reached for {limit}; {acked} readings were acknowledged before"
                )));
            }
        };
        publisher.finish().await;
        writeln!(std::io::stdout(), "{count} readings published and acknowledged in {seconds:.1} s")?;
        if unknown > 0 {
            eprintln!("citywatch: {unknown} readings left out: their sensors are not in the registry");
        }
        Ok(())
    }

    /// Publishes all; the number of readings, of those left out, and the seconds until all were acknowledged.
    async fn play(&self, publisher: &Publisher, registry: &Registry) -> Result<(u64, u64, f64), Failure> {
        let (mut recording, bytes) = open_recording(&self.files)?;
        let bar = bytes_bar(bytes);
        let began = Instant::now();
        let (mut first, mut shift) = (None, Millis(0));
        let (mut count, mut unknown) = (0_u64, 0_u64);
        loop {
            if count.is_multiple_of(256) {
                bar.set_position(recording.bytes_read());
            }
            let Some(mut reading) = recording.next().map_err(Failure::usage)? else { break };
            let Some(sensor) = registry.sensor(&reading.sensor) else {
                unknown += 1;
                continue;
            };
            let first: EventTime = *first.get_or_insert_with(|| {
                shift = if self.shift_to_now { now() - reading.time } else { shift };
                reading.time
            });
            if let Some(speed) = self.speed {
                let due = Duration::from_secs_f64((reading.time - first).0.max(0) as f64 / 1_000.0 / speed);
                tokio::time::sleep_until((began + due).into()).await;
            }
            reading.time = reading.time + shift;
            publisher.publish_reading(&sensor.domain, &reading).await;
            count += 1;
        }
        publisher.flush().await;
        bar.finish_and_clear();
        Ok((count, unknown, began.elapsed().as_secs_f64()))
    }
}
