//! Subscriptions by webhook, over real connections: what is sent, how it is signed, and what becomes of what fails.

use crate::client::{Answer as HttpAnswer, Client};
use crate::permissions::account;
use crate::receiver::{Answer, Got, Receiver, outward, world};
use crate::world::{Life, next, opened};
use command_center::{NewToken, Outward, Role, Scope};
use hyper::Method;
use model::{EventTime, Millis, Severity, Transition};
use serde_json::{Value, json};
use std::collections::BTreeSet;

const START: i64 = 1_772_409_600_000;

fn at(second: i64) -> EventTime {
    EventTime(START + second * 1_000)
}

pub async fn post(client: &Client, path: &str, body: &Value) -> HttpAnswer {
    client.send(Method::POST, path, &[], &body.to_string()).await
}

async fn by_token(life: &Life, areas: &[&str]) -> (String, Client) {
    let token = NewToken {
        name: "drainage-group".to_owned(),
        scopes: vec![Scope::FeedSubscribe],
        areas: areas.iter().map(|code| (*code).to_owned()).collect(),
        unit: None,
        days: None,
    };
    Client::of_token(&life.handle, token).await
}

/// Subscribes; the id and the secret.
pub async fn subscribe(client: &Client, wanted: Value) -> (String, String) {
    let made = post(client, "/api/v1/subscriptions", &wanted).await;
    assert_eq!(made.status, 201, "{:?}", made.body);
    let made = made.json();
    let id = made["subscription"]["id"].as_str().unwrap().to_owned();
    (id, made["secret"].as_str().unwrap().to_owned())
}

async fn look(client: &Client, id: &str) -> Value {
    client.json(&format!("/api/v1/subscriptions/{id}")).await
}

fn has(life: &Life, receiver: &Receiver, count: usize) -> Vec<Got> {
    life.until("what is sent", async |_| receiver.got().len() >= count);
    receiver.got()
}

#[test]
fn a_subscriber_is_sent_what_is_open_and_then_every_change() {
    let (world, receiver) = (world(), Receiver::start());
    let all = [opened(0, at(0)), opened(5, at(0)), opened(1, at(0))];
    world.append(&all);
    let life = world.live();
    life.caught_up();
    let (client, (id, secret)) = life.runtime.block_on(async {
        let (_, client) = by_token(&life, &[]).await;
        let wanted = json!({ "name": "water", "url": receiver.url, "domains": ["drainage"] });
        let made = subscribe(&client, wanted).await;
        // An administrator of some areas looks after the subscriptions to these alone.
        for (name, areas, count) in [("of-all", &[][..], 1), ("of-some", &["110101007"][..], 0)] {
            let admin = Client::of_account(&life.handle, &account(name, Role::Administrator, areas)).await;
            assert_eq!(admin.json("/api/v1/subscriptions").await["items"].as_array().unwrap().len(), count, "{name}");
            let status = admin.get(&format!("/api/v1/subscriptions/{}", made.0)).await.status;
            assert_eq!(status == 200, count == 1, "{name}");
        }
        (client, made)
    });
    let got = has(&life, &receiver, 1);
    let snapshot = got[0].json();
    assert_eq!(snapshot["type"], "org.citywatch.feed.snapshot");
    assert_eq!((&snapshot["data"]["part"], &snapshot["data"]["parts"]), (&json!(1), &json!(1)));
    let open: BTreeSet<&str> =
        snapshot["data"]["open"].as_array().unwrap().iter().map(|one| one["key"].as_str().unwrap()).collect();
    assert_eq!(open, BTreeSet::from(["S0", "S5"]), "S1 is of another domain");
    let escalated = next(&all[0], 0, at(1));
    let cleared = next(&escalated, 3, at(2));
    world.append(&[escalated, next(&all[2], 0, at(1)), cleared, opened(10, at(3))]);
    let got = has(&life, &receiver, 4);
    let said = |key: &str| -> Vec<String> {
        let own = got[1..].iter().filter(|got| got.json()["data"]["key"] == key);
        own.map(|got| format!("{} {}", got.json()["type"], got.json()["data"]["msgType"]).replace('"', "")).collect()
    };
    let kind = |what: &str, message: &str| format!("org.citywatch.incident.{what} {message}");
    assert_eq!(said("S0"), [kind("escalated", "Update"), kind("cleared", "Cancel")]);
    assert_eq!(said("S10"), [kind("opened", "Alert")]);
    assert!(got.iter().all(|got| got.signed_by(&secret) == 1 && got.header("content-type") == "application/json"));
    let ids: BTreeSet<&str> = got.iter().map(|got| got.header("webhook-id")).collect();
    assert_eq!(ids.len(), got.len(), "each has an id of its own");
    life.runtime.block_on(async {
        let rotated = post(&client, &format!("/api/v1/subscriptions/{id}/rotate-secret"), &json!({})).await.json();
        assert!(rotated["secret"].as_str().unwrap().starts_with("whsec_"));
        assert!(rotated["subscription"]["secret_before_until"].is_i64());
        assert_eq!(post(&client, &format!("/api/v1/subscriptions/{id}/test"), &json!({})).await.status, 200);
    });
    let got = has(&life, &receiver, 5);
    assert_eq!(got[4].header("webhook-signature").split(' ').count(), 2, "by the new one and by the one before");
    assert_eq!((got[4].signed_by(&secret), &got[4].json()["type"]), (1, &json!("org.citywatch.subscription.tested")));
    // It is written down after the end-point has it.
    life.until("that it is written down", async |_| look(&client, &id).await["waiting"] == 0);
    life.runtime.block_on(async {
        let one = look(&client, &id).await;
        assert_eq!((&one["waiting"], &one["failures"], &one["state"]), (&json!(0), &json!(0), &json!("active")));
        assert!(one.get("secret").is_none(), "it is told once");
        let sent = client.json(&format!("/api/v1/subscriptions/{id}/deliveries")).await;
        assert!(
            sent["items"].as_array().unwrap().iter().all(|one| one["state"] == "delivered" && one["status"] == 204)
        );
    });
    life.stop();
}

