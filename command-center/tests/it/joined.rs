//! A citizen's appeal and a sensor's incident about the same are one case, whichever came first; it is taken back; once
//! each, however often it is killed, and the same when the store is lost.

use crate::appeals::{Citizen, cases as all_cases, words};
use crate::cases::{Desk, START, act, life, steps_on_the_bus, well, world};
use crate::client::Client;
use crate::dossiers::without_store;
use crate::permissions::account;
use crate::world::{Life, World, next, opened, runner};
use command_center::Role;
use hyper::Method;
use model::{EventTime, Transition};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::time::Duration;

/// At sensor 0, which is of the domain drainage, whose rule has the class 0402.
fn at_the_sensor(metres_east: f64) -> Value {
    json!({ "class": "0402", "text": "路面积水", "lon": 116.40 + metres_east / 85_300.0, "lat": 39.90 })
}

/// The cases that an incident is in; one, if all is well.
async fn cases_of(client: &Client, incident: &Transition) -> Vec<Value> {
    let found = client.json(&format!("/api/v1/cases?state=all&incident={}", incident.id)).await;
    found["items"].as_array().unwrap().clone()
}

fn steps(case: &Value) -> Vec<&str> {
    case["steps"].as_array().unwrap().iter().map(|step| step["step"].as_str().unwrap()).collect()
}

#[test]
fn an_incident_joins_the_case_of_an_appeal_and_is_taken_from_it_again() {
    let mut world = world(START);
    let life = life(&world, &[]);
    let incident = opened(0, EventTime(START + 60_000));
    let theirs = life.runtime.block_on(async {
        let citizen = Citizen::at(&life, "10.0.0.1");
        citizen.reports(&at_the_sensor(30.0)).await.1
    });
    // Another class, or too far away, is another matter.
    world.append(&[incident.clone(), opened(5, EventTime(START + 60_000)), opened(1, EventTime(START + 60_000))]);
    life.caught_up();
    let (id, own) = life.runtime.block_on(async {
        let (desk, citizen) = (Desk::of(&life).await, Citizen::at(&life, "10.0.0.1"));
        let found = cases_of(&desk.operator, &incident).await;
        assert_eq!(
            (found.len(), all_cases(&desk.operator).await.len()),
            (1, 3),
            "one case, and one each for the others"
        );
        let id = found[0]["id"].as_str().unwrap().to_owned();
        let case = desk.operator.json(&format!("/api/v1/cases/{id}")).await;
        assert_eq!((&case["source"], &case["incidents"]), (&json!("citizen"), &json!([incident.id])));
        // As far as the class trusts the sensors, as if the sensor had been first.
        assert_eq!(steps(&case), ["reported", "joined", "verified", "registered"]);
        assert!(case["steps"][1]["likeness"]["score"].as_f64().unwrap() > 0.5, "{case}");
        let seen = citizen.client.json(&theirs.path("")).await;
        assert_eq!(words(&seen), ["received", "joined", "verified", "registered"]);
        let path = format!("/api/v1/incidents/{}/case", incident.id);
        let again = desk.operator.send(Method::POST, &path, &[], "{}").await;
        assert_eq!(again.status, 409, "it is in a case already");
        let judged = async || {
            let path = format!("/api/v1/analyze/verdicts?from={START}&to={}", START + 3_600_000);
            let found = desk.supervisor.json(&path).await;
            let unknown = found["rules"].as_array().unwrap().iter().map(|rule| rule["unknown"].as_u64().unwrap());
            unknown.sum::<u64>()
        };
        assert_eq!(judged().await, 3, "it counts for its rule as the two others do for theirs");
        // Another matter after all.
        let apart = json!({ "incident": incident.id, "reason": "another manhole" });
        assert_eq!(act(&desk.dispatcher, &id, "separate", &apart).await.status, 403);
        let unknown = json!({ "incident": opened(5, EventTime(START + 60_000)).id, "reason": "x" });
        assert_eq!(act(&desk.operator, &id, "separate", &unknown).await.status, 400);
        let left = well(&desk.operator, &id, "separate", &apart).await;
        assert_eq!((&left["incidents"], &left["state"]), (&json!([]), &json!("registered")));
        let found = cases_of(&desk.operator, &incident).await;
        assert_eq!((found.len(), &found[0]["state"]), (1, &json!("registered")), "a case of its own");
        let own = found[0]["id"].as_str().unwrap().to_owned();
        assert_ne!(own, id);
        assert_eq!(judged().await, 3, "now by its own case alone");
        assert_eq!(*words(&citizen.client.json(&theirs.path("")).await).last().unwrap(), "separated");
        (id, own)
    });
    // What the sensor says next changes nothing of that.
    world.append(&[next(&incident, 0, EventTime(START + 120_000))]);
    life.caught_up();
    crate::dossiers::settle(&life);
    let life = without_store(&mut world, life);
    life.runtime.block_on(async {
        let olga = Client::of_account(&life.handle, &account("olga", Role::Operator, &[])).await;
        let found = cases_of(&olga, &incident).await;
        assert_eq!((found.len(), &found[0]["id"]), (1, &json!(own)), "a store that was lost says the same");
        assert_eq!(olga.json(&format!("/api/v1/cases/{id}")).await["incidents"], json!([]));
    });
    life.stop();
}

