//! Deliberations and mediations over HTTP: put to a panel, voted, published; a dispute settled or referred; who takes part
//! stays in the store.

use crate::cases::{life, world};
use crate::client::Client;
use crate::dossiers::{act, done, post, settle, supervisor, without_store};
use crate::permissions::account;
use crate::world::{Life, World, opened};
use bus::Topic;
use command_center::{AdminAnswer, AdminRequest, Role, Verified};
use model::EventTime;
use serde_json::{Value, json};

/// 2026-03-02T08:00+08:00.
const START: i64 = 1_772_409_600_000;
const NAME: &str = "李四光";
const PHONE: &str = "13912345678";

async fn operator(life: &Life) -> (Client, String) {
    let olga = Client::of_account(&life.handle, &account("olga", Role::Operator, &[])).await;
    let cases = olga.json("/api/v1/cases?class=0402").await;
    let case = cases["items"][0]["id"].as_str().unwrap().to_owned();
    (olga, case)
}

/// Whether a text stands anywhere on the bus.
fn is_on_the_bus(world: &World, text: &str) -> bool {
    let holds = |bytes: &[u8]| bytes.windows(text.len()).any(|window| window == text.as_bytes());
    [Topic::Serve, Topic::Command, Topic::Supervise]
        .into_iter()
        .any(|topic| world.topic(topic, |record| record.value.is_some_and(holds)).into_iter().any(|found| found))
}

#[test]
fn a_case_is_put_to_a_panel_voted_on_and_published() {
    let mut world = world(START);
    let life = life(&world, &[opened(0, EventTime(START))]);
    let (case, path) = life.runtime.block_on(async {
        let (olga, case) = operator(&life).await;
        let member = |seat: &str| json!({ "seat": seat, "name": NAME, "phone": PHONE });
        let panel = |members: Vec<Value>| {
            json!({ "case": case, "cause": "watched", "question": "drain it or raise the road?",
            "agenda": ["what happened", "what it costs"], "members": members })
        };
        let few = post(&olga, "/api/v1/deliberations", &panel(vec![member("citizen"), member("media")])).await;
        assert_eq!(few.status, 400);
        let alike = post(&olga, "/api/v1/deliberations", &panel(vec![member("citizen"); 3])).await;
        assert_eq!(alike.status, 400, "of one kind");
        let seats = ["congress_delegate", "citizen", "netizen", "media"].map(member);
        let convened = post(&olga, "/api/v1/deliberations", &panel(seats.to_vec())).await;
        assert_eq!(convened.status, 201, "{}", String::from_utf8_lossy(&convened.body));
        let (path, convened) = (convened.header("location").to_owned(), convened.json());
        assert_eq!(convened["people"][3], json!({ "place": 4, "name": "李*", "phone": "139****5678" }));
        assert_eq!(olga.json(&format!("{path}/people")).await["items"][0]["phone"], PHONE, "in clear, which is noted");
        done(&olga, &path, "material", &json!({ "title": "the survey", "note": "two pages" })).await;
        done(&olga, &path, "opinion", &json!({ "seat": 2, "note": format!("raise it; {PHONE}") })).await;
        assert_eq!(act(&olga, &path, "opinion", &json!({ "seat": 5, "note": "who?" })).await.status, 400);
        assert_eq!(
            act(&olga, &path, "vote", &json!({ "seat": 1, "option": 1 })).await.status,
            409,
            "no vote was called"
        );
        assert_eq!(act(&olga, &path, "call-vote", &json!({ "options": ["drain", "drain"] })).await.status, 400);
        done(&olga, &path, "call-vote", &json!({ "options": ["drain", "raise"] })).await;
        done(&olga, &path, "vote", &json!({ "seat": 1, "option": 2 })).await;
        assert_eq!(act(&olga, &path, "vote", &json!({ "seat": 1, "option": 1 })).await.status, 409, "once");
        assert_eq!(act(&olga, &path, "vote", &json!({ "seat": 2, "option": 3 })).await.status, 400);
        done(&olga, &path, "vote", &json!({ "seat": 2, "option": 2 })).await;
        let conclusion = json!({ "note": "the road is raised" });
        assert_eq!(act(&olga, &path, "conclude", &conclusion).await.status, 409, "two of four are not more than half");
        done(&olga, &path, "vote", &json!({ "seat": 4, "option": 1 })).await;
        assert_eq!(done(&olga, &path, "conclude", &conclusion).await["tally"], json!([1, 2]));
        assert_eq!(act(&olga, &path, "publish", &json!({})).await.status, 403, "a supervisor publishes");

        let stranger = Client::stranger(life.handle.local_addr());
        let public = "/api/v1/public/deliberations";
        assert_eq!(stranger.json(public).await["items"], json!([]), "not before it is published");
        assert_eq!(stranger.get(&path).await.status, 401);
        done(&supervisor(&life, "sue").await, &path, "publish", &json!({})).await;
        let text = String::from_utf8(stranger.get(public).await.body.to_vec()).unwrap();
        let told: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(
            (&told["items"][0]["conclusion"], &told["items"][0]["tally"]),
            (&conclusion["note"], &json!([1, 2]))
        );
        assert!(!text.contains("raise it") && !text.contains("李"), "neither who sat there nor what each said: {text}");
        (case, path)
    });
    settle(&life);
    assert!(!is_on_the_bus(&world, NAME) && !is_on_the_bus(&world, PHONE));
    let life = without_store(&mut world, life);
    life.runtime.block_on(async {
        let sue = supervisor(&life, "sue").await;
        let of_case = sue.json(&format!("/api/v1/deliberations?state=over&case={case}")).await;
        assert_eq!(of_case["items"][0]["state"], "published");
        assert_eq!(sue.json(&path).await["people"], json!([]), "who took part was in the store alone");
        assert_eq!(
            Client::stranger(life.handle.local_addr()).json("/api/v1/public/deliberations").await["items"]
                .as_array()
                .unwrap()
                .len(),
            1
        );
    });
    life.stop();
}

