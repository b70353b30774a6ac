//! Cases over HTTP: from an incident to the end, with everybody on their own side; clocks by the log's clock.

use crate::client::{Answer, Client};
use crate::permissions::account;
use crate::world::{Life, World, next, opened};
use bus::{Event, Topic};
use command_center::{NewAccount, NewToken, Role, RuleInfo, Rules, Scope};
use hyper::Method;
use model::{Entry, EventTime, Transition};
use serde_json::{Value, json};
use std::collections::BTreeMap;

const HOUR: i64 = 3_600_000;
/// 2026-03-02T08:00+08:00, a Monday.
pub const START: i64 = 1_772_409_600_000;
const PNG: &str = "\u{89}PNG\r\n\u{1a}\nwhatever";

/// The rules of the domains drainage and waste have classes, the others none.
pub fn rules() -> Rules {
    let rule = |category: Option<&str>| RuleInfo {
        title: BTreeMap::from([("zh".to_owned(), "水".to_owned())]),
        category: category.map(str::to_owned),
        ..RuleInfo::default()
    };
    let by_id = [("drainage.rule", Some("0402")), ("waste.rule", Some("0102")), ("air.rule", None)];
    Rules { by_id: by_id.map(|(id, class)| (id.to_owned(), rule(class))).into(), versions: Vec::new() }
}

pub fn world(tick: i64) -> World {
    let mut world = World::new();
    world.settings.rules = rules();
    world.append_entries(&[Entry::Tick(EventTime(tick))]);
    world
}

/// The people of a desk.
pub struct Desk {
    pub operator: Client,
    pub dispatcher: Client,
    pub inspector: Client,
    pub supervisor: Client,
    /// Of `district-water-110101`.
    pub unit: Client,
}

impl Desk {
    pub async fn of(life: &Life) -> Desk {
        let person = async |role: Role| Client::of_account(&life.handle, &account(role.name(), role, &[])).await;
        Desk {
            operator: Client::of_account(&life.handle, &account("olga", Role::Operator, &[])).await,
            dispatcher: person(Role::Dispatcher).await,
            inspector: person(Role::Inspector).await,
            supervisor: person(Role::Supervisor).await,
            unit: of_unit(life, "district-water-110101").await,
        }
    }
}

pub async fn of_unit(life: &Life, unit: &str) -> Client {
    let token = NewToken {
        name: unit.to_owned(),
        scopes: vec![Scope::CasesHandle, Scope::CasesRead],
        areas: Vec::new(),
        unit: Some(unit.to_owned()),
        days: None,
    };
    Client::of_token(&life.handle, token).await.1
}

/// Acts on a case as it is now.
pub async fn act(client: &Client, id: &str, act: &str, body: &Value) -> Answer {
    let tag = client.get(&format!("/api/v1/cases/{id}")).await.header("etag").to_owned();
    client.send(Method::POST, &format!("/api/v1/cases/{id}/{act}"), &[("if-match", &tag)], &body.to_string()).await
}

/// Acts, which must be good.
pub async fn well(client: &Client, id: &str, name: &str, body: &Value) -> Value {
    let answer = act(client, id, name, body).await;
    assert_eq!(answer.status, 200, "{name}: {}", String::from_utf8_lossy(&answer.body));
    answer.json()
}

/// The only case of an incident.
pub async fn case_of(client: &Client, incident: &Transition) -> Value {
    let found = client.json(&format!("/api/v1/cases?state=all&incident={}", incident.id)).await;
    let [row] = &found["items"].as_array().unwrap()[..] else { panic!("no case of {}: {found}", incident.id) };
    client.json(&format!("/api/v1/cases/{}", row["id"].as_str().unwrap())).await
}

pub fn life(world: &World, incidents: &[Transition]) -> Life {
    world.append(incidents);
    let life = world.live();
    life.caught_up();
    life.until("the clock", async |client| client.json("/api/v1/overview").await["now_at"].is_i64());
    life
}

