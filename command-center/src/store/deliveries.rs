//! Deliveries on their way to somebody, a queue for each target, and how each went.
//!
//! A target is `subscription/` or `contact/` and an id. Times here are the wall clock's: they are about machines.

use crate::CenterError;
use serde::Serialize;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AssertSqlSafe, Row};
use utoipa::ToSchema;

/// How a delivery stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum DeliveryState {
    /// It was not tried yet.
    Waiting,
    /// It failed and is tried again.
    Failed,
    /// It was taken.
    Delivered,
    /// It is tried no more, unless somebody sends it again.
    Dead,
}

impl DeliveryState {
    const ALL: [DeliveryState; 4] =
        [DeliveryState::Waiting, DeliveryState::Failed, DeliveryState::Delivered, DeliveryState::Dead];

    /// Its word in the store and the API.
    pub(crate) fn name(self) -> &'static str {
        match self {
            DeliveryState::Waiting => "waiting",
            DeliveryState::Failed => "failed",
            DeliveryState::Delivered => "delivered",
            DeliveryState::Dead => "dead",
        }
    }

    /// What has this name.
    pub(crate) fn named(name: &str) -> Option<DeliveryState> {
        DeliveryState::ALL.into_iter().find(|state| state.name() == name)
    }

    fn is_open(self) -> bool {
        matches!(self, DeliveryState::Waiting | DeliveryState::Failed)
    }
}

/// A delivery.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Delivery {
    /// The same for every try: who meets it twice may drop one.
    pub(crate) id: String,
    #[serde(skip)]
    pub(crate) target: String,
    /// Counts the deliveries in the order in which they were added.
    pub(crate) seq: i64,
    /// As in `org.citywatch.incident.opened`.
    pub(crate) kind: String,
    /// What it is about: an incident's or a case's id, or nothing.
    pub(crate) subject: String,
    #[serde(skip)]
    pub(crate) body: String,
    pub(crate) state: DeliveryState,
    /// Tries so far.
    pub(crate) attempts: u64,
    /// When it is tried next; of no meaning once it is over.
    pub(crate) next_at: i64,
    #[serde(skip)]
    pub(crate) first_at: Option<i64>,
    /// When it was tried last.
    pub(crate) tried_at: Option<i64>,
    /// The HTTP status of the last answer; null where there was none.
    pub(crate) status: Option<i64>,
    /// Why the last try failed.
    pub(crate) error: Option<String>,
    pub(crate) created_at: i64,
}

/// The queue of a target.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Queue {
    /// Deliveries that are open.
    pub(crate) waiting: u64,
    /// When it is looked at next; never while it is paused or empty.
    pub(crate) next_at: Option<i64>,
    /// How often it failed in a row.
    pub(crate) failures: u64,
}

const FIELDS: &str = "id, target, seq, kind, subject, body, state, attempts, next_at, first_at, tried_at, status, error, \
    created_at";

fn of_row(row: &AnyRow) -> Result<Delivery, CenterError> {
    let state = DeliveryState::named(row.get::<&str, _>(6)).ok_or(CenterError::Damaged { what: "delivery" })?;
    Ok(Delivery {
        id: row.get(0),
        target: row.get(1),
        seq: row.get(2),
        kind: row.get(3),
        subject: row.get(4),
        body: row.get(5),
        state,
        attempts: row.get::<i64, _>(7) as u64,
        next_at: row.get(8),
        first_at: row.get(9),
        tried_at: row.get(10),
        status: row.get(11),
        error: row.get(12),
        created_at: row.get(13),
    })
}

/// What is to be delivered.
pub(crate) struct New<'a> {
    pub(crate) id: String,
    pub(crate) target: &'a str,
    pub(crate) kind: &'a str,
    pub(crate) subject: &'a str,
    pub(crate) body: &'a str,
}

/// Adds a delivery to the end of its target's queue. One that has this id already is not added again.
pub(crate) async fn enqueue(connection: &mut AnyConnection, new: &New<'_>, now: i64) -> Result<(), CenterError> {
    let failed = CenterError::store("add a delivery");
    let next = sqlx::query("UPDATE counter SET value = value + 1 WHERE name = 'delivery' RETURNING value");
    let seq: i64 = next.fetch_one(&mut *connection).await.map_err(&failed)?.get(0);
    let added = sqlx::query(
        "INSERT INTO delivery (id, target, seq, kind, subject, body, state, is_open, attempts, next_at, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6, 'waiting', 1, 0, $7, $7) ON CONFLICT (id) DO NOTHING",
    )
    .bind(&new.id)
    .bind(new.target)
    .bind(seq)
    .bind(new.kind)
    .bind(new.subject)
    .bind(new.body)
    .bind(now)
    .execute(&mut *connection)
    .await
    .map_err(&failed)?;
    if added.rows_affected() == 0 {
        return Ok(());
    }
    // A queue that rests goes on resting; an empty one is looked at now.
    sqlx::query(
        "INSERT INTO delivery_queue (target, waiting, next_at, failures) VALUES ($1, 1, $2, 0) \
         ON CONFLICT (target) DO UPDATE SET waiting = delivery_queue.waiting + 1, \
         next_at = COALESCE(delivery_queue.next_at, excluded.next_at)",
    )
    .bind(new.target)
    .bind(now)
    .execute(connection)
    .await
    .map_err(&failed)?;
    Ok(())
}

