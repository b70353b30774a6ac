//! MQTT 3.1.1 and 5 as a server that takes QoS 0 and 1 publishes and subscriptions: bytes in, bytes and calls out.
//!
//! It does no I/O, knows no time, and never panics on what a client sends. A PUBLISH without properties, nearly every
//! message of a sensor, is read where it stands; every other packet goes through the types of mqtt-protocol-core.
//! Wills are read and ignored, sessions never outlive their connection.

use super::packets::{self, Body, Violation};
use super::subscribe;
use mqtt_protocol_core::mqtt::packet::{Property, v5_0};

/// Bytes of answers that may wait for a client before no further packet of it is taken.
const OUT_MAX: usize = 64 << 10;
/// Largest packet before the CONNECT was accepted; a CONNECT needs no more.
const CONNECT_BYTES_MAX: usize = 16 << 10;

/// The protocol's version, known from CONNECT on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// 3.1.1.
    V3,
    /// 5.
    V5,
}

/// A CONNECT that is well formed.
#[derive(Clone, Copy, Debug)]
pub struct Login<'a> {
    /// Empty asks for an id of the server's choice.
    pub client_id: &'a str,
    /// User name.
    pub user: Option<&'a str>,
    /// Password.
    pub password: Option<&'a [u8]>,
    /// The version.
    pub version: Version,
    /// Unacknowledged QoS 1 messages that the client takes (v5 Receive Maximum).
    pub receive_max: u16,
    /// Largest packet that the client takes (v5 Maximum Packet Size).
    pub packet_bytes_max: u32,
}

/// One filter of a SUBSCRIBE.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// As it came; not checked.
    pub filter: &'a str,
    /// QoS 1 or 2 rather than 0.
    pub acknowledged: bool,
    /// MQTT 5: changes keep the retain flag.
    pub retain_as_published: bool,
    /// Retained messages are wanted if the subscription is new.
    pub snapshot_if_new: bool,
    /// Retained messages are wanted if it was there before.
    pub snapshot_if_known: bool,
}

/// What became of one filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Granted {
    /// Subscribed, without acknowledgements.
    Qos0,
    /// Subscribed, with acknowledgements.
    Qos1,
    /// The client may not, or there is nothing of the kind.
    NotAuthorized,
    /// It is no topic filter.
    Invalid,
    /// Shared subscriptions are not offered.
    Shared,
    /// This client has too many.
    TooMany,
}

/// Why a login is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoginRefused {
    /// Credentials missing or wrong.
    BadCredentials,
    /// The log is down, or the process ends.
    Unavailable,
}

/// A publish that is well formed.
#[derive(Clone, Copy, Debug)]
pub struct Publish<'a> {
    /// Without wildcards, not empty.
    pub topic: &'a str,
    /// As it came.
    pub payload: &'a [u8],
    /// Wants a PUBACK with this number, which is not 0.
    pub packet_id: Option<u16>,
    /// MQTT 5 content type.
    pub content_type: Option<&'a str>,
}

