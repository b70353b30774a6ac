//! The JSON Schemas in `docs/schemas` of what the command center writes, generated from the types and compared with the
//! files.
//!
//! `CITYWATCH_WRITE_SCHEMAS=1 cargo test --release -p command-center schemas` writes them anew.

use crate::auth::audit;
use crate::command::step;
use crate::dossier;
use crate::dossier::deliberation::DeliberationFact;
use crate::dossier::interview::InterviewFact;
use crate::dossier::mediation::MediationFact;
use crate::dossier::month_check::MonthCheckFact;
use crate::dossier::objection::ObjectionFact;
use crate::dossier::public_notice::PublicNoticeFact;
use crate::dossier::score::{FindingFact, ScoreFact};
use crate::events::{AlarmAside, Deadline, IncidentAcknowledged, IncidentAssigned, IncidentRealarmed, MaintenanceTold};
use crate::serve::appeal::step::AppealStep;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;
use utoipa::openapi::{RefOr, Schema};

/// The schema of a type with all that it refers to in `$defs`. A type that it is generic over is not among what it refers
/// to, so that comes in `parts`.
fn schema_of<T: ToSchema>(title: &str, mut parts: Vec<(String, RefOr<Schema>)>) -> Value {
    T::schemas(&mut parts);
    let parts: Map<String, Value> =
        parts.into_iter().map(|(name, part)| (name, serde_json::to_value(part).unwrap())).collect();
    let mut schema = serde_json::to_value(T::schema()).unwrap();
    schema["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
    schema["title"] = json!(title);
    if !parts.is_empty() {
        schema["$defs"] = parts.into();
    }
    let text = schema.to_string().replace("#/components/schemas/", "#/$defs/");
    serde_json::from_str(&text).unwrap()
}

fn compare<T: ToSchema>(name: &str, title: &str) {
    compare_with::<T>(name, title, Vec::new());
}

/// Of a dossier whose steps are of these facts.
fn compare_dossier<F: ToSchema>(name: &str, title: &str) {
    compare_with::<dossier::Step<F>>(name, title, vec![(F::name().into_owned(), F::schema())]);
}

fn compare_with<T: ToSchema>(name: &str, title: &str, parts: Vec<(String, RefOr<Schema>)>) {
    let path = format!("{}/../docs/schemas/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let schema = schema_of::<T>(title, parts);
    if std::env::var_os("CITYWATCH_WRITE_SCHEMAS").is_some() {
        std::fs::write(&path, serde_json::to_string_pretty(&schema).unwrap() + "\n").unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_else(|_| "null".to_owned());
    let kept: Value = serde_json::from_str(&kept).unwrap();
    let told = "is not what the types say; the head of command-center/src/schemas.rs tells the mend";
    assert_eq!(kept, schema, "docs/schemas/{name}.json {told}");
}

#[test]
fn the_files_are_what_the_types_say() {
    compare::<step::Step>("case-step", "CaseStep");
    compare::<AppealStep>("appeal-step", "AppealStep");
    compare_dossier::<InterviewFact>("interview-step", "InterviewStep");
    compare_dossier::<ObjectionFact>("objection-step", "ObjectionStep");
    compare_dossier::<DeliberationFact>("deliberation-step", "DeliberationStep");
    compare_dossier::<MediationFact>("mediation-step", "MediationStep");
    compare_dossier::<PublicNoticeFact>("public-notice-step", "PublicNoticeStep");
    compare_dossier::<MonthCheckFact>("month-check-step", "MonthCheckStep");
    compare_dossier::<ScoreFact>("score-step", "ScoreStep");
    compare_dossier::<FindingFact>("finding-step", "FindingStep");
    compare::<IncidentAcknowledged>("incident-acknowledged", "IncidentAcknowledged");
    compare::<IncidentAssigned>("incident-assigned", "IncidentAssigned");
    compare::<IncidentRealarmed>("incident-realarmed", "IncidentRealarmed");
    compare::<AlarmAside>("alarm-aside", "AlarmAside");
    compare::<MaintenanceTold>("maintenance", "Maintenance");
    compare::<Deadline<'_>>("deadline", "Deadline");
    compare::<audit::Entry>("audit-entry", "AuditEntry");
}