#[test]
fn an_incident_becomes_a_case_that_is_handled_checked_and_judged() {
    let world = world(START);
    // Sensor 0 is of the domain drainage, 1 of waste, 3 of air.
    let all = [opened(0, EventTime(START)), opened(1, EventTime(START)), opened(3, EventTime(START))];
    let life = life(&world, &all);
    life.runtime.block_on(async {
        let desk = Desk::of(&life).await;
        let page = desk.operator.json("/api/v1/cases").await;
        assert_eq!(page["items"].as_array().unwrap().len(), 2, "air has no class: {page}");
        let case = case_of(&desk.operator, &all[0]).await;
        assert_eq!((&case["state"], &case["class"]), (&json!("registered"), &json!("0402")));
        assert_eq!(case["number"].as_str().unwrap().len(), 19);
        assert!(case["number"].as_str().unwrap().starts_with("11010120260302"), "{case}");
        assert_eq!(case["proposal"]["unit"], "district-water-110101");
        assert_eq!(case["class_name"]["zh"], "道路积水、排水管冒溢");
        let id = case["id"].as_str().unwrap();
        let litter = case_of(&desk.operator, &all[1]).await;
        assert_eq!(litter["state"], "verified", "its class is registered by somebody");

        assert_eq!(case["limit_ms"], json!([24 * HOUR, HOUR / 2]));
        assert_eq!(case["acts"], json!(["void", "note", "evidence"]), "what an operator may do");
        let path = format!("/api/v1/cases/{id}");
        let acts = async |client: &Client| client.json(&path).await["acts"].clone();
        assert_eq!(acts(&desk.dispatcher).await, json!(["dispatch", "note", "whistle", "add-part", "evidence"]));

        assert_eq!(act(&desk.operator, id, "dispatch", &json!({})).await.status, 403, "another role's");
        let sent = well(&desk.dispatcher, id, "dispatch", &json!({ "note": "call 13812345678" })).await;
        assert_eq!((&sent["state"], &sent["unit"]), (&json!("dispatched"), &json!("district-water-110101")));
        assert!(sent["steps"].to_string().contains("138****5678"), "no telephone number goes on the bus");
        let other = of_unit(&life, "drainage-group").await;
        assert_eq!(act(&other, id, "accept", &json!({})).await.status, 403);
        assert_eq!(act(&other, id, "note", &json!({ "note": "not ours" })).await.status, 403);
        let file = [("content-type", "application/pdf")];
        assert_eq!(other.send(Method::POST, &format!("{path}/evidence"), &file, "%PDF-1.7").await.status, 403);
        assert_eq!(acts(&other).await, json!([]));
        // A token cannot whistle, though its unit could.
        assert_eq!(acts(&desk.unit).await, json!(["accept", "return", "note", "do-task", "evidence"]));
        well(&desk.unit, id, "accept", &json!({})).await;
        assert_eq!(act(&desk.unit, id, "accept", &json!({})).await.status, 409, "twice");
        let done = well(&desk.unit, id, "do-task", &json!({ "task": 0 })).await;
        assert!(done["tasks"][0]["done_at"].is_i64());

        let path = format!("/api/v1/cases/{id}/evidence");
        let png = [("content-type", "image/png")];
        let wrong = desk.unit.send(Method::POST, &path, &[("content-type", "image/jpeg")], PNG).await;
        assert_eq!(wrong.status, 415);
        let query = format!("{path}?taken_at={START}&lon=116.4&lat=39.9");
        // The test's client sends text: its first byte is two in UTF-8, so the file is no PNG but a PDF by its head.
        assert_eq!(desk.unit.send(Method::POST, &query, &png, PNG).await.status, 415);
        let added = desk.unit.send(Method::POST, &query, &[("content-type", "application/pdf")], "%PDF-1.7 done").await;
        assert_eq!(added.status, 200);
        let hash = added.json()["evidence"][0].as_str().unwrap().to_owned();
        let file = desk.inspector.get(&format!("{path}/{hash}")).await;
        assert_eq!((&*file.body, file.header("content-type")), (&b"%PDF-1.7 done"[..], "application/pdf"));
        assert_eq!(desk.inspector.get(&format!("{path}/{}", "0".repeat(64))).await.status, 404);

        let unknown = act(&desk.unit, id, "feedback", &json!({ "evidence": ["00"] })).await;
        assert_eq!(unknown.status, 400);
        well(&desk.unit, id, "feedback", &json!({ "note": "pumped", "evidence": [hash] })).await;
        assert_eq!(act(&desk.unit, id, "check", &json!({ "result": "fixed" })).await.status, 403, "never by the unit");
        let back = well(&desk.inspector, id, "check", &json!({ "result": "not_fixed" })).await;
        assert_eq!((&back["state"], &back["counts"]["rework"]), (&json!("handling"), &json!(1)));
        well(&desk.unit, id, "feedback", &json!({ "note": "now" })).await;
        let over = well(&desk.inspector, id, "check", &json!({ "result": "fixed" })).await;
        assert_eq!((&over["state"], &over["is_open"]), (&json!("closed"), &json!(false)));
        let judged = well(&desk.supervisor, id, "evaluate", &json!({ "score": 4 })).await;
        assert_eq!((&judged["score"], &judged["segments"].as_array().unwrap().len()), (&json!(4), &2));
        let again = well(&desk.supervisor, id, "reopen", &json!({ "reason": "it rains again" })).await;
        assert_eq!((&again["state"], &again["counts"]["reopened"]), (&json!("registered"), &json!(1)));
        well(&desk.dispatcher, id, "dispatch", &json!({})).await;
        let returned = well(&desk.unit, id, "return", &json!({ "reason": "another's" })).await;
        assert_eq!((&again["bounces"], &returned["bounces"]), (&json!(0), &json!(1)));
    });
    life.until("an empty outbox", async |client| {
        String::from_utf8_lossy(&client.get("/metrics").await.body).contains("citywatch_outbox_events 0\n")
    });
    let shown = life.runtime.block_on(async { case_of(&life.client, &all[0]).await });
    life.stop();
    assert_eq!(steps_on_the_bus(&world)[shown["id"].as_str().unwrap()], shown["steps"].as_array().unwrap()[..]);
}

