//! The table of permissions, cell by cell: every route with every role, every kind of token, and every reach.

use crate::client::{Client, bare};
use crate::world::{Life, World, opened};
use command_center::{NewAccount, NewToken, Role, Scope};
use hyper::Method;
use model::{EventTime, Transition};

/// The page that people read; what it says is what is walked.
const PAGE: &str = include_str!("../../../docs/permissions.md");
const REWRITE: &str = "CITYWATCH_REWRITE";

/// One row: method, path, for each role whether it may, and the scope.
pub struct Row {
    pub method: Method,
    pub path: String,
    roles: Vec<bool>,
    scope: Option<String>,
    /// Nobody is asked who they are.
    is_open: bool,
}

pub fn rows() -> Vec<Row> {
    let lines = PAGE.lines().filter(|line| line.starts_with("| `"));
    let row = |line: &str| {
        let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
        let (method, path) = cells[0].trim_matches('`').split_once(' ').unwrap();
        let scope = cells.last().copied().unwrap_or_default();
        Row {
            method: method.parse().unwrap(),
            path: path.to_owned(),
            roles: cells[1..=Role::ALL.len()].iter().map(|cell| *cell == "yes").collect(),
            scope: scope.contains(':').then(|| scope.to_owned()),
            is_open: scope == "(nobody is asked)",
        }
    };
    lines.map(row).collect()
}

pub fn account(name: &str, role: Role, areas: &[&str]) -> NewAccount {
    NewAccount {
        name: name.to_owned(),
        roles: vec![role],
        areas: areas.iter().map(|code| (*code).to_owned()).collect(),
        unit: (role == Role::Unit).then(|| "u1".to_owned()),
        password: None,
    }
}

fn token(name: &str, scope: Scope, areas: &[&str]) -> NewToken {
    NewToken {
        name: name.to_owned(),
        scopes: vec![scope],
        areas: areas.iter().map(|code| (*code).to_owned()).collect(),
        unit: (scope == Scope::CasesHandle).then(|| "u1".to_owned()),
        days: None,
    }
}

#[test]
fn the_page_is_the_table() {
    let (before, _) = PAGE.split_once("| route |").unwrap();
    let fresh = format!("{before}{}", command_center::permissions());
    if std::env::var_os(REWRITE).is_some() {
        std::fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/permissions.md"), &fresh).unwrap();
    }
    assert!(
        fresh == PAGE,
        "docs/permissions.md is not the table: run this test with {REWRITE}=1 and look at the change"
    );
}

#[test]
fn every_route_with_every_role_and_every_token() {
    let world = World::new();
    let life = world.live();
    let (mut allowed, mut refused) = (0, 0);
    life.runtime.block_on(async {
        for (index, role) in Role::ALL.iter().enumerate() {
            // "operator" alone is who opens the link.
            let name = format!("{}-stays", role.name());
            let client = Client::of_account(&life.handle, &account(&name, *role, &[])).await;
            // Signing out ends a session of its own.
            let name = format!("{}-leaves", role.name());
            let leaving = Client::of_account(&life.handle, &account(&name, *role, &[])).await;
            for row in rows().iter().filter(|row| row.path.starts_with("/api/v1/")) {
                let client = match row.path.as_str() {
                    "/api/v1/sign-in" => continue,
                    "/api/v1/sign-out" => &leaving,
                    _ => &client,
                };
                check(client, row, row.roles[index], role.name()).await;
                *(if row.roles[index] { &mut allowed } else { &mut refused }) += 1;
            }
        }
        for scope in Scope::ALL {
            let (_, client) = Client::of_token(&life.handle, token("t", *scope, &[])).await;
            for row in rows().iter().filter(|row| row.path.starts_with("/api/v1/")) {
                let may = row.scope.as_deref() == Some(scope.name()) || row.is_open;
                check(&client, row, may, scope.name()).await;
                *(if may { &mut allowed } else { &mut refused }) += 1;
            }
        }
    });
    assert!(allowed > 100 && refused > 100, "{allowed} allowed, {refused} refused");
    life.stop();
}

async fn check(client: &Client, row: &Row, may: bool, who: &str) {
    let status = client.status(row.method.clone(), &bare(&row.path), &[("if-match", "\"1\"")], "").await;
    let is_let_in = status != 401 && status != 403;
    assert_eq!(is_let_in, may, "{who}: {} {}: {status}", row.method, row.path);
    assert!(may || status == 403, "{who}: {} {}: {status}", row.method, row.path);
}

/// Reaches, and whether each sees S0 (110101007), S1 (110101008), and what lies nowhere.
const REACHES: &[(&[&str], [bool; 3])] = &[
    (&[], [true, true, true]),
    (&["110101"], [true, true, false]),
    (&["110101007"], [true, false, false]),
    (&["110101008"], [false, true, false]),
    (&["110101007", "110101008"], [true, true, false]),
];

