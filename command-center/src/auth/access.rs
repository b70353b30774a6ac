//! The table of routes and roles. What is not in it is refused, and a test walks it.

use axum::http::Method;

/// What somebody may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// Sees everything and handles incidents.
    Operator,
}

/// Who may call a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// Anybody.
    Public,
    /// Who asks this machine from this machine, or anybody with a session.
    Local,
    /// Who is signed in with one of these roles.
    Roles(&'static [Role]),
}

use Access::{Local, Public, Roles};

const ALL: Access = Roles(&[Role::Operator]);
const OPERATOR: Access = Roles(&[Role::Operator]);

/// Method, path as the router has it, and who may.
pub(crate) const ROUTES: &[(Method, &str, Access)] = &[
    (Method::GET, "/api/v1/session", ALL),
    (Method::POST, "/api/v1/sign-out", ALL),
    (Method::GET, "/api/v1/overview", ALL),
    (Method::GET, "/api/v1/areas", ALL),
    (Method::GET, "/api/v1/areas.geojson", ALL),
    (Method::GET, "/api/v1/map/sensors", ALL),
    (Method::GET, "/api/v1/sensors", ALL),
    (Method::GET, "/api/v1/sensors/{id}", ALL),
    (Method::GET, "/api/v1/sensors/{id}/series", ALL),
    (Method::GET, "/api/v1/unknown-sensors", ALL),
    (Method::GET, "/api/v1/incidents", ALL),
    (Method::GET, "/api/v1/incidents/{id}", ALL),
    (Method::POST, "/api/v1/incidents/{id}/acknowledge", OPERATOR),
    (Method::GET, "/api/v1/rules/versions", ALL),
    (Method::GET, "/api/v1/live", ALL),
    (Method::GET, "/api/v1/feed/{domain}", ALL),
    (Method::GET, "/api/openapi.json", Public),
    (Method::GET, "/sign-in", Public),
    (Method::GET, "/health/live", Local),
    (Method::GET, "/health/ready", Local),
    (Method::GET, "/metrics", Local),
];

/// Who may call this route; `None` if it is not in the table. HEAD is as GET.
pub(crate) fn of(method: &Method, path: &str) -> Option<Access> {
    let method = if method == Method::HEAD { &Method::GET } else { method };
    ROUTES.iter().find(|(at, route, _)| at == method && *route == path).map(|(_, _, access)| *access)
}

impl Role {
    /// The role of this name.
    pub(crate) fn named(name: &str) -> Option<Role> {
        (name == Role::Operator.name()).then_some(Role::Operator)
    }

    /// Its name, in the store and in the API.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Role::Operator => "operator",
        }
    }
}
