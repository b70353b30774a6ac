//! Chains in the store: what they follow is told them in the transaction of its change, and what is due is told once.
//!
//! A notice, whom it is for, and its deliveries are written in one transaction with the group's next time. So a kill
//! loses none and repeats none; what leaves the house after that may repeat, see `serve/notice`.

use super::chain::{Chain, ROSTER, STORM, StoredChain, Subject, Thing};
use super::escalation::{Reason, Run, Telling};
use super::flood;
use super::notice::{ITEMS_MAX, Item, Notice};
use crate::CenterError;
use crate::auth::secret;
use crate::center::Center;
use crate::live::Told;
use crate::serve::notice::forms::NOTICE;
use crate::store::cases::find_case;
use crate::store::commit;
use crate::store::contacts::contacts_of;
use crate::store::deliveries::{DeliveryState, New, deliveries, enqueue, queue, tried};
use crate::store::incidents::{StoredIncident, find};
use crate::store::notices::{EVERYBODY, add_notice};
use crate::store::rosters::{chains, overrides, rosters};
use crate::store::runs::{Group, count_new, due_runs, groups_of, keep_run, note_member, note_storm, run_of, storms};
use model::{EventTime, IncidentState, Severity};
use sqlx::AnyConnection;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// Members of a group at most; what comes beyond them begins a further group.
const MEMBERS_MAX: usize = 500;
/// Groups that are seen to in one transaction.
const DUE_MAX: i64 = 50;
/// Deliveries that wait for one contact at most; a notice beyond them is dead there at once, and stands on the page.
const CONTACT_QUEUE_MAX: u64 = 1_000;
/// Who stands in on one roster at one instant, at most; more are passed over.
pub(super) const OVERRIDES_MAX: i64 = 100;
/// How long a notice is kept: 90 days.
const KEPT_MS: i64 = 90 * 24 * 60 * 60 * 1_000;

/// What became of something that chains follow.
pub(super) enum Change {
    /// It wants an answer.
    Fires { is_extreme: bool },
    /// It wants none any more.
    Stops,
    /// It is over by itself.
    Over,
}

/// Tells the chains of incidents that changed, in the transaction that changes them.
pub(crate) async fn follow_incidents(
    center: &Center,
    connection: &mut AnyConnection,
    changes: &[StoredIncident],
) -> Result<(), CenterError> {
    if changes.is_empty() {
        return Ok(());
    }
    let all = chains(connection).await?;
    if all.is_empty() {
        return Ok(());
    }
    let (city, storms) = (center.city(), storms(connection).await?);
    for incident in changes {
        let rule = city.rule(&incident.rule);
        let wants = incident.state == IncidentState::Open
            && !incident.inhibited
            && incident.aside.is_none()
            && incident.acknowledged.is_none()
            && !rule.is_some_and(|rule| rule.shadow);
        let change = match incident.state {
            _ if wants => Change::Fires { is_extreme: incident.severity == Severity::Extreme },
            IncidentState::Cleared => Change::Over,
            IncidentState::Open => Change::Stops,
        };
        let thing = Thing {
            id: format!("incident/{}", incident.id),
            subject: Subject::Incidents,
            rule: &incident.rule,
            class: rule.and_then(|rule| rule.category.as_deref()),
            domain: Some(incident.domain),
            severity: incident.severity,
            district: incident.district.as_deref(),
            subdistrict: incident.subdistrict.as_deref(),
        };
        let is_storm = storms.contains_key(incident.district.as_deref().unwrap_or_default());
        follow(center, connection, &all, &thing, is_storm, &change, incident.changed_at).await?;
    }
    Ok(())
}

pub(super) async fn follow(
    center: &Center,
    connection: &mut AnyConnection,
    all: &[StoredChain],
    thing: &Thing<'_>,
    is_storm: bool,
    change: &Change,
    at: EventTime,
) -> Result<(), CenterError> {
    let mut groups = groups_of(connection, &thing.id).await?;
    for stored in all {
        let group = match (groups.remove(&stored.id), change) {
            (Some(key), _) => (stored.id, key),
            (None, Change::Fires { .. }) if stored.chain.fits(thing) => {
                let group = room(connection, stored.id, stored.chain.group(thing, is_storm)).await?;
                note_member(connection, &thing.id, &group, true).await?;
                group
            }
            _ => continue,
        };
        let mut run = run_of(connection, &group).await?;
        let before = run.clone();
        match change {
            Change::Fires { is_extreme } => run.fire(&thing.id, *is_extreme, at),
            Change::Stops => run.stop(&thing.id),
            Change::Over => run.over(&thing.id, at),
        }
        if !run.has(&thing.id) {
            note_member(connection, &thing.id, &group, false).await?;
        }
        // Most changes of an incident say nothing new to a chain.
        if run != before {
            save(center, connection, &stored.chain, &group, &run, at).await?;
        }
    }
    Ok(())
}

