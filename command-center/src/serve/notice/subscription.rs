//! A subscription of the utilities' feed by webhook: who wants what, and the messages that this makes.
//!
//! A subscriber is first sent what is open, then every change, without a gap: the snapshot and the changes come from the
//! same table in the transactions that change it. Of an incident that it was told of it is told everything until its
//! end, also where the incident no longer fits what was asked for.

use crate::CenterError;
use crate::auth::role::Reach;
use crate::auth::secret;
use crate::center::Center;
use crate::city::City;
use crate::store::deliveries::{New, enqueue, queue};
use crate::store::incidents::{newest_transitions, transition_at};
use crate::store::subscriptions::{forget_told, note_told, save, subscriptions, token_reach, was_told};
use model::{Domain, EventTime, FeedMessage, IncidentState, Severity, Transition};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::AnyConnection;
use utoipa::ToSchema;
use uuid::Uuid;

/// Messages in one part of a snapshot, so that a body stays below the 20 kB that the standard asks for.
const PART: usize = 20;
/// The type of a part of a snapshot.
pub(crate) const SNAPSHOT: &str = "org.citywatch.feed.snapshot";

/// The form of a subscriber's messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Form {
    /// JSON with `type`, `timestamp` and `data`, as Standard Webhooks has it.
    #[default]
    Json,
    /// A CAP 1.2 document for each message.
    Cap,
}

impl Form {
    /// Its word in the store.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Form::Json => "json",
            Form::Cap => "cap",
        }
    }

    /// What has this name.
    pub(crate) fn named(name: &str) -> Option<Form> {
        [Form::Json, Form::Cap].into_iter().find(|form| form.name() == name)
    }
}

/// How a subscription stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum SubscriptionState {
    /// It is sent every change.
    Active,
    /// Nothing is sent or added; when it goes on, it begins with what is open then.
    Paused,
    /// Too much waits for it: nothing is added until that is delivered, then it begins with what is open.
    Behind,
}

impl SubscriptionState {
    /// Its word in the store.
    pub(crate) fn name(self) -> &'static str {
        match self {
            SubscriptionState::Active => "active",
            SubscriptionState::Paused => "paused",
            SubscriptionState::Behind => "behind",
        }
    }

    /// What has this name.
    pub(crate) fn named(name: &str) -> Option<SubscriptionState> {
        let all = [SubscriptionState::Active, SubscriptionState::Paused, SubscriptionState::Behind];
        all.into_iter().find(|state| state.name() == name)
    }
}

/// A subscription.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Subscription {
    pub(crate) id: Uuid,
    pub(crate) name: String,
    pub(crate) url: String,
    pub(crate) form: Form,
    /// None for all.
    pub(crate) domains: Vec<Domain>,
    /// Codes of districts and subdistricts; none for the whole city.
    pub(crate) areas: Vec<String>,
    /// The least severity.
    pub(crate) severity: Severity,
    /// Classes of cases that the incidents' rules have; none for all, also those without.
    pub(crate) classes: Vec<String>,
    pub(crate) secret: String,
    /// The secret of before, and until when messages are signed with it too. Wall time.
    pub(crate) secret_before: Option<String>,
    pub(crate) secret_before_until: Option<i64>,
    /// The token that made it, as it is kept: the subscription ends with it and sees no further.
    pub(crate) token_hash: Option<String>,
    pub(crate) state: SubscriptionState,
    /// Why it is paused.
    pub(crate) reason: Option<String>,
    pub(crate) created_at: i64,
    pub(crate) created_by: String,
    pub(crate) ended_at: Option<i64>,
}

/// What is delivered: a message of the feed, and what references need.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Content {
    /// When the incident's first message was sent.
    pub(crate) first_sent: EventTime,
    pub(crate) message: FeedMessage,
}

impl Subscription {
    /// The target of its deliveries.
    pub(crate) fn target(&self) -> String {
        format!("subscription/{}", self.id)
    }

    /// The secrets by which a message is signed at `now`, the newest first.
    pub(crate) fn secrets(&self, now: i64) -> Vec<&str> {
        let before =
            self.secret_before.as_deref().filter(|_| self.secret_before_until.is_some_and(|until| now < until));
        [Some(self.secret.as_str()), before].into_iter().flatten().collect()
    }

    /// Whether a message is what was asked for.
    fn fits(&self, city: &City, message: &FeedMessage) -> bool {
        let class = city.rule(&message.rule).and_then(|rule| rule.category.as_ref());
        let lies_there = self.areas.is_empty()
            || Reach::Areas(self.areas.clone()).sees(message.district.as_deref(), message.subdistrict.as_deref());
        (self.domains.is_empty() || self.domains.contains(&message.domain))
            && message.severity >= self.severity
            && (self.classes.is_empty() || class.is_some_and(|class| self.classes.contains(class)))
            && lies_there
    }

    /// How far it may see, if it may at all: a token that has ended takes its subscriptions with it.
    pub(super) async fn reach(&self, connection: &mut AnyConnection) -> Result<Option<Reach>, CenterError> {
        match &self.token_hash {
            None => Ok(Some(Reach::City)),
            Some(hash) => token_reach(connection, hash, secret::wall_ms()).await,
        }
    }
}

