//! `citywatch demo`: a city on this machine, with sensors that are played, and everything else real.
//!
//! The played sensors publish by MQTT to the endpoint like any device. First they play the last six hours, or the gap
//! since the demo last ran, at once, in feed time; then they go on live. What they play is the scenario `rainstorm`,
//! which begins where the demo first began, so that a storm is over the city when somebody first looks.

use crate::city::{self, City, Shown, now};
use crate::config::{Config, TimeSource};
use crate::failure::{Failure, FileError, read_text};
use crate::inputs;
use crate::listen::check_listen;
use crate::stop::Stop;
use clap::Args;
use ingest::Publisher;
use model::{Duties, EventTime, Millis, Registry};
use seeds::Scenario;
use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How much is played at once on the first start.
const FIRST: Millis = Millis(6 * Millis::HOUR.0);
/// The longest gap that is filled; of a longer one only its end.
const GAP_MAX: Millis = Millis(7 * Millis::DAY.0);
/// Readings of this span before the gap are played again: they may not have arrived. Those that did are duplicates.
const AGAIN: Millis = Millis(10 * Millis::SECOND.0);
/// The file in the data directory that says when the scenario began, in epoch milliseconds.
const BEGAN: &str = "scenario-began";
/// The scenario's seed: every demo is the same city.
pub const SEED: u64 = 1;
/// How often the live part looks what is due.
const LIVE_EVERY: Duration = Duration::from_millis(250);

/// `demo`.
#[derive(Args)]
pub struct Demo {
    /// Where the log and the state live; started again there, the demo goes on
    #[arg(long, value_name = "DIR", default_value = "data")]
    data_dir: PathBuf,
    /// Where the page is served; loopback only
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    http: SocketAddr,
    /// Where the MQTT endpoint listens; loopback only
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:1883")]
    mqtt: String,
    /// How fast the live part runs: 60 plays an hour in a minute
    #[arg(long, value_name = "N", default_value = "1", value_parser = speed)]
    speed: f64,
    /// How many sensors the city has, 1 to 2000000; each number is a city of its own and wants its own data directory
    #[arg(long, value_name = "N", default_value_t = inputs::DEMO_SENSORS)]
    sensors: usize,
    /// Stop after this long, as in 20s or 5m
    #[arg(long, value_name = "DURATION")]
    exit_after: Option<Millis>,
}

fn speed(text: &str) -> Result<f64, String> {
    let speed: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    if (0.1..=3_600.0).contains(&speed) { Ok(speed) } else { Err("use 0.1 to 3600".to_owned()) }
}

impl Demo {
    /// Runs it.
    pub fn run(self) -> Result<(), Failure> {
        check_listen(&self.mqtt, false).map_err(Failure::usage)?;
        if !self.http.ip().is_loopback() {
            return Err(Failure::usage(format!("--http {}: the demo binds loopback only", self.http)));
        }
        if !(1..=seeds::SENSORS_MAX).contains(&self.sensors) {
            return Err(Failure::usage(format!("--sensors {}: use 1 to {}", self.sensors, seeds::SENSORS_MAX)));
        }
        let mut config = Config { data_dir: self.data_dir.clone(), ..Config::default() };
        config.mqtt.listen.clone_from(&self.mqtt);
        config.http.listen = self.http.to_string();
        config.time.source = TimeSource::Feed;
        let registry = Arc::new(seeds::registry(self.sensors, SEED));
        let (rules, known) = (inputs::packs(), inputs::known(&registry));

        let runtime = city::runtime()?;
        let _inside = runtime.enter();
        let stop = Stop::new()?;
        let mut city = City::open(&config)?;
        let clock = city.clock()?;
        let began = self.began(clock.is_some())?;
        city.publish(&config, &rules.together(), &known, &registry)?;
        city.start_stream(&config, None)?;
        city.start_historian(&config)?;
        let in_force = city.in_force().ok_or_else(|| Failure::internal("what is in force cannot be used"))?;
        runtime.block_on(city.start_ingest(&config, in_force.registry))?;
        let shown = Shown { rules: in_force.rules, areas: vec![seeds::AREAS.to_owned()], duties: Duties::seeded() };
        runtime.block_on(city.start_center(&config, Arc::clone(&registry), shown))?;
        let address = city.mqtt().expect("the demo has an endpoint");
        let link = runtime.block_on(city.sign_in_link())?.expect("the demo has a page");
        self.welcome(address, &link, &registry)?;
        let scenario = Scenario::new("rainstorm", Arc::clone(&registry), SEED, began).expect("the name is in the list");
        let play = async {
            tokio::select! {
                played = self.play(&city, address, &scenario, clock) => played,
                broken = city.broken_or(stop.wait(self.exit_after.map(city::duration))) => broken,
            }
        };
        let ended = runtime.block_on(play);
        city.stop(&runtime)?;
        ended
    }

