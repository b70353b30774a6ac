//! The hotline's lists: good lines are taken, once each; bad ones are kept whole with the reason.

use crate::appeals::START;
use crate::cases::{life, world};
use crate::client::Client;
use crate::permissions::account;
use command_center::{AdminAnswer, AdminRequest, NewToken, Role, Scope};
use hyper::Method;
use serde_json::json;

const LIST: &str = "\u{feff}reference,class,text,lon,lat,datum,area,danger,name,phone
H1,0402,\"路上有水, 很深\",116.35,39.9,wgs84,,是,李四,13900001111
H2,0102,垃圾成堆,,,,110101007,,,
H3,9999,什么都没有,116.35,39.9,,,,王五,13900002222
H4,0402,在城外,100,20,wgs84,,,,
H5,0402,坐标不清,116.3501,39.9,,,,,
H6,0402,少一列,116.35
,0402,没有编号,116.35,39.9,,,,,
H1,0402,又一次,116.35,39.9,wgs84,,,,
";

#[test]
fn a_list_is_taken_and_what_is_bad_in_it_is_kept() {
    let world = world(START);
    let life = life(&world, &[]);
    life.runtime.block_on(async {
        let operator = Client::of_account(&life.handle, &account("olga", Role::Operator, &[])).await;
        let send = async |list: &str| {
            let kind = [("content-type", "text/csv")];
            operator.send(Method::POST, "/api/v1/appeals/import", &kind, list).await
        };
        let answer = send(LIST).await;
        assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
        let done = answer.json();
        let taken: Vec<_> = done["taken"].as_array().unwrap().iter().map(|one| one["reference"].clone()).collect();
        assert_eq!((json!(taken), &done["known"]), (json!(["H1", "H2", "H5"]), &json!(1)), "{done}");
        let lines: Vec<_> = done["refused"].as_array().unwrap().iter().map(|one| one["line"].clone()).collect();
        assert_eq!(json!(lines), json!([4, 5, 7, 8]), "{done}");
        let kept = operator.json("/api/v1/appeals/refused").await;
        let kept = kept["items"].as_array().unwrap();
        assert_eq!(kept.len(), 4);
        assert_eq!(kept[0]["text"], "H3,9999,什么都没有,116.35,39.9,,,,王五,13900002222");
        assert!(kept[0]["reason"].as_str().unwrap().contains("9999") && kept[0]["by"] == "olga");
        let cases = operator.json("/api/v1/cases?state=all").await;
        assert_eq!(cases["items"].as_array().unwrap().len(), 3);
        let open = operator.json("/api/v1/cases").await;
        assert_eq!(open["items"].as_array().unwrap().len(), 3, "a point without a datum is merged into nothing");
        let listed = operator.json("/api/v1/appeals").await;
        let by: Vec<_> = listed["items"].as_array().unwrap().iter().map(|one| one["taken_by"].clone()).collect();
        assert_eq!(by, ["olga", "olga", "olga"]);
        // A reporter is told the secret by the hotline.
        let first = &done["taken"][0];
        let path = format!(
            "/api/v1/appeals/{}?secret={}",
            first["number"].as_str().unwrap(),
            first["secret"].as_str().unwrap()
        );
        let seen = Client::stranger(life.handle.local_addr()).json(&path).await;
        assert_eq!((&seen["channel"], &seen["text"]), (&json!("hotline"), &json!("路上有水, 很深")));
        let again = send(LIST).await.json();
        assert_eq!((&again["known"], again["taken"].as_array().unwrap().len()), (&json!(4), 0));
        assert_eq!(
            operator.json("/api/v1/appeals/refused").await["items"].as_array().unwrap().len(),
            4,
            "the same once"
        );
        let headless = send("H9,0402,kein Kopf\n").await;
        assert_eq!(headless.status, 400);
        assert!(headless.json()["detail"].as_str().unwrap().contains("reference"));
        let local = Client::of_account(&life.handle, &account("local", Role::Operator, &["110101008"])).await;
        let elsewhere = local.send(Method::POST, "/api/v1/appeals/import", &[], &LIST.replace("\nH", "\nX")).await;
        assert_eq!(elsewhere.json()["taken"], json!([]), "only where they are");
        assert_eq!(local.get("/api/v1/appeals/refused").await.status, 403);
    });
    life.stop();
}

#[test]
fn who_owns_the_machine_takes_a_list_in() {
    let world = world(START);
    let life = life(&world, &[]);
    life.runtime.block_on(async {
        let import = async |list: &str| {
            let request = AdminRequest::ImportAppeals { list: list.to_owned() };
            life.handle.admin().answer(request, "socket/anna").await.unwrap()
        };
        let AdminAnswer::Imported(done) = import(LIST).await else { panic!("it is a list") };
        let taken: Vec<&str> = done.taken.iter().map(|one| one.reference.as_str()).collect();
        assert_eq!((taken, done.known, done.refused.len()), (vec!["H1", "H2", "H5"], 1, 4));
        let AdminAnswer::Imported(again) = import(LIST).await else { panic!("it is a list") };
        assert_eq!((again.taken.len(), again.known), (0, 4), "the same reference is the same appeal");
        assert!(matches!(import("no list").await, AdminAnswer::Refused(why) if why.contains("no column")));
    });
    life.stop();
}

