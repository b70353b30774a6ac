//! The clocks of cases, of alarms that are set aside, of maintenance and of chains: looks once a second what is due. What is due is in the store, so a restart loses none.

use super::desk::{Writing, catch_up, tell};
use super::duty;
use crate::CenterError;
use crate::analyze::{aside, maintenance, stand};
use crate::auth::secret::wall_ms;
use crate::center::Center;
use crate::serve::wechat::KEPT_MS;
use crate::store::appeals::forget_reporters;
use crate::store::cases::due_cases;
use crate::store::commit;
use crate::store::deliveries::forget_deliveries;
use crate::store::incidents::{newest_change, note_change};
use crate::store::notices::forget_notices;
use crate::store::wechat::forget_said;
use std::time::Duration;
use tokio::time::MissedTickBehavior;

/// Time between two looks.
const EVERY: Duration = Duration::from_secs(1);
/// Cases of one transaction at most; the rest have their turn at once.
const CASES_MAX: i64 = 200;

/// Looks between two at whose names and telephones are no longer kept: an hour.
const FORGET_LOOKS: u32 = 3_600;

/// How long it is kept that something was delivered: a week.
const DELIVERED_KEPT_MS: i64 = 7 * 24 * 60 * 60 * 1_000;
/// How long what could not be delivered can be sent again: a month.
const DEAD_KEPT_MS: i64 = 30 * 24 * 60 * 60 * 1_000;

/// Lets time do its part, for ever.
pub(crate) async fn run(center: &Center) -> Result<(), CenterError> {
    let mut look = tokio::time::interval(EVERY);
    look.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut looks = 0_u32;
    loop {
        look.tick().await;
        if looks.is_multiple_of(FORGET_LOOKS) {
            forget(center).await?;
        }
        looks = looks.wrapping_add(1);
        while step(center).await? {}
        duty::desk::weather(center).await?;
        while duty::desk::step(center).await? {}
        if let Some(now) = center.sensors.clock() {
            while aside::expire(center, now).await? {}
            while maintenance::expire(center, now).await? {}
            while stand::let_go(center, now).await? {}
        }
    }
}

/// Forgets who said what, where nobody needs to know any longer.
async fn forget(center: &Center) -> Result<(), CenterError> {
    let mut writer = center.store.writer().await;
    let mut transaction = writer.begin().await?;
    let now = wall_ms();
    forget_reporters(&mut transaction, now).await?;
    forget_notices(&mut transaction, now).await?;
    forget_said(&mut transaction, now - KEPT_MS).await?;
    forget_deliveries(&mut transaction, now - DELIVERED_KEPT_MS, now - DEAD_KEPT_MS).await?;
    commit(transaction).await
}

/// One transaction; whether there may be more.
async fn step(center: &Center) -> Result<bool, CenterError> {
    // Cases are dated by the log's clock; before it has one there is nothing that could be due.
    let Some(now) = center.sensors.clock() else { return Ok(false) };
    if due_cases(&mut *center.store.read().await?, now, 1).await?.is_empty() {
        return Ok(false);
    }
    let mut writer = center.store.writer().await;
    let mut transaction = writer.begin().await?;
    let ids = due_cases(&mut transaction, now, CASES_MAX).await?;
    let first = newest_change(&mut transaction).await?;
    let mut writing = Writing::new(center, &mut transaction, first);
    let ground = center.ground(false);
    for id in ids {
        let Some(mut stored) = writing.stored(id).await? else { continue };
        let steps = catch_up(&mut stored.case, now, &ground);
        if !steps.is_empty() {
            writing.save(&stored.case, &steps).await?;
        }
    }
    let has_told = writing.has_told();
    let changed = writing.finish().await?;
    let is_more = !changed.is_empty();
    note_change(&mut transaction, first + changed.len() as u64).await?;
    commit(transaction).await?;
    changed.iter().for_each(|case| tell(center, case));
    if has_told {
        duty::desk::wake(center);
    }
    drop(writer);
    center.outbox.notify_one();
    Ok(is_more)
}
