//! Taking an appeal in: the appeal, its case or the case that it follows, and their events, in one transaction.
//!
//! The same key again is the same appeal: who got no answer is told the first one, and nothing is made twice.

use super::key;
use super::life::Appeal;
use super::step::{AppealFact, AppealStep, Channel, Received};
use crate::CenterError;
use crate::auth::role::Reach;
use crate::auth::secret::wall_ms;
use crate::center::Center;
use crate::command::case::Where;
use crate::command::citizen::{self, Known};
use crate::command::desk::{Writing, tell};
use crate::command::step::{By, Report, RuleLimits};
use crate::command::text::reason;
use crate::serve::known::speaks_of;
use crate::serve::merge::Matter;
use crate::store::appeals::{Reporter, find_appeal, keep_reporter, save_appeal};
use crate::store::cases::{find_case_within, next_number};
use crate::store::commit;
use crate::store::incidents::{newest_change, note_change};
use crate::store::outbox::{Waiting, push};
use bus::Topic;
use model::{AreaLevel, EventTime, Millis, Point, Severity};
use sqlx::AnyConnection;
use uuid::Uuid;

/// By what name the numbers of a day are counted.
pub(crate) const COUNTED: &str = "appeal";
/// How long name and telephone are kept, by the wall: until long after a case can be opened again.
pub(crate) const REPORTER_DAYS: i64 = 180;
/// Longest name, and telephone, in characters.
pub(crate) const NAME_MAX: usize = 64;
pub(crate) const PHONE_MAX: usize = 24;
/// Longest address of e-mail, device and account: what RFC 5321 allows an address.
const CONTACT_MAX: usize = 254;
/// Characters of the text that are a case's title.
const TITLE_CHARS: usize = 40;

/// What somebody says.
#[derive(Clone, Debug)]
pub(crate) struct NewAppeal {
    pub(crate) id: Uuid,
    /// What its reporter will show; never kept.
    pub(crate) secret: String,
    pub(crate) channel: Channel,
    pub(crate) class: String,
    pub(crate) text: String,
    /// WGS-84.
    pub(crate) point: Option<Point>,
    /// Code of a subdistrict, or of a district, where there is no point.
    pub(crate) area: Option<String>,
    pub(crate) danger: bool,
    /// The number or id of a case to follow; then it makes none.
    pub(crate) follows: Option<String>,
    pub(crate) reference: Option<String>,
    /// The account or token that takes it down for its reporter.
    pub(crate) taken_by: Option<String>,
    pub(crate) reporter: Reporter,
}

/// What became of it.
pub(crate) enum Taken {
    /// It is in.
    New(Box<Appeal>),
    /// It was in before.
    Known(Box<Appeal>),
    /// It does not fit; nothing was made.
    Refused(String),
}

/// Takes an appeal in.
pub(crate) async fn take_in(center: &Center, new: NewAppeal) -> Result<Taken, CenterError> {
    let place = match checked(center, &new) {
        Ok(place) => place,
        Err(why) => return Ok(Taken::Refused(why)),
    };
    let (Ok(text), at) = (reason(&new.text), center.now()) else {
        return Ok(Taken::Refused("say what it is, in 1 to 2,000 characters".to_owned()));
    };
    let mut writer = center.store.writer().await;
    let mut transaction = writer.begin().await?;
    if let Some(known) = find_appeal(&mut transaction, new.id).await? {
        return Ok(Taken::Known(Box::new(known)));
    }
    let followed = match &new.follows {
        None => None,
        Some(name) => match followed(&mut transaction, name).await? {
            Some(case) => Some(case),
            None => return Ok(Taken::Refused("there is no such open case to follow: report it anew".to_owned())),
        },
    };
    let number = number(&mut transaction, center, at).await?;
    let case = followed.unwrap_or_else(|| Uuid::new_v5(&new.id, b"case"));
    let said = Received {
        channel: new.channel,
        class: new.class,
        text,
        place,
        danger: new.danger,
        case,
        follows: followed.is_some(),
        reference: new.reference,
        taken_by: new.taken_by,
        secret_hash: key::hash(&new.secret),
    };
    let first = newest_change(&mut transaction).await?;
    let received = AppealStep { appeal: new.id, number, version: 1, at, what: AppealFact::Received(said) };
    let mut appeal = Appeal::begin(&received).expect("what was received begins an appeal");
    let mut steps = vec![received];
    let mut changed = Vec::new();
    if !appeal.said.follows {
        let known = match new.point {
            Some(point) => {
                let (id, class) = (appeal.id.to_string(), appeal.said.class.clone());
                speaks_of(
                    center,
                    &mut transaction,
                    &Matter { id, class, point, at },
                    appeal.said.place.district.as_deref(),
                )
                .await?
            }
            None => None,
        };
        let mut writing = Writing::new(center, &mut transaction, first);
        let by = By { name: appeal.reporter(), side: None, unit: None };
        let merged = citizen::open(&mut writing, center, (case, report(&appeal), by, at), known).await?;
        changed = writing.finish().await?;
        if let Some(Known::Case(of, likeness)) = known.filter(|_| merged) {
            steps.push(appeal.take(AppealFact::Merged { of, likeness }, at));
        }
    }
    save(&mut transaction, &appeal, &steps).await?;
    if new.reporter != Reporter::default() {
        keep_reporter(&mut transaction, appeal.id, &new.reporter, kept_until()).await?;
    }
    note_change(&mut transaction, first + changed.len() as u64).await?;
    commit(transaction).await?;
    changed.iter().for_each(|case| tell(center, case));
    drop(writer);
    center.outbox.notify_one();
    Ok(Taken::New(Box::new(appeal)))
}

