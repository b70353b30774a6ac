//! The tables of what people did, as they stand in the store, to compare two stores by.

use crate::world::World;
use sqlx::{AnyConnection, AssertSqlSafe, Column, Connection, Row};
use std::collections::{BTreeMap, BTreeSet};

/// Each table that is the fold of the log. Left out are settings (accounts, rosters, chains, contacts, subscriptions), what
/// is under way (deliveries, runs of chains, positions) and names of people, which stand on no log.
const TABLES: [&str; 11] = [
    "incident",
    "transition",
    "incident_act",
    "aside",
    "maintenance",
    "city_case",
    "case_step",
    "case_incident",
    "appeal",
    "dossier",
    "dossier_step",
];
/// Counts changes in the order in which the store made them, which is its own.
const OWN: &str = "change";

/// The rows of each table, as text. The command center is stopped.
pub async fn dump(world: &World) -> BTreeMap<&'static str, BTreeSet<String>> {
    let file = format!("sqlite://{}", world.settings.data_dir.join("center.sqlite").display());
    let address = world.settings.store.clone().unwrap_or(file);
    let mut connection = AnyConnection::connect(&address).await.unwrap();
    let mut tables = BTreeMap::new();
    for table in TABLES {
        let query = sqlx::query(AssertSqlSafe(format!("SELECT * FROM {table}")));
        let rows = query.fetch_all(&mut connection).await.unwrap();
        tables.insert(table, rows.iter().map(text).collect());
    }
    connection.close().await.unwrap();
    tables
}

fn text(row: &sqlx::any::AnyRow) -> String {
    let mut text = String::new();
    for (place, column) in row.columns().iter().enumerate().filter(|(_, column)| column.name() != OWN) {
        let cell = row
            .try_get::<Option<String>, _>(place)
            .or_else(|_| row.try_get::<Option<i64>, _>(place).map(|number| number.map(|number| number.to_string())))
            .unwrap_or_else(|_| row.get::<Option<f64>, _>(place).map(|number| number.to_string()));
        text += &format!("{}={} ", column.name(), cell.as_deref().unwrap_or("null"));
    }
    text
}
