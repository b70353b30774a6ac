//! `/metrics` in the text format of Prometheus, version 0.0.4.

use super::Shared;
use super::problem::Problem;
use crate::CenterError;
use crate::PartCounts;
use crate::auth::role::Reach;
use crate::center::Center;
use crate::perceive::pulse::open_counts;
use crate::reader::{blocking, bounds};
use crate::serve::pull::Pull;
use crate::store::cases::count_cases;
use crate::store::deliveries::count_deliveries;
use crate::store::outbox::waiting;
use crate::store::pulls::{PullRow, all_pulls};
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use bus::Topic;
use std::fmt::{Display, Write};
use std::sync::atomic::{AtomicU64, Ordering};

/// A page of metrics in the making.
struct Page(String);

impl Page {
    /// A family of samples; labels are `name="value"` with values that need no escape.
    fn family<V: Display>(
        &mut self,
        name: &str,
        kind: &str,
        help: &str,
        samples: impl IntoIterator<Item = (String, V)>,
    ) {
        let _ = write!(self.0, "# HELP citywatch_{name} {help}\n# TYPE citywatch_{name} {kind}\n");
        for (labels, value) in samples {
            let labels = if labels.is_empty() { labels } else { format!("{{{labels}}}") };
            let _ = writeln!(self.0, "citywatch_{name}{labels} {value}");
        }
    }

    fn one(&mut self, name: &str, kind: &str, help: &str, value: impl Display) {
        self.family(name, kind, help, [(String::new(), value)]);
    }
}

/// Of the Open311 servers that are asked, by address.
fn pulled(page: &mut Page, center: &Center, rows: &[PullRow]) {
    if center.pulls.is_empty() {
        return;
    }
    // An address was parsed, so it has no quotes and no line ends.
    let label = |url: &str| format!("server=\"{url}\"");
    let asked = |url: &str| center.pulls.iter().any(|pull| pull.settings.url == url);
    let good = rows.iter().filter(|row| asked(&row.url));
    let good = good.filter_map(|row| Some((label(&row.url), row.pulled_at? as f64 / 1_000.0)));
    page.family("open311_pulled_seconds", "gauge", "When a server last answered well, epoch seconds.", good);
    let count = |of: fn(&Pull) -> &AtomicU64| {
        center.pulls.iter().map(move |pull| (label(&pull.settings.url), of(pull).load(Ordering::Relaxed)))
    };
    let help = "Requests of other servers that were taken in.";
    page.family("open311_taken_total", "counter", help, count(|pull| &pull.taken));
    let help = "Requests of other servers that could not be taken; one that is met again counts again.";
    page.family("open311_refused_total", "counter", help, count(|pull| &pull.refused));
    let help = "Questions to other servers that failed.";
    page.family("open311_failed_total", "counter", help, count(|pull| &pull.failed));
}

/// Counters and gauges for Prometheus.
#[utoipa::path(get, path = "/metrics", tag = "health",
    responses((status = 200, content_type = "text/plain; version=0.0.4", body = String)))]
pub(crate) async fn metrics(State(center): Shared) -> Result<Response, Problem> {
    let text = text(&center).await?;
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response())
}