/// The steps of each case as they stand on `command`, by id.
pub fn steps_on_the_bus(world: &World) -> BTreeMap<String, Vec<Value>> {
    let mut steps: BTreeMap<String, BTreeMap<u64, Value>> = BTreeMap::new();
    world.topic(Topic::Command, |record| {
        let event = Event::read(record).unwrap();
        if event.kind.starts_with("org.citywatch.case.") {
            let step: Value = serde_json::from_slice(event.data.as_deref().unwrap()).unwrap();
            let (id, version) = (step["case"].as_str().unwrap().to_owned(), step["version"].as_u64().unwrap());
            assert_eq!(event.id, format!("{id}/{version}"));
            let known = steps.entry(id).or_default().insert(version, step.clone());
            assert!(known.is_none_or(|known| known == step), "a step that stands twice is the same step");
        }
    });
    steps.into_iter().map(|(id, steps)| (id, steps.into_values().collect())).collect()
}

#[test]
fn of_two_who_act_at_once_one_wins() {
    let world = world(START);
    let incident = opened(0, EventTime(START));
    let life = life(&world, std::slice::from_ref(&incident));
    life.runtime.block_on(async {
        let desk = Desk::of(&life).await;
        let second = NewAccount { name: "second".to_owned(), ..account("x", Role::Dispatcher, &[]) };
        let second = Client::of_account(&life.handle, &second).await;
        let case = case_of(&desk.operator, &incident).await;
        let path = format!("/api/v1/cases/{}/dispatch", case["number"].as_str().unwrap());
        let tag = format!("\"{}\"", case["version"]);
        let head = [("if-match", &*tag)];
        let (one, other) = tokio::join!(
            desk.dispatcher.send(Method::POST, &path, &head, "{}"),
            second.send(Method::POST, &path, &head, r#"{"unit":"drainage-group"}"#)
        );
        let mut statuses = [one.status.as_u16(), other.status.as_u16()];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 412]);
        assert_eq!(desk.dispatcher.send(Method::POST, &path, &[], "{}").await.status, 428);
        let now = desk.operator.json(&format!("/api/v1/cases/{}", case["id"].as_str().unwrap())).await;
        let winner = if one.status == 200 { one } else { other }.json();
        assert_eq!((&now["unit"], &now["version"]), (&winner["unit"], &winner["version"]));
        assert_eq!(now["counts"]["dispatches"], 1);
    });
    life.stop();
}

