//! Recorded readings from files: CSV `time,sensor,metric,value` and NDJSON, streamed, one observation at a time.
//!
//! Neighbouring rows of the same sensor and time are one observation. Memory holds one observation a file, whatever the
//! file's size. A malformed line ends the reading with its file, line and column: half a record is worse than none.
//! What the registry knows of sensors and metrics is not asked here.

use model::{Entry, EventTime, Reading};
use serde::Deserialize;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{self, BufRead, Read};

/// Longest line, in bytes: beyond it the file is refused, so that a file without line breaks cannot fill the memory.
const LINE_MAX: u64 = 1 << 20;

/// Recorded data that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// The file could not be read further.
    #[error("cannot read {file}")]
    Io {
        /// Its name.
        file: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A line is not what it should be.
    #[error("{file}:{line}:{column}: {message}")]
    Malformed {
        /// The file's name.
        file: String,
        /// Line, from 1.
        line: u64,
        /// Column in bytes, from 1.
        column: usize,
        /// What is wrong and what would be right.
        message: String,
    },
}

/// One recorded observation; its text is reused for the next one.
#[derive(Debug, Default)]
struct Observation {
    sensor: String,
    time: EventTime,
    seq: Option<u64>,
    /// The first `count` are valid.
    values: Vec<(String, f64)>,
    count: usize,
}

impl Observation {
    fn start(&mut self, sensor: &str, time: EventTime) {
        self.sensor.clear();
        self.sensor.push_str(sensor);
        self.time = time;
        self.seq = None;
        self.count = 0;
    }

    fn push(&mut self, metric: &str, value: f64) {
        match self.values.get_mut(self.count) {
            Some((name, held)) => {
                name.clear();
                name.push_str(metric);
                *held = value;
            }
            None => self.values.push((metric.to_owned(), value)),
        }
        self.count += 1;
    }

    fn has(&self, metric: &str) -> bool {
        self.values[..self.count].iter().any(|(name, _)| name == metric)
    }

    fn reading(&self) -> Reading<'_> {
        let values = self.values[..self.count].iter().map(|(name, value)| (Cow::Borrowed(name.as_str()), *value));
        Reading { sensor: Cow::Borrowed(&self.sensor), time: self.time, values: values.collect(), seq: self.seq }
    }
}

/// Where the four columns of a CSV file stand.
#[derive(Clone, Copy, Debug)]
struct Columns {
    time: usize,
    sensor: usize,
    metric: usize,
    value: usize,
}

#[derive(Clone, Copy, Debug)]
enum Format {
    Csv(Columns),
    Ndjson,
}

/// One file of recorded readings, in its own order.
#[derive(Debug)]
struct Source<R> {
    file: String,
    input: R,
    line: Vec<u8>,
    line_number: u64,
    bytes: u64,
    format: Format,
    /// The line in `line` was read and not looked at.
    holds_line: bool,
    current: Observation,
    /// The observation after this one, if its first row was read to find the end of this one.
    next: Observation,
    holds_next: bool,
    /// Text and value of the last time that was parsed: neighbours mostly share it.
    last_time: (Vec<u8>, EventTime),
}

impl<R: BufRead> Source<R> {
    fn open(file: String, input: R) -> Result<Source<R>, DataError> {
        let mut source = Source {
            file,
            input,
            line: Vec::new(),
            line_number: 0,
            bytes: 0,
            format: Format::Ndjson,
            holds_line: false,
            current: Observation::default(),
            next: Observation::default(),
            holds_next: false,
            last_time: (Vec::new(), EventTime::MIN),
        };
        if source.next_line()? {
            if source.line.starts_with(b"\xef\xbb\xbf") {
                source.line.drain(..3);
            }
            match source.line.first() {
                Some(b'{') => source.holds_line = true,
                _ => source.format = Format::Csv(source.head()?),
            }
        }
        Ok(source)
    }

    fn head(&self) -> Result<Columns, DataError> {
        let names = fields(&self.line).map_err(|column| self.malformed(column, "a quote is not closed"))?;
        let find = |wanted: &str| {
            let place = names.iter().position(|(_, name)| name.as_ref() == wanted.as_bytes());
            place.ok_or_else(|| {
                self.malformed(1, format!("no column {wanted}: expected time,sensor,metric,value, or JSON lines"))
            })
        };
        Ok(Columns { time: find("time")?, sensor: find("sensor")?, metric: find("metric")?, value: find("value")? })
    }

