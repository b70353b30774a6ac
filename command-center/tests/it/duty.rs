//! On duty: chains by the log's clock, over a store that is killed; robots; storms.

use crate::client::Client;
use crate::permissions::account;
use crate::receiver::{Answer, Receiver, world};
use crate::webhooks::post;
use crate::world::{Life, World, next, opened};
use command_center::{NewAccount, Role};
use hyper::Method;
use model::{Entry, EventTime, Transition};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// 2026-03-02T08:00+08:00, a Monday.
const START: i64 = 1_772_409_600_000;
const MINUTE: i64 = 60_000;

fn at(minute: i64) -> EventTime {
    EventTime(START + minute * MINUTE)
}

/// The people: who plans, who is on duty first, and who is called then.
struct People {
    dispatcher: Client,
    anna: Client,
    ben: Client,
    admin: Client,
}

impl People {
    async fn of(life: &Life) -> People {
        let person = async |name: &str, role: Role| {
            let account = NewAccount { name: name.to_owned(), ..account(name, role, &[]) };
            Client::of_account(&life.handle, &account).await
        };
        People {
            dispatcher: person("dora", Role::Dispatcher).await,
            anna: person("anna", Role::Operator).await,
            ben: person("ben", Role::Supervisor).await,
            admin: person("ada", Role::Administrator).await,
        }
    }
}

fn tick(world: &World, life: &Life, minute: i64) {
    world.append_entries(&[Entry::Tick(at(minute))]);
    life.until("the clock", async |client| client.json("/api/v1/overview").await["now_at"] == json!(at(minute).0));
}

async fn make(client: &Client, path: &str, body: Value) -> String {
    let made = post(client, path, &body).await;
    assert!(made.status.is_success(), "{path}: {:?}", made.body);
    made.json()["id"].as_str().unwrap_or_default().to_owned()
}

async fn reasons(client: &Client) -> Vec<String> {
    let mine = client.json("/api/v1/notices").await;
    let all = mine["items"].as_array().unwrap().iter();
    all.map(|one| one["reason"].as_str().unwrap_or("test").to_owned()).collect()
}

fn told(life: &Life, who: &Client, wanted: &[&str]) {
    life.until(&format!("{wanted:?}"), async |_| reasons(who).await == wanted);
}

/// Anna on duty by day, in turn with nobody; then Ben.
async fn plan(people: &People) -> (String, String) {
    let shift = json!({ "days": [1, 2, 3, 4, 5, 6, 7], "from": "06:00", "to": "18:00", "people": ["anna"] });
    let roster = make(&people.dispatcher, "/api/v1/rosters", json!({ "name": "day", "shifts": [shift] })).await;
    let chain = json!({
        "name": "water", "domains": ["drainage"], "wait_ms": 0, "interval_ms": 60_000, "repeat_ms": 3_600_000,
        "steps": [
            { "notify": [format!("roster/{roster}")], "wait_ms": 5 * MINUTE },
            { "notify": ["ben"], "wait_ms": 5 * MINUTE },
        ],
    });
    (roster, make(&people.dispatcher, "/api/v1/chains", chain).await)
}

async fn acknowledge(client: &Client, id: &str) {
    let path = format!("/api/v1/incidents/{id}");
    let tag = client.get(&path).await.header("etag").to_owned();
    let answer = client.send(Method::POST, &format!("{path}/acknowledge"), &[("if-match", &tag)], "{}").await;
    assert_eq!(answer.status, 200, "{:?}", answer.body);
}

