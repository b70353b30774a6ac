//! A running citywatch: the log, the roles over it, and the socket, started in order and stopped in order.
//!
//! `run` and `demo` both are this with other inputs. Stopping is a courtesy: a killed one comes back the same.

use crate::behind::{self, Behind};
use crate::city_log::{self, CityLog};
use crate::cluster::Cluster;
use crate::config::{Config, TimeSource};
use crate::counts;
use crate::devices::{self, Watched};
use crate::failure::{Failure, FileError, chain};
use crate::in_force::InForce;
use crate::inputs::NamedText;
use crate::measured;
use crate::retry::Desk;
use crate::socket;
use crate::stage;
use crate::workbench::Bench;
use ::rules::check::Known;
use bus::{BusError, EventLog, Topic};
use command_center::CommandCenter;
use history::{Historian, HistorianHandle, HistorianSettings, History};
use ingest::{BrokerSettings, Ingest, IngestHandle, IngestSettings};
use model::{Entry, EventTime, Millis, Registry};
use std::net::SocketAddr;
use std::os::unix::fs::DirBuilderExt;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use stream::{Stream, StreamError, StreamHandle};
use tokio::runtime::Runtime;
use tokio::sync::watch;

/// How often the parts are asked whether they still work.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// So many looks apart the readers say how far they are.
const SAY_EVERY: u64 = 10;
/// How long a stop waits for the rules to have seen all that was acknowledged.
const CATCH_UP: Duration = Duration::from_secs(20);
/// Who stops a cluster signals all its processes, and one may see another go before its own signal comes: so late at most.
const ASKED_TOO: Duration = Duration::from_secs(2);
/// Records at the end of a partition that are searched for its newest tick: readings of one second, at most.
const TAIL_RECORDS: u64 = 4_096;

/// The log of a data directory, and the socket over it.
pub struct City {
    log: CityLog,
    behind: Arc<Behind>,
    desk: Desk,
    /// Told of appends to `config`.
    changes: watch::Receiver<()>,
    /// What ingest and the command center go by.
    in_force: Mutex<Option<InForce>>,
    stream: Option<StreamHandle>,
    ingest: Option<IngestHandle>,
    history: Option<Arc<dyn History>>,
    historian: Option<HistorianHandle>,
    center: Option<command_center::Handle>,
    /// Checkpoints that the log no longer fits.
    cut_back: Arc<AtomicU64>,
}

/// What the command center shows and cannot read itself.
pub struct Shown {
    /// The rules.
    pub rules: command_center::Rules,
    /// GeoJSON with the outlines of the areas.
    pub areas: Vec<String>,
    /// Classes of cases, units, and who answers for what.
    pub duties: model::Duties,
}

impl City {
    /// Opens the log, or says who has it.
    pub fn open(config: &Config) -> Result<City, Failure> {
        let dir = &config.data_dir;
        let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(dir);
        made.map_err(|source| Failure::usage(FileError { doing: "make", path: dir.clone(), source }))?;
        let log = CityLog::open(config)?;
        let desk = Desk::new(log.shared());
        socket::serve(dir, log.shared(), stage::rule_settings(config), desk.clone()).map_err(Failure::usage)?;
        let (sender, changes) = watch::channel(());
        log.shared().watch(Topic::Config, Arc::new(move || sender.send_replace(())));
        Ok(City {
            behind: Arc::new(log.behind()),
            log,
            desk,
            changes,
            in_force: Mutex::default(),
            stream: None,
            ingest: None,
            history: None,
            historian: None,
            center: None,
            cut_back: Arc::default(),
        })
    }