/// Saves an appeal after these steps, which go to the outbox.
pub(crate) async fn save(
    connection: &mut AnyConnection,
    appeal: &Appeal,
    steps: &[AppealStep],
) -> Result<(), CenterError> {
    save_appeal(connection, appeal).await?;
    for step in steps {
        let event = Waiting {
            seq: 0,
            topic: Topic::Serve,
            key: step.appeal.to_string(),
            event_id: format!("{}/{}", step.appeal, step.version),
            kind: format!("org.citywatch.appeal.{}", step.what.name()),
            at: step.at,
            body: serde_json::to_string(step).expect("text and finite numbers always serialise"),
        };
        push(connection, &event).await?;
    }
    Ok(())
}

/// Until when what is personal is kept, of now.
pub(crate) fn kept_until() -> i64 {
    wall_ms() + REPORTER_DAYS * Millis::DAY.0
}

/// Where it is; or what does not fit.
fn checked(center: &Center, new: &NewAppeal) -> Result<Where, String> {
    if !center.duties.classes.contains_key(&new.class) {
        return Err(format!("there is no class \"{}\"", new.class));
    }
    let chars = |text: &str| text.chars().count();
    let Reporter { email, device, account, .. } = &new.reporter;
    if [email, device, account].into_iter().any(|text| chars(text) > CONTACT_MAX) {
        return Err(format!("an address of e-mail, a device and an account have {CONTACT_MAX} characters at most"));
    }
    if chars(&new.reporter.name) > NAME_MAX || chars(&new.reporter.phone) > PHONE_MAX {
        return Err(format!("a name has {NAME_MAX} and a telephone number {PHONE_MAX} characters at most"));
    }
    let city = center.city();
    let within = |code: &str| Where {
        lon: None,
        lat: None,
        district: city.areas.above(code, AreaLevel::District),
        subdistrict: city.areas.above(code, AreaLevel::Subdistrict),
    };
    let Some(point) = new.point else {
        let code = new.area.as_deref().ok_or("say where it is: lon and lat, or the code of an area")?;
        let place = within(code);
        return if place.district.is_some() { Ok(place) } else { Err(format!("there is no area \"{code}\"")) };
    };
    if !(-180.0..=180.0).contains(&point.lon) || !(-90.0..=90.0).contains(&point.lat) {
        return Err("lon and lat are degrees".to_owned());
    }
    let (lon, lat) = (Some(point.lon), Some(point.lat));
    // A city without outlines is told the area.
    let outlined = city.areas.place(point.lon, point.lat);
    let place = match (outlined, new.area.as_deref()) {
        (Some((district, subdistrict)), _) => Where { lon, lat, district, subdistrict },
        (None, Some(code)) => Where { lon, lat, ..within(code) },
        (None, None) => return Err("say the code of the area too: this city has no outlines".to_owned()),
    };
    if place.district.is_some() { Ok(place) } else { Err("this place is outside the city".to_owned()) }
}

/// Whether a place is within a reach. What lies nowhere is the city's.
pub(crate) fn is_within(center: &Center, reach: &Reach, point: Option<Point>, area: Option<&str>) -> bool {
    let city = center.city();
    let outlined = point.and_then(|point| city.areas.place(point.lon, point.lat));
    let (district, subdistrict) = outlined.unwrap_or_else(|| {
        let above = |level| area.and_then(|area| city.areas.above(area, level));
        (above(AreaLevel::District), above(AreaLevel::Subdistrict))
    });
    reach.sees(district.as_deref(), subdistrict.as_deref())
}

/// The open case that is meant to be followed.
async fn followed(connection: &mut AnyConnection, name: &str) -> Result<Option<Uuid>, CenterError> {
    let found = find_case_within(connection, name, &Reach::City).await?;
    Ok(found.ok().filter(|stored| stored.case.state.is_open()).map(|stored| stored.case.id))
}

/// The number of a new appeal: the day in the city, and a number of that day in five digits or more.
async fn number(connection: &mut AnyConnection, center: &Center, at: EventTime) -> Result<String, CenterError> {
    let day = jiff::Timestamp::from_millisecond(at.0).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    let day = center.working.zone.to_datetime(day).date().strftime("%Y%m%d").to_string();
    let number = next_number(connection, COUNTED, &day).await?;
    Ok(format!("{day}{number:05}"))
}

fn report(appeal: &Appeal) -> Report {
    let said = &appeal.said;
    let title: String = said.text.lines().next().unwrap_or_default().chars().take(TITLE_CHARS).collect();
    Report {
        source: "citizen".to_owned(),
        class: said.class.clone(),
        // What the title says whole is not said twice.
        description: if title == said.text { String::new() } else { said.text.clone() },
        title,
        domain: None,
        severity: if said.danger { Severity::Severe } else { Severity::Moderate },
        place: said.place.clone(),
        incident: None,
        rule: None,
        key: None,
        parent: None,
        limits: RuleLimits::default(),
    }
}
