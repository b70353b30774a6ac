//! What is not the city's to do: put so by one person, reviewed by a second, told to who reported it with where to go,
//! looked at once more when they ask, and counted in the month. What was not found is judged and asked about as well.

use crate::appeals::{Citizen, START, cases, water, words};
use crate::cases::{Desk, act, life, well, world};
use crate::client::Client;
use crate::permissions::account;
use command_center::{NewAccount, Role};
use serde_json::{Value, json};

const WHY: &str = "小区内部道路。";
const WHERE: &str = "物业服务中心。";

fn outside() -> Value {
    json!({ "reason": WHY, "where_to": WHERE })
}

#[test]
fn what_is_not_the_citys_to_do_is_reviewed_told_asked_about_once_and_counted() {
    let world = world(START);
    let life = life(&world, &[]);
    life.runtime.block_on(async {
        let (desk, citizen) = (Desk::of(&life).await, Citizen::at(&life, "10.0.0.1"));
        let (_, theirs) = citizen.reports(&water(0.0)).await;
        let id = cases(&desk.operator).await[0]["id"].as_str().unwrap().to_owned();
        // One person's word is not told yet, and the same person is no second one.
        let both = NewAccount { roles: vec![Role::Operator, Role::Supervisor], ..account("both", Role::Operator, &[]) };
        let both = Client::of_account(&life.handle, &both).await;
        assert_eq!(act(&both, &id, "put-outside", &json!({ "reason": "", "where_to": WHERE })).await.status, 400);
        assert_eq!(act(&desk.dispatcher, &id, "put-outside", &outside()).await.status, 403);
        let put = well(&both, &id, "put-outside", &outside()).await;
        assert_eq!((&put["state"], &put["is_open"]), (&json!("outside"), &json!(true)));
        assert!(!put["acts"].as_array().unwrap().contains(&json!("review-outside")), "{put}");
        assert_eq!(act(&both, &id, "review-outside", &json!({ "upheld": true })).await.status, 403);
        assert_eq!(act(&desk.operator, &id, "register", &json!({})).await.status, 409, "it waits for the second");
        let seen = citizen.client.json(&theirs.path("")).await;
        assert!(words(&seen) == ["received"] && !seen.to_string().contains(WHERE), "{seen}");
        // Sent back, with a reason, it is what it was.
        assert_eq!(act(&desk.inspector, &id, "review-outside", &json!({ "upheld": false })).await.status, 400);
        let back = json!({ "upheld": false, "note": "a public road" });
        assert_eq!(well(&desk.inspector, &id, "review-outside", &back).await["state"], "reported");
        well(&desk.operator, &id, "put-outside", &outside()).await;
        assert_eq!(
            well(&desk.supervisor, &id, "review-outside", &json!({ "upheld": true })).await["state"],
            "rejected"
        );

        let seen = citizen.client.json(&theirs.path("")).await;
        assert_eq!((words(&seen), &seen["may_rate"]), (vec!["received", "outside_reviewed"], &json!(true)));
        let text = seen["steps"][1]["text"]["zh"].as_str().unwrap();
        assert!(text.contains(WHY) && text.contains(WHERE), "{text}");
        assert_eq!(seen["state_text"]["en"], "not the city's to do");
        let rating = json!({ "satisfied": "no", "solved": false, "contacted": false });
        assert_eq!(citizen.post(&theirs.path("/rating"), &rating).await.status, 200);
        // A second look, once.
        let again = json!({ "reason": "it is a public road" });
        let asked = citizen.post(&theirs.path("/reopen"), &again).await;
        assert_eq!((asked.status.as_u16(), &asked.json()["state"]), (200, &json!("reported")));
        well(&desk.operator, &id, "put-outside", &outside()).await;
        well(&desk.inspector, &id, "review-outside", &json!({ "upheld": true })).await;
        let seen = citizen.client.json(&theirs.path("")).await;
        assert_eq!((&seen["reopen_until"], &seen["may_rate"]), (&Value::Null, &json!(true)));
        assert_eq!(citizen.post(&theirs.path("/reopen"), &again).await.status, 409, "once");

        let month = desk.supervisor.json("/api/v1/appeals/outside-duty?month=2026-03").await;
        let counted = ["put", "upheld", "sent_back", "asked_again"].map(|what| month[what].as_u64().unwrap());
        assert_eq!((counted, &month["items"][0]["class"]), ([3, 2, 1, 1], &json!("0402")), "{month}");
        let before = desk.supervisor.json("/api/v1/appeals/outside-duty?month=2026-01").await;
        assert_eq!((&before["put"], &before["items"]), (&json!(0), &json!([])));
        let elsewhere = account("elsewhere", Role::Operator, &["110101008"]);
        let elsewhere = Client::of_account(&life.handle, &elsewhere).await;
        assert_eq!(elsewhere.json("/api/v1/appeals/outside-duty?month=2026-03").await["put"], 0);
    });
    life.stop();
}

