//! Expressions with meaning: names found, types and units fitting, lowered to [`crate::ast::Expr`].

use super::functions::{self, Function};
use super::known::{AttrKind, Known};
use super::suggest;
use crate::ast::{self, Comparison, Each, INTERVAL, Operator};
use crate::syntax::expression::{Expr, Kind};
use crate::syntax::{Report, Span};

/// What a value is.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Type {
    /// With its unit, where it is one metric's; a constant, an attribute or a product fits every unit.
    Number(Option<String>),
    Bool,
    Text,
}

impl Type {
    fn word(&self) -> &'static str {
        match self {
            Type::Number(_) => "a number",
            Type::Bool => "true or false",
            Type::Text => "text",
        }
    }
}

/// A lowered expression, its type and place, and the same of its parts in the order of [`ast::Expr::visit`].
#[derive(Clone, Debug)]
pub(crate) struct Checked {
    pub expr: ast::Expr,
    pub kind: Type,
    pub span: Span,
    pub parts: Vec<Checked>,
}

/// Where an expression stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// `where`: only what the registry knows.
    Where,
    /// `when` and `clear_when`.
    Condition,
    /// Inside `sensors(…)` and `share(…)`.
    Pred,
}

/// Lowers expressions of one rule.
pub(crate) struct Checker<'c, 'r, 'f> {
    pub known: &'c Known,
    pub each: Each,
    pub place: Place,
    pub report: &'r mut Report<'f>,
}

