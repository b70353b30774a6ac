//! Expressions: the part of CEL (Common Expression Language) that rules use, as a tree with places.
//!
//! Precedence from loose to tight: `?:`, `||`, `&&`, comparisons and `in`, `+ -`, `* / %`, `! -`. Comparisons do not
//! chain: `1 < x < 3` would compare a truth value with a number.

use super::lexer::{Token, tokens};
use super::yaml::{Node, Value};
use super::{File, Positions, Report, Span};
use crate::ast::{Comparison, Operator};

/// Deeper nesting of brackets, signs and `? :` is refused; it bounds the recursion of every walk over a tree.
pub(crate) const MAX_DEPTH: usize = 40;
/// Longer expressions are refused; a chain `a && b && …` is as deep as it is long.
pub(crate) const MAX_NODES: usize = 400;

#[derive(Clone, Debug)]
pub(crate) struct Expr {
    pub kind: Kind,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub(crate) enum Kind {
    Number(f64),
    Bool(bool),
    Text(String),
    Name(String),
    /// `a.b`
    Member(String, String),
    Not(Box<Expr>),
    Neg(Box<Expr>),
    And(Box<Expr>, Box<Expr>),
    Or(Box<Expr>, Box<Expr>),
    Compare(Comparison, Box<Expr>, Box<Expr>),
    Arithmetic(Operator, Box<Expr>, Box<Expr>),
    If(Box<Expr>, Box<Expr>, Box<Expr>),
    In(Box<Expr>, Vec<Expr>),
    /// The name's own place, and the arguments.
    Call(String, Span, Vec<Expr>),
}

/// Reads the expression that a YAML scalar holds; `None` if it is none, which is reported.
pub(crate) fn parse(files: &[File], node: &Node, report: &mut Report<'_>) -> Option<Expr> {
    let Value::Scalar(text, _) = &node.value else {
        report
            .error(node.span, format!("expected an expression, found {}", node.what()))
            .hint("write it on one line: level_m > 0.9");
        return None;
    };
    if text.trim().is_empty() {
        report
            .error(node.span, "expected an expression, found nothing")
            .hint("write one after the colon: level_m > 0.9");
        return None;
    }
    let positions = Positions::of(&files[node.span.file as usize], node, text);
    let tokens = tokens(text, &positions, report)?;
    let mut parser = Parser { tokens, at: 0, depth: 0, nodes: 0, report };
    let expr = parser.whole()?;
    match parser.peek() {
        Token::End => Some(expr),
        _ => {
            parser.unexpected("an operator or the end");
            None
        }
    }
}

struct Parser<'r, 'f> {
    tokens: Vec<(Token, Span)>,
    at: usize,
    depth: usize,
    nodes: usize,
    report: &'r mut Report<'f>,
}

impl Parser<'_, '_> {
    fn peek(&self) -> &Token {
        &self.tokens[self.at].0
    }

    fn span(&self) -> Span {
        self.tokens[self.at].1
    }

    fn sees(&self, sign: &str) -> bool {
        matches!(self.peek(), Token::Sign(found) if *found == sign)
    }

    fn eat(&mut self, sign: &str) -> bool {
        let found = self.sees(sign);
        // `End` is never eaten, so there is always a token to look at.
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, sign: &str, why: &str) -> Option<Span> {
        let span = self.span();
        if self.eat(sign) {
            return Some(span);
        }
        self.unexpected(&format!("`{sign}` {why}"));
        None
    }

    fn unexpected(&mut self, expected: &str) {
        let (token, span) = self.tokens[self.at].clone();
        let found = match &token {
            Token::Number(number) => format!("the number {number}"),
            Token::Text(_) => "a text".to_owned(),
            Token::Name(name) => format!("`{name}`"),
            Token::Sign(sign) => format!("`{sign}`"),
            Token::End => "the end of the expression".to_owned(),
        };
        let after_value = expected.starts_with("an operator") || expected.contains("to close");
        let hint = match &token {
            Token::Name(name) if after_value => match name.to_ascii_lowercase().as_str() {
                "and" => Some("did you mean `&&`?"),
                "or" => Some("did you mean `||`?"),
                "not" => Some("did you mean `!`?"),
                "is" | "eq" => Some("did you mean `==`?"),
                _ => None,
            },
            Token::Sign("==")
            | Token::Sign("<")
            | Token::Sign(">")
            | Token::Sign("<=")
            | Token::Sign(">=")
            | Token::Sign("!=")
                if after_value =>
            {
                Some("comparisons do not chain: join two with `&&`, or use brackets")
            }
            Token::Sign(":") if after_value => Some("`:` belongs to `condition ? then : otherwise`"),
            _ => None,
        };
        let diagnostic = self.report.error(span, format!("expected {expected}, found {found}"));
        if let Some(hint) = hint {
            diagnostic.hint(hint);
        }
    }

    /// Runs a part that nests one level deeper.
    fn deeper(&mut self, part: impl FnOnce(&mut Self) -> Option<Expr>) -> Option<Expr> {
        if self.depth >= MAX_DEPTH {
            self.report
                .error(self.span(), format!("nested deeper than {MAX_DEPTH} levels"))
                .hint("make two rules of it");
            return None;
        }
        self.depth += 1;
        let result = part(self);
        self.depth -= 1;
        result
    }

    fn node(&mut self, kind: Kind, span: Span) -> Option<Expr> {
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            self.report
                .error(span, format!("an expression with more than {MAX_NODES} parts"))
                .hint("make several rules of it");
            return None;
        }
        Some(Expr { kind, span })
    }

