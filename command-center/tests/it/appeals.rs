//! Appeals of citizens over HTTP: taken in, followed, merged, answered, judged, opened again, and kept private.

use crate::PATIENCE;
use crate::cases::{Desk, act, life, well, world};
use crate::client::{Answer, Client};
use crate::permissions::account;
use crate::world::{Life, PACE, World};
use bus::Topic;
use command_center::{AdminAnswer, AdminRequest, Role, Verified};
use hyper::Method;
use serde_json::{Value, json};
use std::time::Instant;

/// 2026-03-02T08:00+08:00, a Monday.
pub const START: i64 = 1_772_409_600_000;
const NAME: &str = "张三丰";
const PHONE: &str = "13812345678";

/// A citizen at an address of their own.
pub struct Citizen<'a> {
    pub client: Client,
    pub address: &'a str,
}

impl Citizen<'_> {
    pub fn at<'a>(life: &Life, address: &'a str) -> Citizen<'a> {
        Citizen { client: Client::stranger(life.handle.local_addr()), address }
    }

    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        let headers = [("x-forwarded-for", self.address)];
        self.client.send(Method::POST, path, &headers, &body.to_string()).await
    }

    /// Reports; gives the appeal and how to ask for it.
    pub async fn reports(&self, body: &Value) -> (Value, Theirs) {
        let answer = self.post("/api/v1/appeals", body).await;
        assert_eq!(answer.status, 201, "{}", String::from_utf8_lossy(&answer.body));
        let told = answer.json();
        let number = told["appeal"]["number"].as_str().unwrap().to_owned();
        let secret = told["secret"].as_str().unwrap().to_owned();
        (told["appeal"].clone(), Theirs { number, secret })
    }
}

/// What a reporter keeps.
pub struct Theirs {
    pub number: String,
    pub secret: String,
}

impl Theirs {
    pub fn path(&self, more: &str) -> String {
        format!("/api/v1/appeals/{}{more}?secret={}", self.number, self.secret)
    }
}

pub fn water(east: f64) -> Value {
    json!({ "class": "0402", "text": format!("路面积水，请打 {PHONE}"), "lon": 116.35 + east, "lat": 39.9 })
}

/// Metres to the east as degrees at that latitude, nearly.
fn metres(east: f64) -> f64 {
    east / 85_300.0
}

/// All cases, newest change first.
pub async fn cases(client: &Client) -> Vec<Value> {
    client.json("/api/v1/cases?state=all").await["items"].as_array().unwrap().clone()
}

/// A case from reported to closed.
async fn handled(desk: &Desk, id: &str) {
    well(&desk.inspector, id, "verify", &json!({ "result": "real" })).await;
    well(&desk.operator, id, "register", &json!({})).await;
    finished(desk, id).await;
}

/// A case from registered to closed.
async fn finished(desk: &Desk, id: &str) {
    well(&desk.dispatcher, id, "dispatch", &json!({})).await;
    well(&desk.unit, id, "accept", &json!({})).await;
    well(&desk.unit, id, "feedback", &json!({ "note": "pumped" })).await;
    well(&desk.inspector, id, "check", &json!({ "result": "fixed" })).await;
}

pub fn words(appeal: &Value) -> Vec<&str> {
    appeal["steps"].as_array().unwrap().iter().map(|step| step["step"].as_str().unwrap()).collect()
}

/// Whether a text stands anywhere on the bus.
fn is_on_the_bus(world: &World, text: &str) -> bool {
    let holds = |bytes: &[u8]| bytes.windows(text.len()).any(|window| window == text.as_bytes());
    [Topic::Serve, Topic::Command, Topic::Supervise, Topic::DeadLetter]
        .into_iter()
        .any(|topic| world.topic(topic, |record| record.value.is_some_and(holds)).into_iter().any(|found| found))
}

/// Until all events are on the bus.
async fn published(client: &Client) {
    let end = Instant::now() + PATIENCE;
    while !String::from_utf8_lossy(&client.get("/metrics").await.body).contains("citywatch_outbox_events 0\n") {
        assert!(Instant::now() < end, "events wait");
        tokio::time::sleep(PACE).await;
    }
}

