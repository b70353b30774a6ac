//! Starts the command center's tasks over a log, and stops them.

use crate::analyze::projector;
use crate::api::router;
use crate::auth::secret;
use crate::center::{Center, Counters, Hosts};
use crate::city::{City, Rules};
use crate::live::Live;
use crate::perceive::sensors::Sensors;
use crate::perceive::{follow, pulse};
use crate::reader::{Appends, Reader, blocking, bounds};
use crate::serve::{feed, publisher};
use crate::store::Store;
use crate::store::positions::load;
use crate::{CenterError, Settings};
use bus::{EventLog, Topic};
use history::History;
use model::{Domain, Registry};
use std::net::SocketAddr;
use std::os::unix::fs::DirBuilderExt;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, RwLock};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::{Notify, watch};
use tokio::task::{AbortHandle, JoinHandle};

/// How long answers that are under way may take when it stops. Pages that follow live are cut off.
const GOODBYE_MAX: Duration = Duration::from_secs(2);

/// How a command center is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stage {
    /// It works.
    Running,
    /// It was stopped.
    Stopped,
    /// It ended; the process should end too and start again. The text says why, with all causes.
    Failed(String),
}

/// Where the command center is started.
pub struct CommandCenter;

/// A running command center. Dropped, it ends as if killed.
pub struct Handle {
    center: Arc<Center>,
    stage: watch::Receiver<Stage>,
    stop: Arc<Notify>,
    supervisor: JoinHandle<()>,
}

impl CommandCenter {
    /// Opens the store, takes up where the last run was, and listens. Call it in a tokio runtime with several threads.
    pub async fn start(
        log: Arc<dyn EventLog>,
        history: Arc<dyn History>,
        registry: Arc<Registry>,
        settings: Settings,
    ) -> Result<Handle, CenterError> {
        let Settings { data_dir, http, hosts: named, prefix, areas, rules, feed_counts } = settings;
        if !http.ip().is_loopback() && named.is_empty() {
            return Err(CenterError::Exposed(http));
        }
        let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&data_dir);
        made.map_err(|source| CenterError::File { doing: "make", path: data_dir.clone(), source })?;
        let store = Store::open(&data_dir.join("center.sqlite")).await?;
        let of_city = Arc::clone(&registry);
        let city = blocking(move || City::new(of_city, areas, rules, &prefix)).await?;
        let listener = TcpListener::bind(http).await.map_err(|source| CenterError::Listen { address: http, source })?;
        let address = listener.local_addr().map_err(|source| CenterError::Listen { address: http, source })?;
        let appends = |domain: &Domain| (domain.as_str(), Appends::to(&*log, Topic::Incidents(*domain)));
        let center = Arc::new(Center {
            feed_appends: Domain::ALL.iter().map(appends).collect(),
            log,
            history,
            store,
            city: RwLock::new(Arc::new(city)),
            live: Live::new(secret::new()?[..8].to_owned()),
            sensors: Sensors::new(registry),
            outbox: Notify::new(),
            counters: Counters::default(),
            feed_counts,
            projected: watch::Sender::new([0; model::PARTITIONS as usize]),
            map: Default::default(),
            outlines: Default::default(),
            address,
            hosts: Hosts::new(address, named),
            caught_up: AtomicBool::new(false),
        });
        let (stage_sender, stage) = watch::channel(Stage::Running);
        let stop = Arc::new(Notify::new());
        let tasks = Tasks::start(&center, listener, Arc::clone(&stop)).await?;
        let supervisor = tokio::spawn(tasks.supervise(stage_sender));
        Ok(Handle { center, stage, stop, supervisor })
    }
}

impl Handle {
    /// Where the API and the page listen.
    pub fn local_addr(&self) -> SocketAddr {
        self.center.address
    }

    /// A new link that signs in whoever opens it first, within ten minutes.
    pub async fn sign_in_link(&self) -> Result<String, CenterError> {
        self.center.sign_in_link().await
    }

    /// Knows the city by another registry and other rules from here on. Pages see them as they ask anew.
    ///
    /// Waits for the work to be done on a thread that may block.
    pub async fn set_city(&self, registry: Arc<Registry>, rules: Rules) -> Result<(), CenterError> {
        let center = Arc::clone(&self.center);
        let changed = blocking(move || {
            let city = center.city().changed(registry, rules)?;
            center.set_city(city);
            Ok(())
        });
        changed.await
    }

    /// How it is, and each change of that.
    pub fn stage(&self) -> watch::Receiver<Stage> {
        self.stage.clone()
    }

    /// Why it ended by itself, if it did.
    pub fn failure(&self) -> Option<String> {
        match &*self.stage.borrow() {
            Stage::Failed(reason) => Some(reason.clone()),
            Stage::Running | Stage::Stopped => None,
        }
    }

