//! Interviews and objections over HTTP: nobody on both sides, the score follows, and a store that is lost knows them again.

use crate::cases::{Desk, life, well, world};
use crate::client::{Answer, Client};
use crate::permissions::account;
use crate::world::{Life, World, opened};
use bus::{Event, Topic};
use command_center::{NewAccount, Role};
use hyper::Method;
use model::{Entry, EventTime};
use serde_json::{Value, json};

/// 2026-03-02T08:00+08:00: of the month of March.
const START: i64 = 1_772_409_600_000;
const DAY: i64 = 86_400_000;
const UNIT: &str = "district-water-110101";

/// Somebody of a unit.
async fn of(life: &Life, name: &str, unit: &str) -> Client {
    let person = NewAccount { unit: Some(unit.to_owned()), ..account(name, Role::Unit, &[]) };
    Client::of_account(&life.handle, &person).await
}

pub async fn supervisor(life: &Life, name: &str) -> Client {
    Client::of_account(&life.handle, &account(name, Role::Supervisor, &[])).await
}

pub async fn post(client: &Client, path: &str, body: &Value) -> Answer {
    client.send(Method::POST, path, &[], &body.to_string()).await
}

/// Acts on a dossier as it is now.
pub async fn act(client: &Client, path: &str, name: &str, body: &Value) -> Answer {
    let tag = client.get(path).await.header("etag").to_owned();
    client.send(Method::POST, &format!("{path}/{name}"), &[("if-match", &tag)], &body.to_string()).await
}

/// Acts, which must be good.
pub async fn done(client: &Client, path: &str, name: &str, body: &Value) -> Value {
    let answer = act(client, path, name, body).await;
    assert_eq!(answer.status, 200, "{name}: {}", String::from_utf8_lossy(&answer.body));
    answer.json()
}

pub fn settle(life: &Life) {
    life.until("an empty outbox", async |client| {
        String::from_utf8_lossy(&client.get("/metrics").await.body).contains("citywatch_outbox_events 0\n")
    });
}

/// The types of the dossiers' events on the bus, in the order of their times and versions.
fn told(world: &World) -> Vec<String> {
    let all = world.topic(Topic::Supervise, |record| {
        let event = Event::read(record).unwrap();
        let data: Value = serde_json::from_slice(event.data.as_deref().unwrap()).unwrap();
        (data["at"].as_i64(), data["version"].as_u64(), event.kind.into_owned(), data["kind"].is_string())
    });
    let mut all: Vec<_> = all.into_iter().filter(|(.., is_dossier)| *is_dossier).collect();
    all.sort_unstable();
    all.into_iter().map(|(_, _, kind, _)| kind.strip_prefix("org.citywatch.").unwrap().to_owned()).collect()
}

/// The case of sensor 0 at the unit: found not mended once, then closed.
async fn reworked(life: &Life, desk: &Desk) -> String {
    let cases = desk.operator.json("/api/v1/cases?class=0402").await;
    let id = cases["items"][0]["id"].as_str().unwrap().to_owned();
    well(&desk.dispatcher, &id, "dispatch", &json!({})).await;
    well(&desk.unit, &id, "accept", &json!({})).await;
    for result in ["not_fixed", "fixed"] {
        well(&desk.unit, &id, "feedback", &json!({ "note": "pumped" })).await;
        well(&desk.inspector, &id, "check", &json!({ "result": result })).await;
    }
    // Who supervises a case has a part in it.
    well(&supervisor(life, "urs").await, &id, "evaluate", &json!({ "score": 3, "note": "" })).await;
    id
}

/// Forgets the store, and begins anew.
pub fn without_store(world: &mut World, life: Life) -> Life {
    life.stop();
    for file in std::fs::read_dir(&world.settings.data_dir).unwrap() {
        let path = file.unwrap().path();
        if path.is_file() {
            std::fs::remove_file(path).unwrap();
        }
    }
    world.settings.store = crate::store();
    let life = world.live();
    life.caught_up();
    life
}