#[test]
fn a_chain_tells_waits_and_goes_on_until_somebody_acknowledges_also_over_kills() {
    let world = world();
    world.append_entries(&[Entry::Tick(at(0))]);
    let life = world.live();
    let people = life.runtime.block_on(People::of(&life));
    life.runtime.block_on(plan(&people));
    let incident = opened(0, at(0));
    world.append(&[incident.clone(), opened(1, at(0))]);
    told(&life, &people.anna, &["began"]);
    life.kill();
    let life = world.live();
    let again = |client: &Client| Client { address: life.handle.local_addr(), ..client.clone() };
    let (anna, ben, dora) = (again(&people.anna), again(&people.ben), again(&people.dispatcher));
    tick(&world, &life, 4);
    tick(&world, &life, 6);
    told(&life, &ben, &["escalated"]);
    assert_eq!(life.runtime.block_on(reasons(&anna)), ["began"], "after a kill nobody is told twice");
    let item = life.runtime.block_on(ben.json("/api/v1/notices"))["items"][0].clone();
    assert_eq!((&item["open"], &item["step"], &item["items"][0]["id"]), (&json!(1), &json!(2), &json!(incident.id)));
    // Another joins: both hear of it, a minute after the last notice at the earliest.
    world.append(&[opened(5, at(6))]);
    tick(&world, &life, 8);
    told(&life, &anna, &["changed", "began"]);
    told(&life, &ben, &["changed", "escalated"]);
    life.runtime.block_on(async {
        for id in [incident.id, opened(5, at(6)).id] {
            acknowledge(&anna, &id.to_string()).await;
        }
        let chains = dora.json("/api/v1/chains").await;
        assert_eq!(chains["items"][0]["groups"], 0, "nothing is left of the group");
    });
    tick(&world, &life, 300);
    life.runtime.block_on(async {
        assert_eq!(reasons(&anna).await, ["changed", "began"], "acknowledging stops it for good");
        let mine = anna.json("/api/v1/notices").await;
        assert_eq!(mine["unread"], 2);
        assert_eq!(post(&anna, "/api/v1/notices/read", &json!({})).await.status, 204);
        assert_eq!(anna.json("/api/v1/notices").await["unread"], 0);
        assert_eq!(ben.json("/api/v1/notices").await["unread"], 2, "what one read another did not");
    });
    life.stop();
}

#[test]
fn what_is_over_is_told_and_what_is_set_aside_is_not() {
    let world = world();
    world.append_entries(&[Entry::Tick(at(0))]);
    let life = world.live();
    let people = life.runtime.block_on(People::of(&life));
    life.runtime.block_on(plan(&people));
    let (first, second) = (opened(0, at(0)), opened(5, at(0)));
    world.append(&[first.clone(), second.clone()]);
    told(&life, &people.anna, &["began"]);
    life.runtime.block_on(async {
        let path = format!("/api/v1/incidents/{}", second.id);
        let tag = people.anna.get(&path).await.header("etag").to_owned();
        let body = json!({ "reason": "diver in the well" }).to_string();
        let aside = people.anna.send(Method::POST, &format!("{path}/suppress"), &[("if-match", &tag)], &body).await;
        assert_eq!(aside.status, 200);
    });
    world.append(&[next(&first, 3, at(2))]);
    life.caught_up();
    // Who acknowledges it now comes too late: it was over before that.
    life.runtime.block_on(acknowledge(&people.anna, &first.id.to_string()));
    tick(&world, &life, 3);
    told(&life, &people.anna, &["over", "began"]);
    tick(&world, &life, 300);
    assert_eq!(life.runtime.block_on(reasons(&people.ben)), Vec::<String>::new());
    life.stop();
}