#[test]
fn a_dispute_is_settled_or_referred() {
    let world = world(START);
    let life = life(&world, &[opened(0, EventTime(START))]);
    life.runtime.block_on(async {
        let (olga, case) = operator(&life).await;
        let party = |party: &str| json!({ "party": party, "name": NAME, "phone": PHONE });
        let dispute = |parties: Vec<Value>| {
            json!({ "case": case, "matter": "whose cellar it was", "parties": parties,
            "mediator": "朝阳门司法所" })
        };
        assert_eq!(post(&olga, "/api/v1/mediations", &dispute(vec![party("claimant")])).await.status, 400);
        let both = || vec![party("claimant"), party("respondent")];
        let opened = post(&olga, "/api/v1/mediations", &dispute(both())).await;
        let path = opened.header("location").to_owned();
        assert_eq!((&opened.json()["of"]["case"], opened.status.as_u16()), (&json!(case), 201));
        assert_eq!(act(&olga, &path, "agree", &json!({ "note": "shares" })).await.status, 409, "nobody has met");
        let session = |parties: &[usize]| json!({ "held_at": START, "parties": parties, "minutes": "talked" });
        assert_eq!(act(&olga, &path, "hold", &session(&[1, 3])).await.status, 400);
        assert_eq!(done(&olga, &path, "hold", &session(&[1, 2])).await["sessions"], 1);
        done(&olga, &path, "agree", &json!({ "note": "each pays half" })).await;
        let over = done(&olga, &path, "perform", &json!({ "note": "paid" })).await;
        assert_eq!((&over["state"], &over["acts"]), (&json!("performed"), &json!([])));

        let other = post(&olga, "/api/v1/mediations", &dispute(both())).await.header("location").to_owned();
        let court = json!({ "to": "court", "reason": "they would not come" });
        let referred = done(&olga, &other, "refer", &court).await;
        assert_eq!((&referred["state"], &referred["referral"]), (&json!("referred"), &json!("court")));
        let of_case = olga.json(&format!("/api/v1/mediations?state=all&case={case}")).await;
        assert_eq!(of_case["items"].as_array().unwrap().len(), 2);
        let far = Client::of_account(&life.handle, &account("far", Role::Operator, &["110101008"])).await;
        assert_eq!(far.get(&format!("{path}/people")).await.status, 403);
        assert_eq!(olga.json(&format!("{path}/people")).await["items"].as_array().unwrap().len(), 2);
        let verified = life.handle.admin().answer(AdminRequest::VerifyAudit { head: None }, "test").await.unwrap();
        assert!(matches!(verified, AdminAnswer::Verified(Verified::Whole(_))), "{verified:?}");
    });
    settle(&life);
    assert!(!is_on_the_bus(&world, NAME) && !is_on_the_bus(&world, PHONE));
    life.stop();
}
