//! Subscriptions of the utilities' feed by webhook: administrators see all, a token with `feed:subscribe` its own.

use super::Shared;
use super::problem::{Body, Params, Problem};
use crate::auth::secret;
use crate::auth::who::Who;
use crate::serve::notice::subscribe::{Change, NewSubscription, Outcome, change, is_theirs, subscribe};
use crate::serve::notice::subscription::{Form, Subscription, SubscriptionState};
use crate::store::deliveries::{Delivery, DeliveryState, Queue, deliveries, queue};
use crate::store::subscriptions::{find_subscription, subscriptions};
use crate::store::whole;
use axum::Json;
use axum::extract::{Extension, Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

/// Deliveries of a page.
const PAGE: i64 = 100;

/// A subscription and its queue.
#[derive(Serialize, ToSchema)]
#[schema(as = Subscription)]
pub(crate) struct SubscriptionView {
    id: String,
    name: String,
    url: String,
    form: Form,
    /// Empty for all.
    domains: Vec<&'static str>,
    /// Codes; empty for all that may be seen.
    areas: Vec<String>,
    /// The least: minor, moderate, severe, extreme.
    severity: &'static str,
    classes: Vec<String>,
    state: SubscriptionState,
    /// Why it is paused or behind.
    reason: Option<String>,
    /// Deliveries that wait or failed and are tried again.
    waiting: u64,
    /// How often it failed in a row; 0 while it works.
    failures: u64,
    /// When the next delivery is tried, wall time; null if none waits or it is paused.
    next_at: Option<i64>,
    /// Until when messages are signed with the secret of before too; null if with the newest only.
    secret_before_until: Option<i64>,
    created_at: i64,
    created_by: String,
}

/// The subscriptions, the oldest first.
#[derive(Serialize, ToSchema)]
pub(crate) struct SubscriptionList {
    items: Vec<SubscriptionView>,
}

/// A subscription, and its secret where there is a new one.
#[derive(Serialize, ToSchema)]
pub(crate) struct SubscriptionMade {
    subscription: SubscriptionView,
    /// Begins with `whsec_`; told this once.
    secret: Option<String>,
}

/// Which deliveries.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Which {
    /// waiting, failed, delivered, dead; all if it is not said.
    state: Option<String>,
    /// Those that were added before the one with this `seq`.
    before: Option<i64>,
}

/// Deliveries, the newest first; where there are a hundred, ask for those before the last.
#[derive(Serialize, ToSchema)]
pub(crate) struct DeliveryList {
    items: Vec<Delivery>,
}

impl SubscriptionView {
    fn new(one: Subscription, queue: Queue) -> SubscriptionView {
        let now = secret::wall_ms();
        SubscriptionView {
            id: one.id.to_string(),
            domains: one.domains.iter().map(|domain| domain.as_str()).collect(),
            severity: one.severity.as_str(),
            waiting: queue.waiting,
            failures: queue.failures,
            next_at: queue.next_at.filter(|_| queue.waiting > 0),
            secret_before_until: one.secret_before_until.filter(|until| now < *until),
            name: one.name,
            url: one.url,
            form: one.form,
            areas: one.areas,
            classes: one.classes,
            state: one.state,
            reason: one.reason,
            created_at: one.created_at,
            created_by: one.created_by,
        }
    }
}

/// The subscriptions; a token sees its own.
#[utoipa::path(get, path = "/api/v1/subscriptions", tag = "subscriptions",
    responses((status = 200, body = SubscriptionList)))]
pub(crate) async fn list(
    State(center): Shared,
    Extension(who): Extension<Who>,
) -> Result<Json<SubscriptionList>, Problem> {
    let mut reading = center.store.read().await?;
    let mut items = Vec::new();
    for one in subscriptions(&mut reading).await?.into_iter().filter(|one| is_theirs(&who, one)) {
        let queue = queue(&mut reading, &one.target()).await?;
        items.push(SubscriptionView::new(one, queue));
    }
    Ok(Json(SubscriptionList { items }))
}

/// Subscribes: what is open is sent first, then every change. The secret is told this once.
#[utoipa::path(post, path = "/api/v1/subscriptions", tag = "subscriptions", request_body = NewSubscription,
    responses((status = 201, body = SubscriptionMade), (status = 400, body = Problem)))]
pub(crate) async fn add(
    State(center): Shared,
    Extension(who): Extension<Who>,
    Body(new): Body<NewSubscription>,
) -> Result<Response, Problem> {
    let for_writing = center.clone();
    let outcome = whole(async move { subscribe(&for_writing, new, &who).await }).await?;
    Ok((StatusCode::CREATED, answered(State(center), outcome, "").await?).into_response())
}