/// The group of this key that has room for one more.
async fn room(connection: &mut AnyConnection, chain: Uuid, key: String) -> Result<Group, CenterError> {
    let mut group = (chain, key.clone());
    let mut number = 1;
    while run_of(connection, &group).await?.len() >= MEMBERS_MAX {
        number += 1;
        group.1 = format!("{key}#{number}");
    }
    Ok(group)
}

async fn save(
    center: &Center,
    connection: &mut AnyConnection,
    chain: &Chain,
    group: &Group,
    run: &Run,
    now: EventTime,
) -> Result<(), CenterError> {
    let waits = chain.waits();
    let next = run.due(now, &chain.pace(&waits), &center.working.zone);
    keep_run(connection, group, run, next).await
}

/// Lets time do its part; whether there may be more.
pub(crate) async fn step(center: &Center) -> Result<bool, CenterError> {
    let Some(now) = center.sensors.clock() else { return Ok(false) };
    if due_runs(&mut *center.store.read().await?, now, 1).await?.is_empty() {
        return Ok(false);
    }
    let mut writer = center.store.writer().await;
    let mut transaction = writer.begin().await?;
    let all = chains(&mut transaction).await?;
    for group in due_runs(&mut transaction, now, DUE_MAX).await? {
        let Some(stored) = all.iter().find(|stored| stored.id == group.0) else {
            // Its chain has ended: nothing is told by it any more.
            keep_run(&mut transaction, &group, &Run::default(), None).await?;
            continue;
        };
        tell(center, &mut transaction, &stored.chain, &group, now).await?;
    }
    commit(transaction).await?;
    wake(center);
    drop(writer);
    Ok(true)
}

/// Tells the pages that there is a notice, and sends what waits. Its transaction is committed.
pub(crate) fn wake(center: &Center) {
    center.live.send("notice", Told::Everybody, "{}");
    center.outgoing.wake.notify_one();
}

async fn tell(
    center: &Center,
    connection: &mut AnyConnection,
    chain: &Chain,
    group: &Group,
    now: EventTime,
) -> Result<(), CenterError> {
    let mut run = run_of(connection, group).await?;
    let waits = chain.waits();
    let pace = chain.pace(&waits);
    // It was due while nobody ran, and quiet hours have begun since.
    let due = run.due(now, &pace, &center.working.zone);
    if due.is_none_or(|due| due > now) {
        return keep_run(connection, group, &run, due).await;
    }
    let telling = run.tell(now, &pace);
    let steps = chain.steps.get(telling.steps.0..telling.steps.1).unwrap_or_default();
    let mut names = names(center, connection, steps.iter().flat_map(|step| &step.notify), now).await?;
    let is_for_all = names.is_empty() && !telling.open.is_empty() && !run.hurry(now);
    if is_for_all {
        names.insert(EVERYBODY.to_owned());
    }
    if !names.is_empty() {
        let notice = notice(center, connection, (chain, group), &telling, now).await?;
        send(connection, &Notice { is_for_all, ..notice }, &names).await?;
    }
    for over in &telling.over {
        note_member(connection, over, group, false).await?;
    }
    save(center, connection, chain, group, &run, now).await
}

/// Who is meant by the names of steps now.
async fn names(
    center: &Center,
    connection: &mut AnyConnection,
    words: impl Iterator<Item = &String>,
    now: EventTime,
) -> Result<BTreeSet<String>, CenterError> {
    let (mut names, mut all) = (BTreeSet::new(), None);
    for word in words {
        let Some(id) = word.strip_prefix(ROSTER) else {
            names.insert(word.clone());
            continue;
        };
        let all = match &mut all {
            Some(all) => all,
            none => none.insert(rosters(connection).await?),
        };
        // A roster that has ended has nobody on duty.
        let Some(stored) = all.iter().find(|stored| stored.id.to_string() == id) else { continue };
        let overrides = overrides(connection, stored.id, (now, now), OVERRIDES_MAX).await?;
        names.extend(stored.roster.on_duty(&overrides, now, &center.working.zone));
    }
    Ok(names)
}