    /// Reads the next observation into `current`; false at the end of the file.
    fn advance(&mut self) -> Result<bool, DataError> {
        match self.format {
            Format::Ndjson => self.advance_json(),
            Format::Csv(columns) => self.advance_csv(columns),
        }
    }

    fn advance_json(&mut self) -> Result<bool, DataError> {
        while std::mem::take(&mut self.holds_line) || self.next_line()? {
            if self.line.is_empty() {
                continue;
            }
            match Entry::decode(&self.line) {
                Ok(Entry::Reading(reading)) => {
                    self.current.start(&reading.sensor, reading.time);
                    self.current.seq = reading.seq;
                    reading.values.iter().for_each(|(metric, value)| self.current.push(metric, *value));
                    return Ok(true);
                }
                // A dump of a log holds ticks and markers too; a feed makes its own.
                Ok(Entry::Tick(_) | Entry::Rest(_) | Entry::Marker(_)) => {}
                Err(_) => {
                    let reading: TextReading<'_> = serde_json::from_slice(&self.line).map_err(|error| {
                        self.malformed(error.column().max(1), format!("not an observation: {error}"))
                    })?;
                    let time = reading.time.parse().map_err(|error| self.malformed(1, format!("time {error}")))?;
                    self.current.start(&reading.sensor, time);
                    self.current.seq = reading.seq;
                    reading.values.iter().for_each(|(metric, value)| self.current.push(metric, *value));
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    fn advance_csv(&mut self, columns: Columns) -> Result<bool, DataError> {
        let mut begun = std::mem::take(&mut self.holds_next);
        if begun {
            std::mem::swap(&mut self.current, &mut self.next);
        }
        while std::mem::take(&mut self.holds_line) || self.next_line()? {
            if self.line.is_empty() {
                continue;
            }
            let line = std::mem::take(&mut self.line);
            let joined = self.csv_line(&line, columns, begun);
            self.line = line;
            match joined? {
                Joined::Taken => begun = true,
                Joined::Skipped => {}
                Joined::Next => {
                    self.holds_next = true;
                    return Ok(true);
                }
            }
        }
        Ok(begun)
    }

    fn csv_line(&mut self, line: &[u8], columns: Columns, begun: bool) -> Result<Joined, DataError> {
        let parts = fields(line).map_err(|column| self.malformed(column, "a quote is not closed"))?;
        let part = |index: usize| {
            let (column, bytes) = parts.get(index).ok_or_else(|| self.malformed(1, "too few fields"))?;
            match std::str::from_utf8(bytes) {
                Ok(text) => Ok((*column, text)),
                Err(_) => Err(self.malformed(*column, "not UTF-8")),
            }
        };
        let (time_column, time_text) = part(columns.time)?;
        let ((_, sensor), (_, metric)) = (part(columns.sensor)?, part(columns.metric)?);
        let (value_column, value_text) = part(columns.value)?;
        if value_text.is_empty() {
            return Ok(Joined::Skipped);
        }
        let value = match value_text.parse::<f64>() {
            Ok(value) if value.is_finite() => value,
            _ => return Err(self.malformed(value_column, format!("value is \"{value_text}\", not a finite number"))),
        };
        let time = if self.last_time.0 == time_text.as_bytes() {
            self.last_time.1
        } else {
            let time = instant(time_text).map_err(|message| self.malformed(time_column, message))?;
            self.last_time.0.clear();
            self.last_time.0.extend_from_slice(time_text.as_bytes());
            self.last_time.1 = time;
            time
        };
        if !begun {
            self.current.start(sensor, time);
        } else if self.current.time != time || self.current.sensor != sensor || self.current.has(metric) {
            self.next.start(sensor, time);
            self.next.push(metric, value);
            return Ok(Joined::Next);
        }
        self.current.push(metric, value);
        Ok(Joined::Taken)
    }

    /// Reads a line without its end into `line`; false at the end of the file.
    fn next_line(&mut self) -> Result<bool, DataError> {
        self.line.clear();
        let read = (&mut self.input).take(LINE_MAX).read_until(b'\n', &mut self.line);
        let read = read.map_err(|source| DataError::Io { file: self.file.clone(), source })? as u64;
        self.line_number += 1;
        self.bytes += read;
        if read == LINE_MAX && !self.line.ends_with(b"\n") {
            return Err(self.malformed(1, "the line is longer than 1 MiB"));
        }
        while matches!(self.line.last(), Some(b'\n' | b'\r')) {
            self.line.pop();
        }
        Ok(read > 0)
    }

    fn malformed(&self, column: usize, message: impl Into<String>) -> DataError {
        DataError::Malformed { file: self.file.clone(), line: self.line_number, column, message: message.into() }
    }
}

enum Joined {
    Taken,
    Skipped,
    Next,
}

/// An observation whose time is text, as devices may send it.
#[derive(Deserialize)]
struct TextReading<'a> {
    #[serde(borrow)]
    sensor: Cow<'a, str>,
    #[serde(borrow)]
    time: Cow<'a, str>,
    values: BTreeMap<String, f64>,
    #[serde(default)]
    seq: Option<u64>,
}

fn instant(text: &str) -> Result<EventTime, String> {
    match text.parse::<i64>() {
        Ok(milliseconds) => Ok(EventTime(milliseconds)),
        Err(_) => text.parse().map_err(|error| format!("time {error}")),
    }
}

/// A field's column from 1 and its bytes, without quotes.
type Field<'a> = (usize, Cow<'a, [u8]>);

