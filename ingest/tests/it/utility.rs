//! Both ends of the incident feed: messages written to the log as the command center writes them, and a scripted
//! subscriber.

use crate::wire::{Client, connect, packet, text};
use bus::{Batch, EventLog, Topic};
use model::{
    Domain, EventTime, FeedContext, FeedMessage, IncidentState, PARTITIONS, Severity, Transition, TransitionKind,
    incident_id, partition_of,
};
use std::net::SocketAddr;

/// The message of a transition of the `number`th incident of a domain.
pub fn told(domain: Domain, number: usize, revision: u32, state: IncidentState) -> FeedMessage {
    let opened_at = EventTime(1_763_884_800_000 + number as i64);
    let transition = Transition {
        id: incident_id("citywatch.", "test.rule", &format!("{domain}{number}"), opened_at),
        rule: "test.rule".into(),
        key: format!("S{number}"),
        domain,
        severity: Severity::Severe,
        state,
        transition: match (revision, state) {
            (1, _) => TransitionKind::Opened,
            (_, IncidentState::Open) => TransitionKind::Updated,
            (_, IncidentState::Cleared) => TransitionKind::Cleared,
        },
        revision,
        time: opened_at,
        opened_at,
        evidence: Vec::new(),
        message: Some("水位 0.83 m".into()),
        stale: None,
        reason: None,
        inhibited_by: Vec::new(),
        members: Vec::new(),
        storm: None,
        shown_from: 1,
    };
    let district = (!number.is_multiple_of(4)).then(|| format!("11010{}", number % 4));
    FeedMessage::of_transition(&transition, "citywatch", FeedContext { district, ..FeedContext::default() })
}

pub fn open(domain: Domain, number: usize, revision: u32) -> FeedMessage {
    told(domain, number, revision, IncidentState::Open)
}

pub fn over(domain: Domain, number: usize, revision: u32) -> FeedMessage {
    told(domain, number, revision, IncidentState::Cleared)
}

pub fn topic(message: &FeedMessage) -> String {
    let district = message.district.as_deref().unwrap_or("unplaced");
    format!("citywatch/incidents/{}/{district}/{}", message.domain, message.incident)
}

/// Writes messages as the command center does: into the domain's topic, and the newest or a tombstone into `open`.
pub fn write(log: &dyn EventLog, messages: &[FeedMessage]) {
    let mut batch = Batch::new();
    for message in messages {
        let (key, value) = (message.incident.to_string(), serde_json::to_vec(message).unwrap());
        let partition = partition_of(key.as_bytes(), PARTITIONS);
        batch.push(Topic::Incidents(message.domain), partition, key.as_bytes(), Some(&value), &[]);
        let is_open = message.state == IncidentState::Open;
        batch.push(Topic::Open, partition, key.as_bytes(), is_open.then_some(&value[..]), &[]);
    }
    log.append(batch).unwrap();
}

/// A SUBSCRIBE of one filter; options as MQTT 5 has them.
pub fn subscribe(level: u8, filter: &str, options: u8) -> Vec<u8> {
    let properties: &[u8] = if level == 5 { &[0] } else { &[] };
    packet(0x82, &[&[0, 9][..], properties, &text(filter), &[options]].concat())
}

/// One message as it came.
#[derive(Debug, PartialEq)]
pub struct Got {
    pub retain: bool,
    pub packet_id: Option<u16>,
    pub topic: String,
    pub payload: String,
}

pub async fn got(client: &mut Client, level: u8) -> Got {
    let (first, body) = client.packet().await.expect("a message, not the end");
    assert_eq!(first & 0xf0, 0x30, "{first:x} {body:x?}");
    let (length, mut rest) = (usize::from(u16::from_be_bytes([body[0], body[1]])), &body[2..]);
    let topic = String::from_utf8(rest[..length].to_vec()).unwrap();
    rest = &rest[length..];
    let mut packet_id = None;
    if first & 0x06 == 0x02 {
        packet_id = Some(u16::from_be_bytes([rest[0], rest[1]]));
        rest = &rest[2..];
    }
    if level == 5 {
        assert_eq!(rest[0], 0, "no properties");
        rest = &rest[1..];
    }
    Got { retain: first & 1 == 1, packet_id, topic, payload: String::from_utf8(rest.to_vec()).unwrap() }
}

impl Got {
    /// The incident's revision; 0 where the topic is cleared.
    pub fn revision(&self) -> u32 {
        if self.payload.is_empty() {
            return 0;
        }
        let message: FeedMessage = serde_json::from_str(&self.payload).unwrap();
        assert_eq!(self.topic, topic(&message));
        message.revision
    }
}

pub async fn subscribed(address: SocketAddr, level: u8, filter: &str, options: u8) -> Client {
    let mut client = Client::open(address).await;
    client.send(&connect(level, "", 0)).await;
    client.packet().await.unwrap();
    client.send(&subscribe(level, filter, options)).await;
    let granted: &[u8] = if level == 5 { &[0, 9, 0, options & 1] } else { &[0, 9, options & 1] };
    assert_eq!(client.packet().await, Some((0x90, granted.to_vec())));
    client
}