#[test]
fn an_upheld_objection_counts_and_a_lost_store_knows_it() {
    let mut world = world(START);
    let life = life(&world, &[opened(0, EventTime(START))]);
    let (case, path) = life.runtime.block_on(async {
        let desk = Desk::of(&life).await;
        let case = reworked(&life, &desk).await;
        let (uma, other) = (of(&life, "uma", UNIT).await, of(&life, "otto", "district-water-110105").await);
        let deductions = format!("/api/v1/cases/{case}/deductions");
        let mine = uma.json(&deductions).await;
        let [deduction] = &mine["items"].as_array().unwrap()[..] else { panic!("{mine}") };
        assert_eq!((&deduction["deduction"], &deduction["objection"]), (&json!("reworked"), &json!(null)));
        assert_eq!(deduction["until"].as_i64().unwrap() - deduction["counted_at"].as_i64().unwrap(), 10 * DAY);
        assert_eq!(other.json(&deductions).await["items"], json!([]), "a unit sees its own");

        let body = json!({ "against": { "kind": "case", "case": case }, "at_version": deduction["at_version"],
            "reason": "it was another's leak; call 13812345678" });
        assert_eq!(post(&other, "/api/v1/objections", &body).await.status, 400, "it never had the case");
        let mut nothing = body.clone();
        nothing["at_version"] = json!(1);
        assert_eq!(post(&uma, "/api/v1/objections", &nothing).await.status, 404);
        let filed = post(&uma, "/api/v1/objections", &body).await;
        assert_eq!(filed.status, 201, "{}", String::from_utf8_lossy(&filed.body));
        let (path, filed) = (filed.header("location").to_owned(), filed.json());
        assert_eq!((&filed["state"], &filed["acts"]), (&json!("accepted"), &json!(["withdraw"])));
        assert!(filed["steps"][0]["reason"].as_str().unwrap().ends_with("138****5678"));
        assert_eq!(post(&uma, "/api/v1/objections", &body).await.status, 409, "once");
        assert_eq!(other.get(&path).await.status, 403);

        let (urs, sue, sam) =
            (sign_in(&life, "urs").await, supervisor(&life, "sue").await, supervisor(&life, "sam").await);
        let verdict = |upheld: bool| json!({ "upheld": upheld, "reason": "looked at the photos" });
        assert_eq!(act(&urs, &path, "review", &verdict(true)).await.status, 403, "urs judged the case");
        let far = Client::of_account(&life.handle, &account("far", Role::Supervisor, &["110101008"])).await;
        assert_eq!(far.get(&path).await.status, 403, "another area's");
        let (route, body) = (format!("{path}/review"), verdict(false).to_string());
        assert_eq!(sue.send(Method::POST, &route, &[("if-match", "\"7\"")], &body).await.status, 412);
        assert_eq!(done(&sue, &path, "review", &verdict(false)).await["state"], "refused");
        assert_eq!(act(&sam, &path, "review", &verdict(true)).await.status, 409, "nobody asked again");
        done(&uma, &path, "ask-again", &json!({ "reason": "look at the date" })).await;
        assert_eq!(act(&sue, &path, "review", &verdict(true)).await.status, 403, "another reviews it again");
        let upheld = done(&sam, &path, "review", &verdict(true)).await;
        assert_eq!((&upheld["state"], &upheld["acts"]), (&json!("upheld"), &json!([])));
        assert_eq!(act(&uma, &path, "ask-again", &json!({ "reason": "more" })).await.status, 409);
        assert_eq!(uma.json("/api/v1/objections").await["items"], json!([]), "none is open");
        (case, path)
    });
    settle(&life);
    let kinds = ["filed", "reviewed", "asked_again", "reviewed"].map(|kind| format!("objection.{kind}"));
    assert_eq!(told(&world), kinds);
    let life = without_store(&mut world, life);
    life.runtime.block_on(async {
        let sue = supervisor(&life, "sue").await;
        let again = sue.json(&path).await;
        assert_eq!((&again["state"], &again["reviewers"]), (&json!("upheld"), &json!(["sue", "sam"])));
        assert_eq!(again["steps"].as_array().unwrap().len(), 4);
        let month = sue.json("/api/v1/supervise/months/2026-03").await;
        assert_eq!(month["kpis"]["unit"][UNIT]["rates"]["reworked"], json!({ "hits": 0.0, "of": 1 }));
        let [correction] = &month["corrections"].as_array().unwrap()[..] else { panic!("{month}") };
        assert_eq!((&correction["objection"], &correction["counted"]), (&again["number"], &json!(true)));
        assert_eq!(correction["against"]["case"], json!(case));
        let mine = sue.json(&format!("/api/v1/cases/{case}/deductions")).await;
        assert_eq!((&mine["items"][0]["objection"], &mine["items"][0]["state"]), (&again["number"], &json!("upheld")));
    });
    life.stop();
}

/// Who has an account already.
pub async fn sign_in(life: &Life, name: &str) -> Client {
    let body = json!({ "name": name, "password": crate::client::PASSWORD });
    let mut client = Client::stranger(life.handle.local_addr());
    let answer = client.send(Method::POST, "/api/v1/sign-in", &[], &body.to_string()).await;
    client.cookie = Some(answer.header("set-cookie").split(';').next().unwrap().to_owned());
    client
}

#[test]
fn what_is_filed_too_late_is_kept_and_not_looked_at() {
    let world = world(START);
    let before = life(&world, &[opened(0, EventTime(START))]);
    let case = before.runtime.block_on(async {
        let desk = Desk::of(&before).await;
        reworked(&before, &desk).await
    });
    before.stop();
    world.append_entries(&[Entry::Tick(EventTime(START + 11 * DAY))]);
    let life = life(&world, &[]);
    life.runtime.block_on(async {
        let (uma, sue) = (of(&life, "uma", UNIT).await, supervisor(&life, "sue").await);
        let deductions = uma.json(&format!("/api/v1/cases/{case}/deductions")).await;
        let at_version = &deductions["items"][0]["at_version"];
        let body = json!({ "against": { "kind": "case", "case": case }, "at_version": at_version, "reason": "late" });
        let filed = post(&uma, "/api/v1/objections", &body).await;
        assert_eq!(filed.status, 201);
        let path = filed.header("location").to_owned();
        assert_eq!((&filed.json()["state"], &filed.json()["acts"]), (&json!("late"), &json!([])));
        let verdict = json!({ "upheld": true, "reason": "why not" });
        assert_eq!(act(&sue, &path, "review", &verdict).await.status, 409);
        let finding =
            json!({ "against": { "kind": "finding", "month": "2026-03", "finding": "unproven" }, "reason": "no" });
        assert_eq!(post(&uma, "/api/v1/objections", &finding).await.status, 404, "there is no such finding");
    });
    life.stop();
}