#[test]
fn what_was_told_is_told_to_its_end_and_the_rest_is_filtered() {
    let (world, receiver) = (world(), Receiver::start());
    let life = world.live();
    life.runtime.block_on(async {
        let (_, client) = by_token(&life, &["110101007"]).await;
        let wanted = json!({ "name": "bad", "url": receiver.url, "severity": "severe" });
        subscribe(&client, wanted).await;
        let outside = json!({ "name": "bad", "url": receiver.url, "areas": ["110101"] });
        assert_eq!(post(&client, "/api/v1/subscriptions", &outside).await.status, 400);
    });
    has(&life, &receiver, 1);
    // S0 and S10 lie in 110101007, S5 does not.
    let (mild, there) = (opened(0, at(0)), Transition { severity: Severity::Extreme, ..opened(5, at(0)) });
    let worse = next(&mild, 0, at(1));
    let better = next(&worse, 1, at(2));
    let over = next(&better, 3, at(3));
    let never = next(&opened(10, at(0)), 3, at(3));
    world.append(&[mild, there, opened(10, at(0)), worse, better, never, over]);
    let got = has(&life, &receiver, 4);
    let said: Vec<(Value, Value)> = got[1..]
        .iter()
        .map(|got| (got.json()["data"]["transition"].clone(), got.json()["data"]["severity"].clone()))
        .collect();
    let wanted = [("escalated", "extreme"), ("deescalated", "minor"), ("cleared", "minor")];
    assert_eq!(said, wanted.map(|(what, severity)| (json!(what), json!(severity))));
    life.stop();
}

