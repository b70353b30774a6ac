//! The month's check over HTTP: drawn once and by lot, visited by who handles nothing, told in the month; and a month that
//! is published, derived from the log again to the last digit.

use crate::cases::{Desk, life, well, world};
use crate::client::Client;
use crate::dossiers::{act, done, post, settle, sign_in, supervisor, without_store};
use crate::permissions::account;
use crate::world::{World, opened};
use bus::{EventLog, Topic};
use command_center::supervise::{Formula, Report, TOPICS, Telling};
use command_center::{NewAccount, Role};
use model::{Entry, EventTime, PARTITIONS};
use serde_json::{Value, json};

/// 2026-03-02T08:00+08:00: of the month of March, which ends on the 19th.
const START: i64 = 1_772_409_600_000;
const DAY: i64 = 86_400_000;

#[test]
fn a_check_is_drawn_once_visited_by_inspectors_and_told_in_the_month() {
    let mut world = world(START);
    let life = life(&world, &[opened(0, EventTime(START))]);
    let path = life.runtime.block_on(async {
        let desk = Desk::of(&life).await;
        let sue = supervisor(&life, "sue").await;
        let plan = |area: &str, visits: u64| {
            json!({ "month": "2026-03", "area": area, "classes": ["0102", "0402"], "visits": visits, "reason": "monthly" })
        };
        assert_eq!(post(&desk.inspector, "/api/v1/month-checks", &plan("110101", 20)).await.status, 403);
        assert_eq!(post(&sue, "/api/v1/month-checks", &plan("110101", 0)).await.status, 400);
        assert_eq!(post(&sue, "/api/v1/month-checks", &plan("999999", 20)).await.status, 400, "no such area");
        let month = sue.json("/api/v1/supervise/months/2026-03").await;
        assert_eq!(month["checks"], json!(null), "nothing was drawn");
        let drawn = post(&sue, "/api/v1/month-checks", &plan("110101", 20)).await;
        assert_eq!(drawn.status, 201, "{}", String::from_utf8_lossy(&drawn.body));
        let (path, drawn) = (drawn.header("location").to_owned(), drawn.json());
        let visits = drawn["visits"].as_array().unwrap();
        assert_eq!(visits.len(), 20);
        assert!(visits.iter().all(|visit| visit["area"] == "110101007"), "{visits:?}");
        // A tenth by a fifth of a degree, in squares of a thousandth.
        assert_eq!(drawn["strata"][0], json!({ "area": "110101007", "class": "0102", "cells": 20_000 }));
        assert_eq!(post(&sue, "/api/v1/month-checks", &plan("110101", 20)).await.status, 409, "nobody draws again");

        let roles = vec![Role::Inspector, Role::Unit];
        let of_unit = NewAccount { roles, unit: Some("u1".to_owned()), ..account("ivo", Role::Inspector, &[]) };
        let ivo = Client::of_account(&life.handle, &of_unit).await;
        assert_eq!(act(&ivo, &path, "visit", &json!({ "visit": 0 })).await.status, 403, "who handles does not check");
        assert_eq!(act(&desk.dispatcher, &path, "visit", &json!({ "visit": 0 })).await.status, 403);
        assert_eq!(act(&desk.inspector, &path, "visit", &json!({ "visit": 20 })).await.status, 400);
        let case = desk.operator.json("/api/v1/cases?class=0402").await["items"][0]["number"].clone();
        let event = |case: Value| json!({ "lon": 116.35, "lat": 39.9, "what": "water; call 13812345678", "case": case });
        let class = |index: usize| visits[index]["class"].as_str().unwrap();
        let ponding = (0..20).find(|index| class(*index) == "0402").unwrap();
        let rubbish = (0..20).find(|index| class(*index) == "0102").unwrap();
        let wrong = json!({ "visit": rubbish, "found": [event(case.clone())] });
        assert_eq!(act(&desk.inspector, &path, "visit", &wrong).await.status, 400, "a case of another class");
        let found = json!({ "visit": ponding, "found": [event(case), event(json!(null))] });
        let visited = done(&desk.inspector, &path, "visit", &found).await;
        assert!(visited["made"][0]["found"][1]["what"].as_str().unwrap().ends_with("138****5678"), "{visited}");
        assert_eq!(act(&desk.inspector, &path, "visit", &found).await.status, 409, "a visit is made once");
        done(&desk.inspector, &path, "visit", &json!({ "visit": rubbish })).await;
        path
    });
    settle(&life);
    let life = without_store(&mut world, life);
    life.runtime.block_on(async {
        let sue = supervisor(&life, "sue").await;
        let check = sue.json(&path).await;
        assert_eq!(check["made"].as_array().unwrap().len(), 2, "the log has it");
        assert!(
            check["period"]["from"].as_i64().unwrap() <= START && START < check["period"]["until"].as_i64().unwrap()
        );
        assert_eq!(sue.json("/api/v1/month-checks").await["month"], json!("2026-03"), "what is drawn now");
        let checks = &sue.json("/api/v1/supervise/months/2026-03").await["checks"];
        assert_eq!(&check["checks"], checks, "it is the only one of its month");
        let counts = |one: &Value| ["planned", "visited", "found", "missed"].map(|key| one[key].as_u64().unwrap());
        assert_eq!(counts(&checks["all"]), [20, 2, 2, 1]);
        assert_eq!(counts(&checks["classes"]["0402"]), [10, 1, 2, 1]);
        // One in one of 20,000 cells.
        assert_eq!(checks["all"]["estimate"]["missed"], json!(20_000.0));
        assert_eq!(checks["classes"]["0402"]["estimate"]["share"], json!(0.5));
        assert_eq!(checks["classes"]["0102"]["estimate"]["missed"], json!(0.0));
        assert!(checks["classes"]["0102"]["estimate"]["missed_interval"]["high"].as_f64().unwrap() > 20_000.0);
    });
    life.stop();
}

