//! Open311 GeoReport v2, as the standard's examples ask for it, in JSON and XML.

use crate::appeals::{Citizen, START, water};
use crate::cases::{life, world};
use crate::client::{Answer, Client};
use crate::world::Life;
use command_center::{NewToken, Scope};
use hyper::Method;
use serde_json::{Value, json};

/// A client with a key.
struct Open311 {
    client: Client,
    key: String,
}

impl Open311 {
    async fn of(life: &Life, areas: &[&str]) -> Open311 {
        let areas = areas.iter().map(|code| (*code).to_owned()).collect();
        let token =
            NewToken { name: "an-app".to_owned(), scopes: vec![Scope::AppealsWrite], areas, unit: None, days: None };
        let (_, with) = Client::of_token(&life.handle, token).await;
        Open311 { client: Client::stranger(life.handle.local_addr()), key: with.token.unwrap() }
    }

    async fn post(&self, document: &str, form: &str) -> Answer {
        let headers = [("content-type", "application/x-www-form-urlencoded")];
        let form = format!("api_key={}&{form}", self.key);
        self.client.send(Method::POST, &format!("/open311/v2/{document}"), &headers, &form).await
    }

    async fn get(&self, path: &str) -> Value {
        self.client.json(&format!("/open311/v2/{path}")).await
    }
}

const GOOD: &str = "service_code=0402&lat=39.9&long=116.35&description=water+%26+%3Cmud%3E&first_name=Ann&last_name=Li\
    &phone=13812345678&email=a%40b.example&attribute[danger]=yes&jurisdiction_id=citywatch";

#[test]
fn services_and_their_attributes() {
    let world = world(START);
    let life = life(&world, &[]);
    life.runtime.block_on(async {
        let app = Open311::of(&life, &[]).await;
        let services = app.get("services.json?jurisdiction_id=citywatch").await;
        let water = services.as_array().unwrap().iter().find(|one| one["service_code"] == "0402").unwrap();
        assert_eq!((&water["type"], &water["metadata"]), (&json!("realtime"), &json!(true)));
        assert_eq!(water["service_name"], "Water on the road and sewer overflow");
        let chinese = [("accept-language", "zh-CN,zh;q=0.9")];
        let xml = app.client.send(Method::GET, "/open311/v2/services.xml", &chinese, "").await;
        assert_eq!(xml.header("content-type"), "text/xml; charset=utf-8");
        let text = String::from_utf8(xml.body.to_vec()).unwrap();
        assert!(text.starts_with("<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<services><service>"), "{text}");
        assert!(text.contains("<service_name>道路积水、排水管冒溢</service_name>"), "{text}");
        let definition = app.get("services/0402.json").await;
        let attribute = &definition["attributes"][0];
        assert_eq!(
            (&attribute["datatype"], &attribute["values"][0]["key"]),
            (&json!("singlevaluelist"), &json!("yes"))
        );
        let discovery = app.get("discovery.json").await;
        let url = format!("http://{}/open311/v2", app.client.address);
        assert_eq!(
            (&discovery["endpoints"][0]["url"], &discovery["endpoints"][0]["formats"][0]),
            (&json!(url), &json!("text/xml"))
        );
        let elsewhere = app.client.get("/open311/v2/services.json?jurisdiction_id=boston.gov").await;
        assert_eq!((elsewhere.status.as_u16(), &elsewhere.json()[0]["code"]), (404, &json!(404)));
        assert_eq!(app.client.get("/open311/v2/services/none.json").await.status, 404);
        assert_eq!(app.client.get("/open311/v2/nothing.json").await.status, 404);
    });
    life.stop();
}

#[test]
fn a_request_is_posted_and_looked_up() {
    let world = world(START);
    let life = life(&world, &[]);
    life.runtime.block_on(async {
        let app = Open311::of(&life, &[]).await;
        let posted = app.post("requests.json", GOOD).await;
        assert_eq!(posted.status, 201, "{}", String::from_utf8_lossy(&posted.body));
        let number = posted.json()[0]["service_request_id"].as_str().unwrap().to_owned();
        let secret = posted.json()[0]["service_notice"]
            .as_str()
            .unwrap()
            .split(' ')
            .find(|word| word.len() == 20)
            .unwrap()
            .replace(',', "");
        let private =
            app.client.get(&format!("/api/v1/appeals/{number}?secret={}", secret.trim_end_matches(':'))).await;
        assert_eq!((private.status.as_u16(), &private.json()["channel"]), (200, &json!("open311")));
        let found = app.get(&format!("requests/{number}.json")).await;
        let request = &found[0];
        assert_eq!((&request["status"], &request["service_code"]), (&json!("open"), &json!("0402")));
        assert_eq!((&request["lat"], &request["long"]), (&json!(39.9), &json!(116.35)));
        assert_eq!(request["requested_datetime"], "2026-03-02T08:00:00+08:00");
        assert_eq!(request["expected_datetime"], "2026-03-02T08:30:00+08:00");
        assert_eq!(request["description"], "water & <mud>");
        let text = found.to_string();
        assert!(!text.contains("Ann") && !text.contains("1381234") && !text.contains("b.example"), "{text}");
        let xml = app.client.get(&format!("/open311/v2/requests/{number}.xml")).await;
        let xml = String::from_utf8(xml.body.to_vec()).unwrap();
        assert!(xml.contains("<service_requests><request>") && xml.contains("water &amp; &lt;mud&gt;"), "{xml}");
        let token = app.get(&format!("tokens/{number}.json")).await;
        assert_eq!(token, json!([{ "token": number, "service_request_id": number }]));

        let count = async |query: &str| app.get(&format!("requests.json?{query}")).await.as_array().unwrap().len();
        assert_eq!(count("").await, 1);
        assert_eq!(count("status=closed").await, 0);
        assert_eq!(count("status=open,closed&service_code=0402,0102").await, 1);
        assert_eq!(count("service_code=0102").await, 0);
        assert_eq!(count("start_date=2026-03-01T00:00:00Z&end_date=2026-03-02T00:00:00Z").await, 1);
        assert_eq!(count("end_date=2026-03-01T00:00:00Z").await, 0);
        assert_eq!(count(&format!("service_request_id={number},none")).await, 1);
        // What other citizens say is between them and the city.
        let (_, theirs) = Citizen::at(&life, "10.0.0.1").reports(&water(0.01)).await;
        assert_eq!(count("").await, 1);
        assert_eq!(app.client.get(&format!("/open311/v2/requests/{}.json", theirs.number)).await.status, 404);
        let case = life.client.json("/api/v1/cases?state=all").await;
        assert!(case["items"].as_array().unwrap().iter().any(|case| case["severity"] == "severe"), "danger is severe");
    });
    life.stop();
}

