//! The command center over a real log in a temporary folder, asked by a real HTTP client. Its store is SQLite here;
//! `tests/postgres` runs the same tests over PostgreSQL: a new module is named in both.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod access;
mod accounts;
mod acts;
mod analyze;
mod appeals;
mod appeals_kill;
mod appeals_list;
mod area_series;
mod asides;
mod audit;
mod cases;
mod cases_kill;
mod client;
mod crowd;
mod cut_back;
mod dossiers;
mod duty;
mod duty_kill;
mod examples;
mod feed;
mod feeds;
mod hotline;
mod joined;
mod kill;
mod late;
mod live;
mod mail;
mod maintenance;
mod month_checks;
mod oidc;
mod open311;
mod open_data;
mod outside;
mod pages;
mod perceive;
mod permissions;
mod photos;
mod public_notices;
mod reaches;
mod receiver;
mod supervise;
mod tables;
mod talks;
mod webhooks;
mod webhooks_kill;
mod world;

use std::time::Duration;

/// How long a test waits for what must come.
const PATIENCE: Duration = Duration::from_secs(30);

/// The address of the store of a new city: none, so it is a SQLite file.
fn store() -> Option<String> {
    None
}
