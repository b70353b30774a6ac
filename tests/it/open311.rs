//! A citywatch that asks another one's Open311 server: what it takes in is what was reported there, once, though it is
//! killed in between.

use crate::agree::each_received;
use crate::city::{Running, data_dir};
use crate::page::Session;
use crate::process::{DEADLINE, run_well};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Instant;

/// Reports by Open311 at a city; gives the number.
fn report(page: &Session, key: &str, nth: usize) -> String {
    // A kilometre apart each, so that none is merged with another.
    let (lat, lon) = (39.85 + 0.01 * (nth / 10) as f64, 116.30 + 0.012 * (nth % 10) as f64);
    let form = format!("api_key={key}&service_code=0402&lat={lat}&long={lon}&description=water+{nth}");
    let headers = [("Content-Type", "application/x-www-form-urlencoded")];
    let answer = page.send("POST", "/open311/v2/requests.json", &headers, &form);
    assert_eq!(answer.status, 201, "{}", answer.body);
    answer.json()[0]["service_request_id"].as_str().expect("it has a number").to_owned()
}

/// How it goes with the other city, as the first one tells it.
fn servers(page: &Session) -> Value {
    page.json("/api/v1/open311/servers")["items"][0].clone()
}

/// The references of all appeals on a city's log, and how often each was received.
fn received(folder: &Path) -> BTreeMap<String, usize> {
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    each_received(folder, |id, step| {
        let reference = step["reference"].as_str().expect("it came from elsewhere").to_owned();
        // An event that stands twice, after a kill, has the same id.
        found.entry(reference).or_default().insert(id.to_owned());
    });
    found.into_iter().map(|(reference, events)| (reference, events.len())).collect()
}

#[test]
fn what_is_reported_elsewhere_comes_here_once() {
    let (there, here) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let other = Running::start(there.path(), "");
    let their_page = Session::sign_in(&other.page());
    let data = data_dir(there.path());
    let data = data.to_str().unwrap();
    let token = run_well(&["tokens", "add", "an-app", "--scope", "appeals:write", "--data-dir", data]);
    let url = format!("{}/open311/v2", other.page().split("/sign-in").next().unwrap());
    let file = format!(
        "[[pull]]\nurl = \"{url}\"\njurisdiction_id = \"citywatch\"\nevery = \"2s\"\nlate = \"10m\"\nanswer_max = 30\n"
    );
    std::fs::write(here.path().join("open311.toml"), file).unwrap();

    let mut ledger: Vec<String> = (0..15).map(|nth| report(&their_page, token.trim(), nth)).collect();
    let ours = Running::start(here.path(), "center.open311 = \"open311.toml\"\n");
    let page = Session::sign_in(&ours.page());
    let until = Instant::now() + DEADLINE;
    let refused = loop {
        let server = servers(&page);
        if let Some(why) = server["error"].as_str() {
            break why.to_owned();
        }
        assert!(Instant::now() < until, "{server}");
    };
    assert!(refused.contains("notices.plain_http"), "nothing is asked that is not allowed: {refused}");
    ours.stop();

    let allowed = "center.open311 = \"open311.toml\"\nnotices.plain_http = true\nnotices.allow = [\"127.0.0.1\"]\n";
    let mqtt = Running::set_up(here.path(), allowed);
    for kill_after in [1, 12] {
        let ours = Running::again(here.path(), mqtt);
        let page = Session::sign_in(&ours.page());
        let until = Instant::now() + DEADLINE;
        while servers(&page)["taken"].as_u64() < Some(kill_after) {
            assert!(Instant::now() < until, "{}", servers(&page));
        }
        ours.kill();
        let next = ledger.len();
        ledger.extend((next..next + 12).map(|nth| report(&their_page, token.trim(), nth)));
    }
    let ours = Running::again(here.path(), mqtt);
    let page = Session::sign_in(&ours.page());
    let until = Instant::now() + DEADLINE;
    let all = loop {
        let listed = page.json("/api/v1/cases?state=all&limit=200");
        let count = listed["items"].as_array().unwrap().len();
        if count >= ledger.len() {
            break count;
        }
        assert!(Instant::now() < until, "{count} of {}: {}", ledger.len(), servers(&page));
    };
    assert_eq!(all, ledger.len(), "one case each");
    let served = page.json("/open311/v2/requests.json");
    assert_eq!(served.as_array().unwrap().len(), 0, "what another server has is not served again");
    let metrics = page.send("GET", "/metrics", &[], "").body;
    assert!(metrics.contains(&format!("citywatch_open311_pulled_seconds{{server=\"{url}\"}}")), "{metrics}");
    ours.stop();
    other.stop();

    let wanted: BTreeMap<String, usize> = ledger.iter().map(|number| (format!("{url}/requests/{number}"), 1)).collect();
    assert_eq!(received(here.path()), wanted, "none is lost, none is doubled");
}
