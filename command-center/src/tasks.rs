//! The tasks of a command center: started, watched, and begun anew after the store was away.
//!
//! A PostgreSQL that stops takes only what goes by the store with it: those tasks begin anew, from what the store says,
//! as soon as it is back; requests that need it meanwhile are answered with 503. Any other failure ends the command
//! center, and the process with it.

use crate::CenterError;
use crate::analyze::projector;
use crate::api::router;
use crate::center::Center;
use crate::command::timers;
use crate::perceive::{follow, pulse};
use crate::reader::{Appends, Reader, bounds};
use crate::serve::notice::sender;
use crate::serve::{feed, publisher, pull};
use crate::start::{GOODBYE_MAX, Stage};
use crate::store::positions::resume;
use crate::store::together::Waiting;
use bus::Topic;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::{Notify, watch};
use tokio::task::{AbortHandle, JoinError, JoinHandle};

/// How long it waits at first before it tries a store that was away; each time it was in vain, twice as long.
const AGAIN_FIRST: Duration = Duration::from_millis(100);
/// How long it waits at most; it tries for ever.
const AGAIN_MAX: Duration = Duration::from_secs(5);

/// The tasks of a command center. Dropped, they end at their next step.
pub(crate) struct Tasks {
    center: Arc<Center>,
    analyze: Appends,
    lost: watch::Receiver<u64>,
    of_store: Vec<Task>,
    others: Vec<Task>,
}

/// A task that works until it fails, but for the server, which may be asked to end.
struct Task {
    name: &'static str,
    work: JoinHandle<Result<(), CenterError>>,
    abort: AbortHandle,
}

/// What a task came to.
type Ended = (&'static str, Result<Result<(), CenterError>, JoinError>);

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
    pub(crate) async fn start(
        center: &Arc<Center>,
        listener: TcpListener,
        writes: Waiting,
        stop: Arc<Notify>,
    ) -> Result<Tasks, CenterError> {
        let tail = |topic, records| {
            let held = bounds(&*center.log, topic)?;
            let (appends, next) = (Appends::to(&*center.log, topic), follow::tail(held, records));
            let reader = Reader::new(Arc::clone(&center.log), topic, &appends, next, follow::READ_BYTES);
            Ok::<_, CenterError>((reader, held.1))
        };
        let (readings, end) = tail(Topic::Observations, follow::TAIL_RECORDS)?;
        let (states, _) = tail(Topic::Perceive, follow::TAIL_RECORDS)?;
        let (letters, _) = tail(Topic::DeadLetter, follow::TAIL_LETTERS)?;
        let (for_readings, for_states, for_letters) = (Arc::clone(center), Arc::clone(center), Arc::clone(center));
        let for_writes = Arc::clone(center);
        let others = vec![
            Task::spawn("writes", async move {
                writes.run(&for_writes.store).await;
                Ok(())
            }),
            Task::spawn("server", serve(Arc::clone(center), listener, stop)),
            Task::spawn("readings", async move {
                let known = last_values(&for_readings);
                let read = follow::readings(&for_readings.sensors, readings, end, &for_readings.caught_up);
                tokio::try_join!(known, read).map(drop)
            }),
            Task::spawn("sensors' states", async move { follow::states(&for_states.sensors, states).await }),
            Task::spawn("unknown sensors", async move { follow::letters(&for_letters.sensors, letters).await }),
        ];
        let mut tasks = Tasks {
            analyze: center.analyze_appends.clone(),
            lost: center.store.lost(),
            center: Arc::clone(center),
            of_store: Vec::new(),
            others,
        };
        tasks.of_store = of_store(&tasks.center, &tasks.analyze, &mut tasks.lost).await?;
        Ok(tasks)
    }

    /// Waits for the first task to end: by itself only the server does, when it was asked to. Where the store was away,
    /// begins anew instead.
    pub(crate) async fn supervise(mut self, stage: watch::Sender<Stage>) {
        let mut again: Option<Duration> = None;
        let end = loop {
            let mut lost = self.lost.clone();
            let started = async {
                match again {
                    None => std::future::pending().await,
                    Some(wait) => {
                        tokio::time::sleep(wait).await;
                        let started = of_store(&self.center, &self.analyze, &mut lost).await;
                        (started, lost)
                    }
                }
            };
            tokio::select! {
                ended = first_to_end(self.of_store.iter_mut().chain(&mut self.others)) => match ended {
                    (_, Ok(Err(error))) if error.is_store_away() => again = Some(AGAIN_FIRST),
                    ended => break end_of(ended),
                },
                Ok(()) = self.lost.changed(), if again.is_none() => again = Some(Duration::ZERO),
                (started, lost) = started => match started {
                    Ok(tasks) => {
                        (self.of_store, self.lost, again) = (tasks, lost, None);
                        // Another command center may have had it meanwhile.
                        self.center.credentials.send_modify(|changes| *changes += 1);
                        // What was being committed when it went may be there, and no page was told.
                        self.center.live.cut_off();
                    }
                    Err(error) if error.is_store_away() => {
                        let wait = again.map_or(AGAIN_FIRST, |wait| wait * 2);
                        again = Some(wait.clamp(AGAIN_FIRST, AGAIN_MAX));
                    }
                    Err(error) => break Stage::Failed(with_causes(&error)),
                },
            }
            if again.is_some() {
                self.of_store.clear();
            }
        };
        drop(self);
        stage.send_replace(end);
    }
}

