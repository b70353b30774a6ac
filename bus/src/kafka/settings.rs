//! What a city decides about its log in Kafka, and the one address that says it.

use crate::{Retention, Topic};
use model::Millis;
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// How long appends and reads wait for brokers unless the address says otherwise.
const WAIT: Duration = Duration::from_secs(120);
/// The most copies of a record that an address may ask for.
const REPLICATION_MAX: i32 = 9;
/// A topic that is dropped by age is dropped in parts of this share of it.
const AGE_PARTS: i64 = 8;
/// Bytes of the largest record, key, value and headers together.
pub(super) const RECORD_BYTES_MAX: usize = 10 << 20;

/// Where Kafka is and how the log is kept there.
#[derive(Clone, PartialEq, Eq)]
pub struct KafkaSettings {
    /// `host:port` of some brokers, by commas; the others are learnt from them.
    pub brokers: String,
    /// Begins the name of every topic.
    pub prefix: String,
    /// Copies of each record, for topics that are made; `None` leaves it to the cluster's `default.replication.factor`.
    pub replication: Option<i32>,
    /// How long each topic is kept, for topics that are made; one that is not named is kept for ever. By age only.
    /// `config`, `serve`, `command` and `supervise` are kept for ever whatever is said here.
    pub retention: BTreeMap<Topic, Retention>,
    /// How long `open` keeps what says that a key is gone, for a topic that is made.
    pub tombstones: Millis,
    /// How long appends, reads and looks at the bounds wait for brokers that do not answer. Then they are errors.
    pub wait: Duration,
    /// What librdkafka is told about TLS and SASL.
    pub(super) security: Vec<(&'static str, String)>,
}

impl KafkaSettings {
    /// Reads `kafka://[user:password@]host:port[,host:port…][?replication=3&wait=2m&mechanism=plain]`, or `kafkas://…` with
    /// `ca`, `cert` and `key` for TLS. The error says what is wrong, without the password.
    ///
    /// `password` is taken where the address has a user and no password.
    pub fn parse(address: &str, password: Option<String>) -> Result<KafkaSettings, String> {
        const FORM: &str = "write kafka://[user:password@]host:port[,host:port…]";
        let (scheme, rest) = address.split_once("://").ok_or(FORM)?;
        let is_tls = match scheme {
            "kafka" => false,
            "kafkas" => true,
            _ => return Err(FORM.to_owned()),
        };
        let (authority, query) = rest.rsplit_once('?').unwrap_or((rest, ""));
        let (user, brokers) = match authority.rsplit_once('@') {
            Some((user, brokers)) => (Some(user), brokers),
            None => (None, authority),
        };
        let has_port = |broker: &str| {
            broker.rsplit_once(':').is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok())
        };
        if !brokers.split(',').all(has_port) {
            return Err(format!("\"{brokers}\" is not host:port, by commas: {FORM}"));
        }
        let mut settings = KafkaSettings { brokers: brokers.to_owned(), ..KafkaSettings::default() };
        let mut mechanism = None;
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let tls = |name: &str| match is_tls {
                true => Ok(value.to_owned()),
                false => Err(format!("{name} is for kafkas://")),
            };
            match name {
                "replication" => settings.replication = Some(replication(value)?),
                "wait" => settings.wait = wait(value)?,
                "mechanism" => mechanism = Some(mechanism_name(value)?),
                "ca" => settings.security.push(("ssl.ca.location", tls(name)?)),
                "cert" => settings.security.push(("ssl.certificate.location", tls(name)?)),
                "key" => settings.security.push(("ssl.key.location", tls(name)?)),
                _ => return Err(format!("\"{name}\" is none of replication, wait, mechanism, ca, cert, key")),
            }
        }
        let protocol = match (is_tls, user.is_some()) {
            (false, false) => "plaintext",
            (true, false) => "ssl",
            (false, true) => "sasl_plaintext",
            (true, true) => "sasl_ssl",
        };
        let needs_tls = is_tls || mechanism.is_some_and(|mechanism| mechanism != "PLAIN");
        if needs_tls && !cfg!(feature = "kafka-tls") {
            return Err(
                "this citywatch was built without TLS and SCRAM for Kafka: build it with --features kafka-tls \
                        (it needs OpenSSL), or let a proxy on this machine speak them"
                    .to_owned(),
            );
        }
        settings.security.push(("security.protocol", protocol.to_owned()));
        if let Some(user) = user {
            let (name, told) = user.split_once(':').map_or((user, None), |(name, told)| (name, Some(told.to_owned())));
            let Some(password) = told.or(password) else {
                return Err("the user has no password: write user:password@, or give KAFKA_PASSWORD".to_owned());
            };
            settings.security.push(("sasl.mechanism", mechanism.unwrap_or("PLAIN").to_owned()));
            settings.security.push(("sasl.username", name.to_owned()));
            settings.security.push(("sasl.password", password));
        } else if mechanism.is_some() {
            return Err("mechanism is for an address with a user".to_owned());
        }
        Ok(settings)
    }

    /// The topic's name in Kafka.
    pub fn topic_name(&self, topic: Topic) -> String {
        format!("{}{}", self.prefix, topic.name())
    }

    /// Where it is, without what is secret.
    pub fn place(&self) -> String {
        format!("kafka://{}", self.brokers)
    }

    /// How a topic is kept: names and values of Kafka's own settings.
    pub(super) fn of_topic(&self, topic: Topic) -> Vec<(&'static str, String)> {
        let mut all = vec![
            ("max.message.bytes", (RECORD_BYTES_MAX + (1 << 16)).to_string()),
            // Age is counted by the broker's clock, as the embedded log counts it by that of its one machine.
            ("message.timestamp.type", "LogAppendTime".to_owned()),
            ("compression.type", "producer".to_owned()),
        ];
        if topic.is_compacted() {
            all.push(("cleanup.policy", "compact".to_owned()));
            all.push(("delete.retention.ms", self.tombstones.0.to_string()));
            all.push(("segment.ms", (self.tombstones.0 / AGE_PARTS).to_string()));
            return all;
        }
        all.push(("cleanup.policy", "delete".to_owned()));
        all.push(("retention.bytes", "-1".to_owned()));
        let age = self.retention.get(&topic).and_then(|retention| retention.age);
        match age.filter(|_| !topic.is_kept_for_ever()) {
            None => all.push(("retention.ms", "-1".to_owned())),
            Some(age) => {
                all.push(("retention.ms", age.0.to_string()));
                all.push(("segment.ms", (age.0 / AGE_PARTS).to_string()));
            }
        }
        all
    }

    /// How the topic of the leases is kept: what is older than an hour has run out.
    pub(super) fn of_lease(&self) -> Vec<(&'static str, String)> {
        let hour = Millis::HOUR.0;
        vec![
            ("message.timestamp.type", "LogAppendTime".to_owned()),
            ("cleanup.policy", "delete".to_owned()),
            ("retention.ms", hour.to_string()),
            ("segment.ms", (hour / AGE_PARTS).to_string()),
        ]
    }
}

