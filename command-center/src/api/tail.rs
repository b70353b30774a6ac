//! Every transition of every incident as lines of JSON: what `incidents tail --url` prints.

use super::Shared;
use super::problem::{Params, Problem};
use super::stream::{Frame, while_good};
use crate::CenterError;
use crate::auth::role::Reach;
use crate::auth::who::Who;
use crate::city::City;
use crate::reader::{Reader, blocking, bounds};
use crate::store::positions::Positions;
use axum::body::{Body, Bytes};
use axum::extract::{Extension, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use bus::{Event, EventLog, Records, Topic};
use futures_util::{Stream, stream};
use model::{Domain, EventTime, PARTITIONS, Partition, Transition};
use serde::Deserialize;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;
use utoipa::IntoParams;

/// Bytes of one partition that are read at a time.
const READ_BYTES: usize = 64 * 1024;
/// An empty line is sent when nothing else was for so long, so that both sides notice a dead connection.
const HEARTBEAT: Duration = Duration::from_secs(10);

/// Which transitions.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct TailQuery {
    /// drainage, waste, traffic, air, cross
    domain: Option<String>,
    /// Epoch milliseconds: only transitions from this event time on.
    from: Option<i64>,
    /// false: ends at what is there now, sorted by time, id and revision; it goes on if it is not said.
    follow: Option<bool>,
}

/// Where a line stands among the others.
type Order = (i64, u128, u32);

/// What is asked for, and how far it is read.
struct Tail {
    log: Arc<dyn EventLog>,
    reader: Reader,
    city: Arc<City>,
    reach: Reach,
    domain: Option<Domain>,
    from: EventTime,
    /// Where the topic ended when it was asked: up to there lines are sorted.
    until: Positions,
    follow: bool,
    /// Lines read ahead, by partition; only one that has none is read on, which bounds them.
    ahead: BTreeMap<Partition, VecDeque<(Order, Bytes)>>,
}

/// Every transition of every incident within the reach of who asks, one JSON a line, as they stand on the bus. Lines of
/// one incident are in order; those of different ones are in the order of time as far as both are there.
#[utoipa::path(get, path = "/api/v1/incidents/tail", tag = "incidents", params(TailQuery),
    responses((status = 200, content_type = "application/x-ndjson", body = String), (status = 400, body = Problem)))]
pub(crate) async fn tail(
    State(center): Shared,
    Extension(who): Extension<Who>,
    Params(query): Params<TailQuery>,
) -> Result<Response, Problem> {
    let domain = query.domain.as_deref().map(str::parse::<Domain>).transpose();
    let domain = domain.map_err(|error| Problem::bad(error.to_string()))?;
    let (starts, ends) = bounds(&*center.log, Topic::Analyze)?;
    let log = || Arc::clone(&center.log);
    let tail = Tail {
        log: log(),
        reader: Reader::new(log(), Topic::Analyze, &center.analyze_appends, starts, READ_BYTES),
        city: center.city(),
        reach: who.reach.clone(),
        domain,
        from: query.from.map_or(EventTime::MIN, EventTime),
        until: ends,
        follow: query.follow.unwrap_or(true),
        ahead: BTreeMap::new(),
    };
    let head = [(header::CONTENT_TYPE, "application/x-ndjson"), (header::CACHE_CONTROL, "no-store")];
    Ok((head, Body::from_stream(while_good(center, who, lines(tail)))).into_response())
}

fn lines(tail: Tail) -> impl Stream<Item = Frame> {
    stream::unfold(Some(tail), |tail| async move {
        let mut tail = tail?;
        loop {
            let text = tail.merged();
            if !text.is_empty() {
                return Some((Ok(text), Some(tail)));
            }
            let lacking = tail.lacking();
            let found = match (lacking.is_empty(), tail.follow) {
                (false, _) => tail.fill(lacking).await,
                (true, false) => return None,
                (true, true) => match tokio::time::timeout(HEARTBEAT, tail.reader.wait()).await {
                    Ok(found) => found,
                    Err(_) => return Some((Ok(Bytes::from_static(b"\n")), Some(tail))),
                },
            };
            match found {
                Ok(found) => tail.take(&found),
                Err(error) => return Some((Err(error), None)),
            }
        }
    })
}

impl Tail {
    /// Partitions that have nothing ahead and are not read to where the topic ended.
    fn lacking(&self) -> Vec<Partition> {
        let lacks = |partition: &Partition| {
            let at = *partition as usize;
            self.ahead.get(partition).is_none_or(VecDeque::is_empty) && self.reader.next[at] < self.until[at]
        };
        (0..PARTITIONS).filter(lacks).collect()
    }

    /// Reads on in these partitions.
    async fn fill(&self, lacking: Vec<Partition>) -> Result<Vec<(Partition, Records)>, CenterError> {
        let (log, next) = (Arc::clone(&self.log), self.reader.next);
        let read = move || {
            let one = |partition: Partition| {
                let records = log.read(Topic::Analyze, partition, next[partition as usize], READ_BYTES);
                Ok((partition, records.map_err(CenterError::log("read the incidents"))?))
            };
            lacking.into_iter().map(one).collect()
        };
        blocking(read).await
    }

    /// Notes the lines of these records that were asked for.
    fn take(&mut self, found: &[(Partition, Records)]) {
        for (partition, records) in found {
            for (_, record) in records.iter() {
                let Some(value) = record.value else { continue };
                let Ok(transition) = Event::read(&record).and_then(|event| event.transition()) else { continue };
                if !self.is_asked(&transition) {
                    continue;
                }
                let order = (transition.time.0, transition.id.as_u128(), transition.revision);
                let line = Bytes::from([value, b"\n"].concat());
                self.ahead.entry(*partition).or_default().push_back((order, line));
            }
        }
        self.reader.advance(found);
    }

    fn is_asked(&self, transition: &Transition) -> bool {
        if self.domain.is_some_and(|domain| domain != transition.domain) || transition.time < self.from {
            return false;
        }
        if self.reach == Reach::City {
            return true;
        }
        let at = self.city.whereabouts(&transition.rule, &transition.key);
        self.reach.sees(at.district.as_deref(), at.subdistrict.as_deref())
    }

    /// Takes lines in the order of time, while every partition that is not read to its end has one ahead.
    fn merged(&mut self) -> Bytes {
        let mut text = Vec::new();
        while self.lacking().is_empty() {
            let heads = self.ahead.values_mut().filter(|lines| !lines.is_empty());
            let Some((_, line)) = heads.min_by_key(|lines| lines[0].0).and_then(VecDeque::pop_front) else { break };
            text.extend_from_slice(&line);
        }
        text.into()
    }
}