/// The queue of a target.
pub(crate) async fn queue(connection: &mut AnyConnection, target: &str) -> Result<Queue, CenterError> {
    let query = sqlx::query("SELECT waiting, next_at, failures FROM delivery_queue WHERE target = $1");
    let row = query.bind(target).fetch_optional(connection).await;
    let row = row.map_err(CenterError::store("look at a queue"))?;
    Ok(row.map_or(Queue::default(), |row| Queue {
        waiting: row.get::<i64, _>(0) as u64,
        next_at: row.get(1),
        failures: row.get::<i64, _>(2) as u64,
    }))
}

/// The targets whose queues are to be looked at now, the longest due first, at most `limit`; and when the next one is.
pub(crate) async fn due(
    connection: &mut AnyConnection,
    now: i64,
    limit: i64,
) -> Result<(Vec<String>, Option<i64>), CenterError> {
    let failed = CenterError::store("look for deliveries");
    let query = sqlx::query("SELECT target FROM delivery_queue WHERE next_at <= $1 ORDER BY next_at, target LIMIT $2");
    let rows = query.bind(now).bind(limit).fetch_all(&mut *connection).await.map_err(&failed)?;
    let query = sqlx::query("SELECT MIN(next_at) FROM delivery_queue WHERE next_at > $1").bind(now);
    let next = query.fetch_one(connection).await.map_err(&failed)?;
    Ok((rows.iter().map(|row| row.get(0)).collect(), next.get(0)))
}

/// The first delivery of a target that may be tried now.
pub(crate) async fn first_due(
    connection: &mut AnyConnection,
    target: &str,
    now: i64,
) -> Result<Option<Delivery>, CenterError> {
    let statement = format!(
        "SELECT {FIELDS} FROM delivery WHERE target = $1 AND is_open = 1 AND next_at <= $2 ORDER BY seq LIMIT 1"
    );
    // Only words of ours are in the statement.
    let query = sqlx::query(AssertSqlSafe(statement)).bind(target.to_owned()).bind(now);
    let row = query.fetch_optional(connection).await.map_err(CenterError::store("look for deliveries"))?;
    row.as_ref().map(of_row).transpose()
}

/// Writes down how a try went; the queue's count follows.
pub(crate) async fn tried(connection: &mut AnyConnection, delivery: &Delivery) -> Result<(), CenterError> {
    let failed = CenterError::store("note a delivery");
    let is_open = i64::from(delivery.state.is_open());
    sqlx::query(
        "UPDATE delivery SET state = $2, is_open = $3, attempts = $4, next_at = $5, first_at = $6, tried_at = $7, \
         status = $8, error = $9 WHERE id = $1",
    )
    .bind(&delivery.id)
    .bind(delivery.state.name())
    .bind(is_open)
    .bind(delivery.attempts as i64)
    .bind(delivery.next_at)
    .bind(delivery.first_at)
    .bind(delivery.tried_at)
    .bind(delivery.status)
    .bind(&delivery.error)
    .execute(&mut *connection)
    .await
    .map_err(&failed)?;
    if is_open == 0 {
        let query = sqlx::query("UPDATE delivery_queue SET waiting = waiting - 1 WHERE target = $1");
        query.bind(&delivery.target).execute(connection).await.map_err(&failed)?;
    }
    Ok(())
}

/// A target was away at `now`: all that waits for it waits since then at the latest, and what has waited since `before`
/// or longer is dead.
pub(crate) async fn held_up(
    connection: &mut AnyConnection,
    target: &str,
    (now, before): (i64, i64),
    why: &str,
) -> Result<(), CenterError> {
    let failed = CenterError::store("note that a target is away");
    let query = sqlx::query("UPDATE delivery SET first_at = $2 WHERE target = $1 AND is_open = 1 AND first_at IS NULL");
    query.bind(target).bind(now).execute(&mut *connection).await.map_err(&failed)?;
    let query = sqlx::query(
        "UPDATE delivery SET state = 'dead', is_open = 0, error = COALESCE(error, $3) \
         WHERE target = $1 AND is_open = 1 AND first_at <= $2",
    );
    let died = query.bind(target).bind(before).bind(why).execute(&mut *connection).await.map_err(&failed)?;
    let query = sqlx::query("UPDATE delivery_queue SET waiting = waiting - $2 WHERE target = $1");
    query.bind(target).bind(died.rows_affected() as i64).execute(connection).await.map_err(&failed)?;
    Ok(())
}

