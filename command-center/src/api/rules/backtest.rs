//! A draft tried on what was measured, against the rules in force. It takes its time: begun here, then asked after.

use super::super::Shared;
use super::super::problem::{Body, Problem};
use super::draft::usable;
use super::{of_the_city, workbench};
use crate::auth::who::Who;
use crate::backtests::{Backtest, State as Stands};
use crate::center::Center;
use crate::workbench::{Backtested, RuleFile};
use axum::Json;
use axum::extract::{Extension, Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use model::EventTime;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;

/// The longest stretch of time.
const STRETCH_MS_MAX: i64 = 31 * 24 * 60 * 60 * 1_000;

/// A draft, and the stretch of time that it is tried on.
#[derive(Deserialize, ToSchema)]
pub(crate) struct BacktestBody {
    /// As of a draft.
    files: Vec<RuleFile>,
    /// Event time, epoch milliseconds.
    from: i64,
    /// Without this instant; at most 31 days later.
    to: i64,
}

/// How a backtest is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum BacktestState {
    Running,
    Done,
    Failed,
    Cancelled,
}

/// A backtest.
#[derive(Serialize, ToSchema)]
#[schema(as = Backtest)]
pub(crate) struct BacktestView {
    id: u64,
    /// Who asked for it.
    by: String,
    /// Event time.
    from: i64,
    to: i64,
    state: BacktestState,
    /// How far it came, 0 to 1.
    done: f64,
    /// Readings so far.
    readings: u64,
    /// Why it failed.
    problem: Option<String>,
    /// What it found.
    result: Option<Backtested>,
}

impl BacktestView {
    fn of(backtest: &Backtest) -> BacktestView {
        let (from, to) = backtest.stretch;
        let mut view = BacktestView {
            id: backtest.id,
            by: backtest.by.clone(),
            from,
            to,
            state: BacktestState::Running,
            done: 0.0,
            readings: 0,
            problem: None,
            result: None,
        };
        match backtest.state() {
            Stands::Running(progress) => (view.done, view.readings) = (progress.done, progress.readings),
            Stands::Done(result) => {
                (view.state, view.done, view.readings) = (BacktestState::Done, 1.0, result.readings);
                view.result = Some(Backtested::clone(&result));
            }
            Stands::Failed(why) => (view.state, view.problem) = (BacktestState::Failed, Some(why)),
            Stands::Cancelled => view.state = BacktestState::Cancelled,
        }
        view
    }
}

/// Begins to run the rules in force and a draft over what was measured in a stretch of time. One runs at a time.
#[utoipa::path(post, path = "/api/v1/rules/backtests", tag = "rules", request_body = BacktestBody,
    responses((status = 202, body = BacktestView), (status = 400, body = Problem), (status = 403, body = Problem),
        (status = 409, description = "another one runs", body = Problem)))]
pub(crate) async fn begin(
    State(center): Shared,
    Extension(who): Extension<Who>,
    Body(body): Body<BacktestBody>,
) -> Result<Response, Problem> {
    of_the_city(&who)?;
    let BacktestBody { files, from, to } = body;
    let files = usable(files)?;
    if from < 0 || from >= to || to - from > STRETCH_MS_MAX {
        return Err(Problem::bad("from lies before to, at most 31 days, and not before 1970"));
    }
    let bench = workbench(&center)?;
    let begun = center.backtests.begin(&who.name, (from, to)).map_err(|by| {
        Problem::new(StatusCode::CONFLICT, format!("a backtest of {by} runs: wait for it, or have it cancelled"))
    })?;
    let registry = Arc::clone(&center.city().registry);
    let running = Arc::clone(&begun);
    // Nobody waits for it: it tells how far it came, and stops when it is told to.
    tokio::task::spawn_blocking(move || {
        let stretch = (EventTime(from), EventTime(to));
        let found = bench.backtest(&files, stretch, &registry, &mut |progress| running.advance(progress));
        running.end(match found {
            Ok(Some(found)) => Stands::Done(Arc::new(found)),
            Ok(None) => Stands::Cancelled,
            Err(error) => Stands::Failed(error.to_string()),
        });
    });
    Ok((StatusCode::ACCEPTED, Json(BacktestView::of(&begun))).into_response())
}

/// How a backtest is, and what it found. The last few are held until the process ends.
#[utoipa::path(get, path = "/api/v1/rules/backtests/{id}", tag = "rules", params(("id" = u64, Path)),
    responses((status = 200, body = BacktestView), (status = 404, body = Problem)))]
pub(crate) async fn look(State(center): Shared, Path(id): Path<String>) -> Result<Json<BacktestView>, Problem> {
    Ok(Json(BacktestView::of(&*find(&center, &id)?)))
}

/// Has a backtest end. Any engineer may: one runs at a time.
#[utoipa::path(post, path = "/api/v1/rules/backtests/{id}/cancel", tag = "rules", params(("id" = u64, Path)),
    responses((status = 200, body = BacktestView), (status = 404, body = Problem)))]
pub(crate) async fn cancel(State(center): Shared, Path(id): Path<String>) -> Result<Json<BacktestView>, Problem> {
    let found = find(&center, &id)?;
    found.cancel();
    Ok(Json(BacktestView::of(&found)))
}

fn find(center: &Center, id: &str) -> Result<Arc<Backtest>, Problem> {
    let found = id.parse().ok().and_then(|number| center.backtests.find(number));
    found.ok_or_else(|| Problem::missing("backtest", id))
}
