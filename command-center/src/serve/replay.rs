//! The utilities' feed as server-sent events: places on the topic as ids, messages as frames, what is open as messages.

use crate::CenterError;
use crate::auth::role::Reach;
use crate::city::City;
use crate::store::Store;
use crate::store::incidents::newest_transitions;
use crate::store::positions::Positions;
use axum::body::Bytes;
use bus::Records;
use model::{Domain, EventTime, PARTITIONS, Partition, Transition};
use serde::Deserialize;

/// The id of an event: the next record of each partition, in hexadecimal.
pub(crate) fn id_of(next: &Positions) -> String {
    next.map(|next| format!("{next:x}")).join(".")
}

/// The place that an id names, if it lies on a topic that ends here.
pub(crate) fn place_of(id: &str, ends: &Positions) -> Option<Positions> {
    let mut next = [0; PARTITIONS as usize];
    let mut parts = id.split('.');
    for (slot, end) in next.iter_mut().zip(ends) {
        *slot = u64::from_str_radix(parts.next()?, 16).ok().filter(|at| at <= end)?;
    }
    parts.next().is_none().then_some(next)
}

/// The messages among these records that were sent at `from` or later and lie within a reach; moves `next` beyond all.
pub(crate) fn frames(
    next: &mut Positions,
    found: &[(Partition, Records)],
    from: EventTime,
    reach: &Reach,
) -> Vec<Bytes> {
    #[derive(Deserialize)]
    struct Sent {
        sent: EventTime,
        #[serde(default)]
        district: Option<String>,
        #[serde(default)]
        subdistrict: Option<String>,
    }
    let is_asked = |message: &Sent| {
        message.sent >= from && reach.sees(message.district.as_deref(), message.subdistrict.as_deref())
    };
    let mut frames = Vec::new();
    for (partition, records) in found {
        for (offset, record) in records.iter() {
            next[*partition as usize] = offset + 1;
            let text = record.value.and_then(|value| std::str::from_utf8(value).ok());
            let sent = text.and_then(|text| serde_json::from_str::<Sent>(text).ok());
            if let (Some(text), Some(_)) = (text, sent.filter(is_asked)) {
                frames.push(Bytes::from(format!("id: {}\nevent: message\ndata: {text}\n\n", id_of(next))));
            }
        }
    }
    frames
}

/// The newest message of each open incident of a domain within a reach, as a JSON array.
pub(crate) async fn open_messages(
    store: &Store,
    city: &City,
    domain: Domain,
    reach: &Reach,
) -> Result<String, CenterError> {
    let bodies = newest_transitions(&mut *store.read().await?, domain).await?;
    let transitions = bodies.iter().filter_map(|body| serde_json::from_str::<Transition>(body).ok());
    let messages: Vec<_> = transitions
        .filter(|transition| transition.shown_from > 0)
        .map(|transition| city.message(&transition))
        .filter(|message| reach.sees(message.district.as_deref(), message.subdistrict.as_deref()))
        .collect();
    Ok(serde_json::to_string(&messages).expect("text and finite numbers always serialise"))
}