impl Default for KafkaSettings {
    /// A broker on this machine; retention as the embedded log has it.
    fn default() -> KafkaSettings {
        let embedded = crate::EmbeddedSettings::default();
        KafkaSettings {
            brokers: "127.0.0.1:9092".to_owned(),
            prefix: "citywatch.".to_owned(),
            replication: None,
            retention: embedded.retention,
            tombstones: embedded.tombstones,
            wait: WAIT,
            security: Vec::new(),
        }
    }
}

impl fmt::Debug for KafkaSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KafkaSettings")
            .field("brokers", &self.brokers)
            .field("prefix", &self.prefix)
            .field("replication", &self.replication)
            .field("wait", &self.wait)
            .finish_non_exhaustive()
    }
}

fn replication(value: &str) -> Result<i32, String> {
    let number = value.parse().ok().filter(|number| (1..=REPLICATION_MAX).contains(number));
    number.ok_or_else(|| format!("replication={value}: use 1 to {REPLICATION_MAX}"))
}

fn wait(value: &str) -> Result<Duration, String> {
    let span = value.parse::<Millis>().ok().filter(|span| (1_000..=3_600_000).contains(&span.0));
    let span = span.ok_or_else(|| format!("wait={value}: use 1s to 1h"))?;
    Ok(Duration::from_millis(span.0 as u64))
}

