//! The routes, `/api/v1` and around it, and their OpenAPI description.

mod accounts;
mod analyze;
mod appeal_view;
mod appeals;
mod appeals_desk;
mod appeals_keyed;
mod appeals_list;
mod area_series;
mod areas;
mod asides;
mod audit;
mod basemap;
mod cached;
mod case_acts;
pub(crate) mod case_view;
mod cases;
mod cells;
mod chains;
mod contacts;
mod deliberations;
mod description;
mod dossiers;
mod duties;
mod evidence;
mod feeds;
mod incidents;
mod interviews;
mod maintenance;
mod mediations;
mod metrics;
mod month_checks;
mod notices;
mod objections;
mod oidc;
mod open311;
mod open_data;
mod others;
mod outside;
mod page;
pub(crate) mod problem;
mod public_notices;
mod published;
mod pulls;
mod roads;
mod rosters;
mod rules;
mod sensors;
mod series;
mod session;
mod states;
mod status;
mod strangers;
mod stream;
mod subscriptions;
mod supervise;
mod supervise_live;
mod tail;
mod wechat;

pub(crate) use areas::AreaCache;
pub(crate) use open_data::OpenCache;
pub(crate) use open311::escape as escape_xml;
pub(crate) use rules::Asking;
pub(crate) use sensors::MapCache;
pub(crate) use states::StateCache;
pub(crate) use supervise::MonthCache;

use crate::auth::guard::{admit, shield};
use crate::center::Center;
use axum::Router;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::header;
use axum::middleware::from_fn_with_state;
use axum::routing::get;
use std::sync::Arc;
use utoipa::OpenApi;
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouterExt};
use utoipa_axum::routes;

/// Largest body of a request; a larger one is refused.
const BODY_BYTES_MAX: usize = 64 * 1024;

/// What routes share.
pub(crate) type Shared = State<Arc<Center>>;

#[derive(OpenApi)]
#[openapi(info(
    title = "citywatch",
    description = "The command center of a city. Times are epoch milliseconds, UTC; unknown is null, never 0; \
                   errors are application/problem+json (RFC 9457)."
))]
struct Description;

fn described() -> OpenApiRouter<Arc<Center>> {
    OpenApiRouter::with_openapi(Description::openapi())
        .routes(routes!(session::session))
        .routes(routes!(session::by_password))
        .routes(routes!(oidc::ways))
        .routes(routes!(oidc::start))
        .routes(routes!(oidc::finish))
        .routes(routes!(session::change_password))
        .routes(routes!(session::sign_out))
        .routes(routes!(accounts::list, accounts::add))
        .routes(routes!(accounts::disable))
        .routes(routes!(accounts::enable))
        .routes(routes!(accounts::reset))
        .routes(routes!(accounts::list_tokens, accounts::add_token))
        .routes(routes!(accounts::revoke_token))
        .routes(routes!(status::overview))
        .routes(routes!(areas::list))
        .routes(routes!(areas::outlines))
        .routes(routes!(basemap::basemap))
        .routes(routes!(states::states))
        .routes(routes!(sensors::map))
        .routes(routes!(sensors::list))
        .routes(routes!(sensors::detail))
        .routes(routes!(feeds::list))
        .routes(routes!(roads::list))
        .routes(routes!(cells::list))
        .routes(routes!(strangers::list))
        .routes(routes!(series::series))
        .routes(routes!(area_series::series))
        .routes(routes!(area_series::metrics))
        .routes(routes!(incidents::list))
        .routes(routes!(tail::tail))
        .routes(routes!(incidents::detail))
        .routes(routes!(incidents::acknowledge))
        .routes(routes!(asides::shelve))
        .routes(routes!(asides::suppress))
        .routes(routes!(asides::out_of_service))
        .routes(routes!(asides::assign))
        .routes(routes!(asides::list))
        .routes(routes!(asides::end))
        .routes(routes!(maintenance::list, maintenance::schedule))
        .routes(routes!(maintenance::end))
        .routes(routes!(cases::open))
        .routes(routes!(cases::list, cases::report))
        .routes(routes!(cases::detail))
        .routes(routes!(evidence::add).layer(DefaultBodyLimit::max(evidence::LIMIT)))
        .routes(routes!(evidence::read))
        .merge(case_acts::routes())
        .routes(routes!(appeals::classes))
        .routes(routes!(appeals::near))
        .routes(routes!(appeals_list::list, appeals::report))
        .routes(routes!(appeals::detail))
        .routes(routes!(appeals::add).layer(DefaultBodyLimit::max(appeals::PHOTO_BYTES_MAX)))
        .routes(routes!(appeals::rating))
        .routes(routes!(appeals::reopen))
        .routes(routes!(appeals_desk::of_case))
        .routes(routes!(appeals_desk::contact))
        .routes(routes!(appeals_desk::import).layer(DefaultBodyLimit::max(appeals_desk::LIST_BYTES_MAX)))
        .routes(routes!(appeals_desk::refused))
        .routes(routes!(outside::month))
        .routes(routes!(pulls::servers))
        .routes(routes!(duties::classes))
        .routes(routes!(duties::units))
        .routes(routes!(duties::duties))
        .routes(routes!(rules::versions))
        .routes(routes!(rules::version))
        .routes(routes!(rules::language))
        .merge(drafts())
        .routes(routes!(rules::change::roll_back))
        .routes(routes!(rules::backtest::look))
        .routes(routes!(rules::backtest::cancel))
        .routes(routes!(rules::explain::fired))
        .routes(routes!(rules::explain::silent))
        .routes(routes!(analyze::hotspots::hotspots))
        .routes(routes!(analyze::alarm_health))
        .routes(routes!(analyze::repeated))
        .routes(routes!(analyze::verdicts::verdicts))
        .routes(routes!(analyze::verdicts::cases))
        .routes(routes!(analyze::forecast::forecast))
        .routes(routes!(analyze::forecasts::forecasts))
        .routes(routes!(supervise::month))
        .routes(routes!(supervise_live::live))
        .routes(routes!(supervise::month_csv))
        .routes(routes!(supervise::month_pdf))
        .routes(routes!(audit::list))
        .routes(routes!(audit::verify))
        .merge(telling())
        .merge(dossiers())
        .routes(routes!(stream::live))
        .routes(routes!(stream::feed))
        .routes(routes!(session::by_link))
        .routes(routes!(status::live))
        .routes(routes!(status::ready))
        .routes(routes!(metrics::metrics))
}

