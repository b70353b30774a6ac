//! Late cases: who is called as time passes, each once over kills, what citizens are told of it, and what stops a chain.

use crate::cases::{Desk, life, well, world as city};
use crate::client::Client;
use crate::duty_kill::{MINUTE, START, killed, tick};
use crate::permissions::account;
use crate::receiver::outward;
use crate::webhooks::post;
use crate::world::{Life, World, opened, runner};
use command_center::{NewAccount, Role};
use model::EventTime;
use proptest::prelude::*;
use serde_json::{Value, json};

const UNIT: &str = "district-water-110101";

fn world() -> World {
    let mut world = city(START);
    world.settings.outward = outward();
    world
}

/// Somebody on duty for a unit at all hours.
async fn on_duty(client: &Client, unit: &str, name: &str) {
    let shift = json!({ "days": [1, 2, 3, 4, 5, 6, 7], "from": "00:00", "to": "00:00", "people": [name] });
    let roster = json!({ "name": unit, "unit": unit, "shifts": [shift] });
    assert!(post(client, "/api/v1/rosters", &roster).await.status.is_success());
}

async fn administrator(life: &Life) -> Client {
    let account = NewAccount { name: "ada".to_owned(), ..account("ada", Role::Administrator, &[]) };
    Client::of_account(&life.handle, &account).await
}

/// The case of the only incident, dispatched to the district's water bureau in the first minute.
async fn dispatched(desk: &Desk) -> String {
    let row = desk.operator.json("/api/v1/cases").await["items"][0].clone();
    let id = row["id"].as_str().unwrap().to_owned();
    well(&desk.dispatcher, &id, "dispatch", &json!({})).await;
    id
}

/// Reason and name of each notice, sorted.
async fn told(client: &Client) -> Vec<(String, String)> {
    let sent = client.json("/api/v1/notices/sent").await;
    let mut all = Vec::new();
    for notice in sent["items"].as_array().unwrap() {
        for to in notice["to"].as_array().unwrap() {
            let word = |value: &Value| value.as_str().unwrap().to_owned();
            all.push((word(&notice["reason"]), word(&to["who"])));
        }
    }
    all.sort();
    all
}

fn pairs(wanted: &[(&str, &str)]) -> Vec<(String, String)> {
    wanted.iter().map(|(reason, who)| ((*reason).to_owned(), (*who).to_owned())).collect()
}

/// The steps of a case that call people: the level, and who.
async fn calls(client: &Client, id: &str) -> Vec<(Value, Value)> {
    let case = client.json(&format!("/api/v1/cases/{id}")).await;
    let steps = case["steps"].as_array().unwrap().iter().filter(|step| step["step"] == "called");
    steps.map(|step| (step["level"].clone(), step["who"].clone())).collect()
}

#[test]
fn a_unit_is_warned_and_the_next_level_called_each_once_however_often_it_is_killed() {
    let life = (0..150_i64, 0..1_300_000_u64);
    let outcome = runner(3).run(&prop::collection::vec(life, 3), |plan| {
        play(&plan);
        Ok(())
    });
    outcome.unwrap();
}

fn play(plan: &[(i64, u64)]) {
    let world = world();
    let first = life(&world, &[opened(0, EventTime(START))]);
    let (admin, id) = first.runtime.block_on(async {
        let admin = administrator(&first).await;
        on_duty(&admin, UNIT, "wen").await;
        on_duty(&admin, "drainage-group", "gao").await;
        (admin, dispatched(&Desk::of(&first).await).await)
    });
    first.kill();
    let minute = killed(&world, plan);
    let life = world.live();
    let admin = Client { address: life.handle.local_addr(), ..admin };
    // 80 % of four hours, and four hours.
    tick(&world, minute.max(200));
    life.until("the warning", async |_| told(&admin).await.contains(&("warned".to_owned(), "wen".to_owned())));
    tick(&world, minute.max(241));
    life.until("the call", async |_| told(&admin).await.contains(&("late".to_owned(), "gao".to_owned())));
    life.runtime.block_on(async {
        assert_eq!(told(&admin).await, pairs(&[("late", "gao"), ("warned", "wen")]), "each once");
        let wanted = [(Value::Null, json!(["wen"])), (json!("city"), json!(["gao"]))];
        assert_eq!(calls(&admin, &id).await, wanted);
    });
    life.stop();
}

#[test]
fn where_nobody_is_on_duty_above_the_case_says_so() {
    let world = world();
    let life = life(&world, &[opened(0, EventTime(START))]);
    let (desk, admin) = life.runtime.block_on(async { (Desk::of(&life).await, administrator(&life).await) });
    let id = life.runtime.block_on(async {
        let id = dispatched(&desk).await;
        // A roster of another district, and one of another unit, are not those above.
        on_duty(&admin, "sanitation-group", "other").await;
        id
    });
    tick(&world, 241);
    life.until("the breach", async |_| !calls(&admin, &id).await.is_empty());
    life.runtime.block_on(async {
        assert_eq!(calls(&admin, &id).await, [(json!("city"), json!([]))], "nobody was told, and that is said");
        assert_eq!(told(&admin).await, pairs(&[]));
    });
    life.stop();
}

#[test]
fn only_the_unit_or_a_dispatch_stops_the_chain_of_a_late_case() {
    let world = world();
    let life = life(&world, &[opened(0, EventTime(START))]);
    let (desk, admin) = life.runtime.block_on(async { (Desk::of(&life).await, administrator(&life).await) });
    let groups = async || admin.json("/api/v1/chains").await["items"][0]["groups"].clone();
    let id = life.runtime.block_on(async {
        let chain = json!({ "name": "late", "subject": "late_cases", "wait_ms": 0,
            "steps": [{ "notify": ["ben"], "wait_ms": 600 * MINUTE }] });
        assert!(post(&admin, "/api/v1/chains", &chain).await.status.is_success());
        let id = dispatched(&desk).await;
        well(&desk.unit, &id, "accept", &json!({})).await;
        id
    });
    tick(&world, 241);
    life.until("that it is late", async |_| told(&admin).await == pairs(&[("began", "ben")]));
    life.runtime.block_on(async {
        well(&desk.supervisor, &id, "urge", &json!({ "reason": "it stands under water" })).await;
        well(&desk.operator, &id, "note", &json!({ "note": "somebody called again" })).await;
        on_duty(&admin, "traffic-police", "pan").await;
        well(&desk.dispatcher, &id, "whistle", &json!({ "units": ["traffic-police"], "reason": "close it" })).await;
        assert!(told(&admin).await.contains(&("whistled".to_owned(), "pan".to_owned())), "who is called is told");
        let police = crate::cases::of_unit(&life, "traffic-police").await;
        well(&police, &id, "report-in", &json!({})).await;
        assert_eq!(groups().await, 1, "nobody who has it did anything");
        well(&desk.unit, &id, "note", &json!({ "note": "the second pump is on its way" })).await;
        assert_eq!(groups().await, 0);
    });
    life.stop();
}