#[test]
fn every_reach_sees_its_areas_and_no_others() {
    let world = World::new();
    let nowhere = Transition { key: "nowhere".to_owned(), ..opened(10, EventTime(1_000)) };
    let incidents = [opened(0, EventTime(1_000)), opened(5, EventTime(1_000)), nowhere];
    world.append(&incidents);
    let life = world.live();
    life.caught_up();
    life.runtime.block_on(async {
        for (number, (areas, seen)) in REACHES.iter().enumerate() {
            for role in [Role::Operator, Role::Supervisor] {
                let name = format!("{}-{number}", role.name());
                let client = Client::of_account(&life.handle, &account(&name, role, areas)).await;
                see(&client, &incidents, *seen, role == Role::Operator).await;
            }
            let (_, client) = Client::of_token(&life.handle, token("reads", Scope::IncidentsRead, areas)).await;
            see(&client, &incidents, *seen, false).await;
            follow(&life, areas, *seen).await;
        }
    });
    life.stop();
}

async fn see(client: &Client, incidents: &[Transition; 3], seen: [bool; 3], acts: bool) {
    let list = client.json("/api/v1/incidents").await;
    assert_eq!(list["items"].as_array().unwrap().len(), seen.iter().filter(|seen| **seen).count());
    let overview = client.json("/api/v1/overview").await;
    assert_eq!(overview["open"]["total"], seen.iter().filter(|seen| **seen).count());
    for (incident, seen) in incidents.iter().zip(seen) {
        let path = format!("/api/v1/incidents/{}", incident.id);
        assert_eq!(client.get(&path).await.status == 200, seen);
        assert!(seen || client.get(&path).await.status == 403);
        // Nobody looks after rules here: who may is told that.
        let explained = client.get(&format!("{path}/explanation")).await.status;
        assert_eq!(explained, if seen && client.token.is_none() { 503 } else { 403 });
        let act = format!("{path}/acknowledge");
        // Of an old version, so that nothing is changed: who may is told that, who may not is told so.
        let status = client.status(Method::POST, &act, &[("if-match", "\"0\"")], "{}").await;
        assert_eq!(status, if seen && acts { 412 } else { 403 });
    }
    let lines = client.get("/api/v1/incidents/tail?follow=false").await;
    assert_eq!(lines.body.split(|byte| *byte == b'\n').count() - 1, seen.iter().filter(|seen| **seen).count());
}

/// The page's snapshot and the utilities' feed.
async fn follow(life: &Life, areas: &[&str], seen: [bool; 3]) {
    let (_, client) = Client::of_token(&life.handle, token("feed", Scope::FeedRead, areas)).await;
    let mut events = client.events("/api/v1/feed/drainage", &[]).await;
    let open: serde_json::Value = serde_json::from_str(&events.next().await.unwrap().data).unwrap();
    // All three are of the domain drainage.
    assert_eq!(open.as_array().unwrap().len(), seen.iter().filter(|seen| **seen).count());
    let (_, client) = Client::of_token(&life.handle, token("live", Scope::IncidentsRead, areas)).await;
    let mut events = client.events("/api/v1/live", &[]).await;
    let snapshot: serde_json::Value = serde_json::from_str(&events.next().await.unwrap().data).unwrap();
    assert_eq!(snapshot["incidents"].as_array().unwrap().len(), seen.iter().filter(|seen| **seen).count());
    assert_eq!(snapshot["overview"]["open"]["total"], seen.iter().filter(|seen| **seen).count());
}

#[test]
fn rules_are_the_whole_citys() {
    let world = World::new();
    let life = world.live();
    life.runtime.block_on(async {
        let files = serde_json::json!([{ "path": "rules.yaml", "text": "rules: []" }]);
        let body = serde_json::json!({ "files": files, "reason": "why", "from": 0, "to": 1 }).to_string();
        // Who may is told that nobody looks after rules here.
        for (name, areas, status) in [("of-the-city", &[][..], 503), ("of-a-district", &["110101"][..], 403)] {
            let client = Client::of_account(&life.handle, &account(name, Role::RuleEngineer, areas)).await;
            for path in ["check", "test", "lint", "backtests", "apply", "versions/1/rollback"] {
                let path = format!("/api/v1/rules/{path}");
                let answer = client.status(Method::POST, &path, &[("if-match", "\"1\"")], &body).await;
                assert_eq!(answer, status, "{name}: {path}");
            }
            let silent = "/api/v1/rules/why-not?rule=a&key=b&at=0";
            assert_eq!(client.get(silent).await.status.as_u16(), status, "{name}");
        }
    });
    life.stop();
}