#[test]
fn a_dead_end_point_hurts_nobody_and_what_died_is_sent_again() {
    let (world, dead, well) = (world(), Receiver::start(), Receiver::start());
    dead.answers(Answer::Status(500));
    let life = world.live();
    let (admin, id) = life.runtime.block_on(async {
        let admin = Client::of_account(&life.handle, &account("ada", Role::Administrator, &[])).await;
        let (id, _) = subscribe(&admin, json!({ "name": "dead", "url": dead.url })).await;
        subscribe(&admin, json!({ "name": "well", "url": well.url })).await;
        (admin, id)
    });
    world.append(&(0..20).map(|sensor| opened(sensor, at(0))).collect::<Vec<_>>());
    has(&life, &well, 21);
    life.until("all to die", async |_| look(&admin, &id).await["waiting"] == 0);
    let died = life.runtime.block_on(admin.json(&format!("/api/v1/subscriptions/{id}/deliveries?state=dead")));
    let died: BTreeSet<String> =
        died["items"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(died.len(), 21, "the snapshot and twenty");
    let tried = dead.got();
    dead.answers(Answer::Status(200));
    life.runtime.block_on(post(&admin, &format!("/api/v1/subscriptions/{id}/resend"), &json!({})));
    life.until("what died", async |_| look(&admin, &id).await["waiting"] == 0);
    let again: BTreeSet<String> =
        dead.got()[tried.len()..].iter().map(|got| got.header("webhook-id").to_owned()).collect();
    assert_eq!(again, died, "with the ids that they had");
    life.stop();
}

#[test]
fn nothing_is_sent_where_it_may_not_be() {
    let (mut world, receiver) = (world(), Receiver::start());
    world.settings.outward = Outward { allow: Vec::new(), ..outward() };
    let life = world.live();
    let admin = life.runtime.block_on(Client::of_account(&life.handle, &account("ada", Role::Administrator, &[])));
    let port = receiver.url.rsplit(':').next().unwrap().to_owned();
    let barred = ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "0x7f.1", "169.254.169.254"];
    let ids: Vec<String> = life.runtime.block_on(async {
        for bad in ["http://u:p@city.example/", "ftp://city.example/", "file:///etc/passwd", "nonsense"] {
            let answer = post(&admin, "/api/v1/subscriptions", &json!({ "name": "x", "url": bad })).await;
            assert_eq!(answer.status, 400, "{bad}");
        }
        let mut ids = Vec::new();
        for host in barred {
            let url = format!("http://{host}:{port}");
            ids.push(subscribe(&admin, json!({ "name": host, "url": url })).await.0);
        }
        ids
    });
    for id in &ids {
        life.until("it to be paused", async |_| look(&admin, id).await["state"] == "paused");
        let one = life.runtime.block_on(look(&admin, id));
        assert!(one["reason"].as_str().unwrap().contains("no public address"), "{one}");
        assert_eq!(one["waiting"], 1, "it waits for somebody to mend that");
    }
    assert!(receiver.got().is_empty());
    life.until("the audit", async |_| {
        let noted =
            world.topic(bus::Topic::Supervise, |record| String::from_utf8_lossy(record.value.unwrap()).into_owned());
        noted.iter().filter(|entry| entry.contains("delivery.barred")).count() == barred.len()
    });
    life.stop();
}

#[test]
fn redirects_are_not_followed_and_silence_ends() {
    let (mut world, receiver, inside) = (world(), Receiver::start(), Receiver::start());
    world.settings.outward.try_max = Millis(200);
    world.settings.outward.retries.give_up = Millis::DAY;
    receiver.answers(Answer::Redirect(inside.url.clone()));
    let life = world.live();
    let admin = life.runtime.block_on(Client::of_account(&life.handle, &account("ada", Role::Administrator, &[])));
    let (id, _) = life.runtime.block_on(subscribe(&admin, json!({ "name": "x", "url": receiver.url })));
    let error = async |admin: &Client, word: &str| {
        let sent = admin.json(&format!("/api/v1/subscriptions/{id}/deliveries")).await;
        sent["items"][0]["error"].as_str().is_some_and(|error| error.contains(word))
    };
    life.until("a redirect", async |_| error(&admin, "redirects are not followed").await);
    receiver.answers(Answer::Stalls);
    life.until("a silence", async |_| error(&admin, "no answer within 200 ms").await);
    receiver.answers(Answer::Status(410));
    life.until("that it is gone", async |_| look(&admin, &id).await["state"] == "paused");
    assert!(inside.got().is_empty());
    let tried = receiver.got().len();
    receiver.answers(Answer::Status(200));
    life.runtime.block_on(post(&admin, &format!("/api/v1/subscriptions/{id}/resume"), &json!({})));
    life.until("that it works", async |_| look(&admin, &id).await["waiting"] == 0);
    assert!(receiver.got().len() > tried);
    life.stop();
}

