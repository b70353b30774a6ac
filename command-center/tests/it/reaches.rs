//! Every route with every reach: who sees another district, or another subdistrict, neither reads nor changes what lies
//! here, is told of it by no list, and writes it into nothing. A route without a line in the table fails the test.

use crate::cases::{Desk, START as DAY, life, well, world};
use crate::client::Client;
use crate::dossiers::post;
use crate::permissions::{account, rows};
use crate::world::{Life, opened};
use command_center::{NewAccount, Role};
use hyper::Method;
use model::EventTime;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Stands in all that is made, so that a list that tells of it is found.
const MARK: &str = "foxglove";
/// Where all of it lies: S0's subdistrict, and its district.
const HERE: &str = "110101007";
const DISTRICT: &str = "110101";
/// Who sees none of it: another district, another subdistrict of the same one.
const ELSEWHERE: [&str; 2] = ["110105", "110101008"];
/// The registry of the tests has one district.
const OTHER_DISTRICT: &str = r#"{"type":"FeatureCollection","features":[{"type":"Feature",
"properties":{"code":"110105","level":"district","name":{"en":"Chaoyang","zh":"朝阳区"}},"geometry":{"type":"Polygon",
"coordinates":[[[116.5,39.8],[116.6,39.8],[116.6,40.0],[116.5,40.0],[116.5,39.8]]]}}]}"#;
const UNIT: &str = "district-water-110101";

