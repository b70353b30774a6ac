//! Labelled events: what was known to have happened, to score rules against.

use crate::data::{DataError, fields};
use model::{EventTime, Millis};

/// One known event: a row of `start,end,domain,key,name`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// When it began.
    pub start: EventTime,
    /// When it ended, itself included.
    pub end: EventTime,
    /// The domain that should have noticed.
    pub domain: String,
    /// A sensor, an area, or `*` for anywhere.
    pub key: String,
    /// What it was.
    pub name: String,
}

impl Label {
    /// Whether [from, to] touches the event, widened by `tolerance` on both sides.
    pub fn touches(&self, from: EventTime, to: EventTime, tolerance: Millis) -> bool {
        from <= self.end + tolerance && self.start - tolerance <= to
    }
}

/// Reads the text of a labels file; `file` is its name in errors.
///
/// # Errors
/// The first malformed line.
pub fn read_labels(file: &str, text: &str) -> Result<Vec<Label>, DataError> {
    let malformed = |line: usize, column: usize, message: String| DataError::Malformed {
        file: file.to_owned(),
        line: line as u64 + 1,
        column,
        message,
    };
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut labels = Vec::new();
    let mut columns: Option<[usize; 5]> = None;
    for (number, line) in text.lines().enumerate() {
        if line.is_empty() {
            continue;
        }
        let parts = fields(line.as_bytes())
            .map_err(|column| malformed(number, column, "a quote is not closed where the field ends".to_owned()))?;
        let Some(columns) = columns else {
            let find = |wanted: &str| {
                let place = parts.iter().position(|(_, name)| name.as_ref() == wanted.as_bytes());
                place.ok_or_else(|| {
                    malformed(number, 1, format!("no column {wanted}: expected start,end,domain,key,name"))
                })
            };
            columns = Some([find("start")?, find("end")?, find("domain")?, find("key")?, find("name")?]);
            continue;
        };
        let field = |which: usize| match parts.get(columns[which]) {
            Some((column, bytes)) => Ok((*column, String::from_utf8_lossy(bytes).into_owned())),
            None => Err(malformed(number, 1, "too few fields".to_owned())),
        };
        let time = |which: usize| {
            let (column, text) = field(which)?;
            text.parse::<EventTime>().map_err(|error| malformed(number, column, error.to_string()))
        };
        let (start, end) = (time(0)?, time(1)?);
        if end < start {
            return Err(malformed(number, field(1)?.0, "the end is before the start".to_owned()));
        }
        labels.push(Label { start, end, domain: field(2)?.1, key: field(3)?.1, name: field(4)?.1 });
    }
    Ok(labels)
}
