//! Brokers that let in who has a name and a password, and brokers that speak TLS.

use super::conformance;
use super::{Kafka, KafkaLog, KafkaSettings};
use bus::BusError;
use std::sync::Arc;
use std::time::{Duration, Instant};

const DEADLINE: Duration = Duration::from_secs(60);
const USER: &str = "city:a secret of tests";
const STRANGER: &str = "city:another";

/// Settings for a broker that lets in [`USER`] alone.
fn settings(scheme: &str, user: &str, kafka: &Kafka, more: &str) -> KafkaSettings {
    let address = format!("{scheme}://{user}@{}?replication=1&wait=20s{more}", kafka.broker());
    KafkaSettings::parse(&address, None).unwrap()
}

/// Who is not let in is told why.
fn is_refused(settings: &KafkaSettings, reason: &str) {
    let mut settings = settings.clone();
    settings.wait = Duration::from_secs(5);
    let until = Instant::now() + DEADLINE;
    loop {
        match KafkaLog::open(&settings, "test").map(drop) {
            Err(BusError::Io { source, .. }) if source.to_string().contains(reason) => return,
            // On a busy machine it may not have come so far.
            Err(BusError::Io { source, .. }) => assert!(Instant::now() < until, "{source}"),
            other => panic!("expected Io, got {other:?}"),
        }
    }
}

fn is_a_log(settings: &KafkaSettings) {
    conformance::reopening_keeps_all(&|| Arc::new(KafkaLog::open(settings, "test").unwrap()));
}

#[test]
fn a_user_has_a_password() {
    let kafka = Kafka::start_for(USER, None);
    is_refused(&settings("kafka", STRANGER, &kafka, ""), "Invalid username or password");
    is_a_log(&settings("kafka", USER, &kafka, ""));
}

/// `make kafka-tls` runs it: over TLS, with a certificate on both sides, by SCRAM.
#[cfg(feature = "kafka-tls")]
#[test]
fn brokers_speak_tls_and_scram() {
    let temp = tempfile::tempdir().unwrap();
    let path = |name: &str| temp.path().join(name);
    let ask = "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1";
    let mut openssl = std::process::Command::new("openssl");
    openssl.args(ask.split(' ')).arg("-keyout").arg(path("key.pem")).arg("-out").arg(path("ca.pem"));
    assert!(openssl.output().unwrap().status.success());
    let both = ["key.pem", "ca.pem"].map(|name| std::fs::read_to_string(path(name)).unwrap()).concat();
    std::fs::write(path("broker.pem"), both).unwrap();
    let kafka = Kafka::start_for(USER, Some(&path("broker.pem")));
    let (ca, key) = (path("ca.pem").display().to_string(), path("key.pem").display().to_string());
    let scram = format!("&ca={ca}&cert={ca}&key={key}&mechanism=scram-sha-512");
    is_refused(&settings("kafkas", USER, &kafka, ""), "certificate");
    is_refused(&settings("kafkas", STRANGER, &kafka, &scram), "invalid credentials");
    is_a_log(&settings("kafkas", USER, &kafka, &scram));
}
