//! Server-sent events: `/live` for the page, `/feed/{domain}` for utilities.

use super::Shared;
use super::problem::{Params, Problem};
use crate::analyze::view::IncidentView;
use crate::auth::role::Reach;
use crate::auth::secret;
use crate::auth::who::Who;
use crate::center::Center;
use crate::live::{Next, Subscriber};
use crate::perceive::pulse::{Overview, overview};
use crate::reader::{Reader, bounds};
use crate::store::incidents::newest_change;
use crate::store::pages::{Filter, page};
use crate::store::positions::Positions;
use crate::{CenterError, serve::replay};
use axum::body::{Body, Bytes};
use axum::extract::{Extension, Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bus::Topic;
use futures_util::{Stream, StreamExt, stream};
use model::{Domain, EventTime, IncidentState};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use utoipa::IntoParams;

/// Open incidents of a snapshot, the newest; the page asks for the rest.
const SNAPSHOT_MAX: usize = 500;
/// A comment is sent when nothing else was for so long, so that both sides notice a dead connection.
const HEARTBEAT: Duration = Duration::from_secs(10);
/// How long a utility waits for the store to have read what is on the log.
const PROJECTION_WAIT_MAX: Duration = Duration::from_secs(5);
/// Bytes of one partition that are read at a time for a utility.
const FEED_READ_BYTES: usize = 64 * 1024;

#[derive(Serialize)]
struct Snapshot {
    now_at: Option<i64>,
    overview: Overview,
    incidents: Vec<IncidentView>,
    more: bool,
}

/// From when.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct FeedQuery {
    /// Epoch milliseconds: replays the messages since then instead of the snapshot of what is open.
    from: Option<i64>,
}

/// The page's events: `snapshot`, then `incident`, `case`, `values`, `overview`, `clock`. `Last-Event-ID` resumes without gap
/// where the server still has what came since, else a new snapshot comes.
#[utoipa::path(get, path = "/api/v1/live", tag = "live", params(("Last-Event-ID" = Option<String>, Header)),
    responses((status = 200, content_type = "text/event-stream", body = String)))]
pub(crate) async fn live(
    State(center): Shared,
    Extension(who): Extension<Who>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let last_id = headers.get("last-event-id").and_then(|id| id.to_str().ok());
    let resumed = last_id.and_then(|id| center.live.resume(id, who.reach.clone()));
    let (subscriber, first) = match resumed {
        Some(subscriber) => (subscriber, Bytes::from_static(b": resumed\n\n")),
        None => snapshot(&center, who.reach.clone()).await?,
    };
    let frames = follow(Arc::clone(&center), subscriber, first);
    Ok(events(while_good(center, who, frames)))
}

/// The open incidents within a reach, and a subscriber to what comes after them.
async fn snapshot(center: &Center, reach: Reach) -> Result<(Subscriber, Bytes), CenterError> {
    let mut subscriber = center.live.subscribe(reach.clone());
    let mut reading = center.store.read().await?;
    let change = newest_change(&mut reading).await?;
    let filter = Filter { state: Some(IncidentState::Open), reach: Some(reach.clone()), ..Filter::default() };
    let open = page(&mut reading, &filter, None, SNAPSHOT_MAX).await?;
    let overview = overview(&mut reading, &center.sensors, center.feed_counts.as_ref(), &reach).await?;
    drop(reading);
    subscriber.has_snapshot(change);
    let snapshot = Snapshot {
        now_at: center.sensors.clock().map(|time| time.0),
        overview,
        incidents: open.items.iter().map(|incident| IncidentView::new(&center.city(), incident)).collect(),
        more: open.next.is_some(),
    };
    let data = serde_json::to_string(&snapshot).expect("text and finite numbers always serialise");
    let frame = center.live.frame_before(&subscriber, "snapshot", &data);
    Ok((subscriber, frame))
}

/// What a subscriber is sent: the first frame, then what comes; it ends when the subscriber falls behind.
fn follow(center: Arc<Center>, subscriber: Subscriber, first: Bytes) -> impl Stream<Item = Frame> {
    let waiting = VecDeque::from([first]);
    stream::unfold(Some((center, subscriber, waiting)), |held| async move {
        let (center, mut subscriber, mut waiting) = held?;
        if waiting.is_empty() {
            match tokio::time::timeout(HEARTBEAT, subscriber.next(&center.live)).await {
                Ok(Next::Frames(frames)) => {
                    waiting.extend(frames);
                    if subscriber.take_missed() {
                        match own_overview(&center, &subscriber).await {
                            Ok(frame) => waiting.push_back(frame),
                            Err(error) => return Some((Err(error), None)),
                        }
                    }
                }
                Ok(Next::Behind) => {
                    center.counters.cut_off.fetch_add(1, Ordering::Relaxed);
                    return Some((Ok(Bytes::from_static(b": too slow, connect again\n\n")), None));
                }
                Ok(Next::Ended) => return None,
                Err(_) => waiting.push_back(Bytes::from_static(b": alive\n\n")),
            }
        }
        let frame = waiting.pop_front()?;
        Some((Ok(frame), Some((center, subscriber, waiting))))
    })
}

/// The overview of who does not see the whole city.
async fn own_overview(center: &Center, subscriber: &Subscriber) -> Result<Bytes, CenterError> {
    let mut reading = center.store.read().await?;
    let own = overview(&mut reading, &center.sensors, center.feed_counts.as_ref(), subscriber.reach()).await?;
    let data = serde_json::to_string(&own).expect("numbers always serialise");
    Ok(center.live.frame_before(subscriber, "overview", &data))
}