    /// When the scenario began: noted at the first start, so that a demo that is started again goes on in it.
    fn began(&self, resumes: bool) -> Result<EventTime, Failure> {
        let path = self.data_dir.join(BEGAN);
        if resumes && path.is_file() {
            let text = read_text(&path)?;
            return text.trim().parse().map(EventTime).map_err(|_| {
                Failure::usage(format!("{} is no time; start the demo in another --data-dir", path.display()))
            });
        }
        let began = now() - FIRST;
        write_once(&path, &began.0.to_string())?;
        Ok(began)
    }

    fn welcome(&self, address: SocketAddr, link: &str, registry: &Registry) -> Result<(), Failure> {
        let (sensors, data) = (registry.sensors().len(), self.data_dir.display());
        let example = registry.sensors().iter().find(|sensor| sensor.domain == "drainage");
        let example = example.map_or_else(String::new, |sensor| sensor.id.clone());
        let mut out = std::io::stdout().lock();
        writeln!(out, "citywatch demo: {sensors} sensors, data in {data}")?;
        writeln!(out, "  MQTT  {address}: devices on this machine, and only they, may publish without credentials,")?;
        writeln!(out, "        to city/{{domain}}/{{sensor}} of the seeded sensors")?;
        writeln!(out, "  page  {link}")?;
        writeln!(out, "        signs in whoever opens it first, once; it is good for ten minutes")?;
        writeln!(out, "type next, in another terminal:")?;
        writeln!(out, "  citywatch incidents tail --data-dir {data}")?;
        writeln!(out, "  citywatch dead-letter list --data-dir {data}")?;
        let (host, port) = (address.ip(), address.port());
        let message = r#"'{"values":{"level_m":2.4}}'"#;
        writeln!(out, "  mosquitto_pub -h {host} -p {port} -q 1 -t city/drainage/{example} -m {message}")?;
        writeln!(out, "Ctrl-C stops it")?;
        Ok(out.flush()?)
    }

    /// Plays the past at once, then the present, until it is dropped or the endpoint is gone.
    async fn play(
        &self,
        city: &City,
        address: SocketAddr,
        scenario: &Scenario,
        clock: Option<EventTime>,
    ) -> Result<(), Failure> {
        let publisher =
            Publisher::connect(&format!("mqtt://{address}"), "citywatch-demo").await.map_err(Failure::internal)?;
        let start = clock.map_or(now() - FIRST, |clock| clock - AGAIN).max(now() - GAP_MAX);
        let mut played = start;
        let mut count = 0;
        while played < now() {
            let until = now();
            count += play_span(&publisher, scenario, played, until).await;
            played = until;
        }
        publisher.flush().await;
        writeln!(std::io::stdout(), "played {count} readings since {start}; now live")?;
        // A demo that ran fast is ahead of the wall: it stays in feed time, where time is what the readings say.
        if self.speed == 1.0 && played <= now() && !ingest_of(city).set_wall_time().await {
            return Err(Failure::internal("the log takes no more"));
        }
        let (began, base) = (Instant::now(), played);
        let mut look = tokio::time::interval(LIVE_EVERY);
        loop {
            look.tick().await;
            let until = base + Millis((began.elapsed().as_millis() as f64 * self.speed) as i64);
            play_span(&publisher, scenario, played, until).await;
            played = until;
        }
    }
}

fn ingest_of(city: &City) -> &ingest::IngestHandle {
    city.ingest().expect("the demo has an endpoint")
}

/// Publishes all readings in (`after`, `until`], in the order of their times.
async fn play_span(publisher: &Publisher, scenario: &Scenario, after: EventTime, until: EventTime) -> u64 {
    let mut count = 0;
    for reading in scenario.readings(after, until) {
        let sensor = scenario.registry().sensor(&reading.sensor).expect("a scenario plays its registry's sensors");
        publisher.publish_reading(&sensor.domain, &reading).await;
        count += 1;
    }
    count
}

fn write_once(path: &Path, text: &str) -> Result<(), Failure> {
    let written = std::fs::write(path, text);
    written.map_err(|source| Failure::usage(FileError { doing: "write", path: path.to_owned(), source }))
}