async fn text(center: &Center) -> Result<String, CenterError> {
    let mut reading = center.store.read().await?;
    let (open, unacknowledged) = open_counts(&mut reading, &Reach::City).await?;
    let outbox = waiting(&mut reading).await?;
    let (cases, late) = count_cases(&mut reading, &Reach::City).await?;
    let (deliveries, dead) = count_deliveries(&mut reading).await?;
    let pulls = all_pulls(&mut reading).await?;
    drop(reading);
    let parts = match center.part_counts.clone() {
        Some(ask) => blocking(move || ask()).await,
        None => PartCounts::default(),
    };
    let analyze = bounds(&*center.log, Topic::Analyze)?.1;
    let projected = *center.projected.borrow();
    let behind: u64 = analyze.iter().zip(&projected).map(|(end, at)| end.saturating_sub(*at)).sum();
    let sensors = center.sensors.settle();
    let counters = &center.counters;
    let mut page = Page(String::new());
    let by_domain = open.by_domain.iter().map(|(domain, count)| (format!("domain=\"{domain}\""), count));
    page.family("incidents_open", "gauge", "Open incidents by domain.", by_domain);
    page.one("incidents_unacknowledged", "gauge", "Open incidents that nobody acknowledged.", unacknowledged);
    page.one("cases_open", "gauge", "Open cases.", cases);
    page.one("cases_late", "gauge", "Open cases with a breached clock.", late);
    let states =
        [("online", sensors.online), ("silent", sensors.silent), ("stuck", sensors.stuck), ("never", sensors.never)];
    let states = states.map(|(state, count)| (format!("state=\"{state}\""), count));
    page.family("sensors", "gauge", "Registered sensors by state.", states);
    page.one("sensors_unknown", "gauge", "Sensors that speak and are not registered.", center.sensors.unknown());
    if let Some(clock) = center.sensors.clock() {
        page.one("clock_seconds", "gauge", "Where the log's clock stands, epoch seconds.", clock.0 as f64 / 1_000.0);
    }
    if let Some(feed) = center.feed_counts.as_ref().map(|ask| ask()) {
        page.one("readings_accepted_total", "counter", "Readings that came on the log.", feed.accepted);
        page.one("readings_refused_total", "counter", "Readings that went to the dead letter.", feed.refused);
        page.one("readings_missing_total", "counter", "Readings that never came, by sequence numbers.", feed.missing);
    }
    let readers = parts.behind.into_iter().map(|(reader, behind)| (format!("reader=\"{reader}\""), behind));
    let help = "Records of observations that a reader lacks; one that is not named is unknown.";
    page.family("observations_behind_records", "gauge", help, readers);
    let anew = counters.read_anew.load(Ordering::Relaxed) + parts.cut_back;
    let help = "Readers, by partition, that began anew because the log lost what they had read.";
    page.one("log_cut_back_total", "counter", help, anew);
    if let Some(history) = parts.history {
        page.one("history_behind_records", "gauge", "Records of the log that are not in history yet.", history.behind);
        page.one("history_failing", "gauge", "1 while history cannot be written.", u8::from(history.is_failing));
        let help = "Records that the log dropped before history had them.";
        page.one("history_lost_records_total", "counter", help, history.lost);
    }
    page.one("analyze_behind_records", "gauge", "Records of analyze that the store lacks.", behind);
    let passed_over = counters.passed_over.load(Ordering::Relaxed);
    page.one("analyze_passed_over_total", "counter", "Records of analyze that are no transitions.", passed_over);
    let written = counters.feed.written.load(Ordering::Relaxed);
    page.one("feed_written_total", "counter", "Records written to the utilities' feed and to open.", written);
    let noted = counters.feed.noted.load(Ordering::Relaxed);
    let unnoted = analyze.iter().sum::<u64>().saturating_sub(noted);
    page.one("feed_unnoted_records", "gauge", "Records of analyze that a restart would look at again.", unnoted);
    page.one("outbox_events", "gauge", "Events that wait to be on the bus.", outbox);
    page.one("deliveries_open", "gauge", "Messages to others that wait or are tried again.", deliveries);
    page.one("deliveries_dead", "gauge", "Messages to others that are tried no more.", dead);
    for (name, help, count) in [
        ("deliveries_tried_total", "Tries to deliver a message.", &center.outgoing.tried),
        ("deliveries_failed_total", "Tries to deliver a message that failed.", &center.outgoing.failed),
    ] {
        page.one(name, "counter", help, count.load(Ordering::Relaxed));
    }
    pulled(&mut page, center, &pulls);
    let lost = *center.store.lost().borrow();
    page.one("store_lost_total", "counter", "Times when the store's server was away and came back.", lost);
    page.one("live_subscribers", "gauge", "Pages that follow live.", center.live.subscribers());
    let cut_off = counters.cut_off.load(Ordering::Relaxed);
    page.one("live_cut_off_total", "counter", "Pages cut off because they fell behind.", cut_off);
    let turned_away = counters.turned_away.load(Ordering::Relaxed);
    page.one("turned_away_total", "counter", "Strangers who asked too often and were told to come later.", turned_away);
    let refused = counters.photos_refused.load(Ordering::Relaxed);
    page.one("photos_refused_total", "counter", "Photos of strangers for which the day had no room.", refused);
    let answers = counters.answers().map(|(class, count)| (format!("status=\"{class}\""), count));
    page.family("http_answers_total", "counter", "Answers by class of status.", answers);
    Ok(page.0)
}