#[test]
fn an_interview_is_called_answered_held_decided_and_followed_up() {
    let mut world = world(START);
    let life = life(&world, &[opened(0, EventTime(START))]);
    let (case, path) = life.runtime.block_on(async {
        let desk = Desk::of(&life).await;
        let case = reworked(&life, &desk).await;
        let (uma, sue) = (of(&life, "uma", UNIT).await, supervisor(&life, "sue").await);
        let call = |unit: &str, about: Value| json!({ "unit": unit, "about": about, "planned_at": START + DAY, "reason": "reworked" });
        let about = json!({ "kind": "case", "case": case });
        let wrong = [("nobody", about.clone(), 400), ("district-water-110105", about.clone(), 400),
            (UNIT, json!({ "kind": "case", "case": "x" }), 404),
            (UNIT, json!({ "kind": "finding", "month": "2026-03", "finding": "hard-left" }), 404),
            (UNIT, json!({ "kind": "finding", "month": "March", "finding": "hard-left" }), 400)];
        for (unit, about, status) in wrong {
            let answer = post(&sue, "/api/v1/interviews", &call(unit, about.clone())).await;
            assert_eq!(answer.status, status, "{unit} {about}");
        }
        let called = post(&sue, "/api/v1/interviews", &call(UNIT, about)).await;
        assert_eq!(called.status, 201, "{}", String::from_utf8_lossy(&called.body));
        let (path, called) = (called.header("location").to_owned(), called.json());
        assert_eq!((&called["state"], &called["acts"]), (&json!("called"), &json!(["hold", "withdraw"])));
        assert_eq!(called["unit_name"]["zh"], "东城区水务局");
        assert_eq!(uma.json(&path).await["acts"], json!(["answer"]));
        assert_eq!(of(&life, "otto", "district-water-110105").await.get(&path).await.status, 403);
        done(&uma, &path, "answer", &json!({ "note": "the pump was old" })).await;
        let minutes = |held_at: i64| json!({ "held_at": held_at, "present": "both", "minutes": "talked" });
        assert_eq!(act(&sue, &path, "hold", &minutes(START + 9 * DAY)).await.status, 400, "it lies ahead");
        let rectify = json!({ "decision": "rectify", "note": "buy a pump" });
        assert_eq!(act(&sue, &path, "decide", &rectify).await.status, 409, "it was not held");
        done(&sue, &path, "hold", &minutes(START)).await;
        assert_eq!(act(&sue, &path, "decide", &rectify).await.status, 400, "without a day to look again");
        let mut dated = rectify;
        dated["follow_up_at"] = json!(START + 30 * DAY);
        assert_eq!(done(&sue, &path, "decide", &dated).await["state"], "decided");
        assert_eq!(act(&uma, &path, "answer", &json!({ "note": "more" })).await.status, 409);
        let again = json!({ "mended": false, "note": "not yet", "follow_up_at": START + 40 * DAY });
        assert_eq!(done(&sue, &path, "follow-up", &again).await["follow_up_at"], START + 40 * DAY);
        let over = done(&sue, &path, "follow-up", &json!({ "mended": true, "note": "runs" })).await;
        assert_eq!((&over["state"], &over["follow_up_at"]), (&json!("closed"), &json!(null)));

        // Who talked it over does not review an objection against it.
        let deductions = uma.json(&format!("/api/v1/cases/{case}/deductions")).await;
        let body = json!({ "against": { "kind": "case", "case": case }, "reason": "no",
            "at_version": deductions["items"][0]["at_version"] });
        let objection = post(&uma, "/api/v1/objections", &body).await.header("location").to_owned();
        let verdict = json!({ "upheld": true, "reason": "yes" });
        assert_eq!(act(&sue, &objection, "review", &verdict).await.status, 403);
        assert_eq!(done(&uma, &objection, "withdraw", &json!({ "reason": "enough" })).await["state"], "withdrawn");
        (case, path)
    });
    settle(&life);
    let life = without_store(&mut world, life);
    life.runtime.block_on(async {
        let sue = supervisor(&life, "sue").await;
        let again = sue.json(&path).await;
        assert_eq!((&again["state"], again["version"].as_u64()), (&json!("closed"), Some(6)));
        let of_case = sue.json(&format!("/api/v1/interviews?state=over&case={case}")).await;
        assert_eq!(of_case["items"][0]["number"], again["number"]);
        assert_eq!(sue.json("/api/v1/interviews").await["items"], json!([]));
    });
    life.stop();
}
