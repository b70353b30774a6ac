//! Late cases: the chains that follow them, and who is called as time passes: the unit that has a case when its time grows
//! short, those of the next level when it is over, units that a whistle calls until they report in.
//!
//! Whom that reached is a step of the case, in the transaction of the step that called them: it is told once, and what
//! people are told of it is so.

use super::chain::{Subject, Thing};
use super::desk::{Change, OVERRIDES_MAX, follow, item, send};
use super::escalation::Reason;
use super::notice::Notice;
use crate::CenterError;
use crate::center::Center;
use crate::command::case::Case;
use crate::command::clock::Stage;
use crate::command::decide::Decision;
use crate::command::desk::{city, take};
use crate::command::step::{Fact, Step};
use crate::store::contacts::contacts_of;
use crate::store::rosters::{chains, overrides, rosters};
use crate::store::runs::groups_of;
use model::{AreaLevel, Lies, Severity};
use sqlx::AnyConnection;
use std::collections::BTreeSet;

/// Tells the chains of a case after these steps, in the transaction that makes them.
pub(crate) async fn follow_case(
    center: &Center,
    connection: &mut AnyConnection,
    case: &Case,
    steps: &[Step],
) -> Result<(), CenterError> {
    // Chains follow no case that never was late.
    if case.counts.breached == 0 {
        return Ok(());
    }
    let id = format!("case/{}", case.id);
    let is_breached = steps.iter().any(|step| matches!(step.what, Fact::Breached { .. }));
    if !is_breached && groups_of(connection, &id).await?.is_empty() {
        return Ok(());
    }
    let all = chains(connection).await?;
    let thing = Thing {
        id,
        subject: Subject::LateCases,
        rule: &case.class,
        class: Some(&case.class),
        domain: case.domain,
        severity: case.severity,
        district: case.place.district.as_deref(),
        subdistrict: case.place.subdistrict.as_deref(),
    };
    for step in steps {
        let change = match &step.what {
            Fact::Breached { .. } => Change::Fires { is_extreme: case.severity == Severity::Extreme },
            _ if is_answer(case, step) => Change::Stops,
            _ if !case.state.is_open() || !case.is_late() => Change::Over,
            _ => continue,
        };
        follow(center, connection, &all, &thing, false, &change, step.at).await?;
    }
    Ok(())
}

/// Whether a step answers that a case is late: the unit that has it, or had it last, did something, or it was dispatched
/// anew. A stranger's photo and a supervisor's urging are no answers.
fn is_answer(case: &Case, step: &Step) -> bool {
    let unit = case.unit.as_ref().or(case.segments.last().map(|segment| &segment.unit));
    let is_dispatch = matches!(
        step.what,
        Fact::Dispatched { .. }
            | Fact::Transferred { .. }
            | Fact::ExtensionGranted { .. }
            | Fact::Suspended { .. }
            | Fact::PartAdded { .. }
    );
    is_dispatch || (unit.is_some() && step.by.unit.as_ref() == unit)
}

/// Calls those whom these steps call; the case is as it is after the steps that say so, which come back.
pub(crate) async fn call(
    center: &Center,
    connection: &mut AnyConnection,
    case: &mut Case,
    steps: &[Step],
) -> Result<Vec<Step>, CenterError> {
    let mut called = Vec::new();
    for step in steps {
        let (reason, level, units) = match &step.what {
            Fact::Warned { stage: Stage::Handle } => (Reason::Warned, None, case.unit.iter().cloned().collect()),
            Fact::Breached { climbs_to: Some(level), .. } => (Reason::Late, Some(*level), Vec::new()),
            Fact::Whistled { units, .. } => (Reason::Whistled, None, units.clone()),
            Fact::WhistleWarned { units } => (Reason::ReportIn, None, units.clone()),
            // Those who called them hear of it too.
            Fact::WhistleBreached { units } => {
                (Reason::Unreported, None, units.iter().chain(&case.unit).cloned().collect())
            }
            _ => continue,
        };
        let who = match level {
            Some(level) => of_level(center, connection, case, level).await?,
            None => of_units(center, connection, &units).await?,
        };
        if who.is_empty() && level.is_none() {
            continue;
        }
        if !who.is_empty() {
            let items: Vec<_> =
                item(center, connection, &format!("case/{}", case.id), false).await?.into_iter().collect();
            let (severity, now) = (case.severity, center.now());
            let notice = Notice { reason: Some(reason), severity, open: 1, items, ..Notice::test(now) };
            send(connection, &notice, &who).await?;
        }
        let fact = Fact::Called { level, units, who: who.into_iter().collect() };
        called.push(take(case, Decision { fact, clocks: Vec::new() }, city(), step.at));
    }
    Ok(called)
}

/// Who is on duty for units now, and the units themselves where they have a contact.
async fn of_units(
    center: &Center,
    connection: &mut AnyConnection,
    units: &[String],
) -> Result<BTreeSet<String>, CenterError> {
    let mut who = BTreeSet::new();
    for unit in units {
        who.extend(on_duty(center, connection, |of, _| of == Some(unit)).await?);
        if !contacts_of(connection, unit).await?.is_empty() {
            who.insert(unit.clone());
        }
    }
    Ok(who)
}

/// Who is called at a level for a case: those of the unit that answers for its class there, and those on duty for the
/// area itself.
async fn of_level(
    center: &Center,
    connection: &mut AnyConnection,
    case: &Case,
    level: AreaLevel,
) -> Result<BTreeSet<String>, CenterError> {
    let at = Lies { district: case.place.district.as_deref(), subdistrict: case.place.subdistrict.as_deref() };
    let owner = center.duties.owner(&case.class, at, level).filter(|owner| owner.level == level);
    let units: Vec<String> = owner.into_iter().map(|owner| owner.unit).collect();
    let area = if level == AreaLevel::City { None } else { at.district };
    let is_known = level == AreaLevel::City || area.is_some();
    let mut who = of_units(center, connection, &units).await?;
    who.extend(on_duty(center, connection, |of, within| is_known && of.is_none() && within == area).await?);
    Ok(who)
}

/// Who is on duty now by the rosters that `is_meant` picks by their unit and area.
async fn on_duty(
    center: &Center,
    connection: &mut AnyConnection,
    is_meant: impl Fn(Option<&String>, Option<&str>) -> bool,
) -> Result<BTreeSet<String>, CenterError> {
    let (now, mut who) = (center.now(), BTreeSet::new());
    for stored in rosters(connection).await? {
        if is_meant(stored.roster.unit.as_ref(), stored.roster.area.as_deref()) {
            let overrides = overrides(connection, stored.id, (now, now), OVERRIDES_MAX).await?;
            who.extend(stored.roster.on_duty(&overrides, now, &center.working.zone));
        }
    }
    Ok(who)
}
