//! The hotline's list: CSV, a line an appeal. Bad lines are kept whole with the reason; the others are taken all the same.
//!
//! A line is one appeal by its reference, so that a list can be sent again after it was mended, and none is taken twice.

use super::intake::{NewAppeal, Taken, is_within, kept_until, take_in};
use super::key;
use super::step::Channel;
use crate::CenterError;
use crate::auth::role::Reach;
use crate::auth::secret;
use crate::center::Center;
use crate::store::appeals::{RefusedLine, Reporter, keep_line};
use crate::store::commit;
use model::{Datum, Point};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// Lines of one list at most; what is beyond is refused as a whole, so that nothing is left out unseen.
const LINES_MAX: usize = 10_000;
/// Longest reference, in characters.
const REFERENCE_MAX: usize = 64;

/// What became of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = ImportedAppeals)]
pub struct Imported {
    /// Those that are new, in the order of the list, each with the secret that its reporter is told.
    pub taken: Vec<TakenLine>,
    /// How many of those are handled as one with what was known.
    pub merged: usize,
    /// How many were in before.
    pub known: usize,
    /// Those that could not be taken.
    pub refused: Vec<Refused>,
}

/// A line that was taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = TakenLine)]
pub struct TakenLine {
    /// The list's.
    pub reference: String,
    /// The appeal's.
    pub number: String,
    /// What its reporter is told, this once.
    pub secret: String,
}

/// A line that was not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = RefusedLineReason)]
pub struct Refused {
    /// Its place in the list; the head is 1.
    pub line: u64,
    /// Why.
    pub reason: String,
}

#[derive(Deserialize)]
struct Row {
    reference: String,
    class: String,
    text: String,
    #[serde(default)]
    lon: Option<f64>,
    #[serde(default)]
    lat: Option<f64>,
    #[serde(default)]
    datum: Option<String>,
    #[serde(default)]
    area: Option<String>,
    #[serde(default)]
    danger: Option<String>,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    phone: Option<String>,
}

/// Takes a list in, in the name of `by`, within a reach; `Err` if it is no such list.
pub(crate) async fn import(
    center: &Center,
    text: &str,
    by: &str,
    reach: &Reach,
) -> Result<Result<Imported, String>, CenterError> {
    let text = text.trim_start_matches('\u{feff}');
    let mut reader = csv::ReaderBuilder::new().flexible(true).trim(csv::Trim::All).from_reader(text.as_bytes());
    let head = match reader.headers() {
        Ok(head) => head.clone(),
        Err(error) => return Ok(Err(format!("the list cannot be read: {error}"))),
    };
    if let Some(column) =
        ["reference", "class", "text"].into_iter().find(|column| !head.iter().any(|has| has == *column))
    {
        return Ok(Err(format!("the list has no column \"{column}\": its head names the columns")));
    }
    let records: Vec<csv::StringRecord> = match reader.records().take(LINES_MAX + 1).collect() {
        Ok(records) => records,
        Err(error) => return Ok(Err(format!("the list cannot be read: {error}"))),
    };
    if records.len() > LINES_MAX {
        return Ok(Err(format!("a list has {LINES_MAX} lines at most: send it in parts")));
    }
    let mut imported = Imported::default();
    for record in records {
        let line = record.position().map_or(0, csv::Position::line);
        let read = if record.len() == head.len() {
            record.deserialize::<Row>(Some(&head)).map_err(|error| error.to_string())
        } else {
            Err(format!("it has {} fields, and the head {}", record.len(), head.len()))
        };
        let taken = match read.and_then(|row| appeal(center, row, by, reach)) {
            Ok((reference, new)) => {
                let new_secret = new.secret.clone();
                match take_in(center, new).await? {
                    Taken::New(appeal) => {
                        imported.merged += usize::from(appeal.likeness.is_some());
                        Ok(Some(TakenLine { reference, number: appeal.number, secret: new_secret }))
                    }
                    Taken::Known(_) => Ok(None),
                    Taken::Refused(why) => Err(why),
                }
            }
            Err(why) => Err(why),
        };
        match taken {
            Ok(Some(taken)) => imported.taken.push(taken),
            Ok(None) => imported.known += 1,
            Err(reason) => {
                keep(center, line, &record, &reason, by).await?;
                imported.refused.push(Refused { line, reason });
            }
        }
    }
    Ok(Ok(imported))
}

/// A line as an appeal, with its reference.
fn appeal(center: &Center, row: Row, by: &str, reach: &Reach) -> Result<(String, NewAppeal), String> {
    let Row { reference, class, text, lon, lat, datum, area, danger, name, phone } = row;
    if reference.is_empty() || reference.chars().count() > REFERENCE_MAX {
        return Err(format!("a reference has 1 to {REFERENCE_MAX} characters"));
    }
    let datum = datum.unwrap_or_default();
    let datum = if datum.is_empty() { Some(Datum::Unknown) } else { Datum::parse(&datum) };
    let datum = datum.ok_or("the datum is one of wgs84, gcj02, bd09")?;
    let point = match (lon, lat) {
        (None, None) => None,
        (Some(lon), Some(lat)) => {
            let (lon, lat) = datum.to_wgs84(lon, lat);
            Some(Point { lon, lat, datum_unknown: datum == Datum::Unknown })
        }
        _ => return Err("lon and lat go together".to_owned()),
    };
    let area = area.filter(|area| !area.is_empty());
    if !is_within(center, reach, point, area.as_deref()) {
        return Err("the place is outside the areas of who sends the list".to_owned());
    }
    let (_, secret) = key::of_key(&secret::new().map_err(|error| error.to_string())?);
    let new = NewAppeal {
        id: key::of_reference(&reference),
        secret,
        channel: Channel::Hotline,
        class,
        text,
        point,
        area,
        danger: danger.is_some_and(|danger| ["1", "yes", "true", "是"].contains(&danger.as_str())),
        follows: None,
        reference: Some(reference.clone()),
        taken_by: Some(by.to_owned()),
        reporter: Reporter { name: name.unwrap_or_default(), phone: phone.unwrap_or_default(), ..Reporter::default() },
    };
    Ok((reference, new))
}

/// Keeps a line that was refused. The same line again, refused for the same reason, is there already.
async fn keep(
    center: &Center,
    line: u64,
    record: &csv::StringRecord,
    reason: &str,
    by: &str,
) -> Result<(), CenterError> {
    let mut writer = csv::WriterBuilder::new().flexible(true).from_writer(Vec::new());
    // Writing to memory does not fail.
    let _ = writer.write_record(record);
    let body = String::from_utf8_lossy(&writer.into_inner().unwrap_or_default()).trim_end().to_owned();
    let kept = RefusedLine {
        id: Uuid::new_v5(&Uuid::NAMESPACE_OID, format!("line/{reason}/{body}").as_bytes()).to_string(),
        refused_at: center.now().0,
        by: by.to_owned(),
        line: line as i64,
        reason: reason.to_owned(),
        body,
    };
    let mut writer = center.store.writer().await;
    let mut transaction = writer.begin().await?;
    keep_line(&mut transaction, &kept, kept_until()).await?;
    commit(transaction).await
}