impl Checker<'_, '_, '_> {
    /// Lowers a condition; `None` if something is wrong with it, which is reported.
    pub fn condition(&mut self, expr: &Expr, what: &str) -> Option<Checked> {
        let checked = self.lower(expr)?;
        if checked.kind != Type::Bool {
            let diagnostic = self
                .report
                .error(expr.span, format!("{what} must be true or false, but this is {}", checked.kind.word()));
            match &checked.expr {
                ast::Expr::Metric(name) => {
                    diagnostic.hint(format!("compare it: `{name} > 0`; flags are numbers: `{name} == 1`"));
                }
                _ => diagnostic.hint("compare it with something: `… > 0`"),
            }
            return None;
        }
        Some(checked)
    }

    pub fn lower(&mut self, expr: &Expr) -> Option<Checked> {
        let span = expr.span;
        let leaf = |expr, kind| Some(Checked { expr, kind, span, parts: Vec::new() });
        match &expr.kind {
            Kind::Number(number) => leaf(ast::Expr::Number(*number), Type::Number(None)),
            Kind::Bool(value) => leaf(ast::Expr::Bool(*value), Type::Bool),
            Kind::Text(text) => leaf(ast::Expr::Text(text.as_str().into()), Type::Text),
            Kind::Name(name) => self.metric(name, span),
            Kind::Member(base, name) => self.attribute(base, name, span),
            Kind::Not(inner) => {
                let inner = self.expect_bool(inner, "`!`")?;
                Some(build(span, Type::Bool, vec![inner], |mut e| ast::Expr::Not(e.remove(0).into())))
            }
            Kind::Neg(inner) => {
                let inner = self.expect_number(inner, "`-`")?;
                let kind = inner.kind.clone();
                Some(build(span, kind, vec![inner], |mut e| ast::Expr::Neg(e.remove(0).into())))
            }
            Kind::And(a, b) => self.logic(a, b, span, "`&&`", ast::Expr::And),
            Kind::Or(a, b) => self.logic(a, b, span, "`||`", ast::Expr::Or),
            Kind::Compare(comparison, a, b) => self.compare(*comparison, a, b, span),
            Kind::Arithmetic(operator, a, b) => self.arithmetic(*operator, a, b, span),
            Kind::If(condition, then, otherwise) => self.choice(condition, then, otherwise, span),
            Kind::In(inner, list) => self.membership(inner, list, span),
            Kind::Call(name, name_span, arguments) => self.call(name, *name_span, arguments, span),
        }
    }

    fn metric(&mut self, name: &str, span: Span) -> Option<Checked> {
        let unit = self.known_metric(name, span)?;
        match (self.place, &self.each) {
            (Place::Where, _) => {
                self.report.error(span, format!("`where` cannot look at the metric `{name}`")).hint(
                    "`where` chooses sensors when the rules are loaded, by attributes only; put this into `when`",
                );
                None
            }
            (Place::Condition, each) if !each.is_sensor() => {
                self.report
                    .error(span, format!("a bare metric in a rule of each: {}", self.each))
                    .hint(format!("an area has many sensors: avg({name}, '10m'), or sensors({name} > 1, '10m') >= 3"));
                None
            }
            _ => Some(Checked {
                expr: ast::Expr::Metric(name.into()),
                kind: Type::Number(Some(unit)),
                span,
                parts: Vec::new(),
            }),
        }
    }

    /// The unit of a metric, or a report that there is no such.
    pub fn known_metric(&mut self, name: &str, span: Span) -> Option<String> {
        if let Some(unit) = self.known.metrics.get(name) {
            return Some(unit.clone());
        }
        let diagnostic = self.report.error(span, format!("there is no metric `{name}`"));
        if Function::named(name).is_some() {
            diagnostic.hint(format!("`{name}` is a function: {}", functions::example(name)));
        } else if self.known.attributes.contains_key(name) {
            diagnostic.hint(format!("did you mean `attr.{name}`?"));
        } else if let Some(near) = suggest::nearest(name, self.known.metrics.keys().map(String::as_str)) {
            diagnostic.hint(format!("did you mean `{near}`?"));
        } else {
            diagnostic.hint("metrics are listed in the city's metrics.yaml; text stands between quotes");
        }
        None
    }

    fn attribute(&mut self, base: &str, name: &str, span: Span) -> Option<Checked> {
        if base != "attr" {
            let diagnostic = self.report.error(span, format!("`{base}` has no parts; only `attr` has"));
            if self.known.attributes.contains_key(name) {
                diagnostic.hint(format!("did you mean `attr.{name}`?"));
            }
            return None;
        }
        let kind = self.known_attribute(name, span)?;
        if self.place == Place::Condition && !self.each.is_sensor() {
            self.report
                .error(span, "an area has no attributes, its sensors have")
                .hint("use it in `where`, or inside sensors(…) or share(…)");
            return None;
        }
        Some(Checked { expr: ast::Expr::Attr(name.into()), kind, span, parts: Vec::new() })
    }

    /// The type of an attribute, or a report that there is no such.
    pub fn known_attribute(&mut self, name: &str, span: Span) -> Option<Type> {
        if name == INTERVAL {
            return Some(Type::Number(None));
        }
        match self.known.attributes.get(name) {
            Some(AttrKind::Bool) => Some(Type::Bool),
            Some(AttrKind::Number) => Some(Type::Number(None)),
            Some(AttrKind::Text) => Some(Type::Text),
            Some(AttrKind::Mixed) => {
                self.report
                    .error(span, format!("the attribute `{name}` is not of one type: some sensors have a number, others text or true/false"))
                    .hint("make it the same in the registry");
                None
            }
            None => {
                let names: Vec<&str> = self.known.attributes.keys().map(String::as_str).collect();
                let diagnostic = self.report.error(span, format!("no sensor has the attribute `{name}`"));
                match suggest::nearest(name, names.iter().copied()) {
                    Some(near) => diagnostic.hint(format!("did you mean `attr.{near}`?")),
                    None if self.known.metrics.contains_key(name) => {
                        diagnostic.hint(format!("`{name}` is a metric: write it without `attr.`"));
                    }
                    None if names.is_empty() => diagnostic.hint("the registry's sensors have no attributes at all"),
                    None if names.len() <= 12 => diagnostic.hint(format!("known are {}", names.join(", "))),
                    None => {}
                }
                None
            }
        }
    }

    fn expect_bool(&mut self, expr: &Expr, who: &str) -> Option<Checked> {
        let checked = self.lower(expr)?;
        if checked.kind == Type::Bool {
            return Some(checked);
        }
        let diagnostic =
            self.report.error(expr.span, format!("{who} needs true or false, but this is {}", checked.kind.word()));
        if let ast::Expr::Metric(name) = &checked.expr {
            diagnostic.hint(format!("flags are numbers: `{name} == 1`"));
        }
        None
    }

    fn expect_number(&mut self, expr: &Expr, who: &str) -> Option<Checked> {
        let checked = self.lower(expr)?;
        if matches!(checked.kind, Type::Number(_)) {
            return Some(checked);
        }
        let diagnostic =
            self.report.error(expr.span, format!("{who} needs numbers, but this is {}", checked.kind.word()));
        if let ast::Expr::Text(text) = &checked.expr
            && text.parse::<f64>().is_ok()
        {
            diagnostic.hint(format!("write it without quotes: {text}"));
        }
        None
    }

    fn logic(
        &mut self,
        a: &Expr,
        b: &Expr,
        span: Span,
        who: &str,
        make: fn(Box<ast::Expr>, Box<ast::Expr>) -> ast::Expr,
    ) -> Option<Checked> {
        // Both sides are looked at even when one is wrong, so that all mistakes are told at once.
        let (a, b) = (self.expect_bool(a, who), self.expect_bool(b, who));
        Some(build(span, Type::Bool, vec![a?, b?], |e| pair(e, make)))
    }

    fn compare(&mut self, comparison: Comparison, a: &Expr, b: &Expr, span: Span) -> Option<Checked> {
        let who = format!("`{comparison}`");
        let (a, b) = if matches!(comparison, Comparison::Equal | Comparison::NotEqual) {
            let (a, b) = (self.lower(a), self.lower(b));
            let (a, b) = (a?, b?);
            if std::mem::discriminant(&a.kind) != std::mem::discriminant(&b.kind) {
                let message = format!("{who} compares {} with {}, which are never equal", a.kind.word(), b.kind.word());
                let diagnostic = self.report.error(span, message);
                match (&a.kind, &b.kind, &b.expr) {
                    (Type::Number(_), Type::Bool, ast::Expr::Bool(value)) => {
                        diagnostic.hint(format!("flags are numbers: write {}", u8::from(*value)));
                    }
                    (Type::Number(_), _, ast::Expr::Text(text)) if text.parse::<f64>().is_ok() => {
                        diagnostic.hint(format!("write it without quotes: {text}"));
                    }
                    _ => {}
                }
                return None;
            }
            (a, b)
        } else {
            let (a, b) = (self.expect_number(a, &who), self.expect_number(b, &who));
            (a?, b?)
        };
        self.same_unit(&a, &b, span, "compared")?;
        Some(build(span, Type::Bool, vec![a, b], |e| pair(e, |a, b| ast::Expr::Compare(comparison, a, b))))
    }

    fn arithmetic(&mut self, operator: Operator, a: &Expr, b: &Expr, span: Span) -> Option<Checked> {
        let who = format!("`{operator}`");
        let (a, b) = (self.expect_number(a, &who), self.expect_number(b, &who));
        let (a, b) = (a?, b?);
        let unit = match operator {
            Operator::Add => self.same_unit(&a, &b, span, "added")?,
            Operator::Subtract => self.same_unit(&a, &b, span, "subtracted")?,
            _ => None,
        };
        if matches!(operator, Operator::Divide | Operator::Remainder) && b.expr == ast::Expr::Number(0.0) {
            self.report.error(b.span, "division by zero: the result is always unknown");
            return None;
        }
        Some(build(span, Type::Number(unit), vec![a, b], |e| pair(e, |a, b| ast::Expr::Arithmetic(operator, a, b))))
    }

    /// The unit of two numbers that must have the same, if one has any.
    fn same_unit(&mut self, a: &Checked, b: &Checked, span: Span, what: &str) -> Option<Option<String>> {
        match (&a.kind, &b.kind) {
            (Type::Number(Some(left)), Type::Number(Some(right))) if left != right => {
                self.report
                    .error(span, format!("`{left}` and `{right}` cannot be {what}: the units differ"))
                    .hint("convert one of them with a factor: `level_m * 100`; a product fits every unit");
                None
            }
            (Type::Number(left), Type::Number(right)) => Some(left.clone().or_else(|| right.clone())),
            _ => Some(None),
        }
    }

    fn choice(&mut self, condition: &Expr, then: &Expr, otherwise: &Expr, span: Span) -> Option<Checked> {
        let condition = self.expect_bool(condition, "`?`");
        let (then, otherwise) = (self.lower(then), self.lower(otherwise));
        let (condition, then, otherwise) = (condition?, then?, otherwise?);
        if std::mem::discriminant(&then.kind) != std::mem::discriminant(&otherwise.kind) {
            let message = format!("the two choices of `? :` are {} and {}", then.kind.word(), otherwise.kind.word());
            self.report.error(span, message).hint("both must be of one type");
            return None;
        }
        let unit = self.same_unit(&then, &otherwise, span, "chosen from")?;
        let kind = if matches!(then.kind, Type::Number(_)) { Type::Number(unit) } else { then.kind.clone() };
        Some(build(span, kind, vec![condition, then, otherwise], |mut e| {
            let (c, b, a) = (e.pop(), e.pop(), e.pop());
            match (a, b, c) {
                (Some(a), Some(b), Some(c)) => ast::Expr::If(a.into(), b.into(), c.into()),
                _ => ast::Expr::Bool(false),
            }
        }))
    }

    fn membership(&mut self, inner: &Expr, list: &[Expr], span: Span) -> Option<Checked> {
        let inner = self.lower(inner);
        if list.is_empty() {
            self.report.error(span, "nothing is in an empty list");
            return None;
        }
        let mut items = Vec::new();
        for item in list {
            if !matches!(item.kind, Kind::Number(_) | Kind::Text(_) | Kind::Bool(_)) {
                self.report
                    .error(item.span, "the list of `in` holds constants only")
                    .hint("compare the others with `==`, joined by `||`");
                return None;
            }
            items.push(self.lower(item)?);
        }
        let inner = inner?;
        for item in &items {
            if std::mem::discriminant(&item.kind) != std::mem::discriminant(&inner.kind) {
                let message =
                    format!("this is {}, but what stands before `in` is {}", item.kind.word(), inner.kind.word());
                self.report.error(item.span, message);
                return None;
            }
        }
        let mut parts = vec![inner];
        parts.extend(items);
        Some(build(span, Type::Bool, parts, |mut e| {
            let list = e.split_off(1);
            ast::Expr::In(e.remove(0).into(), list)
        }))
    }
}

/// Puts an expression together from its parts.
pub(crate) fn build(
    span: Span,
    kind: Type,
    parts: Vec<Checked>,
    make: impl FnOnce(Vec<ast::Expr>) -> ast::Expr,
) -> Checked {
    let expr = make(parts.iter().map(|part| part.expr.clone()).collect());
    Checked { expr, kind, span, parts }
}

fn pair(mut parts: Vec<ast::Expr>, make: impl FnOnce(Box<ast::Expr>, Box<ast::Expr>) -> ast::Expr) -> ast::Expr {
    let right = parts.remove(1);
    make(parts.remove(0).into(), right.into())
}