#[test]
fn who_is_too_far_behind_begins_anew_with_what_is_open() {
    let (mut world, receiver) = (world(), Receiver::start());
    world.settings.outward.queue_max = 5;
    world.settings.outward.retries.give_up = Millis::DAY;
    let life = world.live();
    receiver.answers(Answer::Status(503));
    let admin = life.runtime.block_on(Client::of_account(&life.handle, &account("ada", Role::Administrator, &[])));
    let (id, _) = life.runtime.block_on(subscribe(&admin, json!({ "name": "x", "url": receiver.url })));
    let all: Vec<Transition> = (0..12).map(|sensor| opened(sensor, at(0))).collect();
    world.append(&all);
    life.until("it to be behind", async |_| look(&admin, &id).await["state"] == "behind");
    assert_eq!(life.runtime.block_on(look(&admin, &id))["waiting"], 5);
    life.caught_up();
    receiver.answers(Answer::Status(200));
    life.until("it to be up again", async |_| {
        let one = look(&admin, &id).await;
        one["state"] == "active" && one["waiting"] == 0
    });
    let last = receiver.got().last().unwrap().json();
    assert_eq!(last["data"]["open"].as_array().unwrap().len(), 12, "all that is open, also what was left out");
    let before = receiver.got().len();
    world.append(&[next(&all[11], 3, at(1))]);
    let got = has(&life, &receiver, before + 1);
    assert_eq!(got.last().unwrap().json()["data"]["msgType"], "Cancel");
    life.stop();
}

#[test]
fn a_subscription_ends_with_its_token_and_is_nobody_elses() {
    let (world, receiver) = (world(), Receiver::start());
    let life = world.live();
    let (admin, token, id) = life.runtime.block_on(async {
        let admin = Client::of_account(&life.handle, &account("ada", Role::Administrator, &[])).await;
        let (token, client) = by_token(&life, &[]).await;
        let (_, other) = by_token(&life, &[]).await;
        let (id, _) = subscribe(&client, json!({ "name": "x", "url": receiver.url })).await;
        assert_eq!(other.get(&format!("/api/v1/subscriptions/{id}")).await.status, 404);
        assert_eq!(post(&other, &format!("/api/v1/subscriptions/{id}/end"), &json!({})).await.status, 404);
        assert_eq!(other.json("/api/v1/subscriptions").await["items"].as_array().unwrap().len(), 0);
        assert_eq!(admin.json("/api/v1/subscriptions").await["items"].as_array().unwrap().len(), 1);
        (admin, token, id)
    });
    has(&life, &receiver, 1);
    let revoked = life.runtime.block_on(post(&admin, &format!("/api/v1/tokens/{token}/revoke"), &json!({})));
    assert_eq!(revoked.status, 200);
    world.append(&[opened(0, at(0))]);
    life.until("it to be paused", async |_| look(&admin, &id).await["state"] == "paused");
    assert_eq!(life.runtime.block_on(look(&admin, &id))["reason"], "its token has ended");
    assert_eq!(receiver.got().len(), 1, "nothing was sent after the token's end");
    life.stop();
}

#[test]
fn cap_documents_are_sent_as_such() {
    let (world, receiver) = (world(), Receiver::start());
    world.append(&[opened(0, at(0))]);
    let life = world.live();
    life.caught_up();
    life.runtime.block_on(async {
        let admin = Client::of_account(&life.handle, &account("ada", Role::Administrator, &[])).await;
        subscribe(&admin, json!({ "name": "x", "url": receiver.url, "form": "cap" })).await;
    });
    world.append(&[next(&opened(0, at(0)), 3, at(60))]);
    let got = has(&life, &receiver, 2);
    assert!(got.iter().all(|got| got.header("content-type") == "application/cap+xml"));
    assert!(
        got[0].body.contains("<msgType>Alert</msgType>") && got[0].body.contains("+08:00</sent>"),
        "{}",
        got[0].body
    );
    let id = opened(0, at(0)).id;
    let references = format!("<references>citywatch,{id}/1,2026-03-02T08:00:00+08:00</references>");
    assert!(got[1].body.contains(&references) && got[1].body.contains("Cancel"), "{}", got[1].body);
    life.stop();
}