fn settle(life: &Life) {
    life.runtime.block_on(published(&life.client));
}

#[test]
fn an_appeal_is_taken_in_handled_rated_and_opened_again() {
    let world = world(START);
    let life = life(&world, &[]);
    life.runtime.block_on(async {
        let (desk, citizen) = (Desk::of(&life).await, Citizen::at(&life, "10.0.0.1"));
        let mut said = water(0.0);
        (said["name"], said["phone"], said["danger"]) = (json!(NAME), json!(PHONE), json!(true));
        said["key"] = json!("0123456789abcdef0123456789abcdef");
        let (appeal, theirs) = citizen.reports(&said).await;
        assert_eq!((theirs.number.as_str(), theirs.secret.len()), ("2026030200001", 19));
        assert_eq!((&appeal["state"], &appeal["next"]["by"]), (&json!("reported"), &json!(START + 1_800_000)));
        assert_eq!(appeal["class_name"]["zh"], "道路积水、排水管冒溢");
        assert!(appeal["text"].as_str().unwrap().contains("138****5678"), "{appeal}");
        assert_eq!(words(&appeal), ["received"]);
        // Who got no answer asks again.
        let again = citizen.post("/api/v1/appeals", &said).await;
        assert_eq!((again.status.as_u16(), &again.json()["secret"]), (200, &json!(theirs.secret)));
        assert_eq!(again.json()["appeal"]["number"], theirs.number.as_str());

        let all = cases(&desk.operator).await;
        let [row] = &all[..] else { panic!("one case: {all:?}") };
        let id = row["id"].as_str().unwrap();
        let case = desk.operator.json(&format!("/api/v1/cases/{id}")).await;
        assert_eq!(
            (&case["source"], &case["severity"], &case["state"]),
            (&json!("citizen"), &json!("severe"), &json!("reported"))
        );
        assert_eq!((&case["district"], &case["subdistrict"]), (&json!("110101"), &json!("110101007")));

        // Before and during it nobody rates or opens again; with another secret nobody sees.
        let rating = json!({ "satisfied": "mostly", "solved": true, "contacted": true, "note": "谢谢" });
        assert_eq!(citizen.post(&theirs.path("/rating"), &rating).await.status, 409);
        assert_eq!(citizen.post(&theirs.path("/reopen"), &json!({ "reason": "no" })).await.status, 409);
        let wrong = Theirs {
            secret: "0000-0000-0000-0000".to_owned(),
            ..Theirs { number: theirs.number.clone(), secret: String::new() }
        };
        assert_eq!(citizen.client.get(&wrong.path("")).await.status, 404);
        assert_eq!(citizen.post(&wrong.path("/rating"), &rating).await.status, 404);

        handled(&desk, id).await;
        let seen = citizen.client.json(&theirs.path("")).await;
        let all = ["received", "verified", "registered", "dispatched", "accepted", "fed_back", "checked"];
        assert_eq!(words(&seen), all);
        assert_eq!((&seen["may_rate"], &seen["next"]), (&json!(true), &Value::Null));
        assert!(seen["steps"][3]["text"]["zh"].as_str().unwrap().contains("水务局"), "{seen}");
        assert!(!seen.to_string().contains("pumped"), "what the city's people write to each other is theirs");
        let rated = citizen.post(&theirs.path("/rating"), &rating).await;
        assert_eq!((rated.status.as_u16(), &rated.json()["satisfied"]), (200, &json!("mostly")));
        assert_eq!(citizen.post(&theirs.path("/rating"), &rating).await.status, 409, "once");

        published(&life.client).await;
        let month = desk.supervisor.json("/api/v1/supervise/months/2026-03").await;
        let rates = &month["kpis"]["unit"]["district-water-110101"]["rates"];
        assert_eq!((&rates["solved"]["hits"], &rates["responded"]["of"]), (&json!(1.0), &json!(1)), "{month}");

        let opened = citizen.post(&theirs.path("/reopen"), &json!({ "reason": "水又来了" })).await;
        assert_eq!((opened.status.as_u16(), &opened.json()["state"]), (200, &json!("registered")));
        let case = desk.operator.json(&format!("/api/v1/cases/{id}")).await;
        assert_eq!(case["counts"]["reopened"], 1);
        assert!(
            case["clocks"]
                .as_array()
                .unwrap()
                .iter()
                .any(|clock| clock["stage"] == "total" && clock["due_at"].is_i64())
        );
        finished(&desk, id).await;
        assert_eq!(citizen.post(&theirs.path("/rating"), &rating).await.status, 200, "each closing is rated once");
    });
    settle(&life);
    life.stop();
    assert!(!is_on_the_bus(&world, NAME) && !is_on_the_bus(&world, PHONE), "who said it is on no bus");
    assert!(is_on_the_bus(&world, "138****5678"));
}

