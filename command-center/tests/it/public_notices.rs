//! Public notices over HTTP: told to everybody in their time, taken back, and known again when the store is lost.

use crate::cases::{life, world};
use crate::client::Client;
use crate::dossiers::{act, done, post, settle, supervisor, without_store};
use crate::permissions::account;
use crate::world::opened;
use bus::{Event, Topic};
use command_center::Role;
use model::EventTime;
use serde_json::{Value, json};

/// 2026-03-02T08:00+08:00.
const START: i64 = 1_772_409_600_000;
const HOUR: i64 = 3_600_000;
const PUBLIC: &str = "/api/v1/public/notices";
const ROUTE: &str = "/api/v1/public-notices";

fn notice(title: &str, more: &Value) -> Value {
    let mut notice = json!({ "title": title, "text": "请绕行；咨询 13912345678", "until": START + 24 * HOUR });
    notice.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    notice
}

/// The titles that everybody reads now.
async fn told(life: &crate::world::Life) -> Vec<String> {
    let told = Client::stranger(life.handle.local_addr()).json(PUBLIC).await;
    told["items"].as_array().unwrap().iter().map(|one| one["title"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_notice_is_told_to_everybody_and_taken_back() {
    let mut world = world(START);
    let life = life(&world, &[opened(0, EventTime(START))]);
    let withdrawn = life.runtime.block_on(async {
        let olga = Client::of_account(&life.handle, &account("olga", Role::Operator, &[])).await;
        let case = olga.json("/api/v1/cases?class=0402").await["items"][0].clone();
        assert_eq!(told(&life).await, [""; 0]);
        let english = json!({ "title_en": "Water on the road", "text_en": "Take another way", "case": case["id"] });
        let city = post(&olga, ROUTE, &notice("积水", &english)).await;
        assert_eq!(city.status, 201, "{}", String::from_utf8_lossy(&city.body));
        assert_eq!(city.json()["about"], json!({ "kind": "case", "case": case["id"], "case_number": case["number"] }));
        let later = post(&olga, ROUTE, &notice("明日检修", &json!({ "from": START + 12 * HOUR }))).await;
        assert_eq!(later.status, 201);
        let incident = olga.json("/api/v1/incidents").await["items"][0]["id"].clone();
        let place = json!({ "area": "110101007", "incident": incident });
        let path = post(&olga, ROUTE, &notice("井盖移位", &place)).await.header("location").to_owned();
        assert_eq!(olga.json(&path).await["area"], json!({ "district": "110101", "subdistrict": "110101007" }));
        assert_eq!(told(&life).await, ["井盖移位", "积水"], "newest first, and none that is to come");

        let bad = [
            json!({ "until": START - HOUR }),
            json!({ "area": "nowhere" }),
            json!({ "case": case["id"], "incident": incident }),
            json!({ "title_en": "no text beside it" }),
        ];
        for bad in bad {
            assert_eq!(post(&olga, ROUTE, &notice("不行", &bad)).await.status, 400, "{bad}");
        }
        let sue = supervisor(&life, "sue").await;
        assert_eq!(post(&sue, ROUTE, &notice("不行", &json!({}))).await.status, 403, "who supervises tells nobody");
        let far = Client::of_account(&life.handle, &account("far", Role::Operator, &["110101008"])).await;
        assert_eq!(post(&far, ROUTE, &notice("全市", &json!({}))).await.status, 403, "not for the whole city");
        assert_eq!(post(&far, ROUTE, &notice("别处", &json!({ "area": "110101007" }))).await.status, 403);
        assert_eq!(far.get(&path).await.status, 403);
        assert_eq!(Client::stranger(life.handle.local_addr()).get(&path).await.status, 401);

        let reason = json!({ "reason": "已恢复" });
        assert_eq!(done(&olga, &path, "withdraw", &reason).await["state"], "withdrawn");
        assert_eq!(act(&olga, &path, "withdraw", &reason).await.status, 409, "once");
        assert_eq!(told(&life).await, ["积水"]);
        let over = sue.json(&format!("{ROUTE}?state=over")).await;
        assert_eq!((over["items"].as_array().unwrap().len(), &over["items"][0]["title"]), (1, &json!("井盖移位")));
        let of_case = olga.json(&format!("{ROUTE}?state=all&case={}", case["id"].as_str().unwrap())).await;
        assert_eq!(of_case["items"].as_array().unwrap().len(), 1);
        path
    });
    settle(&life);
    let mut kinds = world.topic(Topic::Serve, |record| {
        let event = Event::read(record).unwrap();
        let text = String::from_utf8(event.data.as_deref().unwrap_or_default().to_vec()).unwrap();
        assert!(!text.contains("13912345678"), "no telephone number on the bus: {text}");
        event.kind.into_owned()
    });
    kinds.retain(|kind| kind.contains("public-notice"));
    kinds.sort_unstable();
    let published = "org.citywatch.public-notice.published";
    assert_eq!(kinds, [published, published, published, "org.citywatch.public-notice.withdrawn"]);

    let life = without_store(&mut world, life);
    life.runtime.block_on(async {
        assert_eq!(told(&life).await, ["积水"], "the log knows it");
        let sue = supervisor(&life, "sue").await;
        let again = sue.json(&withdrawn).await;
        assert_eq!((&again["state"], &again["steps"][1]["reason"]), (&json!("withdrawn"), &json!("已恢复")));
    });
    life.stop();
}