#[test]
fn clocks_warn_and_are_breached_by_the_logs_clock_also_over_a_restart() {
    let world = world(START);
    let incident = opened(0, EventTime(START));
    let life_one = life(&world, std::slice::from_ref(&incident));
    life_one.runtime.block_on(async {
        let desk = Desk::of(&life_one).await;
        let case = case_of(&desk.operator, &incident).await;
        let id = case["id"].as_str().unwrap();
        assert_eq!(case["due_at"], START + HOUR / 2, "half an urgent hour to dispatch");
        assert_eq!(case["warn_at"], START + HOUR / 2 * 8 / 10);
        well(&desk.dispatcher, id, "dispatch", &json!({ "limit": "1 work_hour" })).await;
        well(&desk.unit, id, "accept", &json!({})).await;
    });
    // A noon and a night pass while nobody runs: of the working hour from 08:00 nothing is left.
    life_one.kill();
    world.append_entries(&[Entry::Tick(EventTime(START + 26 * HOUR))]);
    let life = world.live();
    life.until("the breach", async |client| case_of(client, &incident).await["is_late"] == true);
    life.until("the events", async |_| deadlines(&world).len() >= 4);
    let case = life.runtime.block_on(case_of(&life.client, &incident));
    assert_eq!((&case["counts"]["warned"], &case["climbed_to"]), (&json!(2), &json!("city")));
    let late = life.runtime.block_on(life.client.json("/api/v1/cases?late=true"));
    assert_eq!(late["items"].as_array().unwrap().len(), 1);
    life.stop();
    let mut told = deadlines(&world);
    told.sort_unstable();
    let at = |stage: &str, what: &str, at: i64| (at, format!("org.citywatch.deadline.{what}"), stage.to_owned());
    let expected = [
        at("handle", "warned", START + HOUR * 4 / 5),
        at("handle", "breached", START + HOUR),
        at("total", "warned", START + 24 * HOUR * 4 / 5),
        at("total", "breached", START + 24 * HOUR),
    ];
    assert_eq!(told, expected);
}

/// Time, type and stage of every deadline on `supervise`.
fn deadlines(world: &World) -> Vec<(i64, String, String)> {
    let all = world.topic(Topic::Supervise, |record| {
        let event = Event::read(record).unwrap();
        let data: Value = serde_json::from_slice(event.data.as_deref().unwrap()).unwrap();
        let stage = data["stage"].as_str().unwrap_or_default().to_owned();
        (data["at"].as_i64().unwrap(), event.kind.into_owned(), stage)
    });
    all.into_iter().filter(|(_, kind, _)| kind.starts_with("org.citywatch.deadline.")).collect()
}

#[test]
fn a_case_in_parts_is_closed_when_all_are() {
    let world = world(START);
    let incident = opened(0, EventTime(START));
    let life = life(&world, std::slice::from_ref(&incident));
    life.runtime.block_on(async {
        let desk = Desk::of(&life).await;
        let parent = case_of(&desk.operator, &incident).await["id"].as_str().unwrap().to_owned();
        for unit in ["drainage-group", "district-water-110101"] {
            let now = well(&desk.dispatcher, &parent, "add-part", &json!({ "unit": unit, "title": "pump" })).await;
            assert_eq!(now["state"], "handling");
        }
        let page = desk.operator.json(&format!("/api/v1/cases?parent={parent}")).await;
        let parts: Vec<Value> = page["items"].as_array().unwrap().clone();
        assert_eq!(parts.len(), 2);
        for (number, part) in parts.iter().enumerate() {
            let (id, unit) = (part["id"].as_str().unwrap(), part["unit"].as_str().unwrap());
            let unit = of_unit(&life, unit).await;
            well(&unit, id, "accept", &json!({})).await;
            well(&unit, id, "feedback", &json!({})).await;
            well(&desk.inspector, id, "check", &json!({ "result": "fixed" })).await;
            let now = desk.operator.json(&format!("/api/v1/cases/{parent}")).await;
            assert_eq!(now["state"], if number == 0 { "handling" } else { "closed" });
        }
    });
    life.stop();
}

#[test]
fn a_duplicate_is_void_until_it_is_not() {
    let world = world(START);
    let (one, two) = (opened(0, EventTime(START)), opened(5, EventTime(START)));
    let life = life(&world, &[one.clone(), two.clone()]);
    life.runtime.block_on(async {
        let desk = Desk::of(&life).await;
        let id = async |incident| case_of(&desk.operator, incident).await["id"].as_str().unwrap().to_owned();
        let (one, two) = (id(&one).await, id(&two).await);
        let void = json!({ "of": one, "reason": "the same water" });
        assert_eq!(act(&desk.operator, &one, "void", &void).await.status, 400, "of itself");
        let gone = well(&desk.operator, &two, "void", &void).await;
        assert_eq!(
            (&gone["state"], &gone["duplicate_of"], &gone["due_at"]),
            (&json!("void"), &json!(one), &Value::Null)
        );
        let kept = desk.operator.json(&format!("/api/v1/cases/{one}")).await;
        assert_eq!(kept["counts"]["absorbed"], 1);
        let back = well(&desk.operator, &two, "unmerge", &json!({ "reason": "another street" })).await;
        assert_eq!(back["state"], "registered");
        assert!(back["due_at"].is_i64(), "its clocks go on");
        let kept = desk.operator.json(&format!("/api/v1/cases/{one}")).await;
        assert_eq!(kept["counts"]["absorbed"], 0);
    });
    life.stop();
}

