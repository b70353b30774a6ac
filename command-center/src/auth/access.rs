//! The table of routes, roles and scopes. What is not in it is refused, and a test walks it cell by cell.
//!
//! The area is no column here: routes about something that lies somewhere ask the store within the reach of who asks.

use super::role::{Role, Scope};
use crate::command::act::Kind;
use axum::http::Method;

/// Who may call a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// Anybody.
    Public,
    /// Who asks this machine from this machine, or somebody of the staff, or a token with this scope.
    Local(Scope),
    /// Who is signed in with one of these roles, or has a token with this scope.
    Roles(&'static [Role], Option<Scope>),
}

use Access::{Local, Public, Roles};
use Role::{Administrator, Dispatcher, Inspector, Operator, RuleEngineer, Supervisor, Unit};

/// Everybody who has an account.
const ALL: &[Role] = Role::ALL;
/// Everybody who works for the city.
const STAFF: &[Role] = &[Operator, Dispatcher, Unit, Inspector, Supervisor, RuleEngineer, Administrator];
const DESK: &[Role] = &[Operator, Dispatcher];
const ADMIN: &[Role] = &[Administrator];
/// Who may try rules and put them in force: people only, for each change has a name and a reason.
const ENGINEER: Access = Roles(&[RuleEngineer], None);
const MEASURED: Access = Roles(ALL, Some(Scope::SensorsRead));
/// Everybody who may have seen something of a case.
const HANDS: &[Role] = &[Operator, Dispatcher, Unit, Inspector, Supervisor];
const HANDLE: Option<Scope> = Some(Scope::CasesHandle);
const CASES: Access = Roles(STAFF, Some(Scope::CasesRead));
/// What a unit and those who supervise it talk over: people only.
const BOTH_SIDES: Access = Roles(&[Supervisor, Unit], None);
const SUPERVISES: Access = Roles(&[Supervisor], None);
/// Who draws the month's checks, and who makes the visits.
const CHECKS: Access = Roles(&[Supervisor, Inspector], None);
/// Who looks at what people and machines did.
const AUDITS: Access = Roles(&[Supervisor, Administrator], None);
const UNITS: Access = Roles(&[Unit], None);
/// Who leads deliberations and mediations, and who sees them.
const TALKS: Access = Roles(&[Operator, Supervisor], None);
const SEES_TALKS: Access = Roles(&[Operator, Dispatcher, Supervisor], None);
/// Who looks through what citizens said; a unit sees what was said of its cases.
const APPEALS: Access = Roles(&[Operator, Dispatcher, Inspector, Supervisor], None);
const INCIDENTS: Access = Roles(STAFF, Some(Scope::IncidentsRead));
/// Who plans who is on duty, and whom a chain tells.
const PLAN: Access = Roles(&[Dispatcher, Administrator], None);
/// Administrators all subscriptions, a token its own.
const SUBSCRIBE: Access = Roles(ADMIN, Some(Scope::FeedSubscribe));

