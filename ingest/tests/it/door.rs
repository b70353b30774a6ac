//! Who may connect to the endpoint, changed while it works.

use crate::city::{self, payload, seqs, settings};
use crate::wire::{Client, login, publish};
use ingest::{Access, Account, Ingest, Right, SecretHash, TimeSource};
use std::collections::HashMap;

fn accounts(entries: &[(&str, &str)]) -> Access {
    let account = |(name, secret): &(&str, &str)| {
        let secret = SecretHash::new(name.as_bytes(), secret.as_bytes());
        ((*name).to_owned(), Account { secret, right: Right::Publish })
    };
    Access::Credentials(entries.iter().map(account).collect::<HashMap<_, _>>())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revoked_device_is_disconnected_and_the_others_are_not() {
    let directory = tempfile::tempdir().unwrap();
    let log = city::open(directory.path());
    let mut settings = settings(TimeSource::Wall);
    settings.endpoint.as_mut().unwrap().1 = accounts(&[("s1", "one"), ("s2", "two"), ("s3", "three")]);
    let handle = Ingest::start(log.clone(), city::registry(), settings).await.unwrap();
    let address = handle.local_addr().unwrap();
    let mut clients = Vec::new();
    for (name, secret) in [("s1", "one"), ("s2", "two"), ("s3", "three")] {
        let mut client = Client::open(address).await;
        client.send(&login(4, name, name, secret)).await;
        assert_eq!(client.packet().await, Some((0x20, vec![0, 0])), "{name} is let in");
        client.send(&publish(&format!("city/drainage/{name}"), 1, &payload(1))).await;
        assert_eq!(client.puback().await, 1);
        clients.push(client);
    }
    // s1 goes, s2 gets another secret, s3 stays, s4 comes.
    let door = handle.door().unwrap();
    door.set_access(accounts(&[("s2", "other"), ("s3", "three"), ("s4", "four")]));
    for client in &mut clients[..2] {
        assert_eq!(client.packet().await, None, "it is closed");
    }
    clients[2].send(&publish("city/drainage/s3", 2, &payload(2))).await;
    assert_eq!(clients[2].puback().await, 2);
    for (name, secret, code) in [("s1", "one", 5), ("s2", "two", 5), ("s2", "other", 0), ("s4", "four", 0)] {
        let mut client = Client::open(address).await;
        client.send(&login(4, name, name, secret)).await;
        assert_eq!(client.packet().await, Some((0x20, vec![0, code])), "{name} with {secret}");
    }
    assert_eq!(handle.counters().revoked, 2);
    handle.stop().await;
    assert!(door.is_closed());
    assert_eq!((seqs(&*log, "s1"), seqs(&*log, "s3")), (vec![1], vec![1, 2]));
}
