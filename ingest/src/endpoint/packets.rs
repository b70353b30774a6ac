//! The packets of MQTT as bytes: frames, CONNECT and its answers, DISCONNECT.

use super::protocol::{End, Login, LoginRefused, ProtocolLimits, Version};
use mqtt_protocol_core::mqtt::packet::{
    AssignedClientIdentifier, MaximumPacketSize, MaximumQos, Properties, Property, ReceiveMaximum,
    SharedSubscriptionAvailable, SubscriptionIdentifierAvailable, v3_1_1, v5_0,
};
use mqtt_protocol_core::mqtt::result_code::{ConnectReasonCode, ConnectReturnCode, MqttError};

/// How a client broke the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Violation {
    /// The bytes are no packet.
    Malformed,
    /// The packet may not come now, or contradicts itself.
    Protocol,
    /// A topic to publish to has wildcards or NUL, or is empty.
    TopicName,
    /// A topic alias, though none are allowed.
    TopicAlias,
    /// Larger than allowed.
    TooLarge,
    /// QoS 2.
    QosNotSupported,
}

impl Violation {
    /// The reason code of MQTT 5 § 2.4.
    pub fn reason_code(self) -> u8 {
        match self {
            Violation::Malformed => 0x81,
            Violation::Protocol => 0x82,
            Violation::TopicName => 0x90,
            Violation::TopicAlias => 0x94,
            Violation::TooLarge => 0x95,
            Violation::QosNotSupported => 0x9b,
        }
    }

    pub(super) fn of(error: &MqttError) -> Violation {
        match error {
            MqttError::ProtocolError => Violation::Protocol,
            MqttError::TopicAliasInvalid => Violation::TopicAlias,
            MqttError::TopicNameInvalid => Violation::TopicName,
            _ => Violation::Malformed,
        }
    }
}

/// Where a packet's body stands.
pub(super) struct Body {
    pub(super) start: usize,
    pub(super) end: usize,
}

/// Finds the body of the packet at the front of `input`; none if it is not whole yet.
///
/// A packet that is too long is refused as soon as its length is known.
pub(super) fn body(input: &[u8], bytes_max: usize) -> Result<Option<Body>, Violation> {
    let mut length = 0_usize;
    for index in 0..4 {
        let Some(&byte) = input.get(1 + index) else { return Ok(None) };
        length |= usize::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            if byte == 0 && index > 0 {
                // Longer than it needs to be.
                return Err(Violation::Malformed);
            }
            let (start, end) = (index + 2, index + 2 + length);
            if end > bytes_max {
                return Err(Violation::TooLarge);
            }
            return Ok((input.len() >= end).then_some(Body { start, end }));
        }
    }
    Err(Violation::Malformed)
}

/// Takes a string from the front.
pub(super) fn text(bytes: &[u8]) -> Result<(&str, &[u8]), Violation> {
    let (length, rest) = bytes.split_at_checked(2).ok_or(Violation::Malformed)?;
    let length = usize::from(u16::from_be_bytes([length[0], length[1]]));
    let (text, rest) = rest.split_at_checked(length).ok_or(Violation::Malformed)?;
    Ok((std::str::from_utf8(text).map_err(|_| Violation::Malformed)?, rest))
}

/// Takes a packet id from the front; 0 is none.
pub(super) fn packet_id(bytes: &[u8]) -> Result<(u16, &[u8]), Violation> {
    let (id, rest) = bytes.split_at_checked(2).ok_or(Violation::Malformed)?;
    match u16::from_be_bytes([id[0], id[1]]) {
        0 => Err(Violation::Protocol),
        id => Ok((id, rest)),
    }
}

/// A CONNECT of either version.
pub(super) enum Connect {
    V3(v3_1_1::Connect),
    V5(v5_0::Connect),
}

/// Reads a CONNECT; what the standard wants answered before the end is put into `out`.
pub(super) fn connect(body: &[u8], out: &mut Vec<u8>) -> Result<Connect, End> {
    let (name, rest) = text(body)?;
    let &[level, flags, ..] = rest else { return Err(Violation::Malformed.into()) };
    if name != "MQTT" || !(4..=5).contains(&level) {
        // A 3.1.1 client understands this one, and the standard asks for it where the name is right.
        if name == "MQTT" {
            out.extend_from_slice(&[0x20, 2, 0, ConnectReturnCode::UnacceptableProtocolVersion as u8]);
        }
        return Err(Violation::Protocol.into());
    }
    check_connect_flags(level, flags)?;
    let violation = |error: MqttError| End::Violation(Violation::of(&error));
    let connect = if level == 4 {
        let (connect, used) = v3_1_1::Connect::parse(body).map_err(violation)?;
        check_whole(used, body)?;
        if connect.client_id().is_empty() && !connect.clean_session() {
            out.extend_from_slice(&[0x20, 2, 0, ConnectReturnCode::IdentifierRejected as u8]);
            return Err(End::Refused);
        }
        Connect::V3(connect)
    } else {
        let (connect, used) = v5_0::Connect::parse(body).map_err(violation)?;
        check_whole(used, body)?;
        if connect.props().iter().any(|property| matches!(property, Property::AuthenticationMethod(_))) {
            connack5(ConnectReasonCode::BadAuthenticationMethod, Vec::new(), out);
            return Err(End::Refused);
        }
        if flags & 0x04 != 0 && (flags >> 3) & 3 == 2 {
            connack5(ConnectReasonCode::QosNotSupported, Vec::new(), out);
            return Err(End::Refused);
        }
        Connect::V5(connect)
    };
    if connect.login().client_id.contains('\0') {
        return Err(Violation::Malformed.into());
    }
    Ok(connect)
}

