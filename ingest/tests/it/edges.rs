//! What ingest promises however readings come: one suite for the embedded endpoint and for a broker.

use crate::city::{self, Gate, PATIENCE, dead_letters, payload, readings, seqs, settings};
use crate::mosquitto::Mosquitto;
use ingest::{BrokerSettings, Ingest, IngestHandle, IngestSettings, Publisher, TimeSource};
use std::sync::Arc;
use std::time::Instant;
use tempfile::TempDir;

/// A way in, and the log behind it.
struct Edge {
    broker: Option<Mosquitto>,
    gate: Arc<Gate>,
    handle: Option<IngestHandle>,
    url: String,
    _folder: TempDir,
}

impl Edge {
    async fn new(has_broker: bool) -> Edge {
        let folder = tempfile::tempdir().unwrap();
        let broker = has_broker.then(|| Mosquitto::start(folder.path()));
        let gate = Gate::new(city::open(&folder.path().join("log")));
        let mut edge = Edge { broker, gate, handle: None, url: String::new(), _folder: folder };
        edge.start().await;
        edge
    }

    async fn start(&mut self) {
        let settings = match &self.broker {
            Some(broker) => {
                self.url = broker.url();
                IngestSettings { broker: Some(BrokerSettings::new(broker.url())), ..IngestSettings::default() }
            }
            None => {
                let mut settings = settings(TimeSource::Wall);
                if let Some(address) = self.url.strip_prefix("mqtt://") {
                    settings.endpoint.as_mut().unwrap().0 = address.parse().unwrap();
                }
                settings
            }
        };
        let handle = Ingest::start(self.gate.clone(), city::registry(), settings).await.unwrap();
        if let Some(address) = handle.local_addr() {
            self.url = format!("mqtt://{address}");
        }
        self.handle = Some(handle);
        if self.broker.is_some() {
            self.until("subscribed", |edge| edge.handle().counters().broker_connects > 0).await;
        }
    }

    fn handle(&self) -> &IngestHandle {
        self.handle.as_ref().unwrap()
    }

    async fn stop(&mut self) {
        self.handle.take().unwrap().stop().await;
    }

    async fn publisher(&self) -> Publisher {
        Publisher::connect(&self.url, "sender").await.unwrap()
    }

    /// Looks again and again until it is so; what it waits for has no other sign.
    async fn until(&self, what: &str, mut is_so: impl FnMut(&Edge) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !is_so(self) {
            assert!(Instant::now() < deadline, "never {what}");
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    }
}

/// Runs a promise against the endpoint and against Mosquitto.
async fn on_both(promise: impl AsyncFn(Edge)) {
    for has_broker in [false, true] {
        promise(Edge::new(has_broker).await).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_good_is_on_the_log_in_order_and_what_is_not_in_the_dead_letter() {
    on_both(async |mut edge| {
        let publisher = edge.publisher().await;
        for seq in 1..=500 {
            publisher.publish("city/drainage/s1", payload(seq)).await;
            publisher.publish(format!("city/drainage/s{}", 2 + seq % 7), payload(seq)).await;
        }
        let bad: [(&str, &str, &[u8]); 6] = [
            ("s1", "malformed-json", b"{\"values\":"),
            ("nobody", "unknown-sensor", b"{\"values\":{\"level_m\":1}}"),
            ("s2", "out-of-range", b"{\"values\":{\"level_m\":99}}"),
            ("s3", "unknown-metric", b"{\"values\":{\"height\":1}}"),
            ("s4", "sensor-mismatch", b"{\"sensor\":\"s5\",\"values\":{\"level_m\":1}}"),
            ("s6", "not-utf8", b"{\"values\":\xff}"),
        ];
        for (sensor, _, text) in bad {
            publisher.publish(format!("city/drainage/{sensor}"), text).await;
        }
        // Everything is acknowledged, the refused too.
        let progress = publisher.finish().await;
        assert_eq!((progress.published, progress.acked), (1_006, 1_006));
        edge.until("taken", |edge| edge.handle().counters().messages == 1_006).await;
        // s1 has every number; each of the seven others leaves out six between two of its own.
        assert_eq!(edge.handle().counters().missing, 6 * (500 - 7));
        edge.stop().await;
        assert_eq!(seqs(&*edge.gate, "s1"), (1..=500).collect::<Vec<_>>());
        assert_eq!(readings(&*edge.gate).len(), 1_000);
        let letters = dead_letters(&*edge.gate);
        let refused: Vec<_> = letters.values().flatten().collect();
        assert_eq!(refused.len(), bad.len(), "{letters:?}");
        for (sensor, reason, text) in bad {
            let letter = refused.iter().find(|letter| letter["topic"] == format!("city/drainage/{sensor}")).unwrap();
            assert_eq!(letter["reason"], reason, "{letter}");
            if let Ok(text) = std::str::from_utf8(text) {
                assert_eq!(letter["payload"], text);
            }
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_that_stalls_and_a_restart_lose_nothing() {
    on_both(async |mut edge| {
        let publisher = edge.publisher().await;
        edge.gate.set(true, false);
        for seq in 1..=300 {
            publisher.publish("city/drainage/s1", payload(seq)).await;
        }
        edge.gate.appender_waits().await;
        assert!(seqs(&*edge.gate, "s1").is_empty() && edge.handle().counters().readings == 0);
        edge.gate.set(false, false);
        edge.until("half way", |edge| edge.handle().counters().readings >= 150).await;
        // What comes while nobody takes it waits at the broker, or at the device.
        edge.stop().await;
        for seq in 301..=600 {
            publisher.publish("city/drainage/s1", payload(seq)).await;
        }
        edge.start().await;
        publisher.finish().await;
        edge.until("complete", |edge| seqs(&*edge.gate, "s1").contains(&600)).await;
        edge.stop().await;
        let found = seqs(&*edge.gate, "s1");
        let mut firsts = std::collections::BTreeSet::new();
        let firsts: Vec<u64> = found.into_iter().filter(|seq| firsts.insert(*seq)).collect();
        assert_eq!(firsts, (1..=600).collect::<Vec<_>>(), "each, and first times in order");
    })
    .await;
}