#[test]
fn what_was_not_found_is_rated_and_asked_about_twice() {
    let world = world(START);
    let life = life(&world, &[]);
    life.runtime.block_on(async {
        let (desk, citizen) = (Desk::of(&life).await, Citizen::at(&life, "10.0.0.1"));
        let (_, theirs) = citizen.reports(&water(0.0)).await;
        let id = cases(&desk.operator).await[0]["id"].as_str().unwrap().to_owned();
        let rating = json!({ "satisfied": "no", "solved": false, "contacted": false });
        let again = json!({ "reason": "look behind the bus stop" });
        for _ in 0..2 {
            well(&desk.inspector, &id, "verify", &json!({ "result": "not_found" })).await;
            assert_eq!(citizen.post(&theirs.path("/rating"), &rating).await.status, 200);
            assert_eq!(citizen.post(&theirs.path("/rating"), &rating).await.status, 409, "each end is rated once");
            let asked = citizen.post(&theirs.path("/reopen"), &again).await;
            assert_eq!((asked.status.as_u16(), &asked.json()["state"]), (200, &json!("reported")));
        }
        well(&desk.inspector, &id, "verify", &json!({ "result": "not_found" })).await;
        assert_eq!(citizen.post(&theirs.path("/reopen"), &again).await.status, 409, "twice at most");
    });
    life.stop();
}

#[test]
fn a_void_and_its_undoing_write_into_no_case_beyond_ones_areas() {
    let world = world(START);
    let life = life(&world, &[]);
    life.runtime.block_on(async {
        let desk = Desk::of(&life).await;
        let near = Client::of_account(&life.handle, &account("near", Role::Operator, &["110101007"])).await;
        let made = async |area: &str| {
            let body = json!({ "class": "0402", "title": "water", "severity": "minor", "area": area });
            let answer = desk.operator.send(hyper::Method::POST, "/api/v1/cases", &[], &body.to_string()).await;
            answer.json()["id"].as_str().unwrap().to_owned()
        };
        let (mine, second, theirs) = (made("110101007").await, made("110101007").await, made("110101").await);
        let of = |other: &str| json!({ "of": other, "reason": "twice" });
        let before = desk.operator.json(&format!("/api/v1/cases/{theirs}")).await;
        let refused = act(&near, &mine, "void", &of(&theirs)).await;
        assert_eq!(refused.status, 403, "{}", String::from_utf8_lossy(&refused.body));
        assert_eq!(desk.operator.json(&format!("/api/v1/cases/{theirs}")).await, before, "nothing is written there");
        assert_eq!(near.json(&format!("/api/v1/cases/{mine}")).await["state"], "reported");
        well(&near, &mine, "void", &of(&second)).await;
        well(&near, &mine, "unmerge", &json!({ "reason": "two" })).await;
        // Who sees both may; taking it back writes into both as well.
        well(&desk.operator, &mine, "void", &of(&theirs)).await;
        assert_eq!(act(&near, &mine, "unmerge", &json!({ "reason": "two" })).await.status, 403);
        well(&desk.operator, &mine, "unmerge", &json!({ "reason": "two" })).await;
    });
    life.stop();
}
