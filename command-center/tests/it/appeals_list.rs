//! The queue of appeals: who sees which, filtered, page by page, masked.

use crate::appeals::{Citizen, START, cases, water};
use crate::cases::{Desk, life, well, world};
use crate::client::Client;
use crate::permissions::account;
use command_center::Role;
use hyper::Method;
use serde_json::{Value, json};

async fn numbers(client: &Client, query: &str) -> Vec<String> {
    let page = client.json(&format!("/api/v1/appeals{query}")).await;
    page["items"].as_array().unwrap().iter().map(|row| row["number"].as_str().unwrap().to_owned()).collect()
}

const LIST: &str = "reference,class,text,area,name,phone
12345-7,0102,垃圾_成堆 50%,110101007,张三丰,13812345678
12345-8,0102,\"他说 \"\"臭\"\"\",110101007,,
";

#[test]
fn the_queue_is_filtered_paged_and_masked() {
    let world = world(START);
    let life = life(&world, &[]);
    life.runtime.block_on(async {
        let (desk, citizen) = (Desk::of(&life).await, Citizen::at(&life, "10.0.0.1"));
        let (_, first) = citizen.reports(&water(0.0)).await;
        let case = cases(&desk.operator).await[0]["id"].as_str().unwrap().to_owned();
        // The same once more is merged, and a third one follows.
        let (merged, second) = citizen.reports(&water(0.00001)).await;
        assert_eq!(merged["merged"], true, "{merged}");
        let mut follows = water(0.0);
        follows["follows"] = json!(case);
        let (_, third) = citizen.reports(&follows).await;
        let done = desk.operator.send(Method::POST, "/api/v1/appeals/import", &[], LIST).await.json();
        assert_eq!((done["taken"].as_array().unwrap().len(), &done["merged"]), (2, &json!(0)), "{done}");
        let [fourth, fifth] = [0, 1].map(|at| done["taken"][at]["number"].as_str().unwrap().to_owned());
        let (first, second, third) = (first.number, second.number, third.number);

        let open = [&fifth, &fourth, &third, &first];
        assert_eq!(numbers(&desk.operator, "").await, open.map(String::clone), "newest first, without what is merged");
        assert_eq!(numbers(&desk.inspector, "?state=merged").await, [second.as_str()]);
        assert_eq!(
            numbers(&desk.supervisor, "?state=all&class=0402").await,
            [&third, &second, &first].map(String::clone)
        );
        assert_eq!(
            numbers(&desk.dispatcher, "?state=reported&channel=hotline").await,
            [&fifth, &fourth].map(String::clone)
        );
        assert_eq!(numbers(&desk.operator, "?area=110101008").await, Vec::<String>::new());
        assert_eq!(numbers(&desk.operator, "?area=110101&channel=page").await, [&third, &first].map(String::clone));
        assert_eq!(numbers(&desk.operator, "?state=over").await, Vec::<String>::new());
        // What stands in the words, and nothing around them; marks of patterns are meant as they are.
        for (text, found) in
            [("路面", 2), ("50%25", 1), ("_", 1), ("%22", 1), ("hotline", 0), ("place", 0), ("12345-7", 1)]
        {
            assert_eq!(numbers(&desk.operator, &format!("?text={}", encoded(text))).await.len(), found, "{text}");
        }
        assert_eq!(numbers(&desk.operator, &format!("?text={first}")).await, [first.as_str()]);

        let page = desk.operator.json("/api/v1/appeals?state=all").await;
        let of = |number: &str| page["items"].as_array().unwrap().iter().find(|row| row["number"] == number).unwrap();
        let (row, twin) = (of(&first), of(&second));
        assert_eq!((&row["case"], &row["state"], &row["is_open"]), (&json!(case), &json!("reported"), &json!(true)));
        assert_eq!((&row["next"]["by"], &row["merged"]), (&json!(START + 1_800_000), &json!(false)));
        assert_eq!((&twin["case"], &twin["merged"], &twin["state"]), (&json!(case), &json!(true), &json!("reported")));
        assert_eq!((&of(&third)["follows"], &of(&third)["merged"]), (&json!(true), &json!(false)));
        let call = of(&fourth);
        assert_eq!((&call["name"], &call["phone"]), (&json!("张*"), &json!("138****5678")));
        assert_eq!((&call["reference"], &call["channel"]), (&json!("12345-7"), &json!("hotline")));
        assert_eq!(row["name"], Value::Null);

        // Page by page all are met once, and what comes in meanwhile stands before them.
        let mut met = Vec::new();
        let mut query = "?state=all&limit=2".to_owned();
        loop {
            let page = desk.operator.json(&format!("/api/v1/appeals{query}")).await;
            met.extend(page["items"].as_array().unwrap().iter().map(|row| row["number"].as_str().unwrap().to_owned()));
            if met.len() == 2 {
                citizen.reports(&json!({ "class": "0102", "text": "meanwhile", "area": "110101007" })).await;
            }
            let Some(next) = page["next"].as_str() else { break };
            query = format!("?state=all&limit=2&cursor={next}");
        }
        assert_eq!(met, [&fifth, &fourth, &third, &second, &first].map(String::clone));

        well(&desk.inspector, &case, "verify", &json!({ "result": "not_found" })).await;
        assert_eq!(numbers(&desk.operator, "?state=over").await, [&third, &first].map(String::clone));
        let twin = desk.operator.json("/api/v1/appeals?state=merged").await;
        assert_eq!(twin["items"][0]["state"], "rejected", "as the case is that it was merged into");

        let local = Client::of_account(&life.handle, &account("local", Role::Operator, &["110101008"])).await;
        assert_eq!(numbers(&local, "?state=all").await, Vec::<String>::new());
        for bad in ["?state=lost", "?cursor=x", "?channel=smoke"] {
            assert_eq!(desk.operator.get(&format!("/api/v1/appeals{bad}")).await.status, 400, "{bad}");
        }
        assert_eq!(desk.unit.get("/api/v1/appeals").await.status, 403);
    });
    life.stop();
}

/// A text in an address; what has a percent sign is so already.
fn encoded(text: &str) -> String {
    let byte = |byte: u8| if byte.is_ascii() { (byte as char).to_string() } else { format!("%{byte:02X}") };
    text.bytes().map(byte).collect()
}
