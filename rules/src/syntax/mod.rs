//! Text to trees: YAML and expressions, every node with its place in the file.
//!
//! It knows the grammar and nothing of metrics, attributes or types; that is `check`. It never panics on any text, and
//! every recursion is bounded by [`yaml::MAX_DEPTH`], [`expression::MAX_DEPTH`] and [`expression::MAX_NODES`].

mod diagnostics;
pub(crate) mod expression;
mod lexer;
mod print;
mod scalar;
pub(crate) mod yaml;

pub use diagnostics::{Diagnostic, Diagnostics, Level};
pub(crate) use diagnostics::{File, Report, Span};
pub(crate) use scalar::Positions;
