//! Sensors from CSV: one row a sensor, the first line names the columns.

use super::load::{Problems, Row, SensorRows, check_columns};
use std::borrow::Cow;

/// Reads the rows of `text` into `rows`.
pub(super) fn read(file: &str, text: &str, rows: &mut SensorRows, problems: &mut Problems) {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
    let mut record = csv::StringRecord::new();
    let mut columns: Option<Vec<String>> = None;
    loop {
        match reader.read_record(&mut record) {
            Ok(true) => {}
            Ok(false) => break,
            Err(error) => {
                let line = error.position().map_or(1, |position| position.line() as usize);
                problems.error(file, (line, 1), format!("not CSV: {error}"));
                break;
            }
        }
        let (line, start) = record.position().map_or((1, 0), |at| (at.line() as usize, at.byte() as usize));
        let place = |field: usize| position(text, line, start, field);
        let Some(columns) = &columns else {
            let names: Vec<String> = record.iter().map(str::to_owned).collect();
            if !check_columns(file, &names, &place, problems) {
                return;
            }
            columns = Some(names);
            continue;
        };
        if record.len() != columns.len() {
            let message = format!("{} fields where the first line names {}", record.len(), columns.len());
            problems.error(file, (line, 1), message);
            continue;
        }
        let fields = columns.iter().zip(&record).map(|(name, value)| (name.as_str(), Cow::Borrowed(value))).collect();
        rows.add(&Row { file, fields, place: &place }, problems);
    }
}

/// The name of the first column.
pub(super) fn first_column(text: &str) -> &str {
    let head = text.strip_prefix('\u{feff}').unwrap_or(text);
    head.split([',', '\r', '\n']).next().unwrap_or_default().trim_matches('"')
}

/// Line and column, both from 1, at which a field of the record starting at byte `start` begins; only errors ask.
fn position(text: &str, line: usize, start: usize, field: usize) -> (usize, usize) {
    let (mut line, mut column, mut seen, mut quoted) = (line, 1, 0, false);
    // The reader counts a record from the end of the one before, so line breaks may come first.
    let record = text[start..].trim_start_matches(['\r', '\n']);
    for character in record.chars() {
        if seen == field {
            break;
        }
        column += 1;
        match character {
            '"' => quoted = !quoted,
            ',' if !quoted => seen += 1,
            '\n' => (line, column) = (line + 1, 1),
            _ => {}
        }
    }
    (line, column)
}
