//! How often rules were right, by what became of their cases.

use super::{Stretch, StretchQuery};
use crate::analyze::verdicts::{
    ClassVerdict, Outcome, RuleVerdict, Told, Verdicts, Watch, of_class, of_rules, outcome,
};
use crate::api::Shared;
use crate::api::case_view::{CaseRow, names};
use crate::api::problem::{Params, Problem};
use crate::auth::who::Who;
use crate::center::Center;
use crate::city::Names;
use crate::command::case::Case;
use crate::store::cases::{StoredCase, each_reported};
use crate::store::incidents::rules_in_cases;
use axum::Json;
use axum::extract::{Extension, State};
use model::Domain;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};
use utoipa::{IntoParams, ToSchema};

/// Cases that are counted in one answer; a request with more is refused, for an answer from a part would be wrong.
const CASES_MAX: u64 = 200_000;
/// Cases that are listed of a figure: those that were reported last.
const LISTED_MAX: usize = 200;

/// How often rules were right.
#[derive(Serialize, ToSchema)]
pub(crate) struct VerdictReport {
    /// By rule; those with most that was not found first.
    rules: Vec<RuleVerdict>,
    /// By class; those with most that was missed first.
    classes: Vec<ClassVerdict>,
    /// Titles of the rules, by id.
    titles: BTreeMap<String, Names>,
    /// Names of the classes, by code.
    names: BTreeMap<String, Names>,
    from: i64,
    to: i64,
}

/// Which figure.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct FigureQuery {
    /// A rule's id.
    rule: Option<String>,
    /// What was found: real, not_found, duplicate, unknown
    #[param(value_type = Option<String>)]
    found: Option<Outcome>,
    /// A class's code.
    class: Option<String>,
    /// Who told of it: told (a rule), missed, unwatched
    #[param(value_type = Option<String>)]
    told: Option<Told>,
}

/// A figure, read.
enum Figure {
    OfRule(String, Outcome),
    OfClass(String, Told),
}

/// The cases behind a figure.
#[derive(Serialize, ToSchema)]
pub(crate) struct VerdictCases {
    /// Those that were reported last first; 200 at most.
    items: Vec<CaseRow>,
    /// How many more there are.
    left_out: u64,
}

/// What became of the cases that were reported in the stretch: of each rule how many were real, of each class how many
/// happened that no rule told of. `severity` and `domain` choose among the cases that have one.
#[utoipa::path(get, path = "/api/v1/analyze/verdicts", tag = "analyze", params(StretchQuery),
    responses((status = 200, body = VerdictReport), (status = 400, body = Problem)))]
pub(crate) async fn verdicts(
    State(center): Shared,
    Extension(who): Extension<Who>,
    Params(query): Params<StretchQuery>,
) -> Result<Json<VerdictReport>, Problem> {
    let stretch = query.read(&center)?;
    let watches = watches(&center);
    let mut counts = Verdicts::new(&watches);
    let joined = rules_in_cases(&mut *center.store.read().await?, (stretch.from, stretch.to)).await?;
    each(&center, &who, &stretch, |case| counts.add(case, &joined)).await?;
    let (rules, classes) = counts.into_counts();
    let city = center.city();
    let named = classes.iter().flat_map(|class| &class.rules).chain(rules.iter().map(|one| &one.rule));
    let titles = named.map(|rule| (rule.clone(), city.title(rule))).collect();
    let name = |code: &String| {
        center.duties.classes.get(code).map(|class| (code.clone(), names(&class.name_en, &class.name_zh)))
    };
    let names = classes.iter().filter_map(|one| name(&one.class)).collect();
    Ok(Json(VerdictReport { rules, classes, titles, names, from: stretch.from, to: stretch.to }))
}

/// The cases behind one of the figures: those of a rule by what was found, or those of a class by who told of them. Said
/// is either `rule` with `found`, or `class` with `told`.
#[utoipa::path(get, path = "/api/v1/analyze/verdicts/cases", tag = "analyze", params(StretchQuery, FigureQuery),
    responses((status = 200, body = VerdictCases), (status = 400, body = Problem)))]
pub(crate) async fn cases(
    State(center): Shared,
    Extension(who): Extension<Who>,
    Params(query): Params<StretchQuery>,
    Params(figure): Params<FigureQuery>,
) -> Result<Json<VerdictCases>, Problem> {
    let stretch = query.read(&center)?;
    let figure = match (figure.rule, figure.found, figure.class, figure.told) {
        (Some(rule), Some(found), None, None) => Figure::OfRule(rule, found),
        (None, None, Some(class), Some(told)) => Figure::OfClass(class, told),
        _ => return Err(Problem::bad("say either `rule` and `found`, or `class` and `told`")),
    };
    let watches = watches(&center);
    let joined = rules_in_cases(&mut *center.store.read().await?, (stretch.from, stretch.to)).await?;
    let (mut newest, mut counted) = (VecDeque::new(), 0_usize);
    each(&center, &who, &stretch, |case| {
        let is_meant = match &figure {
            Figure::OfRule(rule, found) => outcome(case) == *found && of_rules(case, &joined).contains(rule.as_str()),
            Figure::OfClass(class, told) => of_class(case, &watches) == Some((class.as_str(), *told)),
        };
        if is_meant {
            counted += 1;
            newest.push_front(case.clone());
            newest.truncate(LISTED_MAX);
        }
    })
    .await?;
    let left_out = (counted - newest.len()) as u64;
    let city = center.city();
    // The number of its newest change is no part of a row.
    let row = |case: Case| CaseRow::new(&city, &center.duties, &StoredCase { case, change: 0 });
    Ok(Json(VerdictCases { items: newest.into_iter().map(row).collect(), left_out }))
}

/// Shows the cases that are counted, in the order of their reports.
async fn each(center: &Center, who: &Who, stretch: &Stretch, mut show: impl FnMut(&Case)) -> Result<(), Problem> {
    let mut taken = 0;
    let mut reading = center.store.read().await?;
    each_reported(&mut reading, (stretch.from, stretch.to), &who.reach, |case| {
        let is_meant = stretch.domain.is_none_or(|domain| case.domain == Some(domain));
        if is_meant && case.severity >= stretch.least {
            show(case);
        }
        taken += 1;
        taken <= CASES_MAX
    })
    .await?;
    if taken > CASES_MAX {
        return Err(Problem::bad(format!("there are more than {CASES_MAX} cases: ask for a shorter stretch")));
    }
    Ok(())
}

/// By class, the rules whose incidents become cases of it, and the sensors that they look at.
fn watches(center: &Center) -> BTreeMap<String, Watch> {
    let city = center.city();
    let mut rules: BTreeMap<&String, Vec<(&String, Option<Domain>)>> = BTreeMap::new();
    for (id, rule) in city.all_rules().filter(|(_, rule)| !rule.shadow) {
        if let Some(class) = &rule.category {
            rules.entry(class).or_default().push((id, rule.domain));
        }
    }
    let watch = |(class, rules): (&String, Vec<(&String, Option<Domain>)>)| {
        let is_meant =
            |domain: &str| rules.iter().any(|(_, of)| of.is_none_or(|of| of == Domain::Cross || of.as_str() == domain));
        let sensors = city.registry.sensors().iter().filter(|sensor| is_meant(&sensor.domain));
        let points = sensors.filter_map(|sensor| sensor.point);
        let ids = rules.iter().map(|(id, _)| (*id).clone()).collect();
        (class.clone(), Watch::new(ids, points, center.merging.reach(class).radius_m))
    };
    rules.into_iter().map(watch).collect()
}
