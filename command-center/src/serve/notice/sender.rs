//! Sends what is due: each target's queue by one worker at a time, several targets beside each other.
//!
//! A try is written down after it was made. Killed in between, the same message goes out again, with the same id. Tries
//! are timed by the wall clock: they are about machines that are away, not about the city.

use super::forms::{self, Sent};
use super::mail::Mail;
use super::retry::Tried;
use super::subscription::{Subscription, SubscriptionState, pause, snapshot};
use crate::CenterError;
use crate::auth::{audit, secret};
use crate::center::Center;
use crate::serve::notice::contact::Contact;
use crate::store::contacts::find_contact;
use crate::store::deliveries::{Delivery, DeliveryState, due, first_due, held_up, hold, queue, rest, tried};
use crate::store::ledger::Ledger;
use crate::store::subscriptions::{find_subscription, save};
use crate::store::together::Done;
use crate::store::{commit, whole};
use sqlx::AnyConnection;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::task::JoinSet;
use uuid::Uuid;

/// Targets that are served at a time; the others wait for their turn.
const WORKERS_MAX: usize = 16;
/// Targets that are looked up at a time.
const LOOK_MAX: i64 = 64;
/// Deliveries of one turn; then another target has its turn.
const TURN_MAX: usize = 50;
/// It looks at least so often, whatever it was told.
const LOOK_EVERY: Duration = Duration::from_secs(60);
/// Who the audit says did what nobody did.
const US: &str = crate::command::step::CITY;

/// Who is sent to.
enum Receiver {
    Subscriber(Box<Subscription>),
    Contact(Box<Contact>),
}

/// Sends what is due and what comes, for ever.
pub(crate) async fn run(center: &Arc<Center>) -> Result<(), CenterError> {
    let mut workers: JoinSet<(String, Result<(), CenterError>)> = JoinSet::new();
    let mut busy = BTreeSet::new();
    loop {
        let now = secret::wall_ms();
        let (targets, next) = due(&mut *center.store.read().await?, now, LOOK_MAX).await?;
        let free = targets.into_iter().filter(|target| !busy.contains(target));
        let begun: Vec<String> = free.take(WORKERS_MAX - workers.len()).collect();
        for target in begun {
            busy.insert(target.clone());
            let center = Arc::clone(center);
            workers.spawn(async move {
                let served = serve(&center, &target).await;
                (target, served)
            });
        }
        let soon = next.map_or(LOOK_EVERY, |next| Duration::from_millis((next - now).max(1) as u64)).min(LOOK_EVERY);
        tokio::select! {
            Some(ended) = workers.join_next(), if !workers.is_empty() => match ended {
                Ok((target, served)) => {
                    busy.remove(&target);
                    served?;
                }
                Err(failed) if failed.is_panic() => std::panic::resume_unwind(failed.into_panic()),
                // The runtime ends.
                Err(_) => return Ok(()),
            },
            () = center.outgoing.wake.notified() => {}
            () = tokio::time::sleep(soon) => {}
        }
    }
}

/// One turn of a target.
async fn serve(center: &Arc<Center>, target: &str) -> Result<(), CenterError> {
    for _ in 0..TURN_MAX {
        let now = secret::wall_ms();
        let mut reading = center.store.read().await?;
        let receiver = receiver(&mut reading, target).await?;
        let delivery = first_due(&mut reading, target, now).await?;
        drop(reading);
        let (Some(receiver), Some(delivery)) = (receiver, delivery) else {
            return settle(center, target).await;
        };
        let tried = send(center, &receiver, &delivery, now).await;
        center.outgoing.tried.fetch_add(1, Ordering::Relaxed);
        if !matches!(tried, Tried::Delivered { .. }) {
            center.outgoing.failed.fetch_add(1, Ordering::Relaxed);
        }
        if !record(center, target, delivery, tried).await? {
            return Ok(());
        }
    }
    Ok(())
}

/// Who a target is, if there is somebody to send to now.
async fn receiver(connection: &mut AnyConnection, target: &str) -> Result<Option<Receiver>, CenterError> {
    let Some((kind, id)) = target.split_once('/') else { return Ok(None) };
    let Ok(id) = id.parse::<Uuid>() else { return Ok(None) };
    if kind != "subscription" {
        return Ok(find_contact(connection, id).await?.map(|one| Receiver::Contact(Box::new(one))));
    }
    let found = find_subscription(connection, id).await?.filter(|one| one.state != SubscriptionState::Paused);
    let Some(one) = found else { return Ok(None) };
    // Nothing is sent on behalf of a token that has ended; the next change pauses the subscription.
    Ok(one.reach(connection).await?.map(|_| Receiver::Subscriber(Box::new(one))))
}