/// Puts a notice on the page and on its way to all contacts of these names.
pub(super) async fn send(
    connection: &mut AnyConnection,
    notice: &Notice,
    names: &BTreeSet<String>,
) -> Result<(), CenterError> {
    let now = secret::wall_ms();
    let id = Uuid::new_v5(&Uuid::NAMESPACE_OID, secret::new()?.as_bytes());
    let (text, body) = (id.to_string(), serde_json::to_string(notice).expect("text and numbers always serialise"));
    add_notice(connection, (&text, notice), names.iter().map(String::as_str), (now, now + KEPT_MS)).await?;
    for who in names {
        for contact in contacts_of(connection, who).await? {
            let target = contact.target();
            let waiting = queue(connection, &target).await?.waiting;
            let delivery = Uuid::new_v5(&id, contact.id.as_bytes()).to_string();
            let new = New { id: delivery, target: &target, kind: NOTICE, subject: &text, body: &body };
            enqueue(connection, &new, now).await?;
            if waiting >= CONTACT_QUEUE_MAX {
                for mut dead in deliveries(connection, &target, Some(DeliveryState::Waiting), i64::MAX, 1).await? {
                    dead.state = DeliveryState::Dead;
                    dead.error = Some(format!("{CONTACT_QUEUE_MAX} notices wait there already"));
                    tried(connection, &dead).await?;
                }
            }
        }
    }
    Ok(())
}

async fn notice(
    center: &Center,
    connection: &mut AnyConnection,
    (chain, group): (&Chain, &Group),
    telling: &Telling,
    now: EventTime,
) -> Result<Notice, CenterError> {
    let mut items = Vec::new();
    for (ids, is_over) in [(&telling.open, false), (&telling.over, true)] {
        for id in ids {
            items.extend(item(center, connection, id, is_over).await?);
        }
    }
    let worst = |is_over: bool| {
        let those = items.iter().filter(move |item| item.is_over == is_over);
        those.map(|item| item.severity).max()
    };
    let severity = worst(false).or(worst(true)).unwrap_or(Severity::Minor);
    items.sort_by_key(|item| (item.is_over, std::cmp::Reverse(item.severity), item.since));
    items.truncate(ITEMS_MAX);
    Ok(Notice {
        chain: chain.name.clone(),
        reason: Some(telling.reason),
        step: telling.steps.1,
        is_storm: group.1.starts_with(STORM) && telling.reason != Reason::Over,
        severity,
        open: telling.open.len(),
        over: telling.over.len(),
        items,
        ..Notice::test(now)
    })
}

/// What a notice says of something; `None` if it is not there any more.
pub(super) async fn item(
    center: &Center,
    connection: &mut AnyConnection,
    id: &str,
    is_over: bool,
) -> Result<Option<Item>, CenterError> {
    let Some((kind, id)) = id.split_once('/') else { return Ok(None) };
    let Ok(uuid) = id.parse::<Uuid>() else { return Ok(None) };
    let city = center.city();
    let item = Item {
        kind: kind.to_owned(),
        id: id.to_owned(),
        title: BTreeMap::new(),
        place: BTreeMap::new(),
        severity: Severity::Minor,
        since: EventTime(0),
        is_over,
    };
    if kind == "case" {
        let Some(case) = find_case(connection, uuid).await?.map(|stored| stored.case) else { return Ok(None) };
        let code = case.place.subdistrict.as_ref().or(case.place.district.as_ref());
        let title = format!("{} {}", case.number, case.title);
        let title = ["zh", "en"].map(|language| (language.to_owned(), title.clone())).into();
        let place = code.map(|code| city.areas.name_within(code)).unwrap_or_default();
        return Ok(Some(Item { title, place, severity: case.severity, since: case.reported_at, ..item }));
    }
    let Some(incident) = find(connection, uuid).await? else { return Ok(None) };
    let at = city.whereabouts(&incident.rule, &incident.key);
    let mut title = city.title(&incident.rule);
    if title.is_empty() {
        title.insert("en".to_owned(), incident.rule.clone());
    }
    let (severity, since) = (incident.severity, incident.opened_at);
    Ok(Some(Item { title, place: at.name, severity, since, ..item }))
}

/// Looks whether storms began or ended; pages are told of each.
pub(crate) async fn weather(center: &Center) -> Result<(), CenterError> {
    let Some(now) = center.sensors.clock() else { return Ok(()) };
    let mut reading = center.store.read().await?;
    let counts = count_new(&mut reading, now - flood::WINDOW).await?;
    let are = storms(&mut reading).await?;
    drop(reading);
    let areas: BTreeSet<&String> = counts.keys().chain(are.keys()).collect();
    let is_flood = |area: &String| flood::is_flood(are.contains_key(area), counts.get(area).copied().unwrap_or(0));
    let changed: Vec<(&String, bool)> = areas
        .into_iter()
        .map(|area| (area, is_flood(area)))
        .filter(|(area, is)| are.contains_key(*area) != *is)
        .collect();
    if changed.is_empty() {
        return Ok(());
    }
    let mut writer = center.store.writer().await;
    let mut transaction = writer.begin().await?;
    for (area, is) in changed {
        note_storm(&mut transaction, area, is.then_some(now)).await?;
    }
    commit(transaction).await?;
    center.live.send("storm", Told::Everybody, "{}");
    drop(writer);
    Ok(())
}