/// Puts what these transitions say on its way to all who subscribed; whether there is any.
pub(crate) async fn tell(
    center: &Center,
    connection: &mut AnyConnection,
    transitions: &[Transition],
) -> Result<bool, CenterError> {
    if transitions.is_empty() {
        return Ok(false);
    }
    let (city, mut is_any) = (center.city(), false);
    for mut one in subscriptions(connection).await? {
        if one.state != SubscriptionState::Active {
            continue;
        }
        let Some(reach) = one.reach(connection).await? else {
            pause(connection, &mut one, "its token has ended").await?;
            continue;
        };
        let mut waiting = queue(connection, &one.target()).await?.waiting;
        for transition in transitions.iter().filter(|transition| transition.shown_from > 0) {
            let message = city.message(transition);
            if !is_for(connection, &one, &reach, &city, &message).await? {
                continue;
            }
            if waiting >= center.outgoing.queue_max {
                one.state = SubscriptionState::Behind;
                one.reason = Some(format!("{waiting} deliveries wait"));
                save(connection, &one).await?;
                break;
            }
            note_told(connection, one.id, message.incident, message.state == IncidentState::Open).await?;
            let first_sent = first_sent(connection, transition).await?;
            let kind = format!("org.citywatch.incident.{}", transition.transition);
            add(connection, &one, &kind, &Content { first_sent, message }).await?;
            (waiting, is_any) = (waiting + 1, true);
        }
    }
    Ok(is_any)
}

/// Whether a message is for a subscriber: it fits, or what was said before is to be continued.
async fn is_for(
    connection: &mut AnyConnection,
    one: &Subscription,
    reach: &Reach,
    city: &City,
    message: &FeedMessage,
) -> Result<bool, CenterError> {
    if !reach.sees(message.district.as_deref(), message.subdistrict.as_deref()) {
        return Ok(false);
    }
    let is_open = message.state == IncidentState::Open;
    Ok((is_open && one.fits(city, message)) || was_told(connection, one.id, message.incident).await?)
}

/// Puts what is open on its way to a subscriber, as what every later message goes on from.
pub(crate) async fn snapshot(
    center: &Center,
    connection: &mut AnyConnection,
    one: &Subscription,
) -> Result<(), CenterError> {
    let city = center.city();
    let Some(reach) = one.reach(connection).await? else { return Ok(()) };
    forget_told(connection, one.id).await?;
    let mut open = Vec::new();
    for domain in Domain::ALL {
        for body in newest_transitions(connection, *domain).await? {
            let Ok(transition) = serde_json::from_str::<Transition>(&body) else { continue };
            let message = city.message(&transition);
            let sees = reach.sees(message.district.as_deref(), message.subdistrict.as_deref());
            if transition.shown_from > 0 && sees && one.fits(&city, &message) {
                note_told(connection, one.id, message.incident, true).await?;
                open.push(Content { first_sent: first_sent(connection, &transition).await?, message });
            }
        }
    }
    if one.form == Form::Cap {
        for content in &open {
            add(connection, one, "org.citywatch.incident.open", content).await?;
        }
        return Ok(());
    }
    // Also where nothing is open: it says so.
    let parts: Vec<&[Content]> = if open.is_empty() { vec![&[]] } else { open.chunks(PART).collect() };
    for (number, part) in parts.iter().enumerate() {
        let messages: Vec<&FeedMessage> = part.iter().map(|content| &content.message).collect();
        let body = json!({ "part": number + 1, "parts": parts.len(), "open": messages }).to_string();
        put(connection, one, (SNAPSHOT, ""), &body).await?;
    }
    Ok(())
}

async fn add(
    connection: &mut AnyConnection,
    one: &Subscription,
    kind: &str,
    content: &Content,
) -> Result<(), CenterError> {
    let body = serde_json::to_string(content).expect("text and finite numbers always serialise");
    put(connection, one, (kind, &content.message.incident.to_string()), &body).await
}

/// Adds a delivery with an id of its own.
pub(super) async fn put(
    connection: &mut AnyConnection,
    one: &Subscription,
    (kind, subject): (&str, &str),
    body: &str,
) -> Result<(), CenterError> {
    let id = Uuid::new_v5(&one.id, secret::new()?.as_bytes()).to_string();
    let new = New { id, target: &one.target(), kind, subject, body };
    enqueue(connection, &new, secret::wall_ms()).await
}

/// Pauses a subscription; what waits for it stays.
pub(super) async fn pause(
    connection: &mut AnyConnection,
    one: &mut Subscription,
    reason: &str,
) -> Result<(), CenterError> {
    (one.state, one.reason) = (SubscriptionState::Paused, Some(reason.to_owned()));
    save(connection, one).await?;
    crate::store::deliveries::hold(connection, &one.target()).await
}

/// When the first message of a transition's incident was sent.
async fn first_sent(connection: &mut AnyConnection, transition: &Transition) -> Result<EventTime, CenterError> {
    if transition.shown_from <= 1 {
        return Ok(transition.opened_at);
    }
    let first = transition_at(connection, transition.id, transition.shown_from).await?;
    let first = first.and_then(|body| serde_json::from_str::<Transition>(&body).ok());
    Ok(first.map_or(transition.opened_at, |first| first.time))
}