#[test]
fn who_stands_in_is_told_and_nobody_on_duty_goes_to_the_next() {
    let world = world();
    world.append_entries(&[Entry::Tick(at(0))]);
    let life = world.live();
    let people = life.runtime.block_on(People::of(&life));
    let (roster, chain) = life.runtime.block_on(plan(&people));
    life.runtime.block_on(async {
        let stands_in =
            json!({ "from": at(-60).0, "to": at(60).0, "who": "ben", "instead_of": "anna", "reason": "ill" });
        let path = format!("/api/v1/rosters/{roster}/override");
        assert_eq!(post(&people.ben, &path, &stands_in).await.status, 403);
        make(&people.dispatcher, &path, stands_in).await;
        let note = json!({ "note": "pump 3 is out" });
        assert_eq!(post(&people.ben, &format!("/api/v1/rosters/{roster}/handover"), &note).await.status, 204);
        let week = people.ben.json(&format!("/api/v1/rosters/{roster}?from={}&days=1", at(0).0)).await;
        let spans: Vec<&Value> = week["spans"].as_array().unwrap().iter().map(|span| &span["who"]).collect();
        assert_eq!(spans, [&json!(["ben"]), &json!(["anna"]), &json!([]), &json!(["anna"])]);
        assert_eq!(week["handovers"][0]["note"], "pump 3 is out");
        let list = people.ben.json("/api/v1/rosters").await;
        assert_eq!(list["items"][0]["on_duty"], json!(["ben"]));
    });
    world.append(&[opened(0, at(0))]);
    told(&life, &people.ben, &["began"]);
    // At night nobody of the roster is there: the next step is taken at once.
    world.append(&[next(&opened(0, at(0)), 3, at(1))]);
    life.caught_up();
    tick(&world, &life, 5);
    told(&life, &people.ben, &["over", "began"]);
    tick(&world, &life, 13 * 60);
    world.append(&[opened(5, at(13 * 60))]);
    told(&life, &people.ben, &["escalated", "over", "began"]);
    // Without the second step all operators are told.
    life.runtime.block_on(async {
        let tag = "\"1\"";
        let alone = json!({ "name": "water", "wait_ms": 0,
            "steps": [{ "notify": [format!("roster/{roster}")], "wait_ms": MINUTE }] });
        let path = format!("/api/v1/chains/{chain}");
        let stale = people.dispatcher.send(Method::POST, &path, &[("if-match", "\"7\"")], &alone.to_string()).await;
        assert_eq!(stale.status, 412);
        let done = people.dispatcher.send(Method::POST, &path, &[("if-match", tag)], &alone.to_string()).await;
        assert_eq!(done.status, 200, "{:?}", done.body);
    });
    world.append(&[opened(11, at(13 * 60))]);
    told(&life, &people.anna, &["began"]);
    let mine = life.runtime.block_on(people.anna.json("/api/v1/notices"));
    assert_eq!(mine["items"][0]["is_for_all"], true);
    life.stop();
}