#[test]
fn an_appeal_joins_an_open_incident_that_is_in_no_case() {
    let world = world(START);
    // Another inhibits it, so that it is no alarm and makes no case.
    let cause = opened(5, EventTime(START)).id;
    let quiet = Transition { inhibited_by: vec![cause], ..opened(0, EventTime(START)) };
    let life = life(&world, std::slice::from_ref(&quiet));
    life.runtime.block_on(async {
        let citizen = Citizen::at(&life, "10.0.0.1");
        assert!(all_cases(&life.client).await.is_empty());
        let (far, _) = citizen.reports(&at_the_sensor(300.0)).await;
        assert_eq!(words(&far), ["received"]);
        let (near, _) = citizen.reports(&at_the_sensor(20.0)).await;
        assert_eq!((words(&near), &near["state"]), (vec!["received", "joined"], &json!("reported")));
        let found = cases_of(&life.client, &quiet).await;
        assert_eq!((found.len(), &found[0]["state"]), (1, &json!("reported")));
    });
    // When it is an alarm of its own it is in that case.
    let loud = Transition { inhibited_by: Vec::new(), ..next(&quiet, 0, EventTime(START + 60_000)) };
    world.append(&[loud]);
    life.caught_up();
    life.runtime.block_on(async {
        assert_eq!((cases_of(&life.client, &quiet).await.len(), all_cases(&life.client).await.len()), (1, 2));
    });
    life.stop();
}

#[test]
fn an_incident_joins_once_however_often_it_is_killed() {
    let life = (any::<bool>(), 0..60_000_u64);
    let outcome = runner(4).run(&prop::collection::vec(life, 3), |plan| {
        play(&plan);
        Ok(())
    });
    outcome.unwrap();
}

/// Sensors 0 and 5 are of the domain drainage and 400 m apart; in each life one incident more, and it is killed.
fn play(plan: &[(bool, u64)]) {
    let mut world = world(START);
    let (mut incidents, mut reported) = (Vec::new(), 0);
    for (number, (also_far, kill_after_us)) in plan.iter().enumerate() {
        let at = EventTime(START + 1_000 * (number as i64 + 1));
        let life = life(&world, &[]);
        life.runtime.block_on(async {
            let from = format!("10.0.{number}.1");
            let mut said = at_the_sensor(0.0);
            said["key"] = json!(format!("{number:032}"));
            Citizen::at(&life, &from).reports(&said).await;
        });
        reported += 1;
        let mut mine = vec![opened(0, at)];
        mine.extend(also_far.then(|| opened(5, at)));
        world.append(&mine);
        incidents.extend(mine);
        // The moment of the kill is drawn; nothing is waited for.
        std::thread::sleep(Duration::from_micros(*kill_after_us));
        life.kill();
    }
    let life = world.live();
    life.caught_up();
    let before = check(&life, &incidents);
    crate::dossiers::settle(&life);
    assert_eq!(joined_on_the_bus(&world), joined(&incidents), "once each");
    let life = without_store(&mut world, life);
    assert_eq!(check(&life, &incidents), before, "a store that was lost says the same");
    crate::dossiers::settle(&life);
    assert_eq!(joined_on_the_bus(&world), joined(&incidents), "and joins nothing again");
    assert_eq!(reported, plan.len());
    life.stop();
}

/// The incidents of sensor 0: all of them join the first reporter's case, into which the later reports are merged.
fn joined(incidents: &[Transition]) -> Vec<String> {
    let mut ids: Vec<String> = incidents.iter().filter(|one| one.key == "S0").map(|one| one.id.to_string()).collect();
    ids.sort_unstable();
    ids
}

fn joined_on_the_bus(world: &World) -> Vec<String> {
    let steps = steps_on_the_bus(world).into_values().flatten().filter(|step| step["step"] == "joined");
    let mut ids: Vec<String> = steps.map(|step| step["incident"].as_str().unwrap().to_owned()).collect();
    ids.sort_unstable();
    ids
}

/// Each incident is in exactly one case; those of sensor 0 in the same. The ids of the cases, in order.
fn check(life: &Life, incidents: &[Transition]) -> Vec<String> {
    life.runtime.block_on(async {
        let mut ids = Vec::new();
        for incident in incidents {
            let found = cases_of(&life.client, incident).await;
            assert_eq!(found.len(), 1, "{incident:?}: {found:?}");
            ids.push(found[0]["id"].as_str().unwrap().to_owned());
        }
        let mut of_the_first: Vec<&String> =
            incidents.iter().zip(&ids).filter(|(one, _)| one.key == "S0").map(|(_, id)| id).collect();
        of_the_first.dedup();
        assert_eq!(of_the_first.len(), 1, "{incidents:?}: {ids:?}");
        ids
    })
}