#[test]
fn who_said_it_is_masked_and_each_clear_read_is_written_down() {
    let world = world(START);
    let life = life(&world, &[]);
    life.runtime.block_on(async {
        let (desk, citizen) = (Desk::of(&life).await, Citizen::at(&life, "10.0.0.1"));
        let mut said = water(0.0);
        (said["name"], said["phone"]) = (json!(NAME), json!(PHONE));
        let (_, theirs) = citizen.reports(&said).await;
        let id = cases(&desk.operator).await[0]["id"].as_str().unwrap().to_owned();
        let listed = desk.operator.json(&format!("/api/v1/cases/{id}/appeals")).await;
        let appeal = &listed["items"][0];
        assert_eq!((&appeal["name"], &appeal["phone"]), (&json!("张*"), &json!("138****5678")));
        let contact = format!("/api/v1/appeals/{}/contact", theirs.number);
        let elsewhere = Client::of_account(&life.handle, &account("elsewhere", Role::Operator, &["110101008"])).await;
        let worker = account("worker", Role::Unit, &[]);
        let worker = command_center::NewAccount { unit: Some("district-water-110101".to_owned()), ..worker };
        let worker = Client::of_account(&life.handle, &worker).await;
        for client in [&desk.inspector, &desk.dispatcher, &elsewhere, &worker] {
            assert_eq!(client.get(&contact).await.status, 403);
        }
        let before = audited(&life).await;
        let clear = desk.operator.json(&contact).await;
        assert_eq!((&clear["name"], &clear["phone"], &clear["email"]), (&json!(NAME), &json!(PHONE), &json!("")));
        assert_eq!(audited(&life).await, before + 1);
        // The unit whose case it is may call back.
        well(&desk.inspector, &id, "verify", &json!({ "result": "real" })).await;
        well(&desk.operator, &id, "register", &json!({})).await;
        well(&desk.dispatcher, &id, "dispatch", &json!({})).await;
        let before = audited(&life).await;
        assert_eq!(worker.get(&contact).await.status, 200);
        assert_eq!(audited(&life).await, before + 1);
        let (_, nobody) = citizen.reports(&water(0.01)).await;
        let none = desk.operator.get(&format!("/api/v1/appeals/{}/contact", nobody.number)).await;
        assert_eq!(none.status, 404, "nobody told");
    });
    life.stop();
}