    /// Puts the rules and the registry on the log, where they are not in force already.
    pub fn publish(
        &self,
        config: &Config,
        rules: &[NamedText],
        known: &Known,
        registry: &Arc<Registry>,
    ) -> Result<(), Failure> {
        let at = match config.time.source {
            TimeSource::Wall => now(),
            TimeSource::Feed => self.clock()?.unwrap_or(EventTime(0)),
        };
        let log = self.log.for_role(city_log::STREAM)?;
        // The registry first: rules are checked against the one that is in force when they come.
        let published = stream::config::publish_registry(&*log, registry, at).map_err(Failure::internal)?;
        stream::config::publish_rules(&*log, rules, known, at).map_err(Failure::internal)?;
        let configured = (published.hash, Arc::clone(registry));
        *self.held() = InForce::read(&*log, Some(&configured))?;
        Ok(())
    }

    /// Takes up what another process put in force.
    pub fn take_up(&self) -> Result<(), Failure> {
        *self.held() = InForce::read(&*self.log.shared(), None)?;
        Ok(())
    }

    /// What is in force, where something was published; what the configuration names may be older.
    pub fn in_force(&self) -> Option<InForce> {
        self.held().clone()
    }

    fn held(&self) -> MutexGuard<'_, Option<InForce>> {
        self.in_force.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has ingest and the command center go by what is put in force, for ever; ends with what went wrong.
    async fn follow(&self) -> Result<(), Failure> {
        let mut changes = self.changes.clone();
        while changes.changed().await.is_ok() {
            let (log, before) = (self.log.shared(), self.in_force());
            let read = tokio::task::spawn_blocking(move || {
                let held = before.as_ref().map(InForce::held);
                let now = InForce::read(&*log, held.as_ref())?;
                Ok::<_, Failure>(now.filter(|now| before.is_none_or(|before| !before.is_as(now))))
            });
            let Some(now) = read.await.map_err(Failure::internal)?? else { continue };
            if let Some(ingest) = &self.ingest {
                ingest.set_registry(&now.registry);
            }
            if let Some(center) = &self.center {
                let changed = center.set_city(Arc::clone(&now.registry), now.rules.clone()).await;
                changed.map_err(Failure::internal)?;
            }
            *self.held() = Some(now);
        }
        Ok(())
    }

    /// Starts the rules stage; of a cluster, this process's part of it, when all are there.
    pub fn start_stream(&mut self, config: &Config, cluster: Option<&Cluster>) -> Result<(), Failure> {
        let process = cluster.map_or(0, |cluster| cluster.process);
        let log = self.log.for_role(&Cluster::role(process))?;
        let settings = stage::settings(config, cluster, self.log.name(), &self.cut_back);
        self.stream = Some(Stream::start(log, &settings).map_err(stage::not_started)?);
        let processes = cluster.map_or(1, |cluster| cluster.hosts.len());
        (0..processes).filter(|other| *other != process).for_each(|other| self.log.rely_on(&Cluster::role(other)));
        Ok(())
    }

    /// Starts the MQTT edge.
    pub async fn start_ingest(&mut self, config: &Config, registry: Arc<Registry>) -> Result<(), Failure> {
        // Looked at before it is read, so that no change of it is missed.
        let watched = Watched::new(&config.mqtt.credentials);
        let endpoint = match config.listen() {
            Some(address) => Some((address, devices::access(&config.mqtt.credentials)?)),
            None => None,
        };
        let broker = (!config.mqtt.broker.is_empty()).then(|| BrokerSettings {
            url: config.mqtt.broker.clone(),
            client_id: config.mqtt.client_id.clone(),
            filters: config.mqtt.topics.clone(),
        });
        let settings = IngestSettings {
            endpoint,
            broker,
            time_source: match config.time.source {
                TimeSource::Wall => ingest::TimeSource::Wall,
                TimeSource::Feed => ingest::TimeSource::Feed,
            },
            future_max: config.time.future_limit.0,
            past_max: config.time.past_limit.0,
            writes_ticks: self.log.ticks(config)?,
            ..IngestSettings::default()
        };
        let ingest = Ingest::start(self.log.shared(), registry, settings).await;
        let ingest = ingest.map_err(Failure::usage)?;
        // Ingest is started once; were it started again, the first would go on to be asked.
        let _ = self.desk.retrier.set(ingest.retrier());
        if let Some(door) = ingest.door().filter(|_| !config.mqtt.credentials.as_os_str().is_empty()) {
            tokio::spawn(watched.follow(door));
        }
        self.ingest = Some(ingest);
        Ok(())
    }

