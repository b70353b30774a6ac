//! Subscriptions as bytes: SUBSCRIBE, UNSUBSCRIBE and their answers, PUBLISH to a client and its PUBACK.

use super::packets::{Violation, check_whole, packet_id};
use super::protocol::{Granted, Host, Version, Wanted};
use mqtt_protocol_core::mqtt::packet::{Property, RetainHandling, SubEntry, v3_1_1, v5_0};

/// Reads a SUBSCRIBE, has the host decide on each filter, and answers.
pub(super) fn subscribe(
    version: Version,
    body: &[u8],
    out: &mut Vec<u8>,
    host: &mut impl Host,
) -> Result<(), Violation> {
    let (id, _) = packet_id(body)?;
    let mut grant = |entries: &[SubEntry], used: usize| -> Result<Vec<u8>, Violation> {
        check_whole(used, body)?;
        let codes = entries.iter().map(|entry| {
            let options = entry.sub_opts();
            let wanted = Wanted {
                filter: entry.topic_filter(),
                acknowledged: options.qos() as u8 > 0,
                retain_as_published: options.rap(),
                snapshot_if_new: options.rh() != RetainHandling::DoNotSendRetained,
                snapshot_if_known: options.rh() == RetainHandling::SendRetained,
            };
            code(version, host.subscribe(&wanted))
        });
        Ok(codes.collect())
    };
    let codes = match version {
        Version::V3 => {
            let (packet, used) = v3_1_1::Subscribe::parse(body).map_err(|error| Violation::of(&error))?;
            grant(packet.entries(), used)?
        }
        Version::V5 => {
            let (packet, used) = v5_0::Subscribe::parse(body).map_err(|error| Violation::of(&error))?;
            // Announced as not available.
            if packet.props().iter().any(|property| matches!(property, Property::SubscriptionIdentifier(_))) {
                return Err(Violation::Protocol);
            }
            grant(packet.entries(), used)?
        }
    };
    answer(0x90, version, id, &codes, out);
    Ok(())
}

/// The code of a SUBACK: MQTT 3.1.1 § 3.9.3, MQTT 5 § 3.9.3.
fn code(version: Version, granted: Granted) -> u8 {
    match (granted, version) {
        (Granted::Qos0, _) => 0,
        (Granted::Qos1, _) => 1,
        (_, Version::V3) => 0x80,
        (Granted::NotAuthorized, Version::V5) => 0x87,
        (Granted::Invalid, Version::V5) => 0x8f,
        (Granted::TooMany, Version::V5) => 0x97,
        (Granted::Shared, Version::V5) => 0x9e,
    }
}

/// Reads an UNSUBSCRIBE, tells the host, and answers.
pub(super) fn unsubscribe(
    version: Version,
    body: &[u8],
    out: &mut Vec<u8>,
    host: &mut impl Host,
) -> Result<(), Violation> {
    const NO_SUBSCRIPTION: u8 = 0x11;
    let (id, _) = packet_id(body)?;
    let (filters, used) = match version {
        Version::V3 => v3_1_1::Unsubscribe::parse(body).map(|(packet, used)| (packet.entries().clone(), used)),
        Version::V5 => v5_0::Unsubscribe::parse(body).map(|(packet, used)| (packet.entries().clone(), used)),
    }
    .map_err(|error| Violation::of(&error))?;
    check_whole(used, body)?;
    let mut codes = Vec::new();
    for filter in &filters {
        codes.push(if host.unsubscribe(filter.as_str()) { 0 } else { NO_SUBSCRIPTION });
    }
    // 3.1.1 answers without codes.
    answer(0xb0, version, id, if version == Version::V3 { &[] } else { &codes }, out);
    Ok(())
}

/// Reads the PUBACK of a message that the host sent.
pub(super) fn puback(version: Version, body: &[u8], host: &mut impl Host) -> Result<(), Violation> {
    let (id, _) = packet_id(body)?;
    let used = match version {
        Version::V3 => v3_1_1::Puback::parse(body).map(|(_, used)| used),
        Version::V5 => v5_0::Puback::parse(body).map(|(_, used)| used),
    }
    .map_err(|error| Violation::of(&error))?;
    check_whole(used, body)?;
    if host.puback(id) { Ok(()) } else { Err(Violation::Protocol) }
}

fn answer(first: u8, version: Version, id: u16, codes: &[u8], out: &mut Vec<u8>) {
    let no_properties: &[u8] = if version == Version::V5 { &[0] } else { &[] };
    out.push(first);
    length(2 + no_properties.len() + codes.len(), out);
    out.extend_from_slice(&id.to_be_bytes());
    out.extend_from_slice(no_properties);
    out.extend_from_slice(codes);
}

/// A message for a client.
#[derive(Clone, Copy, Debug)]
pub(super) struct Outgoing<'a> {
    pub(super) topic: &'a str,
    pub(super) payload: &'a [u8],
    pub(super) retain: bool,
    /// With QoS 1.
    pub(super) packet_id: Option<u16>,
}

impl Outgoing<'_> {
    /// Length of the packet without its first byte and its remaining length.
    fn body_bytes(&self, version: Version) -> usize {
        let id = if self.packet_id.is_some() { 2 } else { 0 };
        let properties = usize::from(version == Version::V5);
        2 + self.topic.len() + id + properties + self.payload.len()
    }

    /// Length of the packet, at most: with a packet id, and the longest remaining length.
    pub(super) fn bytes_max(&self) -> usize {
        10 + self.topic.len() + self.payload.len()
    }

    /// Appends the PUBLISH.
    pub(super) fn encode(&self, version: Version, out: &mut Vec<u8>) {
        let qos = if self.packet_id.is_some() { 0x02 } else { 0 };
        out.push(0x30 | qos | u8::from(self.retain));
        length(self.body_bytes(version), out);
        let topic = u16::try_from(self.topic.len()).expect("topics of ours are short");
        out.extend_from_slice(&topic.to_be_bytes());
        out.extend_from_slice(self.topic.as_bytes());
        out.extend(self.packet_id.iter().flat_map(|id| id.to_be_bytes()));
        if version == Version::V5 {
            out.push(0);
        }
        out.extend_from_slice(self.payload);
    }
}

/// Appends a remaining length (§ 2.2.3 of 3.1.1): seven bits a byte, the lowest first.
fn length(mut length: usize, out: &mut Vec<u8>) {
    loop {
        let digit = (length & 0x7f) as u8;
        length >>= 7;
        out.push(if length > 0 { digit | 0x80 } else { digit });
        if length == 0 {
            return;
        }
    }
}