/// What happens outside the protocol.
pub trait Host {
    /// Admits a client and returns its id, which differs from the asked one only if that is empty.
    fn login(&mut self, login: &Login<'_>) -> Result<String, LoginRefused>;
    /// Takes a message.
    fn publish(&mut self, publish: &Publish<'_>);
    /// Adds or replaces a subscription.
    fn subscribe(&mut self, wanted: &Wanted<'_>) -> Granted;
    /// Ends a subscription; whether there was one.
    fn unsubscribe(&mut self, filter: &str) -> bool;
    /// Takes the acknowledgement of a message that was sent; false if none with this id was.
    fn puback(&mut self, packet_id: u16) -> bool;
    /// Whether no further packet is to be taken for now.
    fn is_full(&self) -> bool;
}

/// Why the connection is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The client said goodbye.
    Bye,
    /// The CONNECT was refused, and answered.
    Refused,
    /// The client broke the protocol; a v5 client was told.
    Violation(Violation),
}

/// What a connection announces to v5 clients, and holds all to.
#[derive(Clone, Copy, Debug)]
pub struct ProtocolLimits {
    /// Largest packet, fixed header included.
    pub packet_bytes_max: u32,
    /// Unacknowledged QoS 1 publishes (v5 Receive Maximum).
    pub in_flight_max: u16,
}

/// One connection's state.
#[derive(Debug)]
pub struct Protocol {
    limits: ProtocolLimits,
    version: Option<Version>,
    keep_alive_s: u16,
}

impl Protocol {
    /// A connection that has not said anything yet.
    pub fn new(limits: ProtocolLimits) -> Protocol {
        Protocol { limits, version: None, keep_alive_s: 0 }
    }

    /// The version, once a CONNECT was accepted.
    pub fn version(&self) -> Option<Version> {
        self.version
    }

    /// Seconds of keep-alive that the client asked for; 0 is none.
    pub fn keep_alive_s(&self) -> u16 {
        self.keep_alive_s
    }

    /// Takes whole packets from the front of `input` until it ends or the host is full; answers go to `out`.
    ///
    /// Returns how many bytes it took, and why the connection is over if it is.
    pub fn take(&mut self, input: &[u8], out: &mut Vec<u8>, host: &mut impl Host) -> (usize, Option<End>) {
        let mut used = 0;
        while !host.is_full() && out.len() < OUT_MAX {
            match self.packet(&input[used..], out, host) {
                Ok(0) => break,
                Ok(length) => used += length,
                Err(end) => {
                    if let End::Violation(violation) = end {
                        self.disconnect(violation.reason_code(), out);
                    }
                    return (used, Some(end));
                }
            }
        }
        (used, None)
    }

    /// The longest packet this connection may send now.
    pub fn packet_bytes_max(&self) -> usize {
        let max = self.limits.packet_bytes_max as usize;
        if self.version.is_some() { max } else { max.min(CONNECT_BYTES_MAX) }
    }

    /// Appends a DISCONNECT with a reason code, which only v5 has.
    pub fn disconnect(&self, reason_code: u8, out: &mut Vec<u8>) {
        if self.version == Some(Version::V5) {
            out.extend_from_slice(&[0xe0, 2, reason_code, 0]);
        }
    }

    /// Appends a PUBACK, which is the same in both versions.
    pub fn puback(packet_id: u16, out: &mut Vec<u8>) {
        let [high, low] = packet_id.to_be_bytes();
        out.extend_from_slice(&[0x40, 2, high, low]);
    }

    /// Takes one packet and returns its length; 0 if it is not whole yet.
    fn packet(&mut self, input: &[u8], out: &mut Vec<u8>, host: &mut impl Host) -> Result<usize, End> {
        let Some(&first) = input.first() else { return Ok(0) };
        let Some(version) = self.version else {
            if first != 0x10 {
                return Err(End::Violation(Violation::Protocol));
            }
            let Some(body) = packets::body(input, self.packet_bytes_max())? else { return Ok(0) };
            self.connect(&input[body.start..body.end], out, host)?;
            return Ok(body.end);
        };
        let Some(Body { start, end }) = packets::body(input, self.packet_bytes_max())? else { return Ok(0) };
        let body = &input[start..end];
        match first {
            0x30..=0x3f => publish(version, first & 0x0f, body, host)?,
            0xc0 if body.is_empty() => out.extend_from_slice(&[0xd0, 0]),
            0xe0 => {
                packets::check_disconnect(version, body)?;
                return Err(End::Bye);
            }
            0x40 => subscribe::puback(version, body, host)?,
            0x82 => subscribe::subscribe(version, body, out, host)?,
            0xa2 => subscribe::unsubscribe(version, body, out, host)?,
            // A reserved type or wrong flags.
            0x00..=0x0f | 0x83..=0x8f | 0x80 | 0x81 | 0xa0 | 0xa1 | 0xa3..=0xaf | 0xc0..=0xcf | 0xe1..=0xef => {
                return Err(End::Violation(Violation::Malformed));
            }
            // A second CONNECT, an answer to what was never sent, AUTH that was never begun, a server's packet.
            _ => return Err(End::Violation(Violation::Protocol)),
        }
        Ok(end)
    }

    fn connect(&mut self, body: &[u8], out: &mut Vec<u8>, host: &mut impl Host) -> Result<(), End> {
        let connect = packets::connect(body, out)?;
        let login = connect.login();
        match host.login(&login) {
            Ok(client_id) => {
                self.version = Some(login.version);
                self.keep_alive_s = connect.keep_alive_s();
                let assigned = login.client_id.is_empty().then_some(client_id.as_str());
                packets::accept(login.version, self.limits, assigned, out);
                Ok(())
            }
            Err(refused) => {
                packets::refuse(login.version, refused, out);
                Err(End::Refused)
            }
        }
    }
}

impl From<Violation> for End {
    fn from(violation: Violation) -> End {
        End::Violation(violation)
    }
}

fn publish(version: Version, flags: u8, body: &[u8], host: &mut impl Host) -> Result<(), Violation> {
    let qos = (flags >> 1) & 3;
    match qos {
        0 if flags & 0x08 != 0 => return Err(Violation::Malformed),
        0 | 1 => {}
        2 => return Err(Violation::QosNotSupported),
        _ => return Err(Violation::Malformed),
    }
    let (topic, mut rest) = packets::text(body)?;
    let mut packet_id = None;
    if qos == 1 {
        let (id, after) = packets::packet_id(rest)?;
        (packet_id, rest) = (Some(id), after);
    }
    if version == Version::V5 {
        if rest.first() != Some(&0) {
            return publish_with_properties(flags, body, packet_id, host);
        }
        rest = &rest[1..];
    }
    check_topic(version, topic)?;
    host.publish(&Publish { topic, payload: rest, packet_id, content_type: None });
    Ok(())
}

fn publish_with_properties(
    flags: u8,
    body: &[u8],
    packet_id: Option<u16>,
    host: &mut impl Host,
) -> Result<(), Violation> {
    let (publish, _) = v5_0::Publish::parse(flags, body.into()).map_err(|error| Violation::of(&error))?;
    let mut content_type = None;
    for property in publish.props() {
        match property {
            // None is announced, so every alias is beyond the maximum.
            Property::TopicAlias(_) => return Err(Violation::TopicAlias),
            // Only a server sends it.
            Property::SubscriptionIdentifier(_) => return Err(Violation::Protocol),
            Property::ContentType(value) => content_type = Some(value.val()),
            _ => {}
        }
    }
    let topic = publish.topic_name();
    check_topic(Version::V5, topic)?;
    let payload = publish.payload().as_slice();
    host.publish(&Publish { topic, payload, packet_id, content_type });
    Ok(())
}

fn check_topic(version: Version, topic: &str) -> Result<(), Violation> {
    if topic.is_empty() {
        // In v5 it stands for an alias, and there was none.
        return Err(if version == Version::V5 { Violation::Protocol } else { Violation::TopicName });
    }
    if topic.bytes().any(|byte| matches!(byte, b'+' | b'#' | 0)) {
        return Err(Violation::TopicName);
    }
    Ok(())
}