/// Splits one line of CSV (RFC 4180, no line breaks inside quotes); the column of a quote that is never closed.
pub(crate) fn fields(line: &[u8]) -> Result<smallvec::SmallVec<[Field<'_>; 8]>, usize> {
    let mut found = smallvec::SmallVec::new();
    let mut at = 0;
    loop {
        let start = at;
        if line.get(at) == Some(&b'"') {
            let mut text = Vec::new();
            at += 1;
            loop {
                match (line.get(at), line.get(at + 1)) {
                    (None, _) => return Err(start + 1),
                    (Some(b'"'), Some(b'"')) => {
                        text.push(b'"');
                        at += 2;
                    }
                    (Some(b'"'), _) => break,
                    (Some(byte), _) => {
                        text.push(*byte);
                        at += 1;
                    }
                }
            }
            at += 1;
            found.push((start + 1, Cow::Owned(text)));
            if line.get(at).is_some_and(|byte| *byte != b',') {
                return Err(at + 1);
            }
        } else {
            let length = line[at..].iter().position(|byte| *byte == b',').unwrap_or(line.len() - at);
            found.push((start + 1, Cow::Borrowed(&line[at..at + length])));
            at += length;
        }
        if at >= line.len() {
            return Ok(found);
        }
        at += 1;
    }
}

/// Several files of recorded readings as one stream: each in its own order, merged by the time of their next reading; at
/// the same time the file named first goes first.
#[derive(Debug)]
pub struct Recording<R> {
    sources: Vec<Source<R>>,
    /// Whether the source at this place has an observation in hand.
    ready: Vec<bool>,
    /// The source whose observation was given out last.
    given: Option<usize>,
}

impl<R: BufRead> Recording<R> {
    /// A recording of these files, name and content each.
    ///
    /// # Errors
    /// A file that cannot be read, or whose first observation is malformed.
    pub fn open(files: impl IntoIterator<Item = (String, R)>) -> Result<Recording<R>, DataError> {
        let sources: Result<Vec<_>, _> = files.into_iter().map(|(name, input)| Source::open(name, input)).collect();
        let mut recording = Recording { sources: sources?, ready: Vec::new(), given: None };
        for source in &mut recording.sources {
            recording.ready.push(source.advance()?);
        }
        Ok(recording)
    }

    /// The next reading; none at the end of all files.
    ///
    /// # Errors
    /// A file that cannot be read further, or a malformed line.
    #[expect(clippy::should_implement_trait, reason = "the reading borrows from the recording, an iterator's may not")]
    pub fn next(&mut self) -> Result<Option<Reading<'_>>, DataError> {
        if let Some(given) = self.given.take() {
            self.ready[given] = self.sources[given].advance()?;
        }
        let ready = self.ready.iter().enumerate().filter(|(_, ready)| **ready).map(|(index, _)| index);
        self.given = ready.min_by_key(|index| (self.sources[*index].current.time, *index));
        Ok(self.given.map(|index| self.sources[index].current.reading()))
    }

    /// Bytes read so far, of all files.
    pub fn bytes_read(&self) -> u64 {
        self.sources.iter().map(|source| source.bytes).sum()
    }
}