/// Method, path as the router has it, and who may.
pub(crate) const ROUTES: &[(Method, &str, Access)] = &[
    (Method::GET, "/api/v1/session", Roles(ALL, None)),
    (Method::POST, "/api/v1/session/password", Roles(ALL, None)),
    (Method::POST, "/api/v1/sign-out", Roles(ALL, None)),
    (Method::GET, "/api/v1/accounts", Roles(ADMIN, None)),
    (Method::POST, "/api/v1/accounts", Roles(ADMIN, None)),
    (Method::POST, "/api/v1/accounts/{name}/disable", Roles(ADMIN, None)),
    (Method::POST, "/api/v1/accounts/{name}/enable", Roles(ADMIN, None)),
    (Method::POST, "/api/v1/accounts/{name}/password", Roles(ADMIN, None)),
    (Method::GET, "/api/v1/tokens", Roles(ADMIN, None)),
    (Method::POST, "/api/v1/tokens", Roles(ADMIN, None)),
    (Method::POST, "/api/v1/tokens/{id}/revoke", Roles(ADMIN, None)),
    (Method::GET, "/api/v1/overview", INCIDENTS),
    (Method::GET, "/api/v1/areas", MEASURED),
    (Method::GET, "/api/v1/areas.geojson", Public),
    (Method::GET, "/api/v1/areas/now", MEASURED),
    (Method::GET, "/api/v1/roads", MEASURED),
    (Method::GET, "/api/v1/basemap", Public),
    (Method::GET, "/api/v1/map/sensors", MEASURED),
    (Method::GET, "/api/v1/sensors", MEASURED),
    (Method::GET, "/api/v1/sensors/{id}", MEASURED),
    (Method::GET, "/api/v1/sensors/{id}/series", MEASURED),
    (Method::GET, "/api/v1/series", MEASURED),
    (Method::GET, "/api/v1/series/metrics", MEASURED),
    (Method::GET, "/api/v1/sensors/{id}/forecast", MEASURED),
    (Method::GET, "/api/v1/feeds", Roles(STAFF, Some(Scope::SensorsRead))),
    (Method::GET, "/api/v1/cells", Roles(STAFF, Some(Scope::SensorsRead))),
    (Method::GET, "/api/v1/unknown-sensors", Roles(STAFF, Some(Scope::SensorsRead))),
    (Method::GET, "/api/v1/incidents", INCIDENTS),
    (Method::GET, "/api/v1/incidents/tail", INCIDENTS),
    (Method::GET, "/api/v1/incidents/{id}", INCIDENTS),
    (Method::POST, "/api/v1/incidents/{id}/acknowledge", Roles(DESK, Some(Scope::IncidentsAct))),
    (Method::POST, "/api/v1/incidents/{id}/shelve", Roles(DESK, None)),
    (Method::POST, "/api/v1/incidents/{id}/suppress", Roles(DESK, None)),
    (Method::POST, "/api/v1/incidents/{id}/out-of-service", Roles(DESK, None)),
    (Method::POST, "/api/v1/incidents/{id}/assign", Roles(DESK, None)),
    (Method::GET, "/api/v1/asides", INCIDENTS),
    (Method::POST, "/api/v1/asides/{id}/end", Roles(DESK, None)),
    (Method::GET, "/api/v1/maintenance", INCIDENTS),
    (Method::POST, "/api/v1/maintenance", Roles(DESK, None)),
    (Method::POST, "/api/v1/maintenance/{id}/end", Roles(DESK, None)),
    (Method::POST, "/api/v1/incidents/{id}/case", Roles(DESK, Some(Scope::IncidentsAct))),
    (Method::GET, "/api/v1/cases", CASES),
    (Method::POST, "/api/v1/cases", Roles(&[Operator, Inspector], None)),
    (Method::GET, "/api/v1/cases/{id}", CASES),
    (Method::POST, "/api/v1/cases/{id}/evidence", Roles(HANDS, Some(Scope::CasesHandle))),
    (Method::GET, "/api/v1/cases/{id}/evidence/{hash}", CASES),
    (Method::POST, "/api/v1/cases/{id}/verify", Roles(Kind::Verify.roles(), None)),
    (Method::POST, "/api/v1/cases/{id}/register", Roles(Kind::Register.roles(), None)),
    (Method::POST, "/api/v1/cases/{id}/put-outside", Roles(Kind::PutOutside.roles(), None)),
    (Method::POST, "/api/v1/cases/{id}/review-outside", Roles(Kind::ReviewOutside.roles(), None)),
    (Method::POST, "/api/v1/cases/{id}/dispatch", Roles(Kind::Dispatch.roles(), None)),
    (Method::POST, "/api/v1/cases/{id}/accept", Roles(Kind::Accept.roles(), HANDLE)),
    (Method::POST, "/api/v1/cases/{id}/return", Roles(Kind::Return.roles(), HANDLE)),
    (Method::POST, "/api/v1/cases/{id}/feedback", Roles(Kind::Feedback.roles(), HANDLE)),
    (Method::POST, "/api/v1/cases/{id}/ask-extension", Roles(Kind::AskExtension.roles(), HANDLE)),
    (Method::POST, "/api/v1/cases/{id}/grant-extension", Roles(Kind::GrantExtension.roles(), None)),
    (Method::POST, "/api/v1/cases/{id}/refuse-extension", Roles(Kind::RefuseExtension.roles(), None)),
    (Method::POST, "/api/v1/cases/{id}/suspend", Roles(Kind::Suspend.roles(), None)),
    (Method::POST, "/api/v1/cases/{id}/resume", Roles(Kind::Resume.roles(), None)),
    (Method::POST, "/api/v1/cases/{id}/check", Roles(Kind::Check.roles(), None)),
    (Method::POST, "/api/v1/cases/{id}/close-cleared", Roles(Kind::CloseCleared.roles(), None)),
    (Method::POST, "/api/v1/cases/{id}/void", Roles(Kind::Void.roles(), None)),
    (Method::POST, "/api/v1/cases/{id}/unmerge", Roles(Kind::Unmerge.roles(), None)),
    (Method::POST, "/api/v1/cases/{id}/separate", Roles(Kind::Separate.roles(), None)),
    (Method::POST, "/api/v1/cases/{id}/urge", Roles(Kind::Urge.roles(), None)),
    (Method::POST, "/api/v1/cases/{id}/transfer", Roles(Kind::Transfer.roles(), None)),
    (Method::POST, "/api/v1/cases/{id}/evaluate", Roles(Kind::Evaluate.roles(), None)),
    (Method::POST, "/api/v1/cases/{id}/reopen", Roles(Kind::Reopen.roles(), None)),
    (Method::POST, "/api/v1/cases/{id}/note", Roles(Kind::Note.roles(), HANDLE)),
    (Method::POST, "/api/v1/cases/{id}/whistle", Roles(Kind::Whistle.roles(), None)),
    (Method::POST, "/api/v1/cases/{id}/report-in", Roles(Kind::ReportIn.roles(), HANDLE)),
    (Method::POST, "/api/v1/cases/{id}/do-task", Roles(Kind::DoTask.roles(), HANDLE)),
    (Method::POST, "/api/v1/cases/{id}/add-part", Roles(Kind::AddPart.roles(), None)),
    (Method::GET, "/api/v1/cases/{id}/appeals", CASES),
    (Method::GET, "/api/v1/appeals", APPEALS),
    (Method::GET, "/api/v1/appeals/classes", Public),
    (Method::GET, "/api/v1/appeals/near", Public),
    (Method::POST, "/api/v1/appeals", Public),
    (Method::GET, "/api/v1/appeals/{number}", Public),
    (Method::POST, "/api/v1/appeals/{number}/photos", Public),
    (Method::POST, "/api/v1/appeals/{number}/rating", Public),
    (Method::POST, "/api/v1/appeals/{number}/reopen", Public),
    (Method::GET, "/api/v1/appeals/{number}/contact", Roles(&[Operator, Unit], None)),
    (Method::POST, "/api/v1/appeals/import", Roles(&[Operator], Some(Scope::AppealsWrite))),
    (Method::GET, "/api/v1/appeals/refused", Roles(&[Operator], None)),
    (Method::GET, "/api/v1/appeals/outside-duty", Roles(&[Operator, Inspector, Supervisor], None)),
    (Method::GET, "/api/v1/open311/servers", Roles(&[Operator, Administrator], None)),
    (Method::GET, "/open311/v2/{document}", Public),
    (Method::POST, "/open311/v2/{document}", Public),
    (Method::GET, "/open311/v2/services/{document}", Public),
    (Method::GET, "/open311/v2/requests/{document}", Public),
    (Method::GET, "/open311/v2/tokens/{document}", Public),
    (Method::GET, "/wechat/messages", Public),
    (Method::POST, "/wechat/messages", Public),
    (Method::GET, "/open-data/{document}", Public),
    (Method::GET, "/sensorthings/v1.1", Public),
    (Method::GET, "/sensorthings/v1.1/{set}", Public),
    (Method::GET, "/sensorthings/v1.1/{set}/{of}", Public),
    (Method::GET, "/api/v1/classes", CASES),
    (Method::GET, "/api/v1/units", CASES),
    (Method::GET, "/api/v1/duties", CASES),
    (Method::GET, "/api/v1/analyze/hotspots", INCIDENTS),
    (Method::GET, "/api/v1/analyze/forecasts", MEASURED),
    (Method::GET, "/api/v1/analyze/repeats", INCIDENTS),
    (Method::GET, "/api/v1/analyze/verdicts", CASES),
    (Method::GET, "/api/v1/analyze/verdicts/cases", CASES),
    (
        Method::GET,
        "/api/v1/analyze/alarms",
        Roles(&[Operator, Dispatcher, Supervisor, RuleEngineer, Administrator], None),
    ),
    (Method::GET, "/api/v1/supervise/live", Roles(STAFF, None)),
    (Method::GET, "/api/v1/supervise/months/{month}", Roles(STAFF, None)),
    (Method::GET, "/api/v1/supervise/months/{month}/report.csv", Roles(STAFF, None)),
    (Method::GET, "/api/v1/supervise/months/{month}/report.pdf", Roles(STAFF, None)),
    (Method::GET, "/api/v1/audit", AUDITS),
    (Method::GET, "/api/v1/audit/verify", AUDITS),
    (Method::GET, "/api/v1/month-checks", CHECKS),
    (Method::POST, "/api/v1/month-checks", SUPERVISES),
    (Method::GET, "/api/v1/month-checks/{id}", CHECKS),
    (Method::POST, "/api/v1/month-checks/{id}/visit", Roles(&[Inspector], None)),
    (Method::GET, "/api/v1/scores", Roles(STAFF, None)),
    (Method::POST, "/api/v1/scores", SUPERVISES),
    (Method::GET, "/api/v1/scores/{id}", Roles(STAFF, None)),
    (Method::GET, "/api/v1/findings", BOTH_SIDES),
    (Method::POST, "/api/v1/findings", SUPERVISES),
    (Method::GET, "/api/v1/interviews", BOTH_SIDES),
    (Method::POST, "/api/v1/interviews", SUPERVISES),
    (Method::GET, "/api/v1/interviews/{id}", BOTH_SIDES),
    (Method::POST, "/api/v1/interviews/{id}/answer", UNITS),
    (Method::POST, "/api/v1/interviews/{id}/hold", SUPERVISES),
    (Method::POST, "/api/v1/interviews/{id}/decide", SUPERVISES),
    (Method::POST, "/api/v1/interviews/{id}/follow-up", SUPERVISES),
    (Method::POST, "/api/v1/interviews/{id}/withdraw", SUPERVISES),
    (Method::GET, "/api/v1/objections", BOTH_SIDES),
    (Method::POST, "/api/v1/objections", UNITS),
    (Method::GET, "/api/v1/objections/{id}", BOTH_SIDES),
    (Method::POST, "/api/v1/objections/{id}/review", SUPERVISES),
    (Method::POST, "/api/v1/objections/{id}/ask-again", UNITS),
    (Method::POST, "/api/v1/objections/{id}/withdraw", UNITS),
    (Method::GET, "/api/v1/cases/{id}/deductions", BOTH_SIDES),
    (Method::GET, "/api/v1/public/deliberations", Public),
    (Method::GET, "/api/v1/deliberations", SEES_TALKS),
    (Method::POST, "/api/v1/deliberations", TALKS),
    (Method::GET, "/api/v1/deliberations/{id}", SEES_TALKS),
    (Method::GET, "/api/v1/deliberations/{id}/people", TALKS),
    (Method::POST, "/api/v1/deliberations/{id}/material", TALKS),
    (Method::POST, "/api/v1/deliberations/{id}/opinion", TALKS),
    (Method::POST, "/api/v1/deliberations/{id}/call-vote", TALKS),
    (Method::POST, "/api/v1/deliberations/{id}/vote", TALKS),
    (Method::POST, "/api/v1/deliberations/{id}/conclude", TALKS),
    (Method::POST, "/api/v1/deliberations/{id}/publish", SUPERVISES),
    (Method::POST, "/api/v1/deliberations/{id}/withdraw", TALKS),
    (Method::GET, "/api/v1/mediations", SEES_TALKS),
    (Method::POST, "/api/v1/mediations", TALKS),
    (Method::GET, "/api/v1/mediations/{id}", SEES_TALKS),
    (Method::GET, "/api/v1/mediations/{id}/people", TALKS),
    (Method::POST, "/api/v1/mediations/{id}/hold", TALKS),
    (Method::POST, "/api/v1/mediations/{id}/agree", TALKS),
    (Method::POST, "/api/v1/mediations/{id}/perform", TALKS),
    (Method::POST, "/api/v1/mediations/{id}/refer", TALKS),
    (Method::POST, "/api/v1/mediations/{id}/withdraw", TALKS),
    (Method::GET, "/api/v1/public/notices", Public),
    (Method::GET, "/api/v1/public-notices", SEES_TALKS),
    (Method::POST, "/api/v1/public-notices", Roles(DESK, None)),
    (Method::GET, "/api/v1/public-notices/{id}", SEES_TALKS),
    (Method::POST, "/api/v1/public-notices/{id}/withdraw", Roles(DESK, None)),
    (Method::GET, "/api/v1/rules/versions", INCIDENTS),
    (Method::GET, "/api/v1/rules/versions/{version}", Roles(STAFF, None)),
    (Method::GET, "/api/v1/rules/language", ENGINEER),
    (Method::POST, "/api/v1/rules/check", ENGINEER),
    (Method::POST, "/api/v1/rules/test", ENGINEER),
    (Method::POST, "/api/v1/rules/lint", ENGINEER),
    (Method::POST, "/api/v1/rules/backtests", ENGINEER),
    (Method::GET, "/api/v1/rules/backtests/{id}", ENGINEER),
    (Method::POST, "/api/v1/rules/backtests/{id}/cancel", ENGINEER),
    (Method::POST, "/api/v1/rules/apply", ENGINEER),
    (Method::POST, "/api/v1/rules/versions/{version}/rollback", ENGINEER),
    (Method::GET, "/api/v1/rules/why-not", ENGINEER),
    (Method::GET, "/api/v1/incidents/{id}/explanation", Roles(STAFF, None)),
    (Method::GET, "/api/v1/live", INCIDENTS),
    (Method::GET, "/api/v1/feed/{domain}", Roles(STAFF, Some(Scope::FeedRead))),
    (Method::GET, "/api/v1/subscriptions", SUBSCRIBE),
    (Method::POST, "/api/v1/subscriptions", SUBSCRIBE),
    (Method::GET, "/api/v1/subscriptions/{id}", SUBSCRIBE),
    (Method::GET, "/api/v1/subscriptions/{id}/deliveries", SUBSCRIBE),
    (Method::POST, "/api/v1/subscriptions/{id}/pause", SUBSCRIBE),
    (Method::POST, "/api/v1/subscriptions/{id}/resume", SUBSCRIBE),
    (Method::POST, "/api/v1/subscriptions/{id}/end", SUBSCRIBE),
    (Method::POST, "/api/v1/subscriptions/{id}/rotate-secret", SUBSCRIBE),
    (Method::POST, "/api/v1/subscriptions/{id}/test", SUBSCRIBE),
    (Method::POST, "/api/v1/subscriptions/{id}/resend", SUBSCRIBE),
    (Method::GET, "/api/v1/rosters", Roles(STAFF, None)),
    (Method::POST, "/api/v1/rosters", PLAN),
    (Method::GET, "/api/v1/rosters/{id}", Roles(STAFF, None)),
    (Method::POST, "/api/v1/rosters/{id}", PLAN),
    (Method::POST, "/api/v1/rosters/{id}/end", PLAN),
    (Method::POST, "/api/v1/rosters/{id}/override", PLAN),
    (Method::POST, "/api/v1/rosters/{id}/override/{override}/end", PLAN),
    (Method::POST, "/api/v1/rosters/{id}/handover", Roles(STAFF, None)),
    (Method::GET, "/api/v1/chains", Roles(STAFF, None)),
    (Method::POST, "/api/v1/chains", PLAN),
    (Method::POST, "/api/v1/chains/{id}", PLAN),
    (Method::POST, "/api/v1/chains/{id}/end", PLAN),
    (Method::GET, "/api/v1/contacts", Roles(ADMIN, None)),
    (Method::POST, "/api/v1/contacts", Roles(ADMIN, None)),
    (Method::GET, "/api/v1/contacts/{id}/deliveries", Roles(ADMIN, None)),
    (Method::POST, "/api/v1/contacts/{id}/end", Roles(ADMIN, None)),
    (Method::POST, "/api/v1/contacts/{id}/test", Roles(ADMIN, None)),
    (Method::POST, "/api/v1/contacts/{id}/resend", Roles(ADMIN, None)),
    (Method::GET, "/api/v1/notices", Roles(STAFF, None)),
    (Method::POST, "/api/v1/notices/read", Roles(STAFF, None)),
    (Method::GET, "/api/v1/notices/sent", Roles(&[Dispatcher, Supervisor, Administrator], None)),
    (Method::GET, "/api/v1/storms", INCIDENTS),
    (Method::GET, "/api/openapi.json", Public),
    (Method::GET, "/sign-in", Public),
    (Method::POST, "/api/v1/sign-in", Public),
    (Method::GET, "/api/v1/sign-in/ways", Public),
    (Method::GET, "/api/v1/sign-in/oidc", Public),
    (Method::GET, "/api/v1/sign-in/oidc/callback", Public),
    (Method::GET, "/health/live", Local(Scope::MetricsRead)),
    (Method::GET, "/health/ready", Local(Scope::MetricsRead)),
    (Method::GET, "/metrics", Local(Scope::MetricsRead)),
];