/// The hotline's own program, call by call.
#[test]
fn a_call_is_taken_in_by_its_number_once() {
    let world = world(START);
    let life = life(&world, &[]);
    life.runtime.block_on(async {
        let token = |name: &str, scope: Scope, areas: &[&str]| NewToken {
            name: name.to_owned(),
            scopes: vec![scope],
            areas: areas.iter().map(|code| (*code).to_owned()).collect(),
            unit: None,
            days: None,
        };
        let (_, hotline) = Client::of_token(&life.handle, token("hotline", Scope::AppealsWrite, &[])).await;
        let (_, local) = Client::of_token(&life.handle, token("local", Scope::AppealsWrite, &["110101008"])).await;
        let (_, reader) = Client::of_token(&life.handle, token("reader", Scope::CasesRead, &[])).await;
        let stranger = Client::stranger(life.handle.local_addr());
        let call = json!({ "reference": "12345-1", "class": "0402", "text": "路上有水", "lon": 116.356, "lat": 39.9014,
            "datum": "gcj02", "name": "李四", "phone": "13900001111" });
        let send = async |client: &Client, body: &serde_json::Value| {
            client.send(Method::POST, "/api/v1/appeals", &[], &body.to_string()).await
        };
        for client in [&stranger, &reader, &local] {
            assert_eq!(send(client, &call).await.status, 403);
        }
        // Who takes a call is an operator of that area, at our own page.
        let inspector = Client::of_account(&life.handle, &account("iris", Role::Inspector, &[])).await;
        let elsewhere = Client::of_account(&life.handle, &account("elsa", Role::Operator, &["110101008"])).await;
        let operator = Client::of_account(&life.handle, &account("olga", Role::Operator, &[])).await;
        let spoken = json!({ "class": "0102", "text": "垃圾成堆", "area": "110101007", "channel": "hotline" });
        for client in [&stranger, &reader, &inspector, &elsewhere] {
            assert_eq!(send(client, &spoken).await.status, 403);
        }
        let forged = [("origin", "https://elsewhere.example")];
        let forged = operator.send(Method::POST, "/api/v1/appeals", &forged, &spoken.to_string()).await;
        assert_eq!(forged.status, 403, "another site's page");
        let taken = send(&operator, &spoken).await;
        assert_eq!((taken.status.as_u16(), &taken.json()["appeal"]["channel"]), (201, &json!("hotline")));
        let spoken_number = taken.json()["appeal"]["number"].clone();
        let first = send(&hotline, &call).await;
        assert_eq!(first.status, 201, "{}", String::from_utf8_lossy(&first.body));
        let first = first.json();
        assert_eq!(first["appeal"]["channel"], "hotline");
        // Some hundred metres from where the map of the caller has it.
        assert!((first["appeal"]["lon"].as_f64().unwrap() - 116.35).abs() < 0.001, "{first}");
        let secret = first["secret"].as_str().unwrap();
        let again = send(&hotline, &call).await;
        assert_eq!(again.status, 200);
        let again = again.json();
        assert_eq!((&again["appeal"]["number"], &again["secret"]), (&first["appeal"]["number"], &json!("")));
        let path = format!("/api/v1/appeals/{}?secret={secret}", first["appeal"]["number"].as_str().unwrap());
        assert_eq!(stranger.get(&path).await.status, 200);
        let listed = operator.json("/api/v1/appeals").await;
        let by = |number: &serde_json::Value| {
            let found = listed["items"].as_array().unwrap().iter().find(|one| one["number"] == *number);
            found.expect("it is in the queue")["taken_by"].clone()
        };
        assert_eq!(by(&first["appeal"]["number"]), "token/hotline");
        assert_eq!(by(&spoken_number), "olga");
        // The hotline's list of the day has it too.
        let list = "reference,class,text,area\n12345-1,0402,water,110101007\n12345-2,0402,mud,110101007\n";
        let done = hotline.send(Method::POST, "/api/v1/appeals/import", &[], list).await.json();
        assert_eq!((&done["known"], done["taken"].as_array().unwrap().len()), (&json!(1), 1), "{done}");
        for (key, value) in [("reference", "".to_owned()), ("reference", "x".repeat(65)), ("datum", "utm".to_owned())] {
            let mut bad = call.clone();
            bad[key] = json!(value);
            assert_eq!(send(&hotline, &bad).await.status, 400, "{key}");
        }
        let page = json!({ "class": "0402", "text": "路上有水", "area": "110101007", "channel": "wechat" });
        assert_eq!(send(&hotline, &page).await.json()["appeal"]["channel"], "wechat");
    });
    life.stop();
}