#[test]
fn errors_are_the_standards() {
    let world = world(START);
    let life = life(&world, &[]);
    life.runtime.block_on(async {
        let app = Open311::of(&life, &["110101008"]).await;
        let wrong = Open311 { key: "no".to_owned(), client: app.client.clone() };
        let without = app
            .client
            .send(
                Method::POST,
                "/open311/v2/requests.xml",
                &[("content-type", "application/x-www-form-urlencoded")],
                GOOD,
            )
            .await;
        assert_eq!(without.status, 403);
        let text = String::from_utf8(without.body.to_vec()).unwrap();
        assert!(text.contains("<errors><error><code>403</code><description>api_key is missing"), "{text}");
        let cases = [
            (wrong.post("requests.json", GOOD).await, 403, "api_key"),
            (app.post("requests.json", GOOD).await, 403, "outside the areas"),
            (app.post("requests.json", &GOOD.replace("0402", "9999")).await, 404, "service_code"),
            (app.post("requests.json", &GOOD.replace("citywatch", "other")).await, 404, "jurisdiction_id"),
            (app.post("requests.json", &GOOD.replace("lat=39.9", "lat=x")).await, 400, "lat and long"),
            (
                app.post("requests.json", &GOOD.replace("lat=39.9&long=116.35", "address_string=here")).await,
                400,
                "address_string",
            ),
            (app.post("requests.json", &GOOD.replace("lat=39.9&long=116.35", "x=y")).await, 400, "location"),
            (app.client.get("/open311/v2/requests.json?start_date=yesterday").await, 400, "start_date"),
            (app.client.get("/open311/v2/requests.json?status=lost").await, 400, "status"),
            (app.client.get("/open311/v2/requests/none.json").await, 404, "service_request_id"),
            (app.post("services.json", GOOD).await, 404, "posted"),
        ];
        for (answer, code, word) in cases {
            let errors = answer.json();
            assert_eq!((answer.status.as_u16(), &errors[0]["code"]), (code, &json!(code)), "{errors}");
            assert!(errors[0]["description"].as_str().unwrap().contains(word), "{errors}");
        }
        let many = app.post("requests.json", "lat=39.9").await.json();
        assert_eq!(many.as_array().unwrap().len(), 3, "each parameter by itself: {many}");
        let json = app
            .client
            .send(Method::POST, "/open311/v2/requests.json", &[("content-type", "application/json")], "{}")
            .await;
        assert_eq!(json.status, 400);
    });
    life.stop();
}

#[test]
fn an_address_that_names_an_area_is_enough_and_who_said_it_is_masked() {
    let world = world(START);
    let life = life(&world, &[]);
    life.runtime.block_on(async {
        let app = Open311::of(&life, &[]).await;
        let of = |address: &str| format!("service_code=0402&description=water&address_string={address}");
        let contact = "&email=ann.li%40b.example&device_id=6f1c3a52&account_id=ann77";
        let told = app.post("requests.json", &(of("Lane+5,+Chaoyangmen,+Dongcheng") + contact)).await;
        assert_eq!(told.status, 201, "{}", String::from_utf8_lossy(&told.body));
        let number = told.json()[0]["service_request_id"].as_str().unwrap().to_owned();
        let shown = app.get(&format!("requests/{number}.json")).await;
        assert_eq!((&shown[0]["address_id"], &shown[0]["lat"]), (&json!("110101007"), &Value::Null));
        assert!(!shown.to_string().contains("b.example") && !shown.to_string().contains("6f1c"), "{shown}");
        let district = app.post("requests.json", &of("%E4%B8%9C%E5%9F%8E%E5%8C%BA")).await;
        assert_eq!(district.status, 201, "the name of a district");
        let nowhere = app.post("requests.json", &of("Main+Street+5")).await;
        assert_eq!((nowhere.status.as_u16(), &nowhere.json()[0]["code"]), (400, &json!(400)));
        assert!(nowhere.json()[0]["description"].as_str().unwrap().contains("Main Street 5"));
        let case = life.client.json("/api/v1/cases?state=all").await;
        let case = case["items"].as_array().unwrap().last().unwrap()["id"].as_str().unwrap().to_owned();
        let of_case = life.client.json(&format!("/api/v1/cases/{case}/appeals")).await;
        let one = &of_case["items"][0];
        assert_eq!((&one["email"], &one["device"]), (&json!("a***@b.example"), &json!("6f***")), "{of_case}");
        let clear = life.client.json(&format!("/api/v1/appeals/{number}/contact")).await;
        assert_eq!((&clear["email"], &clear["account"]), (&json!("ann.li@b.example"), &json!("ann77")));
    });
    life.stop();
}