/// Takes the last values from history, however long it is away: what was read since is newer, and stays.
async fn last_values(center: &Arc<Center>) -> Result<(), CenterError> {
    let mut wait = AGAIN_FIRST;
    loop {
        match follow::from_history(center).await {
            Err(CenterError::History { .. }) => tokio::time::sleep(wait).await,
            ended => return ended,
        }
        wait = (wait * 2).min(AGAIN_MAX);
    }
}

/// Starts what goes by the store, from what it says. `lost` is told of losses after that alone.
async fn of_store(
    center: &Arc<Center>,
    analyze: &Appends,
    lost: &mut watch::Receiver<u64>,
) -> Result<Vec<Task>, CenterError> {
    // Makes the writing connection anew if it was lost; so that what is read below is of after that.
    drop(center.store.writer().await.begin().await?);
    lost.mark_unchanged();
    let log = || Arc::clone(&center.log);
    let next = resume(center, projector::READER, Topic::Analyze).await?;
    center.projected.send_replace(next);
    let incidents = Reader::new(log(), Topic::Analyze, analyze, next, projector::READ_BYTES);
    let (feed, next) = feed::Feed::resume(center).await?;
    let fed = Reader::new(log(), Topic::Analyze, analyze, next, feed::READ_BYTES);
    let c = || Arc::clone(center);
    let (for_incidents, for_feed, for_outbox, for_pulse, for_timers, for_others) = (c(), c(), c(), c(), c(), c());
    let for_pulls = c();
    Ok(vec![
        Task::spawn("projection of incidents", async move { projector::run(&for_incidents, incidents).await }),
        Task::spawn("utilities' feed", async move { feed.run(&for_feed, fed).await }),
        Task::spawn("outbox", async move { publisher::run(&for_outbox).await }),
        Task::spawn("deliveries", async move { sender::run(&for_others).await }),
        Task::spawn("other Open311 servers", async move { pull::run(&for_pulls).await }),
        Task::spawn("clocks of cases", async move { timers::run(&for_timers).await }),
        Task::spawn("pulse", async move {
            let parts = (&for_pulse.store, &for_pulse.live, &for_pulse.sensors);
            pulse::run(parts, for_pulse.feed_counts.as_ref()).await
        }),
    ])
}

async fn first_to_end(tasks: impl Iterator<Item = &mut Task>) -> Ended {
    let works = tasks.map(|task| {
        let (name, work) = (task.name, &mut task.work);
        Box::pin(async move { (name, work.await) })
    });
    futures_util::future::select_all(works).await.0
}

fn end_of((name, ended): Ended) -> Stage {
    match ended {
        Ok(Ok(())) => Stage::Stopped,
        Ok(Err(error)) => Stage::Failed(with_causes(&error)),
        Err(failed) => {
            let what = if failed.is_panic() { panic_text(&*failed.into_panic()) } else { "aborted".to_owned() };
            Stage::Failed(CenterError::Panicked { task: name, what }.to_string())
        }
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