    /// Lets answers that are under way finish, then ends.
    pub async fn stop(mut self) {
        self.stop.notify_one();
        let mut stage = self.stage.clone();
        // Without a supervisor it has ended already.
        let _ = tokio::time::timeout(GOODBYE_MAX, stage.wait_for(|stage| *stage != Stage::Running)).await;
        self.supervisor.abort();
        let _ = (&mut self.supervisor).await;
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.supervisor.abort();
    }
}

/// The tasks of a command center. Dropped, they end at their next step.
struct Tasks(Vec<Task>);

/// A task that works until it fails, but for the server, which may be asked to end.
struct Task {
    name: &'static str,
    work: JoinHandle<Result<(), CenterError>>,
    abort: AbortHandle,
}

impl Task {
    fn spawn(name: &'static str, work: impl Future<Output = Result<(), CenterError>> + Send + 'static) -> Task {
        let work = tokio::spawn(work);
        Task { name, abort: work.abort_handle(), work }
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        self.abort.abort();
    }
}

impl Tasks {
    async fn start(center: &Arc<Center>, listener: TcpListener, stop: Arc<Notify>) -> Result<Tasks, CenterError> {
        let log = || Arc::clone(&center.log);
        let analyze = Appends::to(&*center.log, Topic::Analyze);
        let next = load(&mut *center.store.read().await?, projector::READER, Topic::Analyze).await?;
        center.projected.send_replace(next);
        let incidents = Reader::new(log(), Topic::Analyze, &analyze, next, projector::READ_BYTES);
        let counts = Arc::clone(&center.counters.feed);
        let (feed, next) = feed::Feed::resume(&center.store, log(), counts).await?;
        let fed = Reader::new(log(), Topic::Analyze, &analyze, next, feed::READ_BYTES);
        let tail = |topic| {
            let held = bounds(&*center.log, topic)?;
            let reader =
                Reader::new(log(), topic, &Appends::to(&*center.log, topic), follow::tail(held), follow::READ_BYTES);
            Ok::<_, CenterError>((reader, held.1))
        };
        let (readings, end) = tail(Topic::Observations)?;
        let (states, _) = tail(Topic::Perceive)?;
        let c = || Arc::clone(center);
        let (for_incidents, for_feed, for_outbox, for_readings, for_states, for_pulse) = (c(), c(), c(), c(), c(), c());
        Ok(Tasks(vec![
            Task::spawn("server", serve(c(), listener, stop)),
            Task::spawn("projection of incidents", async move { projector::run(&for_incidents, incidents).await }),
            Task::spawn("utilities' feed", async move { feed.run(&for_feed, fed).await }),
            Task::spawn("outbox", async move {
                publisher::run(&for_outbox.store, &for_outbox.log, &for_outbox.outbox).await
            }),
            Task::spawn("readings", async move {
                follow::from_history(&for_readings).await?;
                follow::readings(&for_readings.sensors, readings, end, &for_readings.caught_up).await
            }),
            Task::spawn("sensors' states", async move { follow::states(&for_states.sensors, states).await }),
            Task::spawn("pulse", async move {
                let parts = (&for_pulse.store, &for_pulse.live, &for_pulse.sensors);
                pulse::run(parts, for_pulse.feed_counts.as_ref()).await
            }),
        ]))
    }

    /// Waits for the first task to end: by itself only the server does, when it was asked to.
    async fn supervise(mut self, stage: watch::Sender<Stage>) {
        let works = self.0.iter_mut().map(|task| {
            let (name, work) = (task.name, &mut task.work);
            Box::pin(async move { (name, work.await) })
        });
        let ((name, ended), ..) = futures_util::future::select_all(works).await;
        let end = match ended {
            Ok(Ok(())) => Stage::Stopped,
            Ok(Err(error)) => Stage::Failed(with_causes(&error)),
            Err(failed) => {
                let what = if failed.is_panic() { panic_text(&*failed.into_panic()) } else { "aborted".to_owned() };
                Stage::Failed(CenterError::Panicked { task: name, what }.to_string())
            }
        };
        drop(self);
        stage.send_replace(end);
    }
}

async fn serve(center: Arc<Center>, listener: TcpListener, stop: Arc<Notify>) -> Result<(), CenterError> {
    let address = center.address;
    let service = router(center).into_make_service_with_connect_info::<SocketAddr>();
    let asked = Arc::new(Notify::new());
    let end = Arc::clone(&asked);
    let server = axum::serve(listener, service).with_graceful_shutdown(async move { end.notified().await });
    let server = std::pin::pin!(server.into_future());
    let leave = async {
        stop.notified().await;
        asked.notify_one();
        // Streams have no end of their own, so half of the goodbye is for answers that do.
        tokio::time::sleep(GOODBYE_MAX / 2).await;
    };
    tokio::select! {
        served = server => served.map_err(|source| CenterError::Listen { address, source }),
        () = leave => Ok(()),
    }
}

fn with_causes(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied().map(str::to_owned);
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no text".to_owned())
}