    /// Opens what was measured, for the historian and for the charts of the page.
    fn history(&mut self, config: &Config) -> Result<Arc<dyn History>, Failure> {
        if let Some(history) = &self.history {
            return Ok(Arc::clone(history));
        }
        let history = measured::open(config)?;
        self.history = Some(Arc::clone(&history));
        let _ = self.desk.history.set(Arc::clone(&history));
        Ok(history)
    }

    /// Starts the historian, which nobody waits for.
    pub fn start_historian(&mut self, config: &Config) -> Result<(), Failure> {
        let settings = HistorianSettings::new(measured::offsets(config));
        let history = self.history(config)?;
        let historian = Historian::start(self.log.shared(), history, &settings).map_err(Failure::internal)?;
        counts::tell_anew("the historian", historian.progress().anew);
        self.historian = Some(historian);
        Ok(())
    }

    /// Starts the command center: the API and the page.
    pub async fn start_center(
        &mut self,
        config: &Config,
        registry: Arc<Registry>,
        shown: Shown,
    ) -> Result<(), Failure> {
        let Some(http) = config.http() else { return Ok(()) };
        let history = self.history(config)?;
        let historian = self.historian.as_ref().map(HistorianHandle::progress_reader);
        let settings = command_center::Settings {
            store: config.center.store().map(str::to_owned),
            http,
            hosts: config.http.hosts.clone(),
            prefix: config.prefix.clone(),
            areas: shown.areas,
            rules: shown.rules,
            calendar: config.time.known_calendars.0.get("workdays").expect("it comes with citywatch").clone(),
            zone: config.time.zone.0.clone(),
            oidc: config.center.oidc()?,
            open311: config.center.open311()?,
            photo_bytes_a_day: u64::from(config.center.photo_mib_a_day) << 20,
            basemap: config.map.basemap().map_err(Failure::usage)?,
            formula: config.center.formula()?,
            merging: config.center.merging()?,
            wechat: config.center.wechat(&shown.duties)?,
            duties: shown.duties,
            feed_counts: self.ingest.as_ref().map(counts::feed_counts),
            part_counts: Some(counts::part_counts(historian, Arc::clone(&self.cut_back), Arc::clone(&self.behind))),
            outward: config.notices.outward().map_err(Failure::usage)?,
            workbench: Some(Arc::new(Bench::new(self.desk.clone(), stage::rule_settings(config)))),
            ..command_center::Settings::new(config.data_dir.join("center"))
        };
        let log = self.log.for_role(city_log::CENTER)?;
        let center = CommandCenter::start(log, history, registry, settings).await;
        let center = center.map_err(Failure::usage)?;
        counts::tell_anew("the command center", center.read_anew());
        // The command center is started once; were it started again, the first would go on to be asked.
        let _ = self.desk.admin.set(center.admin());
        self.center = Some(center);
        Ok(())
    }

    /// The readers say how far they are.
    fn say_how_far(&self) {
        if let Some(stream) = &self.stream {
            self.behind.say(behind::RULES, stream.position());
        }
        if let Some(historian) = &self.historian {
            self.behind.say(behind::HISTORIAN, historian.position(Topic::Observations));
        }
    }

    /// A new link that signs in to the page, if there is a page.
    pub async fn sign_in_link(&self) -> Result<Option<String>, Failure> {
        match &self.center {
            Some(center) => center.sign_in_link().await.map(Some).map_err(Failure::internal),
            None => Ok(None),
        }
    }

    /// Where the endpoint listens, if there is one.
    pub fn mqtt(&self) -> Option<SocketAddr> {
        self.ingest.as_ref().and_then(IngestHandle::local_addr)
    }

    /// The clock of its log.
    pub fn clock(&self) -> Result<Option<EventTime>, Failure> {
        clock(&*self.log.shared()).map_err(Failure::internal)
    }