/// MQTT 3.1.1 § 3.1.2.3 to 3.1.2.9: reserved bit, will bits without a will, and a password without a user name.
fn check_connect_flags(level: u8, flags: u8) -> Result<(), Violation> {
    let will_bits_alone = flags & 0x04 == 0 && flags & 0x38 != 0;
    let password_alone = level == 4 && flags & 0xc0 == 0x40;
    if flags & 0x01 != 0 || flags & 0x18 == 0x18 || will_bits_alone || password_alone {
        return Err(Violation::Malformed);
    }
    Ok(())
}

pub(super) fn check_whole(used: usize, body: &[u8]) -> Result<(), Violation> {
    if used == body.len() { Ok(()) } else { Err(Violation::Malformed) }
}

impl Connect {
    pub(super) fn login(&self) -> Login<'_> {
        match self {
            Connect::V3(connect) => Login {
                client_id: connect.client_id(),
                user: connect.user_name(),
                password: connect.password(),
                version: Version::V3,
                receive_max: u16::MAX,
                packet_bytes_max: u32::MAX,
            },
            Connect::V5(connect) => {
                let (mut receive_max, mut packet_bytes_max) = (u16::MAX, u32::MAX);
                for property in connect.props() {
                    match property {
                        Property::ReceiveMaximum(max) => receive_max = max.val(),
                        Property::MaximumPacketSize(max) => packet_bytes_max = max.val(),
                        _ => {}
                    }
                }
                Login {
                    client_id: connect.client_id(),
                    user: connect.user_name(),
                    password: connect.password(),
                    version: Version::V5,
                    receive_max,
                    packet_bytes_max,
                }
            }
        }
    }

    pub(super) fn keep_alive_s(&self) -> u16 {
        match self {
            Connect::V3(connect) => connect.keep_alive(),
            Connect::V5(connect) => connect.keep_alive(),
        }
    }
}

/// Appends the CONNACK that lets a client in. A session is never present: none outlives its connection.
pub(super) fn accept(version: Version, limits: ProtocolLimits, assigned: Option<&str>, out: &mut Vec<u8>) {
    if version == Version::V3 {
        out.extend_from_slice(&[0x20, 2, 0, ConnectReturnCode::Accepted as u8]);
        return;
    }
    let mut properties: Properties = vec![
        ReceiveMaximum::new(limits.in_flight_max).expect("the limit is checked to be above 0").into(),
        MaximumQos::new(1).expect("1 is a QoS").into(),
        MaximumPacketSize::new(limits.packet_bytes_max).expect("the limit is checked to be above 0").into(),
        SubscriptionIdentifierAvailable::new(0).expect("0 is a flag").into(),
        SharedSubscriptionAvailable::new(0).expect("0 is a flag").into(),
    ];
    if let Some(client_id) = assigned {
        properties.push(AssignedClientIdentifier::new(client_id).expect("ids of ours are short").into());
    }
    connack5(ConnectReasonCode::Success, properties, out);
}

/// Appends the CONNACK that keeps a client out.
pub(super) fn refuse(version: Version, refused: LoginRefused, out: &mut Vec<u8>) {
    match (version, refused) {
        (Version::V3, LoginRefused::BadCredentials) => {
            out.extend_from_slice(&[0x20, 2, 0, ConnectReturnCode::NotAuthorized as u8]);
        }
        (Version::V3, LoginRefused::Unavailable) => {
            out.extend_from_slice(&[0x20, 2, 0, ConnectReturnCode::ServerUnavailable as u8]);
        }
        (Version::V5, LoginRefused::BadCredentials) => {
            connack5(ConnectReasonCode::NotAuthorized, Vec::new(), out);
        }
        (Version::V5, LoginRefused::Unavailable) => connack5(ConnectReasonCode::ServerUnavailable, Vec::new(), out),
    }
}

fn connack5(code: ConnectReasonCode, properties: Properties, out: &mut Vec<u8>) {
    let connack = v5_0::Connack::builder().session_present(false).reason_code(code).props(properties).build();
    out.extend(connack.expect("these properties belong into a CONNACK, each once").to_continuous_buffer());
}

pub(super) fn check_disconnect(version: Version, body: &[u8]) -> Result<(), Violation> {
    if body.is_empty() {
        return Ok(());
    }
    if version == Version::V3 {
        return Err(Violation::Malformed);
    }
    let (_, used) = v5_0::Disconnect::parse(body).map_err(|error| Violation::of(&error))?;
    check_whole(used, body)
}
