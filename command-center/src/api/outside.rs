//! How much of a month was not the city's to do: put so, reviewed, asked about again.

use super::Shared;
use super::appeal_view::class_name;
use super::problem::{Params, Problem};
use crate::auth::who::Who;
use crate::city::Names;
use crate::store::outside::count_outside;
use crate::supervise::{Month, Period};
use axum::Json;
use axum::extract::{Extension, State};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::{IntoParams, ToSchema};

/// Which month.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct OfMonth {
    /// As in 2026-07; the month that the log's clock stands in, if it is left out.
    month: Option<String>,
}

/// How often something happened to what is not the city's to do.
#[derive(Clone, Copy, Default, Serialize, ToSchema)]
pub(crate) struct OutsideCounts {
    /// An operator put it outside the city's duty.
    put: u64,
    /// A second person said so too.
    upheld: u64,
    /// A second person sent it back.
    sent_back: u64,
    /// The reporter asked for a second look.
    asked_again: u64,
}

/// A class of what is not the city's to do.
#[derive(Serialize, ToSchema)]
pub(crate) struct OutsideClass {
    class: String,
    class_name: Names,
    #[serde(flatten)]
    counts: OutsideCounts,
}

/// What of a month was not the city's to do, within the areas of who asks.
#[derive(Serialize, ToSchema)]
pub(crate) struct OutsideMonth {
    month: String,
    /// As the formula bounds the month.
    period: Period,
    #[serde(flatten)]
    counts: OutsideCounts,
    /// By class.
    items: Vec<OutsideClass>,
}

impl OutsideCounts {
    fn add(&mut self, what: &str, count: u64) {
        let counted = match what {
            "put" => &mut self.put,
            "upheld" => &mut self.upheld,
            "sent_back" => &mut self.sent_back,
            _ => &mut self.asked_again,
        };
        *counted += count;
    }
}

/// How much of a month was put outside the city's duty, upheld, sent back, and asked about again; by class.
#[utoipa::path(get, path = "/api/v1/appeals/outside-duty", tag = "appeals", params(OfMonth),
    responses((status = 200, body = OutsideMonth), (status = 400, body = Problem)))]
pub(crate) async fn month(
    State(center): Shared,
    Extension(who): Extension<Who>,
    Params(asked): Params<OfMonth>,
) -> Result<Json<OutsideMonth>, Problem> {
    let formula = &center.formula;
    let month = match asked.month {
        Some(text) => text.parse::<Month>().map_err(|error| Problem::bad(error.to_string()))?,
        None => formula.month_of(center.now()).ok_or_else(|| Problem::bad("the log's clock stands at no month"))?,
    };
    let period = formula.period(month);
    let (mut counts, mut classes) = (OutsideCounts::default(), BTreeMap::<String, OutsideCounts>::new());
    for (class, what, count) in count_outside(&mut *center.store.read().await?, period, &who.reach).await? {
        counts.add(&what, count);
        classes.entry(class).or_default().add(&what, count);
    }
    let item = |(class, counts): (String, OutsideCounts)| OutsideClass {
        class_name: class_name(&center, &class),
        class,
        counts,
    };
    let items = classes.into_iter().map(item).collect();
    Ok(Json(OutsideMonth { month: month.to_string(), period, counts, items }))
}
