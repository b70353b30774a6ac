//! The audit over HTTP: told newest first to who supervises the whole city, in pages that meet each entry once, without
//! what citizens said of themselves; and verified up to its head.

use crate::appeals::{Citizen, START, water};
use crate::cases::{Desk, life, well, world};
use crate::client::Client;
use crate::permissions::account;
use command_center::Role;
use serde_json::{Value, json};

const NAME: &str = "张三丰";
const PHONE: &str = "13812345678";

fn numbers(page: &Value) -> Vec<u64> {
    page["items"].as_array().unwrap().iter().map(|entry| entry["seq"].as_u64().unwrap()).collect()
}

#[test]
fn who_did_what_is_told_in_pages_and_verified_up_to_its_head() {
    let world = world(START);
    let life = life(&world, &[]);
    life.runtime.block_on(async {
        let (desk, citizen) = (Desk::of(&life).await, Citizen::at(&life, "10.0.0.1"));
        let mut said = water(0.0);
        (said["name"], said["phone"]) = (json!(NAME), json!(PHONE));
        let (_, theirs) = citizen.reports(&said).await;
        let id = desk.operator.json("/api/v1/cases?state=all").await["items"][0]["id"].as_str().unwrap().to_owned();
        desk.operator.json(&format!("/api/v1/appeals/{}/contact", theirs.number)).await;
        well(&desk.inspector, &id, "verify", &json!({ "result": "real", "note": format!("call {PHONE}") })).await;
        well(&desk.operator, &id, "register", &json!({})).await;
        well(&desk.dispatcher, &id, "dispatch", &json!({})).await;

        let chief = Client::of_account(&life.handle, &account("chief", Role::Administrator, &[])).await;
        let whole = chief.json("/api/v1/audit").await;
        let all = numbers(&whole);
        assert!(all.len() > 5 && all.is_sorted_by(|a, b| *a == b + 1), "the newest first, none left out: {all:?}");
        assert_eq!((all.last(), &whole["next"]), (Some(&1), &json!(null)));
        assert!(![NAME, PHONE].iter().any(|clear| whole.to_string().contains(clear)), "no personal data: {whole}");
        let (mut met, mut before) = (Vec::new(), String::new());
        loop {
            let page = chief.json(&format!("/api/v1/audit?limit=2{before}")).await;
            met.extend(numbers(&page));
            let Some(next) = page["next"].as_u64() else { break };
            before = format!("&before={next}");
        }
        assert_eq!(met, all);

        let of = async |filter: &str| desk.supervisor.json(&format!("/api/v1/audit?{filter}")).await["items"].clone();
        let read = of("what=contact.read").await;
        assert_eq!((&read[0]["by"], &read[0]["about"]), (&json!("olga"), &json!(theirs.number)));
        let steps = of(&format!("what=case&about={id}")).await;
        let kinds: Vec<&str> = steps.as_array().unwrap().iter().filter_map(|entry| entry["what"].as_str()).collect();
        assert_eq!(kinds[..3], ["case.dispatched", "case.registered", "case.verified"]);
        assert_eq!(of("what=cas").await, json!([]), "a kind is whole words");
        assert_eq!(of(&format!("by=dispatcher&about={id}")).await.as_array().unwrap().len(), 1);
        let at = steps[0]["at"].as_i64().unwrap();
        assert_eq!(of(&format!("what=case.dispatched&from={at}&to={}", at + 1)).await[0], steps[0]);
        assert_eq!(of(&format!("what=case.dispatched&to={at}")).await, json!([]));
        for bad in ["limit=0", "limit=201", "before=x"] {
            assert_eq!(chief.get(&format!("/api/v1/audit?{bad}")).await.status, 400, "{bad}");
        }

        let head = whole["head"].as_str().unwrap();
        let found = chief.json(&format!("/api/v1/audit/verify?head={head}")).await;
        assert_eq!((&found["is_whole"], &found["why"], &found["looked"]), (&json!(true), &json!(null), &json!(all[0])));
        assert_eq!(found["head"], json!(head));
        let other = format!("{}:{}", all[0] - 1, head.split_once(':').unwrap().1);
        let found = chief.json(&format!("/api/v1/audit/verify?head={other}")).await;
        assert_eq!((&found["is_whole"], &found["head"]), (&json!(false), &json!(null)));
        assert!(found["why"].as_str().unwrap().contains("another than the head"), "{found}");
        let later = format!("{}:{}", all[0] + 1, head.split_once(':').unwrap().1);
        let found = chief.json(&format!("/api/v1/audit/verify?head={later}")).await;
        assert!(found["why"].as_str().unwrap().contains("was written down"), "cut off: {found}");
        assert_eq!(chief.get("/api/v1/audit/verify?head=1").await.status, 400);
        let of_an_area = Client::of_account(&life.handle, &account("ann", Role::Supervisor, &["110101"])).await;
        assert_eq!(of_an_area.get("/api/v1/audit").await.status, 403);
        assert_eq!(desk.operator.get("/api/v1/audit").await.status, 403);
    });
    life.stop();
}