/// Routes about the whole city, whatever they name: accounts, tokens and contacts reach as far as they say, so that only
/// who sees the whole city gives them out; the audit is one chain.
const WHOLE_CITY: &[&str] = &["/api/v1/accounts", "/api/v1/tokens", "/api/v1/contacts", "/api/v1/audit"];

/// Whether a route is only for who sees the whole city.
pub(crate) fn is_of_the_city(path: &str) -> bool {
    WHOLE_CITY.iter().any(|begin| path.strip_prefix(begin).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
}

/// Who may call this route; `None` if it is not in the table. HEAD is as GET.
pub(crate) fn of(method: &Method, path: &str) -> Option<Access> {
    let method = if method == Method::HEAD { &Method::GET } else { method };
    ROUTES.iter().find(|(at, route, _)| at == method && *route == path).map(|(_, _, access)| *access)
}

impl Access {
    /// Whether these roles may.
    pub(crate) fn admits(self, roles: &[Role]) -> bool {
        match self {
            Public => true,
            Local(_) => roles.iter().any(|role| STAFF.contains(role)),
            Roles(admitted, _) => roles.iter().any(|role| admitted.contains(role)),
        }
    }

    /// Whether a token with these scopes may.
    pub(crate) fn admits_token(self, scopes: &[Scope]) -> bool {
        match self {
            Public => true,
            Local(scope) | Roles(_, Some(scope)) => scopes.contains(&scope),
            Roles(_, None) => false,
        }
    }
}

/// The table as a page of Markdown.
pub(crate) fn table() -> String {
    let names: Vec<&str> = Role::ALL.iter().map(|role| role.name()).collect();
    let mut text = format!("| route | {} | token |\n|---|{}---|\n", names.join(" | "), "---|".repeat(names.len()));
    for (method, path, access) in ROUTES {
        let cell = |role: &Role| if access.admits(&[*role]) { "yes" } else { "" };
        let cells: Vec<&str> = Role::ALL.iter().map(cell).collect();
        let token = match access {
            Public => "(nobody is asked)",
            Local(scope) | Roles(_, Some(scope)) => scope.name(),
            Roles(_, None) => "",
        };
        text.push_str(&format!("| `{method} {path}` | {} | {token} |\n", cells.join(" | ")));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_act_on_a_case_has_its_route() {
        for kind in Kind::ALL {
            let path = format!("/api/v1/cases/{{id}}/{}", kind.name());
            let access = of(&Method::POST, &path).unwrap_or_else(|| panic!("{path} is missing"));
            assert!(matches!(access, Roles(roles, _) if roles == kind.roles()), "{path}");
        }
    }
}