    /// The MQTT edge, where it was started.
    pub fn ingest(&self) -> Option<&IngestHandle> {
        self.ingest.as_ref()
    }

    /// Waits for `end`, or until a part fails, which is the error.
    pub async fn broken_or(&self, end: impl Future<Output = ()>) -> Result<(), Failure> {
        let failed = async {
            let mut look = tokio::time::interval(LOOK_EVERY);
            let mut looks = 0_u64;
            loop {
                look.tick().await;
                if looks.is_multiple_of(SAY_EVERY) {
                    self.say_how_far();
                }
                looks += 1;
                if let Some(lost) = self.log.lost() {
                    return Failure::internal(lost);
                }
                if let Some(failure) = self.stream.as_ref().and_then(StreamHandle::failure) {
                    if matches!(*failure, StreamError::PeerLost { .. }) {
                        tokio::time::sleep(ASKED_TOO).await;
                    }
                    return Failure::internal(failure);
                }
                if let Some(reason) = self.center.as_ref().and_then(command_center::Handle::failure) {
                    return Failure::internal(format!("the command center stopped: {reason}"));
                }
                if let Some(ingest::Stage::Failed(reason)) =
                    self.ingest.as_ref().map(|ingest| ingest.stage().borrow().clone())
                {
                    return Failure::internal(format!("ingest stopped: {reason}"));
                }
            }
        };
        tokio::select! {
            () = end => Ok(()),
            failure = failed => Err(failure),
            // Without a log there is nothing to follow, and the parts say so themselves.
            Err(failure) = self.follow() => Err(failure),
        }
    }

    /// Stops what runs: first what comes in, then the rules, so that what is acknowledged is applied too.
    pub fn stop(self, runtime: &Runtime) -> Result<(), Failure> {
        if let Some(ingest) = self.ingest {
            runtime.block_on(ingest.stop());
        }
        // What was acknowledged is evaluated now, if that takes no longer than this; else after the next start.
        if let (Some(stream), None) = (&self.stream, self.log.lost()) {
            stream.wait_until_caught_up(CATCH_UP).map_err(Failure::internal)?;
        }
        let streamed = match self.stream.map_or(Ok(()), StreamHandle::stop) {
            // The processes of a cluster are stopped one after the other, and the first of them is gone for the rest. One
            // that is gone without that was told by `broken_or`.
            Err(error) if matches!(*error, StreamError::PeerLost { .. }) => Ok(()),
            stopped => stopped.map_err(Failure::internal),
        };
        if let Some(center) = self.center {
            runtime.block_on(center.stop());
        }
        // What the historian could not write it reads again next time.
        if let Some(Err(error)) = self.historian.map(HistorianHandle::stop) {
            eprintln!("citywatch: history is behind: {}", chain(&error));
        }
        self.log.let_go();
        streamed
    }
}

/// The clock of a log: the newest tick of a partition, if it has one.
pub fn clock(log: &dyn EventLog) -> Result<Option<EventTime>, BusError> {
    let held = log.bounds(Topic::Observations, 0)?;
    let mut next = held.start.max(held.end.saturating_sub(TAIL_RECORDS));
    let mut clock = None;
    while next < held.end {
        let records = log.read(Topic::Observations, 0, next, 1 << 20)?;
        for (_, record) in records.iter() {
            if let Some(Ok(Entry::Tick(time) | Entry::Rest(time))) = record.value.map(Entry::decode) {
                clock = clock.max(Some(time));
            }
        }
        next = records.next_offset().unwrap_or(held.end);
    }
    Ok(clock)
}

/// The async threads: signals, the socket, the endpoint.
pub fn runtime() -> Result<Runtime, Failure> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(Failure::internal)
}

/// The wall clock: for the edge of the system only, never for a rule.
pub fn now() -> EventTime {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    EventTime(since.as_millis() as i64)
}

/// A span that was checked not to be negative.
pub fn duration(span: Millis) -> Duration {
    Duration::from_millis(span.0.max(0) as u64)
}
