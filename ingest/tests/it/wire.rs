//! A scripted MQTT client: it sends exactly the bytes it is told to.

use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Far longer than any answer takes; a test that reaches it fails.
const PATIENCE: Duration = Duration::from_secs(20);

pub struct Client {
    pub stream: TcpStream,
}

pub fn packet(first: u8, body: &[u8]) -> Vec<u8> {
    let mut bytes = vec![first];
    let mut length = body.len();
    loop {
        let digit = (length & 0x7f) as u8;
        length >>= 7;
        bytes.push(if length > 0 { digit | 0x80 } else { digit });
        if length == 0 {
            break;
        }
    }
    bytes.extend_from_slice(body);
    bytes
}

pub fn text(text: &str) -> Vec<u8> {
    [&(text.len() as u16).to_be_bytes()[..], text.as_bytes()].concat()
}

pub fn connect(level: u8, client_id: &str, keep_alive_s: u16) -> Vec<u8> {
    let properties: &[u8] = if level == 5 { &[0] } else { &[] };
    let fixed = [&text("MQTT")[..], &[level, 2], &keep_alive_s.to_be_bytes(), properties].concat();
    packet(0x10, &[&fixed[..], &text(client_id)].concat())
}

pub fn login(level: u8, client_id: &str, user: &str, secret: &str) -> Vec<u8> {
    let properties: &[u8] = if level == 5 { &[0] } else { &[] };
    let fixed = [&text("MQTT")[..], &[level, 0xc2, 0, 0], properties].concat();
    packet(0x10, &[&fixed[..], &text(client_id), &text(user), &text(secret)].concat())
}

/// QoS 1 in 3.1.1.
pub fn publish(topic: &str, packet_id: u16, payload: &[u8]) -> Vec<u8> {
    packet(0x32, &[&text(topic)[..], &packet_id.to_be_bytes(), payload].concat())
}

/// QoS 1 in 5, with properties.
pub fn publish5(topic: &str, packet_id: u16, properties: &[u8], payload: &[u8]) -> Vec<u8> {
    let length = [properties.len() as u8];
    packet(0x32, &[&text(topic)[..], &packet_id.to_be_bytes(), &length, properties, payload].concat())
}

impl Client {
    /// A TCP connection, nothing said yet.
    pub async fn open(address: SocketAddr) -> Client {
        Client { stream: TcpStream::connect(address).await.unwrap() }
    }

    /// A 3.1.1 connection that was accepted.
    pub async fn connected(address: SocketAddr, client_id: &str) -> Client {
        let mut client = Client::open(address).await;
        client.send(&connect(4, client_id, 0)).await;
        assert_eq!(client.packet().await, Some((0x20, vec![0, 0])));
        client
    }

    pub async fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.unwrap();
    }

    /// The next packet: first byte and body; none when the server closed.
    pub async fn packet(&mut self) -> Option<(u8, Vec<u8>)> {
        tokio::time::timeout(PATIENCE, self.read_packet()).await.expect("an answer in time")
    }

    async fn read_packet(&mut self) -> Option<(u8, Vec<u8>)> {
        let first = self.stream.read_u8().await.ok()?;
        let (mut length, mut shift) = (0, 0);
        loop {
            let digit = self.stream.read_u8().await.ok()?;
            length |= usize::from(digit & 0x7f) << shift;
            shift += 7;
            if digit & 0x80 == 0 {
                break;
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).await.ok()?;
        Some((first, body))
    }

    /// The packet id of the next packet, which is a PUBACK.
    pub async fn puback(&mut self) -> u16 {
        let (first, body) = self.packet().await.expect("a PUBACK, not the end");
        assert_eq!((first, body.len()), (0x40, 2));
        u16::from_be_bytes([body[0], body[1]])
    }

    /// That everything sent before was looked at: a ping's answer stands behind the answers to it.
    pub async fn ping(&mut self) {
        self.send(&[0xc0, 0]).await;
        assert_eq!(self.packet().await, Some((0xd0, Vec::new())));
    }
}