#[test]
fn an_operator_makes_cases_and_closes_what_cleared_itself() {
    let world = world(START);
    let (air, water) = (opened(3, EventTime(START)), opened(0, EventTime(START)));
    let life = life(&world, &[air.clone(), water.clone()]);
    life.runtime.block_on(async {
        let desk = Desk::of(&life).await;
        let path = format!("/api/v1/incidents/{}/case", air.id);
        assert_eq!(desk.operator.send(Method::POST, &path, &[], "{}").await.status, 400, "which class?");
        let made = desk.operator.send(Method::POST, &path, &[], r#"{"class":"0108"}"#).await;
        assert_eq!((made.status.as_u16(), &made.json()["state"]), (201, &json!("verified")));
        assert_eq!(desk.operator.send(Method::POST, &path, &[], r#"{"class":"0108"}"#).await.status, 409);
        let report = json!({ "class": "0102", "title": "rubbish", "severity": "minor", "area": "110101007" });
        let told = desk.inspector.send(Method::POST, "/api/v1/cases", &[], &report.to_string()).await;
        assert_eq!(told.status, 201, "{:?}", told.body);
        let id = told.json()["id"].as_str().unwrap().to_owned();
        let gone = well(&desk.inspector, &id, "verify", &json!({ "result": "not_found" })).await;
        assert_eq!((&gone["state"], &gone["is_open"]), (&json!("rejected"), &json!(false)));
        let nowhere = json!({ "class": "0102", "title": "x", "severity": "minor", "area": "999999" });
        assert_eq!(desk.inspector.send(Method::POST, "/api/v1/cases", &[], &nowhere.to_string()).await.status, 400);
        let case = case_of(&desk.operator, &water).await;
        let id = case["id"].as_str().unwrap();
        assert_eq!(act(&desk.operator, id, "close-cleared", &json!({})).await.status, 409, "it is open");
    });
    world.append(&[next(&water, 3, EventTime(START + HOUR))]);
    life.caught_up();
    life.runtime.block_on(async {
        let operator = Client::of_account(&life.handle, &account("olga", Role::Operator, &[])).await;
        let case = case_of(&operator, &water).await;
        assert_eq!(case["state"], "registered", "a cleared incident does not close its case");
        let over = well(&operator, case["id"].as_str().unwrap(), "close-cleared", &json!({})).await;
        assert_eq!(over["state"], "closed");
    });
    life.stop();
}

#[test]
fn a_case_of_another_area_is_not_theirs() {
    let world = world(START);
    let (here, there) = (opened(0, EventTime(START)), opened(5, EventTime(START)));
    let life = life(&world, &[here.clone(), there.clone()]);
    life.runtime.block_on(async {
        let (here, there) = (case_of(&life.client, &here).await, case_of(&life.client, &there).await);
        // S0 stands in 110101007, S5 in 110101008.
        let dispatcher = Client::of_account(&life.handle, &account("d", Role::Dispatcher, &["110101007"])).await;
        assert_eq!(dispatcher.json("/api/v1/cases").await["items"].as_array().unwrap().len(), 1);
        let path = |case: &Value| format!("/api/v1/cases/{}", case["id"].as_str().unwrap());
        assert_eq!(dispatcher.get(&path(&here)).await.status, 200);
        assert_eq!(dispatcher.get(&path(&there)).await.status, 403);
        let act = format!("{}/dispatch", path(&there));
        assert_eq!(dispatcher.send(Method::POST, &act, &[("if-match", "\"3\"")], "{}").await.status, 403);
        assert_eq!(dispatcher.get("/api/v1/cases/none").await.status, 404);
        well(&dispatcher, here["id"].as_str().unwrap(), "dispatch", &json!({})).await;
    });
    life.stop();
}