/// A month from the log as far as a record says that it was read.
fn derived(world: &World, record: &Value) -> Report {
    let mut telling = Telling::default();
    for topic in TOPICS {
        for partition in 0..PARTITIONS {
            let end = record["log"][topic.name()][partition as usize].as_u64().unwrap();
            let mut next = 0;
            while next < end {
                let records = world.log.read(topic, partition, next, 1 << 20).unwrap();
                for (_, record) in records.iter().filter(|(offset, _)| *offset < end) {
                    telling.add(topic, record.value.unwrap()).unwrap();
                }
                next = records.next_offset().unwrap();
            }
        }
    }
    telling.told().report("2026-03".parse().unwrap(), &Formula::seeded())
}

#[test]
fn a_published_month_is_derived_again_to_the_last_digit() {
    let mut world = world(START);
    let life = life(&world, &[opened(0, EventTime(START)), opened(5, EventTime(START))]);
    let (desk, ids) = life.runtime.block_on(async {
        let desk = Desk::of(&life).await;
        let cases = desk.operator.json("/api/v1/cases?class=0402").await;
        let ids: Vec<String> =
            cases["items"].as_array().unwrap().iter().map(|case| case["id"].as_str().unwrap().to_owned()).collect();
        for id in &ids {
            well(&desk.dispatcher, id, "dispatch", &json!({})).await;
            well(&desk.unit, id, "accept", &json!({})).await;
        }
        well(&desk.unit, &ids[0], "feedback", &json!({ "note": "pumped" })).await;
        well(&desk.inspector, &ids[0], "check", &json!({ "result": "fixed" })).await;
        let early = post(&supervisor(&life, "sue").await, "/api/v1/scores", &json!({ "month": "2026-03" })).await;
        assert_eq!(early.status, 400, "the month is not over");
        (desk, ids)
    });
    let later = START + 20 * DAY;
    world.append_entries(&[Entry::Tick(EventTime(later))]);
    life.until("the end of the month", async |client| {
        client.json("/api/v1/overview").await["now_at"].as_i64().is_some_and(|now| now >= later)
    });
    settle(&life);
    let path = life.runtime.block_on(async {
        let (sue, body) = (sign_in(&life, "sue").await, json!({ "month": "2026-03" }));
        let of_an_area = Client::of_account(&life.handle, &account("ann", Role::Supervisor, &["110101"])).await;
        assert_eq!(post(&of_an_area, "/api/v1/scores", &body).await.status, 403, "of the whole city");
        assert_eq!(post(&desk.unit, "/api/v1/scores", &body).await.status, 403);
        let published = post(&sue, "/api/v1/scores", &body).await;
        assert_eq!(published.status, 201, "{}", String::from_utf8_lossy(&published.body));
        let (path, record) = (published.header("location").to_owned(), published.json());
        assert_eq!((&record["formula"], &record["month"]), (&json!("city/3"), &json!("2026-03")));
        // What comes later is not what was read.
        well(&desk.unit, &ids[1], "feedback", &json!({ "note": "pumped" })).await;
        let report = derived(&world, &record);
        assert_eq!(record["digest"], json!(report.digest()));
        let by_command: Value = serde_json::from_str(&report.json()).unwrap();
        let month = sue.json("/api/v1/supervise/months/2026-03").await;
        for shown in [&record["groups"], &record["steps"][0]["groups"], &month["groups"]] {
            assert_eq!(shown, &by_command["groups"], "HTTP, record and log");
        }
        assert_eq!(month["kpis"]["unit"], by_command["units"]);
        let rates = &month["kpis"]["unit"]["district-water-110101"]["rates"];
        assert_eq!(rates["handled-in-time"], json!({ "hits": 1.0, "of": 2 }), "there is something to compare");
        assert_eq!(
            desk.dispatcher.json("/api/v1/scores").await["items"][0]["digest"],
            record["digest"],
            "all may see it"
        );

        let raise = json!({ "month": "2026-03", "finding": "hard-left", "unit": "district-water-110101" });
        assert_eq!(post(&sue, "/api/v1/findings", &raise).await.status, 404, "there is none in so small a month");
        assert_eq!(sue.json("/api/v1/findings").await["items"], json!([]));
        path
    });
    settle(&life);
    let kinds = world.topic(Topic::Supervise, |record| bus::Event::read(record).unwrap().kind.into_owned());
    assert_eq!(kinds.iter().filter(|kind| *kind == "org.citywatch.score.published").count(), 1);
    let life = without_store(&mut world, life);
    life.runtime.block_on(async {
        let again = supervisor(&life, "sue").await.json(&path).await;
        assert_eq!(again["digest"], json!(derived(&world, &again).digest()), "a lost store knows it again");
    });
    life.stop();
}