pub(super) type Frame = Result<Bytes, CenterError>;

fn events(frames: impl Stream<Item = Frame> + Send + 'static) -> Response {
    let head = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        // A proxy that collects answers would hold the events back.
        (header::HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no")),
    ];
    (head, Body::from_stream(frames)).into_response()
}

/// The utilities' feed of a domain: `snapshot` with what is open, then each `message` as on
/// `citywatch.incidents.{domain}`. The id of an event is a place on the log: `Last-Event-ID` resumes there exactly.
#[utoipa::path(get, path = "/api/v1/feed/{domain}", tag = "live",
    params(("domain" = String, Path), FeedQuery, ("Last-Event-ID" = Option<String>, Header)),
    responses((status = 200, content_type = "text/event-stream", body = String), (status = 404, body = Problem)))]
pub(crate) async fn feed(
    State(center): Shared,
    Extension(who): Extension<Who>,
    Path(domain): Path<String>,
    Params(query): Params<FeedQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let domain: Domain = domain.parse().map_err(|_| Problem::missing("domain", &domain))?;
    let topic = Topic::Incidents(domain);
    let last_id = headers.get("last-event-id").and_then(|id| id.to_str().ok());
    let (starts, ends) = bounds(&*center.log, topic)?;
    let resumed = match last_id {
        Some(id) => Some(replay::place_of(id, &ends).ok_or_else(|| Problem::bad("Last-Event-ID is not one of ours"))?),
        None => None,
    };
    let (next, first) = match (resumed, query.from) {
        (Some(next), _) => (next, Bytes::from_static(b": resumed\n\n")),
        (None, Some(_)) => (starts, Bytes::from_static(b": replay\n\n")),
        (None, None) => open_alerts(&center, domain, &who.reach).await?,
    };
    let appends = center.feed_appends.get(domain.as_str()).expect("there is one for each domain");
    let reader = Reader::new(Arc::clone(&center.log), topic, appends, next, FEED_READ_BYTES);
    let from = query.from.map_or(EventTime::MIN, EventTime);
    let frames = messages(reader, from, first, who.reach.clone());
    Ok(events(while_good(center, who, frames)))
}

/// Frames until the session or token is no longer good: it ended, was revoked, or its account was changed.
pub(super) fn while_good(
    center: Arc<Center>,
    who: Who,
    frames: impl Stream<Item = Frame> + Send + 'static,
) -> impl Stream<Item = Frame> + Send + 'static {
    let changes = center.credentials.subscribe();
    let left = who.expires_at.map(|end| Duration::from_millis((end - secret::wall_ms()).max(0) as u64));
    let end = left.and_then(|left| tokio::time::Instant::now().checked_add(left));
    stream::unfold((center, who, Box::pin(frames), changes), move |(center, who, mut frames, mut changes)| async move {
        loop {
            let over = async {
                match end {
                    Some(end) => tokio::time::sleep_until(end).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                frame = frames.next() => return Some((frame?, (center, who, frames, changes))),
                () = over => return None,
                changed = changes.changed() => {
                    let now = who.by.clone().who(&center).await;
                    // Whoever is still good but may less or sees otherwise now comes again, and is asked at the door.
                    let is_same = matches!(now, Ok(Some(now)) if now.reach == who.reach && now.roles == who.roles);
                    if changed.is_err() || !is_same {
                        return None;
                    }
                }
            }
        }
    })
}

/// What is open in a domain as messages, and where on the topic to go on.
async fn open_alerts(center: &Center, domain: Domain, reach: &Reach) -> Result<(Positions, Bytes), Problem> {
    // First where the topic ends, then what the store says once it knows all that the topic does: a message in between
    // is sent again, and none is left out.
    let (_, ends) = bounds(&*center.log, Topic::Incidents(domain))?;
    let (_, analyze) = bounds(&*center.log, Topic::Analyze)?;
    let mut projected = center.projected.subscribe();
    let is_there = |at: &Positions| at.iter().zip(&analyze).all(|(at, end)| at >= end);
    if tokio::time::timeout(PROJECTION_WAIT_MAX, projected.wait_for(is_there)).await.is_err() {
        let text = "the incidents are still being read from the log: connect again";
        return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, text));
    }
    let data = replay::open_messages(&center.store, &center.city(), domain, reach).await?;
    Ok((ends, Bytes::from(format!("id: {}\nevent: snapshot\ndata: {data}\n\n", replay::id_of(&ends)))))
}

/// What a utility is sent: the first frame, then the messages from `from` on as they come.
fn messages(reader: Reader, from: EventTime, first: Bytes, reach: Reach) -> impl Stream<Item = Frame> {
    stream::unfold(Some((reader, VecDeque::from([first]), reach)), move |held| async move {
        let (mut reader, mut waiting, reach) = held?;
        while waiting.is_empty() {
            match tokio::time::timeout(HEARTBEAT, reader.wait()).await {
                Ok(Ok(found)) => waiting.extend(replay::frames(&mut reader.next, &found, from, &reach)),
                // The log failed: whoever listens connects again and is told.
                Ok(Err(error)) => return Some((Err(error), None)),
                Err(_) => waiting.push_back(Bytes::from_static(b": alive\n\n")),
            }
        }
        let frame = waiting.pop_front()?;
        Some((Ok(frame), Some((reader, waiting, reach))))
    })
}
