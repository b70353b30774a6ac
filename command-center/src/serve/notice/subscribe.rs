//! What is done to subscriptions: made, paused, taken up again, ended; their secrets changed, what died sent again.

use super::allowed::end_point;
use super::forms::TEST;
use super::sign;
use super::subscription::{Form, Subscription, SubscriptionState, pause, put, snapshot};
use crate::CenterError;
use crate::auth::role::Reach;
use crate::auth::who::{Credential, Who};
use crate::auth::{audit, secret};
use crate::center::Center;
use crate::store::commit;
use crate::store::deliveries::{drop_queue, resend, rest};
use crate::store::subscriptions::{find_subscription, forget_told, save, subscriptions};
use model::{AreaLevel, Domain, Severity};
use serde::Deserialize;
use sqlx::AnyConnection;
use utoipa::ToSchema;
use uuid::Uuid;

/// Subscriptions at most; more are refused.
const SUBSCRIPTIONS_MAX: usize = 1_000;
/// Subscriptions of one token at most.
const OF_TOKEN_MAX: usize = 20;
/// Words of a filter at most.
const WORDS_MAX: usize = 200;
/// How long the secret of before goes on signing: a day.
const OVERLAP_MS: i64 = 24 * 60 * 60 * 1_000;

/// A new subscription.
#[derive(Clone, Debug, PartialEq, Deserialize, ToSchema)]
pub(crate) struct NewSubscription {
    /// 1 to 64 characters.
    pub(crate) name: String,
    /// Where messages are sent by POST: https, on the public internet, unless the configuration allows more.
    pub(crate) url: String,
    #[serde(default)]
    pub(crate) form: Form,
    /// drainage, waste, traffic, air, cross; none for all.
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    pub(crate) domains: Vec<Domain>,
    /// Codes of districts and subdistricts; none for all that may be seen.
    #[serde(default)]
    pub(crate) areas: Vec<String>,
    /// The least: minor, moderate, severe, extreme.
    #[serde(default = "least")]
    #[schema(value_type = String)]
    pub(crate) severity: Severity,
    /// Classes of cases; none for all incidents.
    #[serde(default)]
    pub(crate) classes: Vec<String>,
}

fn least() -> Severity {
    Severity::Minor
}

/// What is done to a subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// Nothing is sent until it is taken up again.
    Pause,
    /// It goes on, from what is open now.
    Resume,
    /// It ends; what waits for it goes.
    End,
    /// Another secret; the one of before signs too for a day.
    Rotate,
    /// A message that tries whether messages arrive.
    Test,
    /// All that died is tried again.
    Resend,
}

/// What became of it.
pub(crate) enum Outcome {
    /// Done; as it is now, and the secret where there is a new one.
    Done(Box<Subscription>, Option<String>),
    /// There is none.
    Missing,
    /// It does not fit.
    Invalid(String),
}

/// Whether who asks may see and change a subscription: administrators all, of some areas those of these; a token its own.
pub(crate) fn is_theirs(who: &Who, one: &Subscription) -> bool {
    let in_reach = |area: &String| who.reach.codes().contains(area);
    match &who.by {
        Credential::Session(_) => who.reach == Reach::City || (!one.areas.is_empty() && one.areas.iter().all(in_reach)),
        Credential::Token(hash) => one.token_hash.as_ref() == Some(hash),
    }
}

/// Makes a subscription, and sends it what is open.
pub(crate) async fn subscribe(center: &Center, new: NewSubscription, who: &Who) -> Result<Outcome, CenterError> {
    if let Err(why) = check(center, &new, who) {
        return Ok(Outcome::Invalid(why));
    }
    // Who sees some areas alone subscribes to those alone.
    let areas = if new.areas.is_empty() { who.reach.codes().to_vec() } else { new.areas };
    let mut writer = center.store.writer().await;
    let mut transaction = writer.begin().await?;
    let all = subscriptions(&mut transaction).await?;
    let own = all.iter().filter(|one| is_theirs(who, one)).count();
    if all.len() >= SUBSCRIPTIONS_MAX || (who.is_token() && own >= OF_TOKEN_MAX) {
        let most = if who.is_token() { OF_TOKEN_MAX } else { SUBSCRIPTIONS_MAX };
        return Ok(Outcome::Invalid(format!("there are {most} subscriptions, which is the most: end one first")));
    }
    let (now, made) = (secret::wall_ms(), sign::secret()?);
    let one = Subscription {
        id: Uuid::new_v5(&Uuid::NAMESPACE_OID, secret::new()?.as_bytes()),
        name: new.name,
        url: new.url,
        form: new.form,
        domains: new.domains,
        areas,
        severity: new.severity,
        classes: new.classes,
        secret: made.clone(),
        secret_before: None,
        secret_before_until: None,
        token_hash: match &who.by {
            Credential::Token(hash) => Some(hash.clone()),
            Credential::Session(_) => None,
        },
        state: SubscriptionState::Active,
        reason: None,
        created_at: now,
        created_by: who.name.clone(),
        ended_at: None,
    };
    save(&mut transaction, &one).await?;
    snapshot(center, &mut transaction, &one).await?;
    noted(&mut transaction, "added", &one, who).await?;
    commit(transaction).await?;
    drop(writer);
    told(center);
    Ok(Outcome::Done(Box::new(one), Some(made)))
}

