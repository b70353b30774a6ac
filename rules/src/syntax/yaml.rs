//! YAML as the rule files use it: mappings, sequences and scalars, each with its place.
//!
//! One document a file. Tags, anchors and aliases are refused: rules need none, and an alias can make a small file huge.
//! What a scalar means (text, number, truth) is decided by whoever asks for it, so `0402` stays as it was written.

use super::{File, Report, Span};
use saphyr_parser::{Event, Parser, ScalarStyle};

/// A longer file is refused: it was generated, and ought to be several.
pub(crate) const MAX_BYTES: usize = 16 << 20;
/// Deeper nesting is refused; rule files need six levels.
pub(crate) const MAX_DEPTH: usize = 24;
/// More keys in one mapping are refused; finding a key that is there twice looks at all of them.
const MAX_KEYS: usize = 4096;

/// How a scalar is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    Plain,
    Single,
    Double,
    /// `|` and `>`.
    Block,
}

#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub span: Span,
    pub value: Value,
}

#[derive(Clone, Debug)]
pub(crate) enum Value {
    Scalar(String, Style),
    Sequence(Vec<Node>),
    /// Keys are distinct.
    Mapping(Vec<(Key, Node)>),
}

#[derive(Clone, Debug)]
pub(crate) struct Key {
    pub text: String,
    pub span: Span,
}

impl Node {
    pub fn style(&self) -> Style {
        match &self.value {
            Value::Scalar(_, style) => *style,
            _ => Style::Plain,
        }
    }

    /// Nothing was written, or `null` or `~`.
    pub fn is_null(&self) -> bool {
        matches!(&self.value, Value::Scalar(text, Style::Plain) if matches!(text.as_str(), "" | "~" | "null"))
    }

    /// What it is, for messages.
    pub fn what(&self) -> &'static str {
        match &self.value {
            Value::Scalar(..) if self.is_null() => "nothing",
            Value::Scalar(..) => "a single value",
            Value::Sequence(_) => "a list",
            Value::Mapping(_) => "a mapping",
        }
    }
}

/// Reads the one document of a file; `None` when there is nothing in it or it is no YAML, which is then reported.
pub(crate) fn parse(files: &[File], file: u32, report: &mut Report<'_>) -> Option<Node> {
    let text = &files[file as usize].text;
    let place = Span { file, start: 0, end: 0 };
    if text.len() > MAX_BYTES {
        let message = format!("the file has {} bytes; at most {MAX_BYTES} are allowed", text.len());
        report.error(place, message).hint("split it into several files");
        return None;
    }
    let bytes = Bytes::of(text);
    let mut builder = Builder { file, text, bytes: &bytes, report, open: Vec::new(), root: None };
    for event in Parser::new_from_str(text) {
        let done = match event {
            Ok((event, span)) => builder.take(event, bytes.at(span.start.index()), bytes.at(span.end.index())),
            Err(error) => {
                builder.broken(error.info(), error.marker().index());
                None
            }
        };
        done?;
    }
    let root = builder.root;
    if root.is_none() {
        report.error(place, "the file is empty");
    }
    root
}

/// Byte of each character, where that is not the same.
struct Bytes {
    table: Vec<u32>,
    length: usize,
}

impl Bytes {
    fn of(text: &str) -> Bytes {
        let table =
            if text.is_ascii() { Vec::new() } else { text.char_indices().map(|(byte, _)| byte as u32).collect() };
        Bytes { table, length: text.len() }
    }

    fn at(&self, index: usize) -> usize {
        if self.table.is_empty() {
            return index.min(self.length);
        }
        self.table.get(index).map_or(self.length, |&byte| byte as usize)
    }
}

struct Builder<'b, 'r, 'f> {
    file: u32,
    text: &'b str,
    bytes: &'b Bytes,
    report: &'r mut Report<'f>,
    /// The collections that are not closed yet; of a mapping also the key that waits for its value.
    open: Vec<(Node, Option<Key>)>,
    root: Option<Node>,
}