async fn send(center: &Center, receiver: &Receiver, delivery: &Delivery, now: i64) -> Tried {
    let zone = &center.working.zone;
    let sent = match receiver {
        Receiver::Subscriber(one) => forms::of_subscription(one, delivery, zone, now),
        Receiver::Contact(one) => forms::of_contact(one, delivery, zone, now),
    };
    match sent {
        Some(Sent::Post { url, headers, body, judge }) => center.outgoing.poster.post(&url, headers, body, judge).await,
        Some(Sent::Mail { to, subject, text }) => match &center.outgoing.mailer {
            Some(mailer) => {
                let mail = Mail { to: &to, subject: &subject, text: &text, id: &delivery.id, at: delivery.created_at };
                mailer.send(&mail).await
            }
            None => Tried::Away { status: None, why: "no mail server is set: notices.mail".to_owned(), after: None },
        },
        None => Tried::Refused { status: None, why: "what is to be sent cannot be read".to_owned() },
    }
}

/// Nothing can be sent there now: it is looked at when its next delivery is due, or not at all.
async fn settle(center: &Arc<Center>, target: &str) -> Result<(), CenterError> {
    let (center, target) = (Arc::clone(center), target.to_owned());
    whole(async move {
        let mut writer = center.store.writer().await;
        let mut transaction = writer.begin().await?;
        match receiver(&mut transaction, &target).await? {
            None => hold(&mut transaction, &target).await?,
            Some(_) => {
                let failures = queue(&mut transaction, &target).await?.failures;
                rest(&mut transaction, &target, None, failures).await?;
            }
        }
        commit(transaction).await
    })
    .await
}

/// Writes down how a try went, together with what others write; whether something else is due there now.
async fn record(center: &Arc<Center>, target: &str, delivery: Delivery, ended: Tried) -> Result<bool, CenterError> {
    let (to_write, to_tell, target) = (Arc::clone(center), Arc::clone(center), target.to_owned());
    let is_barred = matches!(ended, Tried::Barred { .. });
    let written = center.together.write(
        move |connection, _| {
            Box::pin(async move {
                let is_due = note(&to_write, connection, &target, (delivery, ended)).await?;
                Ok(Done::Written(is_due, Ledger::default(), 0))
            })
        },
        move |_| {
            if is_barred {
                to_tell.outbox.notify_one();
            }
        },
    );
    written.await
}

/// Notes how a try went, and when the target is looked at next; whether that is now.
async fn note(
    center: &Center,
    connection: &mut AnyConnection,
    target: &str,
    (mut delivery, ended): (Delivery, Tried),
) -> Result<bool, CenterError> {
    let (now, retries) = (secret::wall_ms(), center.outgoing.retries);
    let receiver = receiver(connection, target).await?;
    let failures = queue(connection, target).await?.failures;
    delivery.attempts += 1;
    delivery.tried_at = Some(now);
    let first_at = *delivery.first_at.get_or_insert(now);
    let (status, error, may_come_again) = match &ended {
        Tried::Delivered { status } => (*status, None, false),
        Tried::Refused { status, why } | Tried::Away { status, why, .. } => (*status, Some(why.clone()), true),
        Tried::Gone { why } => (Some(410), Some(why.clone()), true),
        Tried::Barred { why } => (None, Some(why.clone()), matches!(receiver, Some(Receiver::Subscriber(_)))),
    };
    (delivery.status, delivery.error) = (status.map(i64::from), error.clone());
    delivery.state = match error {
        None => DeliveryState::Delivered,
        Some(_) if may_come_again && !retries.is_over(first_at, now) => DeliveryState::Failed,
        Some(_) => DeliveryState::Dead,
    };
    delivery.next_at = now + retries.wait(delivery.attempts, delivery.id.as_bytes()).0;
    tried(connection, &delivery).await?;
    let why = error.unwrap_or_default();
    let (until, failures) = match &ended {
        Tried::Delivered { .. } | Tried::Refused { .. } => (None, 0),
        Tried::Away { after, .. } => {
            let wait = retries.wait(failures + 1, target.as_bytes()).max(after.unwrap_or_default());
            (Some(now + wait.0), failures + 1)
        }
        Tried::Gone { .. } | Tried::Barred { .. } => (None, failures + 1),
    };
    if let Tried::Away { .. } = ended {
        held_up(connection, target, (now, now - retries.give_up.0), &why).await?;
    }
    if let Tried::Barred { .. } = ended {
        audit::note(connection, now, US, ("delivery.barred", target), &why).await?;
    }
    match receiver {
        Some(Receiver::Subscriber(mut one)) => {
            rest(connection, target, until, failures).await?;
            if matches!(ended, Tried::Gone { .. } | Tried::Barred { .. }) {
                pause(connection, &mut one, &why).await?;
            } else if one.state == SubscriptionState::Behind && queue(connection, target).await?.waiting == 0 {
                (one.state, one.reason) = (SubscriptionState::Active, None);
                save(connection, &one).await?;
                snapshot(center, connection, &one).await?;
            }
        }
        Some(Receiver::Contact(_)) => rest(connection, target, until, failures).await?,
        // It was paused or ended while it was sent to.
        None => hold(connection, target).await?,
    }
    Ok(queue(connection, target).await?.next_at.is_some_and(|next| next <= now))
}
