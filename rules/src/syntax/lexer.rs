//! An expression's text as tokens, each with its place in the file.

use super::{Positions, Report, Span};

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Token {
    Number(f64),
    Text(String),
    Name(String),
    /// Operators and brackets.
    Sign(&'static str),
    End,
}

/// Longer signs first: the first that fits is taken.
const SIGNS: [&str; 22] = [
    "&&", "||", "==", "!=", "<=", ">=", "<", ">", "!", "+", "-", "*", "/", "%", "?", ":", "(", ")", "[", "]", ",", ".",
];

/// Reads all tokens, the last one [`Token::End`]; `None` after the first thing that is no token, which is reported.
pub(crate) fn tokens(text: &str, positions: &Positions, report: &mut Report<'_>) -> Option<Vec<(Token, Span)>> {
    let mut lexer = Lexer { text, at: 0, positions, report };
    let mut found = Vec::new();
    loop {
        let (token, span) = lexer.next()?;
        let end = token == Token::End;
        found.push((token, span));
        if end {
            return Some(found);
        }
    }
}

struct Lexer<'l, 'r, 'f> {
    text: &'l str,
    at: usize,
    positions: &'l Positions,
    report: &'r mut Report<'f>,
}

impl Lexer<'_, '_, '_> {
    fn next(&mut self) -> Option<(Token, Span)> {
        self.at += self.rest().len() - self.rest().trim_start_matches([' ', '\t', '\n', '\r']).len();
        let start = self.at;
        let Some(first) = self.rest().chars().next() else {
            return Some((Token::End, self.positions.span(start..start)));
        };
        let token = match first {
            '0'..='9' => self.number()?,
            '.' if self.rest()[1..].starts_with(|c: char| c.is_ascii_digit()) => self.number()?,
            '\'' | '"' => self.text(first)?,
            'a'..='z' | 'A'..='Z' | '_' => {
                Token::Name(self.take_while(|c| c.is_ascii_alphanumeric() || c == '_').to_owned())
            }
            _ => self.sign(first)?,
        };
        Some((token, self.positions.span(start..self.at)))
    }

    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn take_while(&mut self, fits: impl Fn(char) -> bool) -> &str {
        let start = self.at;
        self.at += self.rest().find(|c| !fits(c)).unwrap_or(self.rest().len());
        &self.text[start..self.at]
    }

    fn fail(&mut self, start: usize, message: impl Into<String>, hint: impl Into<String>) -> Option<Token> {
        self.report.error(self.positions.span(start..self.at), message).hint(hint);
        None
    }

    /// Digits, a fraction, an exponent; a word right after them is a mistake, most often a duration without quotes.
    fn number(&mut self) -> Option<Token> {
        let start = self.at;
        let digit = |c: char| c.is_ascii_digit();
        self.take_while(digit);
        if self.rest().starts_with('.') && self.rest()[1..].starts_with(digit) {
            self.at += 1;
            self.take_while(digit);
        }
        let exponent = self.rest().strip_prefix(['e', 'E']).map(|rest| rest.strip_prefix(['+', '-']).unwrap_or(rest));
        if exponent.is_some_and(|rest| rest.starts_with(digit)) {
            self.at += 2;
            self.take_while(digit);
        }
        let end = self.at;
        let word = self.take_while(|c| c.is_ascii_alphanumeric() || c == '_' || c == '.').to_owned();
        if !word.is_empty() {
            let whole = self.text[start..self.at].to_owned();
            let hint = match whole.parse::<model::Millis>() {
                Ok(_) => format!("a duration is text: write '{whole}'"),
                Err(_) => "a number is written like 3, 0.9 or 1e3".to_owned(),
            };
            return self.fail(start, format!("`{whole}` is not a number"), hint);
        }
        match self.text[start..end].parse::<f64>() {
            Ok(number) if number.is_finite() => Some(Token::Number(number)),
            _ => self.fail(start, "this number is too large", "the largest is about 1.8e308"),
        }
    }

    fn text(&mut self, quote: char) -> Option<Token> {
        let start = self.at;
        let mut value = String::new();
        self.at += 1;
        loop {
            let Some(c) = self.rest().chars().next() else {
                self.at = start + 1;
                return self.fail(start, "this text is never closed", format!("end it with {quote}"));
            };
            let from = self.at;
            self.at += c.len_utf8();
            if c == quote {
                return Some(Token::Text(value));
            }
            if c == '\\' {
                let Some(escaped) = self.escape() else {
                    self.at = (from + 2).min(self.text.len());
                    while !self.text.is_char_boundary(self.at) {
                        self.at += 1;
                    }
                    return self.fail(
                        from,
                        "an escape that expressions do not know",
                        "they know \\\\ \\' \\\" \\n \\t \\r and \\uXXXX",
                    );
                };
                value.push(escaped);
            } else {
                value.push(c);
            }
        }
    }

    fn escape(&mut self) -> Option<char> {
        let c = self.rest().chars().next()?;
        self.at += c.len_utf8();
        Some(match c {
            '\\' | '\'' | '"' => c,
            'n' => '\n',
            't' => '\t',
            'r' => '\r',
            'u' => {
                let digits = self.rest().get(..4)?;
                let code =
                    u32::from_str_radix(digits, 16).ok().filter(|_| digits.bytes().all(|b| b.is_ascii_hexdigit()))?;
                self.at += 4;
                char::from_u32(code)?
            }
            _ => return None,
        })
    }

    fn sign(&mut self, first: char) -> Option<Token> {
        let start = self.at;
        if let Some(sign) = SIGNS.iter().find(|sign| self.rest().starts_with(**sign)) {
            self.at += sign.len();
            return Some(Token::Sign(sign));
        }
        self.at += first.len_utf8();
        let meant = match first {
            '=' => "==",
            '&' => "&&",
            '|' => "||",
            '≤' | '≦' => "<=",
            '≥' | '≧' => ">=",
            '≠' => "!=",
            '×' => "*",
            '÷' => "/",
            '−' | '–' | '－' => "-",
            '（' => "(",
            '）' => ")",
            '，' | '、' => ",",
            '＞' => ">",
            '＜' => "<",
            '＝' => "==",
            '！' => "!",
            '“' | '”' | '‘' | '’' | '＇' | '＂' => "'",
            _ => {
                return self.fail(
                    start,
                    format!("`{first}` has no meaning in an expression"),
                    "names are written with a-z, 0-9 and _; text stands between quotes",
                );
            }
        };
        self.fail(start, format!("`{first}` has no meaning in an expression"), format!("did you mean `{meant}`?"))
    }
}