/// What a route is about.
enum About {
    /// Something that lies somewhere, by this name in [`Things`], put in the place of the path's parameter: 403.
    Thing(&'static str),
    /// The same, with what is sent.
    Sends(&'static str, fn(&Things) -> Value),
    /// It makes something of what the body names: 403.
    Makes(fn(&Things) -> Value),
    /// A list: nothing of it is told elsewhere, and here it is.
    Lists,
    /// Counts and the like, of which nothing can be told here beside that nothing is told elsewhere.
    Sums,
    /// A stream that tells at once what is open.
    Streams,
    /// For who sees the whole city: 403 for everybody of an area.
    City,
    /// No place, and why.
    None(&'static str),
}
use About::{City, Lists, Makes, Sends, Streams, Sums, Thing};

/// Ids by name.
type Things = BTreeMap<&'static str, String>;

const OWN: About = About::None("one's own");
const PUBLIC: About = About::None("for everybody, by number and secret where it is somebody's");
const MEASURED: About = About::None("what sensors measure and where they stand is the same for all who may ask");
const LISTS_OF_DUTY: About = About::None("classes, units, duties and rules are the city's, and the same for all");
const PUBLISHED: About = About::None("a published month is for all who work for the city");
const RULES: About = About::None("permissions::rules_are_the_whole_citys");
const SUBSCRIBED: About = About::None("a token's own, or an administrator's of those areas: webhooks");

fn why(_: &Things) -> Value {
    json!({ "reason": MARK, "note": MARK, "until": DAY + 3_600_000 })
}

fn roster(_: &Things) -> Value {
    let shift = json!({ "days": [1, 2, 3, 4, 5, 6, 7], "from": "06:00", "to": "18:00", "people": ["anna"] });
    json!({ "name": MARK, "area": HERE, "shifts": [shift] })
}

fn chain(_: &Things) -> Value {
    let steps = json!([{ "notify": ["anna"], "wait_ms": 300_000 }]);
    json!({ "name": MARK, "areas": [HERE], "wait_ms": 0, "interval_ms": 60_000, "steps": steps })
}

fn stand_in(_: &Things) -> Value {
    json!({ "from": DAY, "to": DAY + 3_600_000, "who": "ben", "reason": MARK })
}

fn case(_: &Things) -> Value {
    json!({ "class": "0402", "title": MARK, "severity": "minor", "area": HERE })
}

fn interview(things: &Things) -> Value {
    let about = json!({ "kind": "case", "case": things["case"] });
    json!({ "unit": UNIT, "about": about, "planned_at": DAY + 7_200_000, "reason": MARK })
}

fn objection(things: &Things) -> Value {
    let against = json!({ "kind": "case", "case": things["case"] });
    json!({ "against": against, "at_version": things["deduction"].parse::<u64>().unwrap(), "reason": MARK })
}

fn deliberation(things: &Things) -> Value {
    let seats = ["congress_delegate", "citizen", "media"].map(|seat| json!({ "seat": seat }));
    json!({ "case": things["case"], "cause": "watched", "question": MARK, "agenda": [MARK], "members": seats })
}

fn mediation(things: &Things) -> Value {
    let parties = ["claimant", "respondent"].map(|party| json!({ "party": party }));
    json!({ "case": things["case"], "matter": MARK, "parties": parties, "mediator": MARK })
}

fn notice(_: &Things) -> Value {
    json!({ "title": MARK, "text": MARK, "until": DAY + 86_400_000, "area": HERE })
}

fn notice_of_case(things: &Things) -> Value {
    json!({ "title": MARK, "text": MARK, "until": DAY + 86_400_000, "case": things["case"] })
}

fn window(_: &Things) -> Value {
    let (from, until) = (DAY + 3_600_000, DAY + 7_200_000);
    json!({ "kind": "area", "target": HERE, "from": from, "until": until, "reason": MARK })
}

fn month_check(_: &Things) -> Value {
    json!({ "month": "2026-03", "area": HERE, "classes": ["0402"], "visits": 1, "reason": MARK })
}

fn visit(_: &Things) -> Value {
    json!({ "visit": 0, "note": MARK })
}

/// What those are sent that are for who sees the whole city, where they want something.
fn of_a_month() -> Value {
    json!({ "month": "2026-02", "finding": "unseen", "unit": UNIT })
}

/// What a route is about; none for one that is not known here.
fn about(route: &str) -> Option<About> {
    let (_, path) = route.split_once(" /api/v1/")?;
    Some(match (route, path.split('/').next()?) {
        ("GET /api/v1/cases" | "GET /api/v1/incidents" | "GET /api/v1/asides" | "GET /api/v1/incidents/tail", _) => {
            Lists
        }
        ("GET /api/v1/interviews" | "GET /api/v1/objections" | "GET /api/v1/deliberations", _) => Lists,
        ("GET /api/v1/mediations" | "GET /api/v1/public-notices" | "GET /api/v1/rosters", _) => Lists,
        ("GET /api/v1/chains" | "GET /api/v1/maintenance" | "GET /api/v1/month-checks", _) => Lists,
        ("GET /api/v1/appeals", _) => Lists,
        ("GET /api/v1/supervise/live" | "GET /api/v1/findings", _) => Sums,
        ("GET /api/v1/scores" | "GET /api/v1/scores/{id}", _) => PUBLISHED,
        ("POST /api/v1/scores" | "POST /api/v1/findings", _) => City,
        ("POST /api/v1/maintenance", _) => Makes(window),
        ("POST /api/v1/month-checks", _) => Makes(month_check),
        ("POST /api/v1/month-checks/{id}/visit", _) => Sends("month check", visit),
        ("GET /api/v1/overview" | "GET /api/v1/storms" | "GET /api/v1/appeals/outside-duty", _) => Sums,
        (
            "GET /api/v1/analyze/hotspots"
            | "GET /api/v1/analyze/repeats"
            | "GET /api/v1/analyze/alarms"
            | "GET /api/v1/analyze/verdicts"
            | "GET /api/v1/analyze/verdicts/cases",
            _,
        ) => Sums,
        ("GET /api/v1/analyze/forecasts", _) => MEASURED,
        ("GET /api/v1/live" | "GET /api/v1/feed/{domain}", _) => Streams,
        ("POST /api/v1/cases", _) => Makes(case),
        ("POST /api/v1/interviews", _) => Makes(interview),
        ("POST /api/v1/objections", _) => Makes(objection),
        ("POST /api/v1/deliberations", _) => Makes(deliberation),
        ("POST /api/v1/mediations", _) => Makes(mediation),
        ("POST /api/v1/public-notices", _) => Makes(notice),
        ("POST /api/v1/rosters", _) => Makes(roster),
        ("POST /api/v1/chains", _) => Makes(chain),
        ("POST /api/v1/rosters/{id}", _) => Sends("roster", roster),
        ("POST /api/v1/rosters/{id}/override", _) => Sends("roster", stand_in),
        ("POST /api/v1/chains/{id}", _) => Sends("chain", chain),
        ("GET /api/v1/appeals/{number}/contact", _) => Thing("appeal"),
        ("GET /api/v1/appeals/refused" | "GET /api/v1/notices/sent", _) => City,
        ("POST /api/v1/appeals/import", _) => About::None("line by line, below"),
        ("GET /api/v1/open311/servers", _) => About::None("how other servers answer"),
        (_, "accounts" | "tokens" | "contacts" | "supervise" | "audit") => City,
        (_, "incidents") => Sends("incident", why),
        (_, "cases") => Thing("case"),
        (_, "asides") => Sends("aside", why),
        (_, "interviews") => Thing("interview"),
        (_, "objections") => Thing("objection"),
        (_, "deliberations") => Thing("deliberation"),
        (_, "mediations") => Thing("mediation"),
        (_, "public-notices") => Thing("notice"),
        (_, "rosters") => Sends("roster", why),
        (_, "maintenance") => Sends("window", why),
        (_, "month-checks") => Thing("month check"),
        (_, "chains") => Thing("chain"),
        (_, "appeals" | "public" | "sign-in" | "basemap" | "areas.geojson") => PUBLIC,
        (_, "session" | "sign-out" | "notices") => OWN,
        (_, "areas" | "cells" | "feeds" | "map" | "roads" | "sensors" | "series" | "unknown-sensors") => MEASURED,
        (_, "classes" | "units" | "duties") => LISTS_OF_DUTY,
        ("GET /api/v1/rules/versions" | "GET /api/v1/rules/versions/{version}" | "GET /api/v1/rules/language", _) => {
            LISTS_OF_DUTY
        }
        (_, "rules") => RULES,
        (_, "subscriptions") => SUBSCRIBED,
        _ => return None,
    })
}

/// Somebody with every role, so that only the reach refuses them.
async fn everybody(life: &Life, name: &str, areas: &[&str]) -> Client {
    let roles = Role::ALL.to_vec();
    let unit = Some("traffic-police".to_owned());
    Client::of_account(&life.handle, &NewAccount { roles, unit, ..account(name, Role::Unit, areas) }).await
}

/// Makes one of each here.
async fn things(life: &Life, incident: String) -> Things {
    let desk = Desk::of(life).await;
    let all = everybody(life, "all", &[]).await;
    let mut things = Things::from([("incident", incident)]);
    let case = all.json("/api/v1/cases?class=0402").await["items"][0]["id"].as_str().unwrap().to_owned();
    well(&desk.dispatcher, &case, "dispatch", &json!({})).await;
    well(&desk.unit, &case, "accept", &json!({})).await;
    let file = [("content-type", "application/pdf")];
    let path = format!("/api/v1/cases/{case}/evidence");
    let added = desk.unit.send(Method::POST, &path, &file, "%PDF-1.7 done").await.json();
    well(&desk.unit, &case, "feedback", &json!({ "note": MARK, "evidence": added["evidence"] })).await;
    well(&desk.inspector, &case, "check", &json!({ "result": "not_fixed" })).await;
    let uma = NewAccount { unit: Some(UNIT.to_owned()), ..account("uma", Role::Unit, &[]) };
    let uma = Client::of_account(&life.handle, &uma).await;
    let deductions = uma.json(&format!("/api/v1/cases/{case}/deductions")).await;
    things.insert("deduction", deductions["items"][0]["at_version"].to_string());
    things.insert("hash", added["evidence"][0].as_str().unwrap().to_owned());
    things.insert("case", case);
    let filed = post(&uma, "/api/v1/objections", &objection(&things)).await;
    assert_eq!(filed.status, 201, "{}", String::from_utf8_lossy(&filed.body));
    things.insert("objection", filed.json()["id"].as_str().unwrap().to_owned());
    type Make = fn(&Things) -> Value;
    let made: [(&str, &str, Make); 8] = [
        ("interview", "interviews", interview),
        ("deliberation", "deliberations", deliberation),
        ("mediation", "mediations", mediation),
        ("notice", "public-notices", notice),
        ("roster", "rosters", roster),
        ("chain", "chains", chain),
        ("window", "maintenance", window),
        ("month check", "month-checks", month_check),
    ];
    for (name, route, body) in made {
        let answer = post(&all, &format!("/api/v1/{route}"), &body(&things)).await;
        assert_eq!(answer.status, 201, "{name}: {}", String::from_utf8_lossy(&answer.body));
        things.insert(name, answer.json()["id"].as_str().unwrap().to_owned());
    }
    let path = format!("/api/v1/rosters/{}/override", things["roster"]);
    things.insert("override", post(&all, &path, &stand_in(&things)).await.json()["id"].as_str().unwrap().to_owned());
    let path = format!("/api/v1/incidents/{}", things["incident"]);
    let tag = all.get(&path).await.header("etag").to_owned();
    let shelved =
        all.send(Method::POST, &format!("{path}/shelve"), &[("if-match", &tag)], &why(&things).to_string()).await;
    assert_eq!(shelved.status, 200, "{}", String::from_utf8_lossy(&shelved.body));
    things.insert("aside", all.json("/api/v1/asides").await["items"][0]["id"].as_str().unwrap().to_owned());
    let said = json!({ "class": "0102", "text": MARK, "lon": 116.35, "lat": 39.9, "name": MARK, "phone": "1" });
    let told = post(&Client::stranger(life.handle.local_addr()), "/api/v1/appeals", &said).await.json();
    things.insert("appeal", told["appeal"]["number"].as_str().unwrap().to_owned());
    things
}

/// The path with what is meant in the place of its parameters.
fn named(path: &str, things: &Things, thing: &str) -> String {
    let filled = path.replace("{id}", &things[thing]).replace("{number}", &things[thing]);
    filled.replace("{hash}", &things["hash"]).replace("{override}", &things["override"])
}

/// What of all that is made a text tells of.
fn tells(text: &str, things: &Things) -> Option<String> {
    let ids =
        ["incident", "case", "interview", "roster", "appeal", "window", "month check"].map(|name| things[name].clone());
    ids.into_iter().chain([MARK.to_owned()]).find(|mark| text.contains(mark))
}

/// Asks for a list or counts, as far as they reach.
async fn read(client: &Client, path: &str) -> String {
    let query = match path {
        "/api/v1/incidents/tail" => "?follow=false",
        "/api/v1/interviews" | "/api/v1/objections" | "/api/v1/cases" => "?state=all",
        "/api/v1/deliberations" | "/api/v1/mediations" | "/api/v1/public-notices" => "?state=all",
        "/api/v1/incidents" => "?aside=all",
        _ => "",
    };
    let answer = client.get(&format!("{path}{query}")).await;
    assert!(answer.status.is_success() || answer.status == 400, "{path}: {}", answer.status);
    String::from_utf8_lossy(&answer.body).into_owned()
}

async fn opens(client: &Client, path: &str) -> String {
    client.events(&path.replace("{domain}", "drainage"), &[]).await.next().await.unwrap().data
}

#[test]
fn nobody_reaches_beyond_their_areas_by_any_route() {
    let mut world = world(DAY);
    world.settings.areas.push(OTHER_DISTRICT.to_owned());
    let incident = opened(0, EventTime(DAY));
    let life = life(&world, std::slice::from_ref(&incident));
    let mut walked = 0;
    life.runtime.block_on(async {
        let things = things(&life, incident.id.to_string()).await;
        let here = everybody(&life, "here", &[DISTRICT]).await;
        let (mut strangers, mut of_here) = (Vec::new(), Vec::new());
        for code in ELSEWHERE {
            strangers.push((code, everybody(&life, &format!("of-{code}"), &[code]).await));
        }
        for row in rows().iter().filter(|row| row.path.starts_with("/api/v1/")) {
            let route = format!("{} {}", row.method, row.path);
            let about = about(&route).unwrap_or_else(|| panic!("{route} has no line in the table of reaches"));
            // What lies here: refused to strangers, and to nobody else for its place.
            let (path, body) = match about {
                Thing(thing) => (named(&row.path, &things, thing), json!({})),
                Sends(thing, body) => (named(&row.path, &things, thing), body(&things)),
                Makes(body) => (row.path.clone(), body(&things)),
                City => (row.path.replace("{month}", "2026-03"), of_a_month()),
                Lists | Sums | Streams => {
                    for (code, stranger) in &strangers {
                        let told = match about {
                            Streams => opens(stranger, &row.path).await,
                            _ => read(stranger, &row.path).await,
                        };
                        assert_eq!(tells(&told, &things), None, "{route} for {code}: {told}");
                    }
                    if matches!(about, Lists) {
                        assert!(tells(&read(&here, &row.path).await, &things).is_some(), "{route} tells it here");
                    }
                    walked += 1;
                    continue;
                }
                About::None(why) => {
                    assert!(!why.is_empty());
                    continue;
                }
            };
            let (head, text) = ([("if-match", "\"0\"")], body.to_string());
            for (code, stranger) in &strangers {
                let status = stranger.status(row.method.clone(), &path, &head, &text).await;
                assert_eq!(status, 403, "{route} for {code}");
            }
            if !matches!(about, City) {
                of_here.push((row.method.clone(), path, text));
            }
            walked += 1;
        }
        for (code, stranger) in &strangers {
            let refused = post(stranger, "/api/v1/public-notices", &notice_of_case(&things)).await;
            assert_eq!(refused.status, 403, "a notice about a case that lies here, for {code}");
            let mut far = chain(&things);
            (far["areas"], far["steps"][0]["notify"]) =
                (json!([code]), json!([format!("roster/{}", things["roster"])]));
            let refused = post(stranger, "/api/v1/chains", &far).await;
            assert_eq!(refused.status, 403, "a chain that tells people of here, for {code}");
            let line = format!("reference,class,text,area\n{code}-1,0402,water,{HERE}\n");
            let taken = stranger.send(Method::POST, "/api/v1/appeals/import", &[], &line).await.json();
            assert_eq!(taken["taken"], json!([]), "{taken}");
        }
        // Last, for it ends some of what the strangers asked for.
        for (method, path, text) in of_here {
            let status = here.status(method.clone(), &path, &[("if-match", "\"0\"")], &text).await;
            assert!(status != 403 && status != 401, "{method} {path} here: {status}");
        }
    });
    assert!(walked > 90, "{walked} routes");
    life.stop();
}
