//! Where each character of a YAML scalar's value stands in the file.

use super::{File, Span};
use crate::syntax::yaml::{Node, Style};
use std::ops::Range;

/// Places of a scalar's characters: the value is the text after unquoting, unescaping and folding.
pub(crate) struct Positions {
    whole: Span,
    /// Of each character: its byte in the value, and its bytes in the file.
    chars: Vec<(u32, u32, u32)>,
}

impl Positions {
    /// Walks the value and the file side by side.
    ///
    /// What is not white space stands in both in the same order, so it is placed exactly, through quotes, escapes,
    /// folded lines and indentation; white space is placed at the nearest.
    pub fn of(file: &File, node: &Node, value: &str) -> Positions {
        let (style, span) = (node.style(), node.span);
        let source = &file.text[..span.end as usize];
        let mut at = span.start as usize;
        if matches!(style, Style::Single | Style::Double) {
            at += 1;
        }
        let mut chars = Vec::with_capacity(value.len());
        for (index, c) in value.char_indices() {
            if !c.is_whitespace() {
                at += source[at..].len() - skip_blank(&source[at..], style).len();
            }
            let length = match (source[at..].chars().next(), style) {
                (Some('\\'), Style::Double) => escape_length(&source[at..]),
                (Some('\''), Style::Single) => 2,
                (Some(found), _) if found == c || (c.is_whitespace() && found.is_whitespace()) => found.len_utf8(),
                _ => 0,
            };
            let end = (at + length).min(source.len());
            chars.push((index as u32, at as u32, end as u32));
            at = end;
        }
        Positions { whole: span, chars }
    }

    /// The place of a range of the value, in bytes of the value.
    pub fn span(&self, range: Range<usize>) -> Span {
        let first = self.chars.partition_point(|&(index, ..)| (index as usize) < range.start);
        let after = self.chars.partition_point(|&(index, ..)| (index as usize) < range.end);
        let Some(&(_, start, _)) = self.chars.get(first) else {
            // Past the end of the value: what is missing is missing right after its last character.
            let end = self.chars.iter().rev().find(|(_, start, end)| start < end).map_or(self.whole.end, |c| c.2);
            return Span { start: end, end, ..self.whole };
        };
        let end = if after > first { self.chars[after - 1].2.max(start) } else { start };
        Span { start, end, ..self.whole }
    }
}

/// The rest of the source at its next character that is not white space (nor, in double quotes, an escaped line end).
fn skip_blank(source: &str, style: Style) -> &str {
    let mut rest = source.trim_start();
    while style == Style::Double && (rest.starts_with("\\\n") || rest.starts_with("\\\r")) {
        rest = rest[1..].trim_start();
    }
    rest
}

/// Bytes of the escape sequence that `source` starts with.
fn escape_length(source: &str) -> usize {
    match source[1..].chars().next() {
        Some('x') => 4,
        Some('u') => 6,
        Some('U') => 10,
        Some(c) => 1 + c.len_utf8(),
        None => 1,
    }
}
