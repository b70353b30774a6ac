//! Appeals that are taken to the city for somebody else: by an operator who takes a call, or by the hotline's own program
//! with a key; with the number of a list, the datum of a map and the way by which it came. Whoever is neither reports as
//! everybody does.

use super::appeals::NewAppealBody;
use super::problem::Problem;
use crate::auth::guard::{is_same_origin, who};
use crate::auth::role::{Role, Scope};
use crate::auth::who::Who;
use crate::center::Center;
use axum::http::{HeaderMap, StatusCode};
use model::{Datum, Point};

/// Longest number of another list, in characters.
const REFERENCE_MAX: usize = 64;

/// Who says it, where something is said that only an operator or a machine with a key may say; none where nothing is.
pub(super) async fn taker(center: &Center, headers: &HeaderMap, new: &NewAppealBody) -> Result<Option<Who>, Problem> {
    if new.reference.is_none() && new.datum.is_none() && new.channel.is_none() {
        return Ok(None);
    }
    // A browser sends its cookie by itself, whoever wrote the page.
    let is_operator = |who: &Who| who.roles.contains(&Role::Operator) && is_same_origin(headers);
    let may = |who: &Who| if who.is_token() { who.scopes.contains(&Scope::AppealsWrite) } else { is_operator(who) };
    let text =
        "reference, datum and channel are for operators, and for machines with a token of the scope appeals:write";
    let who = who(center, headers).await?.filter(may);
    let who = who.ok_or_else(|| Problem::new(StatusCode::FORBIDDEN, text))?;
    match new.reference.as_ref().map(|reference| reference.chars().count()) {
        Some(count) if !(1..=REFERENCE_MAX).contains(&count) => {
            Err(Problem::bad(format!("a reference has 1 to {REFERENCE_MAX} characters")))
        }
        _ => Ok(Some(who)),
    }
}

/// A point in WGS-84 of one in a datum.
pub(super) fn placed(point: (Option<f64>, Option<f64>), datum: Option<&str>) -> Result<Option<Point>, Problem> {
    let (lon, lat) = match point {
        (Some(lon), Some(lat)) => (lon, lat),
        (None, None) => return Ok(None),
        _ => return Err(Problem::bad("lon and lat are degrees, and go together")),
    };
    let known = datum.map_or(Some(Datum::Wgs84), Datum::parse);
    let known = known.ok_or_else(|| Problem::bad("the datum is one of wgs84, gcj02, bd09"))?;
    let (lon, lat) = known.to_wgs84(lon, lat);
    Ok(Some(Point { lon, lat, datum_unknown: known == Datum::Unknown }))
}