fn mechanism_name(value: &str) -> Result<&'static str, String> {
    match value {
        "plain" => Ok("PLAIN"),
        "scram-sha-256" => Ok("SCRAM-SHA-256"),
        "scram-sha-512" => Ok("SCRAM-SHA-512"),
        _ => Err(format!("mechanism={value}: use plain, scram-sha-256 or scram-sha-512")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(address: &str) -> KafkaSettings {
        KafkaSettings::parse(address, None).unwrap()
    }

    fn refused(address: &str) -> String {
        KafkaSettings::parse(address, None).unwrap_err()
    }

    #[test]
    fn an_address_says_all() {
        let plain = parsed("kafka://a.example:9092,b.example:9093");
        assert_eq!(plain.brokers, "a.example:9092,b.example:9093");
        assert_eq!((plain.replication, plain.wait), (None, WAIT));
        assert_eq!(plain.security, [("security.protocol", "plaintext".to_owned())]);
        let full = parsed("kafka://city:se@c:ret@[::1]:9092?replication=3&wait=30s&mechanism=plain");
        assert_eq!((&*full.brokers, full.replication, full.wait), ("[::1]:9092", Some(3), Duration::from_secs(30)));
        let told = |name: &str| full.security.iter().find(|(key, _)| *key == name).map(|(_, value)| value.as_str());
        assert_eq!(told("security.protocol"), Some("sasl_plaintext"));
        assert_eq!((told("sasl.mechanism"), told("sasl.username")), (Some("PLAIN"), Some("city")));
        assert_eq!(told("sasl.password"), Some("se@c:ret"));
        assert!(!format!("{full:?} {}", full.place()).contains("ret"), "a password is not for the screen");
        let env = KafkaSettings::parse("kafka://city@a:1", Some("hidden".to_owned())).unwrap();
        assert!(env.security.contains(&("sasl.password", "hidden".to_owned())));
    }

    #[test]
    fn what_is_wrong_is_said() {
        assert!(refused("localhost:9092").contains("write kafka://"));
        assert!(refused("http://localhost:9092").contains("write kafka://"));
        assert!(refused("kafka://localhost").contains("host:port"));
        assert!(refused("kafka://a:1,:2").contains("host:port"));
        assert!(refused("kafka://a:1?replication=0").contains("1 to 9"));
        assert!(refused("kafka://a:1?wait=5").contains("1s to 1h"));
        assert!(refused("kafka://a:1?acks=0").contains("none of"));
        assert!(refused("kafka://a:1?ca=ca.pem").contains("kafkas://"));
        assert!(refused("kafka://a:1?mechanism=plain").contains("with a user"));
        assert!(refused("kafka://u@a:1").contains("KAFKA_PASSWORD"));
        assert!(refused("kafka://u:p@a:1?mechanism=gssapi").contains("scram-sha-512"));
        if !cfg!(feature = "kafka-tls") {
            assert!(refused("kafkas://a:1").contains("kafka-tls"));
            assert!(refused("kafka://u:p@a:1?mechanism=scram-sha-256").contains("kafka-tls"));
        }
    }

    #[test]
    fn topics_are_kept_as_the_embedded_log_keeps_them() {
        let settings = KafkaSettings::default();
        let of = |topic, name: &str| {
            settings.of_topic(topic).into_iter().find(|(key, _)| *key == name).map(|(_, value)| value)
        };
        let month = (30 * Millis::DAY.0).to_string();
        for topic in Topic::ALL {
            let expected = match topic {
                Topic::Open => None,
                Topic::Observations | Topic::DeadLetter | Topic::Perceive => Some(month.clone()),
                _ => Some("-1".to_owned()),
            };
            assert_eq!(of(topic, "retention.ms"), expected, "{topic}");
        }
        assert_eq!(of(Topic::Open, "cleanup.policy").as_deref(), Some("compact"));
        assert_eq!(of(Topic::Open, "delete.retention.ms"), Some(Millis::DAY.0.to_string()));
    }
}