/// Changes a subscription.
pub(crate) async fn change(center: &Center, id: Uuid, change: Change, who: &Who) -> Result<Outcome, CenterError> {
    let now = secret::wall_ms();
    let mut writer = center.store.writer().await;
    let mut transaction = writer.begin().await?;
    let found = find_subscription(&mut transaction, id).await?.filter(|one| is_theirs(who, one));
    let Some(mut one) = found else { return Ok(Outcome::Missing) };
    let (target, mut made) = (one.target(), None);
    match change {
        Change::Pause => pause(&mut transaction, &mut one, &format!("{} paused it", who.name)).await?,
        Change::Resume if one.state == SubscriptionState::Active => {
            rest(&mut transaction, &target, Some(now), 0).await?;
        }
        Change::Resume => {
            (one.state, one.reason) = (SubscriptionState::Active, None);
            save(&mut transaction, &one).await?;
            snapshot(center, &mut transaction, &one).await?;
            rest(&mut transaction, &target, Some(now), 0).await?;
        }
        Change::End => {
            one.ended_at = Some(now);
            save(&mut transaction, &one).await?;
            forget_told(&mut transaction, id).await?;
            drop_queue(&mut transaction, &target).await?;
        }
        Change::Rotate => {
            let new = sign::secret()?;
            one.secret_before = Some(std::mem::replace(&mut one.secret, new.clone()));
            one.secret_before_until = Some(now + OVERLAP_MS);
            save(&mut transaction, &one).await?;
            made = Some(new);
        }
        Change::Test if one.state == SubscriptionState::Paused => {
            return Ok(Outcome::Invalid("it is paused: resume it first".to_owned()));
        }
        Change::Test => put(&mut transaction, &one, (TEST, ""), "{}").await?,
        Change::Resend => {
            resend(&mut transaction, &target, None, now).await?;
            if one.state == SubscriptionState::Paused {
                crate::store::deliveries::hold(&mut transaction, &target).await?;
            }
        }
    }
    noted(&mut transaction, change.name(), &one, who).await?;
    commit(transaction).await?;
    drop(writer);
    told(center);
    Ok(Outcome::Done(Box::new(one), made))
}

impl Change {
    fn name(self) -> &'static str {
        match self {
            Change::Pause => "paused",
            Change::Resume => "resumed",
            Change::End => "ended",
            Change::Rotate => "secret-rotated",
            Change::Test => "tested",
            Change::Resend => "resent",
        }
    }
}

/// Wakes who sends, and who puts the audit on the bus.
fn told(center: &Center) {
    center.outgoing.wake.notify_one();
    center.outbox.notify_one();
}

async fn noted(connection: &mut AnyConnection, what: &str, one: &Subscription, who: &Who) -> Result<(), CenterError> {
    let (what, about) = (format!("subscription.{what}"), one.id.to_string());
    audit::note(connection, secret::wall_ms(), &who.name, (&what, &about), &format!("{};{}", one.name, one.url)).await
}

fn check(center: &Center, new: &NewSubscription, who: &Who) -> Result<(), String> {
    if new.name.trim().is_empty() || new.name.chars().count() > 64 {
        return Err("a name has 1 to 64 characters".to_owned());
    }
    end_point(&new.url, center.outgoing.plain_http)?;
    if [new.domains.len(), new.areas.len(), new.classes.len()].iter().any(|count| *count > WORDS_MAX) {
        return Err(format!("a filter has at most {WORDS_MAX} words"));
    }
    if let Some(class) = new.classes.iter().find(|class| !center.duties.classes.contains_key(*class)) {
        return Err(format!("there is no class {class}"));
    }
    check_areas(center, &new.areas, &who.reach)
}

/// Whether these are districts and subdistricts that are seen.
pub(crate) fn check_areas(center: &Center, areas: &[String], reach: &Reach) -> Result<(), String> {
    let city = center.city();
    for code in areas {
        let level = city.areas.area(code).map(|area| area.level);
        if !matches!(level, Some(AreaLevel::District | AreaLevel::Subdistrict)) {
            return Err(format!("\"{code}\" is no district and no subdistrict"));
        }
        let (district, subdistrict) =
            (city.areas.above(code, AreaLevel::District), city.areas.above(code, AreaLevel::Subdistrict));
        if !reach.sees(district.as_deref(), subdistrict.as_deref()) {
            return Err(format!("the area {code} lies outside your areas"));
        }
    }
    Ok(())
}