    fn whole(&mut self) -> Option<Expr> {
        let condition = self.or()?;
        if !self.eat("?") {
            return Some(condition);
        }
        let then = self.deeper(Self::whole)?;
        self.expect(":", "after the first choice of `? :`")?;
        let otherwise = self.deeper(Self::whole)?;
        let span = condition.span.to(otherwise.span);
        self.node(Kind::If(Box::new(condition), Box::new(then), Box::new(otherwise)), span)
    }

    fn or(&mut self) -> Option<Expr> {
        let mut left = self.and()?;
        while self.eat("||") {
            let right = self.and()?;
            let span = left.span.to(right.span);
            left = self.node(Kind::Or(Box::new(left), Box::new(right)), span)?;
        }
        Some(left)
    }

    fn and(&mut self) -> Option<Expr> {
        let mut left = self.comparison()?;
        while self.eat("&&") {
            let right = self.comparison()?;
            let span = left.span.to(right.span);
            left = self.node(Kind::And(Box::new(left), Box::new(right)), span)?;
        }
        Some(left)
    }

    fn comparison(&mut self) -> Option<Expr> {
        let left = self.sum()?;
        let comparison = match self.peek() {
            Token::Sign("<") => Comparison::Less,
            Token::Sign("<=") => Comparison::LessOrEqual,
            Token::Sign(">") => Comparison::Greater,
            Token::Sign(">=") => Comparison::GreaterOrEqual,
            Token::Sign("==") => Comparison::Equal,
            Token::Sign("!=") => Comparison::NotEqual,
            Token::Name(name) if name == "in" => return self.membership(left),
            _ => return Some(left),
        };
        self.at += 1;
        let right = self.sum()?;
        let span = left.span.to(right.span);
        self.node(Kind::Compare(comparison, Box::new(left), Box::new(right)), span)
    }

    fn membership(&mut self, left: Expr) -> Option<Expr> {
        self.at += 1;
        self.expect("[", "to open the list of `in`")?;
        let mut list = Vec::new();
        let end = loop {
            let end = self.span();
            if self.eat("]") {
                break end;
            }
            if !list.is_empty() {
                self.expect(",", "or `]` to close the list")?;
            }
            list.push(self.deeper(Self::whole)?);
        };
        let span = left.span.to(end);
        self.node(Kind::In(Box::new(left), list), span)
    }

    fn sum(&mut self) -> Option<Expr> {
        let mut left = self.product()?;
        loop {
            let operator = match self.peek() {
                Token::Sign("+") => Operator::Add,
                Token::Sign("-") => Operator::Subtract,
                _ => return Some(left),
            };
            self.at += 1;
            let right = self.product()?;
            let span = left.span.to(right.span);
            left = self.node(Kind::Arithmetic(operator, Box::new(left), Box::new(right)), span)?;
        }
    }

    fn product(&mut self) -> Option<Expr> {
        let mut left = self.unary()?;
        loop {
            let operator = match self.peek() {
                Token::Sign("*") => Operator::Multiply,
                Token::Sign("/") => Operator::Divide,
                Token::Sign("%") => Operator::Remainder,
                _ => return Some(left),
            };
            self.at += 1;
            let right = self.unary()?;
            let span = left.span.to(right.span);
            left = self.node(Kind::Arithmetic(operator, Box::new(left), Box::new(right)), span)?;
        }
    }

    fn unary(&mut self) -> Option<Expr> {
        let start = self.span();
        if self.eat("!") {
            let inner = self.deeper(Self::unary)?;
            let span = start.to(inner.span);
            return self.node(Kind::Not(Box::new(inner)), span);
        }
        if self.eat("-") {
            // A sign right before a number belongs to the number.
            if let &Token::Number(number) = self.peek() {
                let span = start.to(self.span());
                self.at += 1;
                return self.node(Kind::Number(-number), span);
            }
            let inner = self.deeper(Self::unary)?;
            let span = start.to(inner.span);
            return self.node(Kind::Neg(Box::new(inner)), span);
        }
        self.primary()
    }

    fn primary(&mut self) -> Option<Expr> {
        let (token, span) = self.tokens[self.at].clone();
        match token {
            Token::Number(number) => {
                self.at += 1;
                self.node(Kind::Number(number), span)
            }
            Token::Text(text) => {
                self.at += 1;
                self.node(Kind::Text(text), span)
            }
            Token::Name(name) if name == "in" => {
                self.unexpected("a value");
                None
            }
            Token::Name(name) => {
                self.at += 1;
                self.name(name, span)
            }
            Token::Sign("(") => {
                self.at += 1;
                let inner = self.deeper(Self::whole)?;
                let end = self.expect(")", "to close the bracket")?;
                // The brackets belong to what they hold, so that it is underlined whole.
                Some(Expr { span: span.to(end), ..inner })
            }
            _ => {
                self.unexpected("a value");
                None
            }
        }
    }

    /// What begins with a name: a constant, `attr.x`, a call, a metric.
    fn name(&mut self, name: String, span: Span) -> Option<Expr> {
        if self.eat(".") {
            let end = self.span();
            let Token::Name(member) = self.peek().clone() else {
                self.unexpected("a name after the dot");
                return None;
            };
            self.at += 1;
            return self.node(Kind::Member(name, member), span.to(end));
        }
        if self.eat("(") {
            let mut arguments = Vec::new();
            let end = loop {
                let end = self.span();
                if self.eat(")") {
                    break end;
                }
                if !arguments.is_empty() {
                    self.expect(",", "or `)` to close the call")?;
                }
                arguments.push(self.deeper(Self::whole)?);
            };
            return self.node(Kind::Call(name, span, arguments), span.to(end));
        }
        match name.as_str() {
            "true" => self.node(Kind::Bool(true), span),
            "false" => self.node(Kind::Bool(false), span),
            _ => self.node(Kind::Name(name), span),
        }
    }
}
