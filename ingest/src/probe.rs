//! Asks a broker whether it lets us in and read, for `citywatch doctor`. It takes no message from anybody.

use crate::IngestError;
use crate::broker::BrokerAddress;
use crate::subscriber::BrokerSettings;
use rumqttc::{AsyncClient, Event, Packet, QoS, SubscribeFilter, SubscribeReasonCode};
use std::time::Duration;

/// Where Mosquitto tells its version, retained.
const VERSION: &str = "$SYS/broker/version";
/// How long the version may take to come after the broker granted it; other brokers have none.
const VERSION_MAX: Duration = Duration::from_millis(500);
/// What of a topic filter shares it with others: a probe that subscribed to that would take their messages.
const SHARED: &str = "$share/";

/// What a broker answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Probed {
    /// What it says it is.
    pub version: Option<String>,
    /// The filters that it does not let us subscribe to. Shared ones are not tried.
    pub refused: Vec<String>,
}

/// Connects with a session that is not kept, asks, and leaves. Give it the time that it may take.
pub async fn probe(settings: &BrokerSettings) -> Result<Probed, IngestError> {
    let broker = BrokerAddress::parse(&settings.url)?.open()?;
    let mut options = broker.options(&settings.client_id);
    options.set_clean_session(true).set_manual_acks(true);
    options.set_max_packet_size(crate::subscriber::PACKET_BYTES_MAX, crate::subscriber::PACKET_BYTES_MAX);
    let (client, mut events) = AsyncClient::new(options, 8);
    let filters: Vec<&String> = settings.filters.iter().filter(|filter| !filter.starts_with(SHARED)).collect();
    let mut probed = Probed::default();
    loop {
        let event = events.poll().await;
        match event.map_err(|source| broker.fault().unwrap_or(IngestError::Connect(Box::new(source))))? {
            Event::Incoming(Packet::ConnAck(_)) => {
                let wanted = filters.iter().map(|filter| filter.as_str()).chain([VERSION]);
                let wanted = wanted.map(|filter| SubscribeFilter::new(filter.to_owned(), QoS::AtMostOnce));
                // There is room for it: nothing else was asked.
                let _ = client.try_subscribe_many(wanted);
            }
            Event::Incoming(Packet::SubAck(answer)) => {
                let is_refused = |code: &SubscribeReasonCode| *code == SubscribeReasonCode::Failure;
                let refused = filters.iter().zip(&answer.return_codes).filter(|(_, code)| is_refused(code));
                probed.refused = refused.map(|(filter, _)| (*filter).clone()).collect();
                break;
            }
            _ => {}
        }
    }
    let version = async {
        while let Ok(event) = events.poll().await {
            if let Event::Incoming(Packet::Publish(publish)) = event
                && publish.topic == VERSION
            {
                return Some(String::from_utf8_lossy(&publish.payload).into_owned());
            }
        }
        None
    };
    probed.version = tokio::time::timeout(VERSION_MAX, version).await.ok().flatten();
    Ok(probed)
}
