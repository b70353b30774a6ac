//! What is wrong with a file, where, and how to mend it.

use std::fmt;
use std::ops::Range;
use unicode_width::UnicodeWidthChar;

/// Diagnostics beyond this many are counted, not kept: nobody reads so many, and a generated file could hold millions.
const MAX_KEPT: usize = 500;
/// Of a longer source line only a part around the offending text is shown, in characters.
const MAX_SHOWN: usize = 160;

/// How bad a diagnostic is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// The file is not usable.
    Error,
    /// The file is usable, and is probably not what was meant.
    Warning,
}

/// One thing that is wrong with a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// How bad it is.
    pub level: Level,
    /// Path of the file as it was given.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// Text of the line without its end.
    pub source: String,
    /// How many characters of the line are meant, at least 1; one past its end means what is missing there.
    pub length: usize,
    /// What is wrong.
    pub message: String,
    /// How to mend it.
    pub hint: Option<String>,
}

impl Diagnostic {
    /// Adds how to mend it.
    pub(crate) fn hint(&mut self, hint: impl Into<String>) {
        self.hint = Some(hint.into());
    }
}

impl fmt::Display for Diagnostic {
    /// `file:line:column: error: message`, the line with the offending text underlined, and the hint; no colours.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let level = match self.level {
            Level::Error => "error",
            Level::Warning => "warning",
        };
        writeln!(f, "{}:{}:{}: {level}: {}", self.file, self.line, self.column, self.message)?;
        let number = self.line.to_string();
        let (shown, before) = excerpt(&self.source, self.column - 1);
        writeln!(
            f,
            "{number} | {}",
            shown.iter().map(|c| if c.is_control() && *c != '\t' { '\u{fffd}' } else { *c }).collect::<String>()
        )?;
        // Tabs stay tabs and wide characters become two spaces, so that the carets stand under the text on any terminal.
        let pad: String =
            shown[..before].iter().map(|&c| if c == '\t' { "\t".to_owned() } else { " ".repeat(width(c)) }).collect();
        let carets: usize = shown[before..].iter().take(self.length).map(|&c| width(c)).sum();
        writeln!(f, "{} | {pad}{}", " ".repeat(number.len()), "^".repeat(carets.max(1)))?;
        if let Some(hint) = &self.hint {
            writeln!(f, "{} = hint: {hint}", " ".repeat(number.len()))?;
        }
        Ok(())
    }
}

/// The part of a line that is shown, and how many of its characters stand before the offending text.
fn excerpt(source: &str, before: usize) -> (Vec<char>, usize) {
    let line: Vec<char> = source.chars().collect();
    let before = before.min(line.len());
    if line.len() <= MAX_SHOWN {
        return (line, before);
    }
    let from = before.saturating_sub(MAX_SHOWN / 3);
    let to = (from + MAX_SHOWN).min(line.len());
    let mut shown: Vec<char> = line[from..to].to_vec();
    if to < line.len() {
        shown.push('…');
    }
    if from > 0 {
        shown.insert(0, '…');
        return (shown, before - from + 1);
    }
    (shown, before)
}

fn width(c: char) -> usize {
    // Control characters are shown as one replacement character.
    c.width().unwrap_or(1)
}

/// Everything that was found in a set of files, in the order of the files and of the text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diagnostics {
    /// At most a few hundred.
    pub list: Vec<Diagnostic>,
    /// How many more there were.
    pub left_out: usize,
}

impl Diagnostics {
    /// Whether something makes the files unusable.
    pub fn has_errors(&self) -> bool {
        self.list.iter().any(|diagnostic| diagnostic.level == Level::Error)
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, diagnostic) in self.list.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            diagnostic.fmt(f)?;
        }
        if self.left_out > 0 {
            writeln!(f, "\nand {} more", self.left_out)?;
        }
        Ok(())
    }
}

impl std::error::Error for Diagnostics {}

/// A stretch of one of the files, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Span {
    pub file: u32,
    pub start: u32,
    pub end: u32,
}