/// How many entries the audit has, which is whole.
async fn audited(life: &Life) -> u64 {
    let answer = life.handle.admin().answer(AdminRequest::VerifyAudit { head: None }, "test").await.unwrap();
    match answer {
        AdminAnswer::Verified(Verified::Whole(head)) => head.seq,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_is_known_near_is_followed_or_merged_and_a_merge_is_taken_back() {
    let world = world(START);
    let life = life(&world, &[]);
    life.runtime.block_on(async {
        let (desk, citizen) = (Desk::of(&life).await, Citizen::at(&life, "10.0.0.1"));
        let (_, first) = citizen.reports(&water(0.0)).await;
        let near = format!("/api/v1/appeals/near?class=0402&lat=39.9&lon={}", 116.35 + metres(20.0));
        let known = citizen.client.json(&near).await;
        assert_eq!((known["radius_m"].as_f64(), known["items"].as_array().unwrap().len()), (Some(75.0), 1));
        let found = &known["items"][0];
        assert!((19.0..21.0).contains(&found["distance_m"].as_f64().unwrap()), "{found}");
        assert!(found["score"].as_f64().unwrap() > 0.9 && !found.to_string().contains("积水，"), "{found}");
        let number = found["number"].as_str().unwrap();
        let follower = json!({ "class": "0402", "text": "也看到了", "lon": 116.35, "lat": 39.9, "follows": number });
        let (seen, follows) = citizen.reports(&follower).await;
        assert_eq!((&seen["follows"], words(&seen)), (&json!(true), vec!["followed"]));
        let (far, apart) = citizen.reports(&water(metres(200.0))).await;
        assert_eq!(far["merged"], false);
        let (near, merged) = citizen.reports(&water(metres(30.0))).await;
        assert_eq!((&near["merged"], words(&near)), (&json!(true), vec!["received", "voided"]));
        let all = cases(&desk.operator).await;
        assert_eq!(all.len(), 3, "a follower makes none");
        let case = all.iter().find(|case| case["number"] == number).unwrap();
        let id = case["id"].as_str().unwrap();
        let listed = desk.operator.json(&format!("/api/v1/cases/{id}/appeals")).await;
        let numbers: Vec<&str> =
            listed["items"].as_array().unwrap().iter().map(|one| one["number"].as_str().unwrap()).collect();
        assert_eq!(numbers, [&first.number, &follows.number, &merged.number]);
        let of_merged = &listed["items"][2];
        assert!(of_merged["likeness"]["score"].as_f64().unwrap() > 0.3, "{listed}");

        handled(&desk, id).await;
        for theirs in [&first, &follows, &merged] {
            let seen = citizen.client.json(&theirs.path("")).await;
            assert_eq!(
                (&seen["state"], &seen["may_rate"]),
                (&json!("closed"), &json!(true)),
                "each reporter is answered"
            );
            assert_eq!(*words(&seen).last().unwrap(), "checked");
        }
        assert_eq!(citizen.client.json(&apart.path("")).await["state"], "reported");
        // An operator sees that it was another matter.
        let own = of_merged["case"].as_str().unwrap();
        let void = desk.operator.json(&format!("/api/v1/cases/{own}")).await;
        assert!(void["steps"][1]["likeness"]["distance_m"].as_f64().unwrap() > 29.0, "{void}");
        assert_eq!(act(&desk.dispatcher, own, "unmerge", &json!({ "reason": "no" })).await.status, 403);
        well(&desk.operator, own, "unmerge", &json!({ "reason": "the other side of the road" })).await;
        let seen = citizen.client.json(&merged.path("")).await;
        assert_eq!((&seen["state"], &seen["merged"]), (&json!("reported"), &json!(false)));
        assert_eq!(words(&seen), ["received", "voided", "unmerged"]);
        let late = citizen.post("/api/v1/appeals", &follower).await;
        assert_eq!(late.status, 400, "what is over is not followed");
    });
    life.stop();
}

#[test]
fn what_does_not_fit_is_refused_in_words_and_makes_nothing() {
    let world = world(START);
    let life = life(&world, &[]);
    life.runtime.block_on(async {
        let citizen = |address| Citizen::at(&life, address);
        let with = |key: &str, value: Value| {
            let mut body = water(0.0);
            body[key] = value;
            body
        };
        let bad = [
            (with("class", json!("9999")), "no class"),
            (with("text", json!(" ")), "1 to 2,000"),
            (with("text", json!("水".repeat(2_001))), "1 to 2,000"),
            (with("lat", Value::Null), "go together"),
            (with("lon", json!(100.0)), "outside the city"),
            (with("lon", json!(1e9)), "degrees"),
            (with("name", json!("n".repeat(65))), "name"),
            (with("key", json!("short")), "key"),
            (with("follows", json!("none")), "follow"),
            (json!({ "class": "0402", "text": "where?" }), "where"),
            (json!({ "class": "0402", "text": "x", "area": "999999" }), "no area"),
        ];
        for (index, (body, word)) in bad.iter().enumerate() {
            let address = format!("10.1.0.{index}");
            let answer = Citizen::at(&life, &address).post("/api/v1/appeals", body).await;
            assert_eq!(answer.status, 400, "{body}");
            assert_eq!(answer.header("content-type"), "application/problem+json");
            assert!(answer.json()["detail"].as_str().unwrap().contains(word), "{body}: {}", answer.json());
        }
        let headers = [("origin", "http://evil.example"), ("x-forwarded-for", "10.2.0.1")];
        let stranger = Client::stranger(life.handle.local_addr());
        let other = stranger.send(Method::POST, "/api/v1/appeals", &headers, &water(0.0).to_string()).await;
        assert_eq!(other.status, 403, "another site's page");
        assert!(cases(&life.client).await.is_empty());
        let by_area = citizen("10.3.0.1").reports(&json!({ "class": "0402", "text": "水", "area": "110101007" })).await;
        assert_eq!((&by_area.0["lon"], &by_area.0["place_name"]["zh"]), (&Value::Null, &json!("东城区朝阳门街道")));
    });
    life.stop();
}

#[test]
fn an_address_that_asks_too_often_waits_and_others_do_not() {
    let world = world(START);
    let life = life(&world, &[]);
    life.runtime.block_on(async {
        let eager = Citizen::at(&life, "10.0.0.1");
        for _ in 0..10 {
            eager.reports(&water(0.0)).await;
        }
        let refused = eager.post("/api/v1/appeals", &water(0.0)).await;
        assert_eq!(refused.status, 429);
        let seconds: i64 = refused.header("retry-after").parse().unwrap();
        assert!((1..=120).contains(&seconds), "{seconds}");
        Citizen::at(&life, "10.0.0.2").reports(&water(0.0)).await;
        // Only the last is the proxy's word; what stands before it anybody can write.
        let forged = Citizen::at(&life, "10.9.9.9, 10.0.0.1").post("/api/v1/appeals", &water(0.0)).await;
        assert_eq!(forged.status, 429);
        let text = String::from_utf8(life.client.get("/metrics").await.body.to_vec()).unwrap();
        assert!(text.contains("citywatch_turned_away_total 2\n"), "{text}");
    });
    life.stop();
}

#[test]
fn photos_are_evidence_of_the_case() {
    let world = world(START);
    let life = life(&world, &[]);
    life.runtime.block_on(async {
        let citizen = Citizen::at(&life, "10.0.0.1");
        let (_, theirs) = citizen.reports(&water(0.0)).await;
        let send = async |theirs: &Theirs, file: &str| {
            let headers = [("x-forwarded-for", "10.0.0.2")];
            citizen.client.send(Method::POST, &theirs.path("/photos"), &headers, file).await
        };
        assert_eq!(send(&theirs, "%PDF-1.7").await.status, 415);
        let wrong = Theirs { number: theirs.number.clone(), secret: "no".to_owned() };
        assert_eq!(send(&wrong, "RIFF\0\0\0\0WEBPVP8 1").await.status, 404);
        for count in 1..=4 {
            let answer = send(&theirs, &format!("RIFF\0\0\0\0WEBPVP8 {count}")).await;
            assert_eq!((answer.status.as_u16(), &answer.json()["photos"]), (200, &json!(count)));
        }
        assert_eq!(send(&theirs, "RIFF\0\0\0\0WEBPVP8 5").await.status, 409);
        let row = &cases(&life.client).await[0];
        let case = life.client.json(&format!("/api/v1/cases/{}", row["id"].as_str().unwrap())).await;
        let hashes = case["evidence"].as_array().unwrap();
        assert_eq!(hashes.len(), 4);
        let path = format!("/api/v1/cases/{}/evidence/{}", case["id"].as_str().unwrap(), hashes[0].as_str().unwrap());
        assert_eq!(&*life.client.get(&path).await.body, b"RIFF\0\0\0\0WEBPVP8 1");
        assert_eq!(Client::stranger(life.handle.local_addr()).get(&path).await.status, 401);
    });
    life.stop();
}
