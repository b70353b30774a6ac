//! A device: MQTT 3.1.1 over TCP, byte by byte as the standard says, so that no code of ours speaks to itself.

use std::io::{Read, Result, Write};
use std::net::TcpStream;
use std::time::Duration;

/// A peer that says nothing for this long is as good as gone.
const PATIENCE: Duration = Duration::from_secs(30);

/// A connection that publishes with QoS 1.
pub struct Device {
    /// For who reads acknowledgements elsewhere, or closes one side.
    pub stream: TcpStream,
}

impl Device {
    /// Connects and logs in with a clean session.
    pub fn connect(port: u16, client_id: &str) -> Result<Device> {
        let mut stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        // MQTT 3.1.1 § 3.1: protocol name and level, clean session, no keep-alive.
        let fixed = [&text("MQTT")[..], &[4, 2, 0, 0]].concat();
        stream.write_all(&packet(0x10, &[&fixed[..], &text(client_id)].concat()))?;
        let mut connack = [0; 4];
        stream.read_exact(&mut connack)?;
        assert_eq!(connack, [0x20, 2, 0, 0], "CONNACK accepts");
        Ok(Device { stream })
    }

    /// Sends one PUBLISH with QoS 1; the id is not 0.
    pub fn publish(&mut self, id: u16, topic: &str, payload: &[u8]) -> Result<()> {
        self.stream.write_all(&packet(0x32, &[&text(topic)[..], &id.to_be_bytes(), payload].concat()))
    }

    /// Waits for the next PUBACK and gives its id.
    pub fn puback(&mut self) -> Result<u16> {
        let mut bytes = [0; 4];
        self.stream.read_exact(&mut bytes)?;
        assert_eq!(bytes[..2], [0x40, 2], "nothing but PUBACK comes to a device");
        Ok(u16::from_be_bytes([bytes[2], bytes[3]]))
    }
}

/// MQTT 3.1.1 § 2.2: type and flags, remaining length in base 128, the rest.
fn packet(first: u8, body: &[u8]) -> Vec<u8> {
    let mut bytes = vec![first];
    let mut length = body.len();
    loop {
        let digit = (length % 128) as u8;
        length /= 128;
        bytes.push(if length > 0 { digit | 0x80 } else { digit });
        if length == 0 {
            break;
        }
    }
    bytes.extend_from_slice(body);
    bytes
}

/// MQTT 3.1.1 § 1.5.3: length in two bytes, then UTF-8.
fn text(text: &str) -> Vec<u8> {
    [&(text.len() as u16).to_be_bytes()[..], text.as_bytes()].concat()
}