impl Span {
    /// From the start of this to the end of the other.
    pub fn to(self, other: Span) -> Span {
        Span { end: other.end.max(self.start), ..self }
    }
}

/// A file that diagnostics point into.
pub(crate) struct File {
    pub path: String,
    pub text: String,
}

impl File {
    /// Bytes of the line that holds `at`, without its end, and its number from 1.
    fn line(&self, at: usize) -> (Range<usize>, usize) {
        let start = self.text[..at].rfind('\n').map_or(0, |newline| newline + 1);
        let end = self.text[at..].find('\n').map_or(self.text.len(), |newline| at + newline);
        let end = if self.text[start..end].ends_with('\r') { end - 1 } else { end };
        (start..end.max(start), self.text[..start].bytes().filter(|&byte| byte == b'\n').count() + 1)
    }
}

/// Collects diagnostics.
pub(crate) struct Report<'a> {
    files: &'a [File],
    found: Vec<(Span, Diagnostic)>,
    left_out: usize,
    errors: usize,
    overflow: Diagnostic,
}

impl<'a> Report<'a> {
    pub fn new(files: &'a [File]) -> Report<'a> {
        let overflow = Diagnostic {
            level: Level::Error,
            file: String::new(),
            line: 1,
            column: 1,
            source: String::new(),
            length: 1,
            message: String::new(),
            hint: None,
        };
        Report { files, found: Vec::new(), left_out: 0, errors: 0, overflow }
    }

    /// How many errors so far; whoever compares two counts learns whether a part was good.
    pub fn errors(&self) -> usize {
        self.errors
    }

    pub fn error(&mut self, span: Span, message: impl Into<String>) -> &mut Diagnostic {
        self.errors += 1;
        self.push(Level::Error, span, message.into())
    }

    pub fn warning(&mut self, span: Span, message: impl Into<String>) -> &mut Diagnostic {
        self.push(Level::Warning, span, message.into())
    }

    fn push(&mut self, level: Level, span: Span, message: String) -> &mut Diagnostic {
        if self.found.len() >= MAX_KEPT {
            self.left_out += 1;
            return &mut self.overflow;
        }
        let diagnostic = self.place(level, span, message);
        self.found.push((span, diagnostic));
        &mut self.found.last_mut().expect("one was pushed just now").1
    }

    fn place(&self, level: Level, span: Span, message: String) -> Diagnostic {
        let file = &self.files[span.file as usize];
        let boundary = |mut at: usize| {
            at = at.min(file.text.len());
            while !file.text.is_char_boundary(at) {
                at -= 1;
            }
            at
        };
        let (mut start, mut end) = (boundary(span.start as usize), boundary(span.end as usize));
        // What is missing at the end of the file is missing at the end of its last line that holds something.
        if start == end && file.text[start..].trim().is_empty() {
            start = file.text[..start].trim_end().len();
            end = start;
        }
        let (line, number) = file.line(start);
        let start = start.min(line.end);
        let end = end.min(line.end).max(start);
        Diagnostic {
            level,
            file: file.path.clone(),
            line: number,
            column: file.text[line.start..start].chars().count() + 1,
            source: file.text[line].to_owned(),
            length: file.text[start..end].chars().count().max(1),
            message,
            hint: None,
        }
    }

    /// A warning that is not collected.
    pub fn placed(&self, span: Span, message: String) -> Diagnostic {
        self.place(Level::Warning, span, message)
    }

    /// The file and line of a span, as `file:line`, for messages that point at two places.
    pub fn whereabouts(&self, span: Span) -> String {
        let diagnostic = self.place(Level::Error, span, String::new());
        format!("{}:{}", diagnostic.file, diagnostic.line)
    }

    /// All that was found, by file and position.
    pub fn finish(mut self) -> Diagnostics {
        self.found.sort_by_key(|(span, diagnostic)| (span.file, diagnostic.line, diagnostic.column));
        Diagnostics {
            list: self.found.into_iter().map(|(_, diagnostic)| diagnostic).collect(),
            left_out: self.left_out,
        }
    }
}