/// A subscription.
#[utoipa::path(get, path = "/api/v1/subscriptions/{id}", tag = "subscriptions", params(("id" = String, Path)),
    responses((status = 200, body = SubscriptionView), (status = 404, body = Problem)))]
pub(crate) async fn detail(
    State(center): Shared,
    Extension(who): Extension<Who>,
    Path(id): Path<String>,
) -> Result<Json<SubscriptionView>, Problem> {
    let mut reading = center.store.read().await?;
    let one = of_theirs(&mut reading, &who, &id).await?;
    let queue = queue(&mut reading, &one.target()).await?;
    Ok(Json(SubscriptionView::new(one, queue)))
}

/// What was sent, or is to be: the newest first.
#[utoipa::path(get, path = "/api/v1/subscriptions/{id}/deliveries", tag = "subscriptions",
    params(("id" = String, Path), Which),
    responses((status = 200, body = DeliveryList), (status = 400, body = Problem), (status = 404, body = Problem)))]
pub(crate) async fn sent(
    State(center): Shared,
    Extension(who): Extension<Who>,
    Path(id): Path<String>,
    Params(which): Params<Which>,
) -> Result<Json<DeliveryList>, Problem> {
    let mut reading = center.store.read().await?;
    let target = of_theirs(&mut reading, &who, &id).await?.target();
    Ok(Json(page(&mut reading, &target, &which).await?))
}

/// A page of the deliveries of a target.
pub(super) async fn page(
    reading: &mut sqlx::AnyConnection,
    target: &str,
    which: &Which,
) -> Result<DeliveryList, Problem> {
    let named = |word: &String| {
        DeliveryState::named(word).ok_or_else(|| Problem::bad(format!("\"{word}\" is no state of a delivery")))
    };
    let state = which.state.as_ref().map(named).transpose()?;
    let items = deliveries(reading, target, state, which.before.unwrap_or(i64::MAX), PAGE).await?;
    Ok(DeliveryList { items })
}

macro_rules! changes {
    ($(#[doc = $doc:literal] $name:ident, $path:literal, $change:ident;)+) => {
        $(
            #[doc = $doc]
            #[utoipa::path(post, path = $path, tag = "subscriptions", params(("id" = String, Path)),
                responses((status = 200, body = SubscriptionMade), (status = 400, body = Problem),
                    (status = 404, body = Problem)))]
            pub(crate) async fn $name(
                State(center): Shared,
                Extension(who): Extension<Who>,
                Path(id): Path<String>,
            ) -> Result<Json<SubscriptionMade>, Problem> {
                let at: Uuid = id.parse().map_err(|_| Problem::missing("subscription", &id))?;
                let for_writing = center.clone();
                let outcome = whole(async move { change(&for_writing, at, Change::$change, &who).await }).await?;
                answered(State(center), outcome, &id).await
            }
        )+
    };
}

changes! {
    /// Nothing is sent to a subscriber until it is resumed.
    pause, "/api/v1/subscriptions/{id}/pause", Pause;
    /// Goes on with a paused subscription, from what is open now; tries one that rests at once.
    resume, "/api/v1/subscriptions/{id}/resume", Resume;
    /// Ends a subscription; what waits for it goes.
    end, "/api/v1/subscriptions/{id}/end", End;
    /// Gives a subscription another secret; for a day messages are signed with both.
    rotate, "/api/v1/subscriptions/{id}/rotate-secret", Rotate;
    /// Sends a subscriber a message that says nothing, to try whether messages arrive.
    test, "/api/v1/subscriptions/{id}/test", Test;
    /// Sends a subscriber again what died, with the ids that it had.
    resend, "/api/v1/subscriptions/{id}/resend", Resend;
}

async fn answered(State(center): Shared, outcome: Outcome, id: &str) -> Result<Json<SubscriptionMade>, Problem> {
    match outcome {
        Outcome::Done(one, secret) => {
            let queue = queue(&mut *center.store.read().await?, &one.target()).await?;
            Ok(Json(SubscriptionMade { subscription: SubscriptionView::new(*one, queue), secret }))
        }
        Outcome::Missing => Err(Problem::missing("subscription", id)),
        Outcome::Invalid(why) => Err(Problem::bad(why)),
    }
}

async fn of_theirs(reading: &mut sqlx::AnyConnection, who: &Who, id: &str) -> Result<Subscription, Problem> {
    let missing = || Problem::missing("subscription", id);
    let at: Uuid = id.parse().map_err(|_| missing())?;
    find_subscription(reading, at).await?.filter(|one| is_theirs(who, one)).ok_or_else(missing)
}