/// Says when a queue is looked at next; `None` looks when its next delivery is due.
pub(crate) async fn rest(
    connection: &mut AnyConnection,
    target: &str,
    until: Option<i64>,
    failures: u64,
) -> Result<(), CenterError> {
    let query = sqlx::query(
        "UPDATE delivery_queue SET failures = $3, next_at = COALESCE($2, \
         (SELECT MIN(delivery.next_at) FROM delivery WHERE delivery.target = $1 AND delivery.is_open = 1)) \
         WHERE target = $1",
    );
    let done = query.bind(target).bind(until).bind(failures as i64).execute(connection).await;
    done.map_err(CenterError::store("note when a queue is due"))?;
    Ok(())
}

/// A queue is not looked at any more, until something is added or it rests no longer.
pub(crate) async fn hold(connection: &mut AnyConnection, target: &str) -> Result<(), CenterError> {
    let query = sqlx::query("UPDATE delivery_queue SET next_at = NULL WHERE target = $1").bind(target);
    query.execute(connection).await.map_err(CenterError::store("hold a queue"))?;
    Ok(())
}

/// Deliveries of a target, the newest first, at most `limit`, below `before`.
pub(crate) async fn deliveries(
    connection: &mut AnyConnection,
    target: &str,
    state: Option<DeliveryState>,
    before: i64,
    limit: i64,
) -> Result<Vec<Delivery>, CenterError> {
    let only = state.map(|state| format!(" AND state = '{}'", state.name())).unwrap_or_default();
    let statement =
        format!("SELECT {FIELDS} FROM delivery WHERE target = $1 AND seq < $2{only} ORDER BY seq DESC LIMIT {limit}");
    // Only numbers and words of ours are in the statement.
    let query = sqlx::query(AssertSqlSafe(statement)).bind(target.to_owned()).bind(before);
    let rows = query.fetch_all(connection).await.map_err(CenterError::store("list deliveries"))?;
    rows.iter().map(of_row).collect()
}

/// Dead deliveries of a target wait again, all or one, with the ids that they had; how many.
pub(crate) async fn resend(
    connection: &mut AnyConnection,
    target: &str,
    one: Option<&str>,
    now: i64,
) -> Result<u64, CenterError> {
    let failed = CenterError::store("send deliveries again");
    let done = sqlx::query(
        "UPDATE delivery SET state = 'failed', is_open = 1, next_at = $2, first_at = NULL \
         WHERE target = $1 AND state = 'dead' AND ($3 = '' OR id = $3)",
    )
    .bind(target)
    .bind(now)
    .bind(one.unwrap_or_default())
    .execute(&mut *connection)
    .await
    .map_err(&failed)?;
    let count = done.rows_affected();
    let query = sqlx::query("UPDATE delivery_queue SET waiting = waiting + $2, next_at = $3 WHERE target = $1");
    query.bind(target).bind(count as i64).bind(now).execute(connection).await.map_err(&failed)?;
    Ok(count)
}

/// Forgets what was delivered before `delivered`, and what died before `dead`.
pub(crate) async fn forget_deliveries(
    connection: &mut AnyConnection,
    delivered: i64,
    dead: i64,
) -> Result<(), CenterError> {
    let query = sqlx::query(
        "DELETE FROM delivery WHERE is_open = 0 AND ((state = 'delivered' AND created_at < $1) OR created_at < $2)",
    );
    let done = query.bind(delivered).bind(dead).execute(connection).await;
    done.map_err(CenterError::store("forget old deliveries"))?;
    Ok(())
}

/// Forgets all that is on its way to a target.
pub(crate) async fn drop_queue(connection: &mut AnyConnection, target: &str) -> Result<(), CenterError> {
    for statement in
        ["DELETE FROM delivery WHERE target = $1 AND is_open = 1", "DELETE FROM delivery_queue WHERE target = $1"]
    {
        let done = sqlx::query(statement).bind(target).execute(&mut *connection).await;
        done.map_err(CenterError::store("empty a queue"))?;
    }
    Ok(())
}

/// How many deliveries are open, and how many are dead.
pub(crate) async fn count_deliveries(connection: &mut AnyConnection) -> Result<(u64, u64), CenterError> {
    let failed = CenterError::store("count deliveries");
    let count = async |connection: &mut AnyConnection, statement: &'static str| {
        let row = sqlx::query(statement).fetch_one(connection).await;
        row.map(|row| row.get::<i64, _>(0) as u64)
    };
    let waiting = "SELECT COALESCE(CAST(SUM(waiting) AS BIGINT), 0) FROM delivery_queue";
    let open = count(connection, waiting).await.map_err(&failed)?;
    let dead = count(connection, "SELECT COUNT(*) FROM delivery WHERE is_open = 0 AND state = 'dead'").await;
    Ok((open, dead.map_err(&failed)?))
}
