//! Asks other Open311 servers (GeoReport v2) for their requests, and takes the open ones in as appeals.
//!
//! What it promises: a request of a server is one appeal, by the server's address and its number, however often it is
//! asked for and whenever the process is killed; how far a server was asked is noted only after all up to there is taken
//! in. Addresses are checked as those of webhooks are, answers are bounded, and a server that fails is asked less often.
//! What it does not do: it tells the other server nothing, and does not follow what becomes of a request there.

mod request;
mod settings;

pub use self::settings::Open311Pull;

use self::request::{Read, Request};
use super::appeal::intake::{NewAppeal, Taken, kept_until, take_in};
use super::appeal::key;
use super::appeal::step::Channel;
use super::notice::post::Poster;
use crate::CenterError;
use crate::auth::secret::{self, wall_ms};
use crate::center::Center;
use crate::settings::Retries;
use crate::store::appeals::{RefusedLine, Reporter, keep_line};
use crate::store::pulls::{PullRow, find_pull, keep_pull};
use crate::store::{commit, whole};
use model::Millis;
use serde_json::Value;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use url::Url;
use uuid::Uuid;

/// The longest span that the standard lets one ask for.
const SPAN_MAX: i64 = 90 * Millis::DAY.0;
/// The shortest span: times of the standard have seconds.
const SPAN_MIN: i64 = Millis::SECOND.0;
/// Bytes of an answer at most: a thousand requests with long texts.
const ANSWER_BYTES_MAX: usize = 8 << 20;
/// The longest wait for a server that fails; one that is asked less often than that is not asked more often.
const WAIT_MAX: i64 = Millis::HOUR.0;
/// Characters of a refused member that are kept.
const KEPT_CHARS: usize = 4_000;
/// Longest reason of a failure, in characters.
const WHY_MAX: usize = 500;

/// A server that is asked, and what is counted of it since the start.
pub(crate) struct Pull {
    pub(crate) settings: Open311Pull,
    /// Requests that are new.
    pub(crate) taken: AtomicU64,
    /// Requests that could not be taken; one that is met again counts again.
    pub(crate) refused: AtomicU64,
    /// Questions that failed.
    pub(crate) failed: AtomicU64,
}

impl Pull {
    pub(crate) fn new(settings: Open311Pull) -> Pull {
        Pull { settings, taken: AtomicU64::new(0), refused: AtomicU64::new(0), failed: AtomicU64::new(0) }
    }
}

/// Asks all servers, each by itself, for ever.
pub(crate) async fn run(center: &Arc<Center>) -> Result<(), CenterError> {
    let all = center.pulls.iter().map(|pull| follow(center, pull));
    futures_util::future::try_join_all(all).await?;
    // Without servers there is nothing to do, and the task must not end.
    std::future::pending().await
}

/// Asks one server, for ever.
async fn follow(center: &Arc<Center>, pull: &Pull) -> Result<(), CenterError> {
    let every = pull.settings.every;
    let longest = Millis(every.0.max(WAIT_MAX));
    let retries = Retries { first: every, longest, give_up: Millis(i64::MAX) };
    let mut failures = 0;
    loop {
        let wait = match ask_all(center, pull).await? {
            Ok(()) => {
                failures = 0;
                every
            }
            Err(why) => {
                failures += 1;
                pull.failed.fetch_add(1, Ordering::Relaxed);
                note_failure(center, pull, &why).await?;
                retries.wait(failures, pull.settings.url.as_bytes())
            }
        };
        tokio::time::sleep(Duration::from_millis(wait.0 as u64)).await;
    }
}

/// Takes in all that was requested since it was last asked; `Err` says why the server could not be asked.
async fn ask_all(center: &Arc<Center>, pull: &Pull) -> Result<Result<(), String>, CenterError> {
    let settings = &pull.settings;
    let now = wall_ms();
    let known = find_pull(&mut *center.store.read().await?, &settings.url).await?;
    // At first what is open since a moment ago; a clock that went back asks again.
    let before = known.map_or(now, |row| row.until);
    let mut from = before.min(now) - settings.late.0;
    let mut span = SPAN_MAX;
    while from < now {
        let until = (from + span).min(now);
        let members = match ask(&center.outgoing.poster, settings, from, until).await {
            Ok(members) => members,
            Err(why) => return Ok(Err(why)),
        };
        if members.len() >= settings.answer_max && until - from > SPAN_MIN {
            span = ((until - from) / 2).max(SPAN_MIN);
            continue;
        }
        for member in &members {
            take(center, pull, member).await?;
        }
        let (url, until_now) = (settings.url.clone(), until.max(before));
        let row = PullRow { url, until: until_now, pulled_at: Some(wall_ms()), failed: None };
        note(center, row).await?;
        (from, span) = (until, (span * 2).min(SPAN_MAX));
    }
    Ok(Ok(()))
}

