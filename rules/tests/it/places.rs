//! A mistake is found in the file where it stands, however YAML wraps the expression.

use crate::properties::runner;
use crate::world::{known, rule};
use proptest::prelude::*;
use rules::check::load;

/// The one word that no registry knows.
const WRONG: &str = "zzz_q";

fn single_quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// Between double quotes; where `escape` is even, what is not ASCII is written as an escape.
fn double_quoted(text: &str, escape: usize) -> String {
    let mut out = "\"".to_owned();
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if !c.is_ascii() && escape.is_multiple_of(2) => out.push_str(&format!("\\U{:08x}", c as u32)),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

fn block(head: &str, text: &str, cut: usize) -> String {
    // A break at one of the spaces outside of text literals.
    let at = text.match_indices(" && ").nth(cut).map_or(text.len(), |(at, _)| at);
    format!("{head}\n  {}\n  {}", &text[..at], text[at..].trim_start())
}

#[test]
fn the_wrong_word_is_underlined() {
    let literal = "[a-zA-Z0-9 .:#{}\\[\\]°中文排水é\u{1f6b0}-]{0,12}";
    let cases = (literal, literal, 0..6_usize, 0..3_usize, 0..4_usize);
    runner(3_000)
        .run(&cases, |(first, second, style, escape, cut)| {
            let text = format!("attr.kind != '{first}' && {WRONG} > 1 && attr.kind != \"{second}\" && level_m > 1");
            let written = match style {
                0 => single_quoted(&text),
                1 => double_quoted(&text, escape),
                2 => block("|", &text, cut),
                3 => block(">-", &text, cut),
                4 => single_quoted(&text).replacen(" && ", "\n   && ", cut),
                _ => double_quoted(&text, escape).replacen(" && ", " \\\n   && ", cut),
            };
            let file = rule(&format!("severity: minor\nwhen: {written}"));
            let told = load(&[("p.yaml".to_owned(), file.clone())], &known()).expect_err("the word is wrong");
            prop_assert_eq!(told.list.len(), 1, "{}\n{}", file, told);
            let found = &told.list[0];
            let word: String = found.source.chars().skip(found.column - 1).take(found.length).collect();
            prop_assert_eq!(word, WRONG, "{}\n{}", file, told);
            Ok(())
        })
        .unwrap();
}
