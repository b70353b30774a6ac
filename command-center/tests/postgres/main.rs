//! The command center over a real PostgreSQL: what it is over SQLite, and what a server adds, being away and taken.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod away;
mod server;

#[path = "../it/access.rs"]
mod access;
#[path = "../it/accounts.rs"]
mod accounts;
#[path = "../it/acts.rs"]
mod acts;
#[path = "../it/analyze.rs"]
mod analyze;
#[path = "../it/appeals.rs"]
mod appeals;
#[path = "../it/appeals_kill.rs"]
mod appeals_kill;
#[path = "../it/asides.rs"]
mod asides;
#[path = "../it/audit.rs"]
mod audit;
#[path = "../it/cases.rs"]
mod cases;
#[path = "../it/cases_kill.rs"]
mod cases_kill;
#[path = "../it/client.rs"]
mod client;
#[path = "../it/crowd.rs"]
mod crowd;
#[path = "../it/cut_back.rs"]
mod cut_back;
#[path = "../it/dossiers.rs"]
mod dossiers;
#[path = "../it/duty.rs"]
mod duty;
#[path = "../it/duty_kill.rs"]
mod duty_kill;
#[path = "../it/examples.rs"]
mod examples;
#[path = "../it/feed.rs"]
mod feed;
#[path = "../it/hotline.rs"]
mod hotline;
#[path = "../it/joined.rs"]
mod joined;
#[path = "../it/kill.rs"]
mod kill;
#[path = "../it/late.rs"]
mod late;
#[path = "../it/live.rs"]
mod live;
#[path = "../it/maintenance.rs"]
mod maintenance;
#[path = "../it/month_checks.rs"]
mod month_checks;
#[path = "../it/oidc.rs"]
mod oidc;
#[path = "../it/open311.rs"]
mod open311;
#[path = "../it/open_data.rs"]
mod open_data;
#[path = "../it/outside.rs"]
mod outside;
#[path = "../it/pages.rs"]
mod pages;
#[path = "../it/perceive.rs"]
mod perceive;
#[path = "../it/permissions.rs"]
mod permissions;
#[path = "../it/photos.rs"]
mod photos;
#[path = "../it/reaches.rs"]
mod reaches;
#[path = "../it/receiver.rs"]
mod receiver;
#[path = "../it/supervise.rs"]
mod supervise;
#[path = "../it/tables.rs"]
mod tables;
#[path = "../it/talks.rs"]
mod talks;
#[path = "../it/webhooks.rs"]
mod webhooks;
#[path = "../it/webhooks_kill.rs"]
mod webhooks_kill;
#[path = "../it/world.rs"]
mod world;

use server::Postgres;
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::Duration;

/// How long a test waits for what must come.
const PATIENCE: Duration = Duration::from_secs(30);

/// The address of the store of a new city.
fn store() -> Option<String> {
    // It is never dropped; it ends as its input ends, with this process.
    static SERVER: LazyLock<Mutex<Postgres>> = LazyLock::new(|| Mutex::new(Postgres::start()));
    Some(SERVER.lock().unwrap_or_else(PoisonError::into_inner).database())
}
