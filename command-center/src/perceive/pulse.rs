//! Once a second: brings the sensors' states up to the clock and tells the pages what changed.

use super::sensors::{SensorCounts, SensorState, Sensors};
use crate::CenterError;
use crate::auth::role::Reach;
use crate::live::{Live, Told};
use crate::settings::FeedCounts;
use crate::store::Store;
use crate::store::incidents::count_open;
use serde::{Serialize, Serializer};
use sqlx::AnyConnection;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::MissedTickBehavior;
use utoipa::ToSchema;

/// Time between two pulses.
const EVERY: Duration = Duration::from_secs(1);
/// Sensors of one message; those beyond it are told a pulse later.
const SENSORS_MAX: usize = 2_000;

/// Asks the edge what it has counted.
pub(crate) type AskFeed = Arc<dyn Fn() -> FeedCounts + Send + Sync>;

/// The city in a few numbers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Overview {
    /// The newest tick of the log; null before the first.
    now_at: Option<i64>,
    open: OpenCounts,
    /// Open incidents that nobody acknowledged.
    unacknowledged: u64,
    sensors: SensorCounts,
    /// Sensors that speak and are not registered.
    unknown_sensors: u64,
    /// Null where the edge runs in another process.
    feed: Option<FeedView>,
}

/// Open incidents.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct OpenCounts {
    pub(crate) total: u64,
    #[schema(value_type = BTreeMap<String, u64>)]
    pub(crate) by_domain: BTreeMap<&'static str, u64>,
    #[schema(value_type = BTreeMap<String, u64>)]
    pub(crate) by_severity: BTreeMap<&'static str, u64>,
}

/// What the edge has counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct FeedView {
    accepted: u64,
    refused: u64,
    lag_ms: Option<i64>,
}

#[derive(Serialize)]
struct Values<'a> {
    /// Where the log's clock stands; before its first tick, the newest reading of the message.
    time: i64,
    sensors: Vec<SensorValues<'a>>,
}

#[derive(Serialize)]
struct SensorValues<'a> {
    id: &'a str,
    state: SensorState,
    #[serde(serialize_with = "as_map")]
    last: Vec<(&'a str, ValueAt)>,
}

/// A value and when it was measured.
#[derive(Clone, Copy, Serialize)]
struct ValueAt {
    value: f64,
    time: i64,
}

/// The open incidents in numbers, and how many nobody acknowledged.
pub(crate) async fn open_counts(
    connection: &mut AnyConnection,
    reach: &Reach,
) -> Result<(OpenCounts, u64), CenterError> {
    let (mut open, mut unacknowledged) = (OpenCounts::default(), 0);
    for (domain, severity, count, unseen) in count_open(connection, reach).await? {
        open.total += count;
        *open.by_domain.entry(domain.as_str()).or_default() += count;
        *open.by_severity.entry(severity.as_str()).or_default() += count;
        unacknowledged += unseen;
    }
    Ok((open, unacknowledged))
}

/// The city in a few numbers, as of now; incidents within a reach.
pub(crate) async fn overview(
    connection: &mut AnyConnection,
    sensors: &Sensors,
    ask: Option<&AskFeed>,
    reach: &Reach,
) -> Result<Overview, CenterError> {
    let (open, unacknowledged) = open_counts(connection, reach).await?;
    let feed = ask.map(|ask| {
        let FeedCounts { accepted, refused, lag_ms, .. } = ask();
        FeedView { accepted, refused, lag_ms }
    });
    let now_at = sensors.clock().map(|time| time.0);
    let unknown_sensors = sensors.unknown();
    Ok(Overview { now_at, open, unacknowledged, sensors: sensors.settle(), unknown_sensors, feed })
}

/// Tells the pages, for ever.
pub(crate) async fn run(
    (store, live, sensors): (&Store, &Live, &Sensors),
    ask: Option<&AskFeed>,
) -> Result<(), CenterError> {
    let mut pulse = tokio::time::interval(EVERY);
    // After a pause there is one pulse, not one for each second of it.
    pulse.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut told: Option<Overview> = None;
    loop {
        pulse.tick().await;
        let now = overview(&mut *store.read().await?, sensors, ask, &Reach::City).await?;
        live.send("clock", Told::Everybody, &serde_json::json!({ "now_at": now.now_at }).to_string());
        // The clock alone is no news: it was just told.
        let is_news = told.as_ref().is_none_or(|told| Overview { now_at: now.now_at, ..told.clone() } != now);
        if is_news {
            live.send("overview", Told::City, &serde_json::to_string(&now).expect("numbers always serialise"));
            told = Some(now);
        }
        if let Some(values) = values(sensors) {
            live.send("values", Told::Everybody, &values);
        }
    }
}

/// The message of the sensors that changed, if any did.
fn values(sensors: &Sensors) -> Option<String> {
    let mut changed = sensors.take_changed(SENSORS_MAX);
    sensors.look(|view| {
        let registered = view.registry().sensors();
        // Between taking and looking the registry may have become a shorter one.
        changed.retain(|index| (*index as usize) < registered.len());
        if changed.is_empty() {
            return None;
        }
        let heard = changed.iter().filter_map(|index| view.sensor(*index as usize).heard_at).max();
        let time = view.clock().or(heard)?.0;
        let one = |index: &u32| {
            let index = *index as usize;
            let last = view.values(index).map(|(name, last)| (name, ValueAt { value: last.value, time: last.time.0 }));
            SensorValues { id: &registered[index].id, state: view.sensor(index).state, last: last.collect() }
        };
        let values = Values { time, sensors: changed.iter().map(one).collect() };
        Some(serde_json::to_string(&values).expect("text and finite numbers always serialise"))
    })
}

fn as_map<S: Serializer>(last: &[(&str, ValueAt)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(last.iter().map(|(name, value)| (*name, *value)))
}