/// Routes of what is told to others.
fn telling() -> OpenApiRouter<Arc<Center>> {
    OpenApiRouter::new()
        .routes(routes!(subscriptions::list, subscriptions::add))
        .routes(routes!(subscriptions::detail))
        .routes(routes!(subscriptions::sent))
        .routes(routes!(subscriptions::pause))
        .routes(routes!(subscriptions::resume))
        .routes(routes!(subscriptions::end))
        .routes(routes!(subscriptions::rotate))
        .routes(routes!(subscriptions::test))
        .routes(routes!(subscriptions::resend))
        .routes(routes!(rosters::list, rosters::add))
        .routes(routes!(rosters::detail, rosters::replace))
        .routes(routes!(rosters::end))
        .routes(routes!(rosters::stand_in))
        .routes(routes!(rosters::stand_down))
        .routes(routes!(rosters::note))
        .routes(routes!(chains::list, chains::add))
        .routes(routes!(chains::replace))
        .routes(routes!(chains::end))
        .routes(routes!(contacts::list, contacts::add))
        .routes(routes!(contacts::deliveries))
        .routes(routes!(contacts::end))
        .routes(routes!(contacts::test))
        .routes(routes!(contacts::again))
        .routes(routes!(notices::mine))
        .routes(routes!(notices::read))
        .routes(routes!(notices::sent))
        .routes(routes!(notices::list_storms))
}

/// What people talk over beside the cases.
fn dossiers() -> OpenApiRouter<Arc<Center>> {
    OpenApiRouter::new()
        .routes(routes!(month_checks::list, month_checks::plan))
        .routes(routes!(month_checks::detail))
        .routes(routes!(month_checks::visit))
        .routes(routes!(published::scores, published::publish))
        .routes(routes!(published::score))
        .routes(routes!(published::findings, published::raise))
        .routes(routes!(interviews::list, interviews::call))
        .routes(routes!(interviews::detail))
        .routes(routes!(interviews::say))
        .routes(routes!(interviews::hold))
        .routes(routes!(interviews::decide))
        .routes(routes!(interviews::follow_up))
        .routes(routes!(interviews::withdraw))
        .routes(routes!(objections::list, objections::file))
        .routes(routes!(objections::detail))
        .routes(routes!(objections::review))
        .routes(routes!(objections::ask_again))
        .routes(routes!(objections::withdraw))
        .routes(routes!(objections::of_case))
        .routes(routes!(deliberations::published))
        .routes(routes!(deliberations::list, deliberations::convene))
        .routes(routes!(deliberations::detail))
        .routes(routes!(deliberations::people))
        .routes(routes!(deliberations::material))
        .routes(routes!(deliberations::opinion))
        .routes(routes!(deliberations::call_vote))
        .routes(routes!(deliberations::vote))
        .routes(routes!(deliberations::conclude))
        .routes(routes!(deliberations::publish))
        .routes(routes!(deliberations::withdraw))
        .routes(routes!(mediations::list, mediations::open))
        .routes(routes!(mediations::detail))
        .routes(routes!(mediations::people))
        .routes(routes!(mediations::hold))
        .routes(routes!(mediations::agree))
        .routes(routes!(mediations::perform))
        .routes(routes!(mediations::refer))
        .routes(routes!(mediations::withdraw))
        .routes(routes!(public_notices::told))
        .routes(routes!(public_notices::list, public_notices::publish))
        .routes(routes!(public_notices::detail))
        .routes(routes!(public_notices::withdraw))
}

/// Routes that are sent a whole rule set.
fn drafts() -> OpenApiRouter<Arc<Center>> {
    let limit = || DefaultBodyLimit::max(rules::draft::BODY_BYTES_MAX);
    OpenApiRouter::new()
        .routes(routes!(rules::draft::check).layer(limit()))
        .routes(routes!(rules::draft::test).layer(limit()))
        .routes(routes!(rules::draft::lint).layer(limit()))
        .routes(routes!(rules::backtest::begin).layer(limit()))
        .routes(routes!(rules::change::apply).layer(limit()))
}

/// The OpenAPI 3.1 description of the API, as JSON.
pub fn openapi() -> String {
    let description = serde_json::to_value(described().get_openapi()).expect("a description always serialises");
    serde_json::to_string_pretty(&description::complete(description)).expect("a description always serialises")
}

/// All routes, guarded, and the page for every other path.
pub(crate) fn router(center: Arc<Center>) -> Router {
    let description = openapi();
    let describe = move || async move { ([(header::CONTENT_TYPE, "application/json")], description) };
    let (routes, _) = described().split_for_parts();
    routes
        .route("/api/openapi.json", get(describe))
        // Described by their own standard.
        .merge(open311::routes())
        .merge(open_data::routes())
        .merge(wechat::routes())
        .route_layer(from_fn_with_state(Arc::clone(&center), admit))
        .fallback(page::serve)
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(from_fn_with_state(Arc::clone(&center), shield))
        .with_state(center)
}