#[test]
fn robots_and_webhooks_are_told_and_their_answers_are_read() {
    let (world, robot, hook) = (world(), Receiver::start(), Receiver::start());
    world.append_entries(&[Entry::Tick(at(0))]);
    robot.answers(Answer::Says(r#"{"errcode":0,"errmsg":"ok"}"#.to_owned()));
    let life = world.live();
    let people = life.runtime.block_on(People::of(&life));
    let secret = life.runtime.block_on(async {
        plan(&people).await;
        let contact = |kind: &str, url: &str| json!({ "who": "anna", "kind": kind, "address": url });
        for bad in [contact("email", "anna@city.example"), contact("wecom", "nonsense"), contact("pigeon", "x")] {
            assert_eq!(post(&people.admin, "/api/v1/contacts", &bad).await.status, 400, "{bad}");
        }
        make(&people.admin, "/api/v1/contacts", contact("wecom", &format!("{}?key=1", robot.url))).await;
        let ding = json!({ "who": "anna", "kind": "dingtalk", "address": format!("{}?access_token=t", robot.url),
            "secret": "SEC", "language": "en" });
        make(&people.admin, "/api/v1/contacts", ding).await;
        let made = post(&people.admin, "/api/v1/contacts", &contact("webhook", &hook.url)).await.json();
        assert!(!made["contact"]["address"].as_str().unwrap().contains("/hook"), "shown in part: {made}");
        made["secret"].as_str().unwrap().to_owned()
    });
    world.append(&[opened(0, at(0))]);
    life.until("all three", async |_| robot.got().len() == 2 && hook.got().len() == 1);
    let got = robot.got();
    let (ding, wecom): (Vec<_>, Vec<_>) = got.into_iter().partition(|got| got.path.contains("access_token"));
    assert_eq!(wecom[0].json()["msgtype"], "text");
    assert!(wecom[0].json()["text"]["content"].as_str().unwrap().contains("请确认"), "{}", wecom[0].body);
    assert!(ding[0].json()["text"]["content"].as_str().unwrap().contains("please acknowledge"), "{}", ding[0].body);
    assert!(ding[0].path.contains("&timestamp=") && ding[0].path.contains("&sign="), "{}", ding[0].path);
    let hooked = &hook.got()[0];
    assert_eq!((hooked.signed_by(&secret), &hooked.json()["data"]["reason"]), (1, &json!("began")));
    // A robot that refuses says so in the body of a 200.
    robot.answers(Answer::Says(r#"{"errcode":93000,"errmsg":"invalid webhook url"}"#.to_owned()));
    tick(&world, &life, 61);
    life.until("that they refuse", async |_| {
        let sent = people.ben.json("/api/v1/notices/sent").await;
        let all = sent["items"][0]["deliveries"].as_array().unwrap().clone();
        all.iter().filter(|one| one["error"].as_str().is_some_and(|why| why.contains("93000"))).count() == 2
    });
    life.stop();
}

/// Sensors of the city: only those with an even number lie in 110101007, but all in 110101.
fn burst(from: usize, count: usize, minute: i64) -> Vec<Transition> {
    (from..from + count).map(|sensor| opened(sensor, at(minute))).collect()
}

#[test]
fn a_storm_makes_one_digest_of_many_and_ends() {
    let world = world();
    world.append_entries(&[Entry::Tick(at(0))]);
    let life = world.live();
    let people = life.runtime.block_on(People::of(&life));
    life.runtime.block_on(async {
        let chain = json!({ "name": "all", "wait_ms": MINUTE, "interval_ms": 10 * MINUTE, "group_by": ["rule"],
            "steps": [{ "notify": ["anna"], "wait_ms": 600 * MINUTE }] });
        make(&people.dispatcher, "/api/v1/chains", chain).await;
    });
    world.append(&burst(0, 10, 0));
    let storms = async |client: &Client| client.json("/api/v1/storms").await["items"].as_array().unwrap().clone();
    life.until("a storm", async |_| storms(&people.anna).await.len() == 1);
    let storm = life.runtime.block_on(storms(&people.anna))[0].clone();
    assert_eq!((&storm["area"], &storm["count"]), (&json!("110101"), &json!(10)));
    world.append(&burst(10, 25, 1));
    life.caught_up();
    tick(&world, &life, 2);
    // Five groups by rule from before the storm, and one of all that came in it.
    life.until("the digest", async |_| reasons(&people.anna).await.len() == 6);
    let mine = life.runtime.block_on(people.anna.json("/api/v1/notices"));
    let all = mine["items"].as_array().unwrap();
    let digests: Vec<&Value> = all.iter().filter(|one| one["is_storm"] == true).collect();
    assert_eq!((digests.len(), &digests[0]["open"]), (1, &json!(25)));
    assert_eq!(digests[0]["items"].as_array().unwrap().len(), 20, "the worst, and how many more there are");
    tick(&world, &life, 12);
    life.until("its end", async |_| storms(&people.anna).await.is_empty());
    life.stop();
}

#[test]
fn late_cases_are_told_until_somebody_acts() {
    let mut world = crate::cases::world(START);
    world.settings.outward = crate::receiver::outward();
    let life = world.live();
    let people = life.runtime.block_on(People::of(&life));
    life.runtime.block_on(async {
        let chain = json!({ "name": "late", "subject": "late_cases", "wait_ms": 0,
            "steps": [{ "notify": ["ben"], "wait_ms": 600 * MINUTE }] });
        make(&people.dispatcher, "/api/v1/chains", chain).await;
    });
    world.append(&[opened(0, at(0))]);
    life.caught_up();
    tick(&world, &life, 60 * 24 * 30);
    life.until("that it is late", async |_| !reasons(&people.ben).await.is_empty());
    let notice = life.runtime.block_on(people.ben.json("/api/v1/notices"))["items"][0].clone();
    assert_eq!((&notice["items"][0]["kind"], &notice["reason"]), (&json!("case"), &json!("began")));
    let case = notice["items"][0]["id"].as_str().unwrap().to_owned();
    life.runtime.block_on(async {
        let path = format!("/api/v1/cases/{case}");
        let tag = people.dispatcher.get(&path).await.header("etag").to_owned();
        let done = people.dispatcher.send(Method::POST, &format!("{path}/dispatch"), &[("if-match", &tag)], "{}").await;
        assert_eq!(done.status, 200, "{:?}", done.body);
        let groups: BTreeSet<i64> = people.dispatcher.json("/api/v1/chains").await["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|chain| chain["groups"].as_i64().unwrap())
            .collect();
        assert_eq!(groups, BTreeSet::from([0]), "somebody acted on it");
    });
    life.stop();
}