impl Builder<'_, '_, '_> {
    fn span(&self, start: usize, end: usize) -> Span {
        Span { file: self.file, start: start as u32, end: end.max(start) as u32 }
    }

    /// One step of the parser; `None` ends it.
    fn take(&mut self, event: Event<'_>, start: usize, end: usize) -> Option<()> {
        let span = self.span(start, end);
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                self.refuse_extras(span, anchor, tag.is_some())?;
                let style = match style {
                    ScalarStyle::Plain => Style::Plain,
                    ScalarStyle::SingleQuoted => Style::Single,
                    ScalarStyle::DoubleQuoted => Style::Double,
                    ScalarStyle::Literal | ScalarStyle::Folded => Style::Block,
                };
                self.add(Node { span, value: Value::Scalar(text.into_owned(), style) })
            }
            Event::SequenceStart(anchor, tag) => {
                self.refuse_extras(span, anchor, tag.is_some())?;
                self.enter(Node { span, value: Value::Sequence(Vec::new()) })
            }
            Event::MappingStart(anchor, tag) => {
                self.refuse_extras(span, anchor, tag.is_some())?;
                self.enter(Node { span, value: Value::Mapping(Vec::new()) })
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let (mut node, _) = self.open.pop()?;
                // A block collection ends where the next thing starts; its own text ends before the white space there.
                let end = self.text[..end].trim_end().len().max(node.span.start as usize);
                node.span.end = end as u32;
                self.add(node)
            }
            Event::Alias(_) => {
                self.report
                    .error(span, "YAML aliases are not allowed in rule files")
                    .hint("write the value out, or quote the text if it only begins with `*`");
                None
            }
            Event::DocumentStart(_) if self.root.is_some() => {
                self.report
                    .error(span, "a second YAML document in one file")
                    .hint("put it into a file of its own, or remove the `---`");
                None
            }
            _ => Some(()),
        }
    }

    fn refuse_extras(&mut self, span: Span, anchor: usize, tag: bool) -> Option<()> {
        if tag {
            self.report
                .error(span, "a value that begins with `!` is a YAML tag, and rule files have none")
                .hint("put the whole expression between quotes: \"!(…)\"");
            return None;
        }
        if anchor > 0 {
            self.report
                .error(span, "YAML anchors are not allowed in rule files")
                .hint("write the value out, or quote the text if it only begins with `&`");
            return None;
        }
        Some(())
    }

    fn enter(&mut self, node: Node) -> Option<()> {
        if self.open.len() >= MAX_DEPTH {
            self.report.error(node.span, format!("nested deeper than {MAX_DEPTH} levels"));
            return None;
        }
        self.open.push((node, None));
        Some(())
    }

    fn add(&mut self, node: Node) -> Option<()> {
        let Some((parent, waiting)) = self.open.last_mut() else {
            self.root = Some(node);
            return Some(());
        };
        match (&mut parent.value, waiting.take()) {
            (Value::Sequence(items), _) => items.push(node),
            (Value::Mapping(entries), Some(key)) => {
                if entries.len() >= MAX_KEYS {
                    self.report.error(key.span, format!("a mapping with more than {MAX_KEYS} keys"));
                    return None;
                }
                // Of two equal keys the first stays.
                match entries.iter().find(|(other, _)| other.text == key.text) {
                    None => entries.push((key, node)),
                    Some((other, _)) => {
                        let first = self.report.whereabouts(other.span);
                        self.report
                            .error(key.span, format!("the key `{}` is there twice", key.text))
                            .hint(format!("the first one is at {first}"));
                    }
                }
            }
            (Value::Mapping(_), None) => match node.value {
                Value::Scalar(text, _) => *waiting = Some(Key { text, span: node.span }),
                _ => {
                    self.report
                        .error(node.span, "a key must be a single word, not a list or mapping")
                        .hint("quote the text if it begins with `{` or `[`");
                    return None;
                }
            },
            (Value::Scalar(..), _) => {}
        }
        Some(())
    }

    /// Tells what the YAML parser stumbled over, in words for people who do not know its insides.
    fn broken(&mut self, info: &str, index: usize) {
        let at = self.bytes.at(index);
        let end = at + self.text[at..].chars().next().map_or(0, char::len_utf8);
        let mut span = self.span(at, end);
        let quote = "put the whole expression between quotes: \"avg(level_m, '10m') > 1\"";
        let (message, hint) = if info.contains("recursion limit") {
            (format!("nested deeper than {MAX_DEPTH} levels"), "a rule file needs about six")
        } else if info.contains("trailing content after") {
            ("text after the closing quote".to_owned(), quote)
        } else if info.contains("mapping values are not allowed") || info.contains("illegal placement of ':'") {
            (
                "a `:` where no key can stand".to_owned(),
                "check the indentation and the brackets before it, and quote text that holds `: `",
            )
        } else if info.contains("simple key") {
            span = self.last_text_before(at);
            ("a key without its `:`".to_owned(), "write `key: value`; a text over several lines must be indented")
        } else if info.contains("',' or '}'") || info.contains("',' or ']'") {
            (
                "the list or mapping is not closed before this".to_owned(),
                "close it with `}` or `]`, and quote expressions inside it: a comma there ends a value",
            )
        } else if info.contains("unexpected end of stream") {
            ("this quote is never closed".to_owned(), "close it on the same line")
        } else if info.contains("indentation in quoted scalar") {
            ("this quote is not closed, or its next lines are not indented".to_owned(), "close it on the same line")
        } else if info.contains("tab") {
            span = self.tab_from(at).unwrap_or(span);
            ("a tab as indentation".to_owned(), "YAML is indented with spaces only")
        } else if info.contains("unknown anchor") {
            (
                "a value that begins with `*` is a YAML alias, and rule files have none".to_owned(),
                "put the whole text between quotes",
            )
        } else if info.contains("expected comment or line break") {
            ("a plain value cannot begin with `>` or `|`: it starts a text block".to_owned(), quote)
        } else if info.contains("unexpected character") || info.contains("found character that cannot start") {
            ("a plain value cannot begin with this character".to_owned(), "put the whole text between quotes")
        } else if info.contains("unknown escape") {
            (
                "an escape in this text that YAML does not know".to_owned(),
                "write it between single quotes, where `\\` is a plain character, or double the `\\`",
            )
        } else if info.contains("expected '-'") {
            (
                "this line is not indented like the lines that it belongs to".to_owned(),
                "give it the indentation of its neighbours, or begin it with `- `",
            )
        } else if info.contains("did not find expected key") {
            ("this line does not fit the keys above it".to_owned(), "give it the same indentation as its neighbours")
        } else {
            (format!("this is not YAML: {info}"), "check quotes, brackets and indentation around here")
        };
        self.report.error(span, message).hint(hint);
    }

    /// The first tab in the indentation of the line of `at` or of a later one.
    fn tab_from(&self, at: usize) -> Option<Span> {
        let mut start = self.text[..at].rfind('\n').map_or(0, |newline| newline + 1);
        for line in self.text[start..].split_inclusive('\n') {
            let indent = &line[..line.len() - line.trim_start().len()];
            if let Some(tab) = indent.find('\t') {
                return Some(self.span(start + tab, start + tab + 1));
            }
            start += line.len();
        }
        None
    }

    /// The last line before `at` that holds something, without its indentation.
    fn last_text_before(&self, at: usize) -> Span {
        let end = self.text[..at].trim_end().len();
        let start = self.text[..end].rfind('\n').map_or(0, |newline| newline + 1);
        let indent = self.text[start..end].len() - self.text[start..end].trim_start().len();
        self.span(start + indent, end)
    }
}