/// The members of an answer.
async fn ask(poster: &Poster, settings: &Open311Pull, from: i64, until: i64) -> Result<Vec<Value>, String> {
    let url = question(settings, from, until)?;
    let answer = poster.get(url.as_str(), ANSWER_BYTES_MAX).await?;
    match serde_json::from_slice(&answer) {
        Ok(Value::Array(members)) => Ok(members),
        Ok(_) => Err("the answer is no list of service requests".to_owned()),
        Err(error) => Err(format!("the answer is no JSON: {error}")),
    }
}

/// The address of a question; the time it ends at is rounded up, so that nothing falls between two.
fn question(settings: &Open311Pull, from: i64, until: i64) -> Result<Url, String> {
    let mut url: Url =
        format!("{}/requests.json", settings.url).parse().map_err(|error| format!("the address: {error}"))?;
    let time = |ms: i64| jiff::Timestamp::from_second(ms).map(|at| at.to_string()).unwrap_or_default();
    let mut query = url.query_pairs_mut();
    query.append_pair("start_date", &time(from.div_euclid(1_000)));
    query.append_pair("end_date", &time((until + 999).div_euclid(1_000)));
    query.append_pair("status", "open");
    if let Some(jurisdiction) = &settings.jurisdiction_id {
        query.append_pair("jurisdiction_id", jurisdiction);
    }
    if let Some(key) = &settings.key {
        query.append_pair("api_key", key);
    }
    drop(query);
    Ok(url)
}

async fn take(center: &Arc<Center>, pull: &Pull, member: &Value) -> Result<(), CenterError> {
    let refused = match request::read(member, &pull.settings, |class| center.duties.classes.contains_key(class)) {
        Read::Passed => return Ok(()),
        Read::Refused(why) => why,
        Read::New(request) => {
            let new = appeal(&pull.settings, request)?;
            let for_taking = Arc::clone(center);
            match whole(async move { take_in(&for_taking, new).await }).await? {
                Taken::New(_) => {
                    pull.taken.fetch_add(1, Ordering::Relaxed);
                    return Ok(());
                }
                Taken::Known(_) => return Ok(()),
                Taken::Refused(why) => why,
            }
        }
    };
    pull.refused.fetch_add(1, Ordering::Relaxed);
    keep_refused(center, pull, member, refused).await
}

/// What is taken in. Its reporter is known to the other server only, so nobody is told the secret.
fn appeal(settings: &Open311Pull, request: Request) -> Result<NewAppeal, CenterError> {
    let (_, secret) = key::of_key(&secret::new()?);
    let reference = format!("{}/requests/{}", settings.url, request.number);
    Ok(NewAppeal {
        id: key::of_open311(&reference),
        secret,
        channel: Channel::Open311,
        class: request.class,
        text: request.text,
        point: Some(request.point),
        area: None,
        danger: false,
        follows: None,
        reference: Some(reference),
        taken_by: None,
        reporter: Reporter::default(),
    })
}

/// Keeps what could not be taken beside the hotline's refused lines; the same one once.
async fn keep_refused(center: &Arc<Center>, pull: &Pull, member: &Value, reason: String) -> Result<(), CenterError> {
    let body: String = member.to_string().chars().take(KEPT_CHARS).collect();
    let number = &member["service_request_id"];
    let name = format!("open311/{}/{number}/{reason}", pull.settings.url);
    let line = RefusedLine {
        id: Uuid::new_v5(&Uuid::NAMESPACE_OID, name.as_bytes()).to_string(),
        refused_at: center.now().0,
        by: pull.settings.url.clone(),
        line: 0,
        reason,
        body,
    };
    let center = Arc::clone(center);
    whole(async move {
        let mut writer = center.store.writer().await;
        let mut transaction = writer.begin().await?;
        keep_line(&mut transaction, &line, kept_until()).await?;
        commit(transaction).await
    })
    .await
}

async fn note_failure(center: &Arc<Center>, pull: &Pull, why: &str) -> Result<(), CenterError> {
    let url = &pull.settings.url;
    let known = find_pull(&mut *center.store.read().await?, url).await?;
    let (until, pulled_at) = known.map_or_else(|| (wall_ms(), None), |row| (row.until, row.pulled_at));
    let why: String = why.chars().take(WHY_MAX).collect();
    note(center, PullRow { url: url.clone(), until, pulled_at, failed: Some((wall_ms(), why)) }).await
}

async fn note(center: &Arc<Center>, row: PullRow) -> Result<(), CenterError> {
    let center = Arc::clone(center);
    whole(async move {
        let mut writer = center.store.writer().await;
        let mut transaction = writer.begin().await?;
        keep_pull(&mut transaction, &row).await?;
        commit(transaction).await
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn a_question_leaves_no_gap_between_seconds() {
        let text = "[[pull]]\nurl = \"https://a.example/v2\"\njurisdiction_id = \"a & b\"";
        let settings = Open311Pull::parse(text, Path::new("")).unwrap().remove(0);
        let url = question(&settings, 1_772_409_600_001, 1_772_409_660_001).unwrap();
        assert_eq!(
            url.as_str(),
            "https://a.example/v2/requests.json?start_date=2026-03-02T00%3A00%3A00Z\
             &end_date=2026-03-02T00%3A01%3A01Z&status=open&jurisdiction_id=a+%26+b"
        );
    }
}
