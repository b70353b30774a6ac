//! A draft of other rules: what is wrong with it, what its tests say, what in it is hardly meant. Nothing of it is kept.

use super::super::Shared;
use super::super::problem::{Body, Problem};
use super::{asked, of_the_city};
use crate::auth::who::Who;
use crate::workbench::{Checked, Linted, RuleFile, Tested};
use axum::Json;
use axum::extract::{Extension, State};
use serde::Deserialize;
use std::collections::BTreeSet;
use utoipa::ToSchema;

/// Files of a draft, tests among them.
const FILES_MAX: usize = 64;
/// Bytes of all their texts.
const TEXT_BYTES_MAX: usize = 1 << 20;
/// Longest path, in bytes.
const PATH_BYTES_MAX: usize = 512;
/// Largest body of a request with a draft: its texts as JSON writes them, which may double them.
pub(crate) const BODY_BYTES_MAX: usize = 2 * TEXT_BYTES_MAX + (64 << 10);

/// A draft: the whole of a rule set.
#[derive(Deserialize, ToSchema)]
pub(crate) struct Draft {
    /// At most 64, with 1 MiB of text; those that end in `.test.yaml` are tests.
    files: Vec<RuleFile>,
}

/// The files of a draft, if they can be those of one.
pub(super) fn usable(files: Vec<RuleFile>) -> Result<Vec<RuleFile>, Problem> {
    let bytes: usize = files.iter().map(|file| file.text.len()).sum();
    if files.len() > FILES_MAX || bytes > TEXT_BYTES_MAX {
        return Err(Problem::bad(format!("a draft has at most {FILES_MAX} files and {TEXT_BYTES_MAX} bytes of text")));
    }
    let mut paths = BTreeSet::new();
    for RuleFile { path, .. } in &files {
        let is_good = path.len() <= PATH_BYTES_MAX && path.ends_with(".yaml") && !path.contains(char::is_control);
        if !is_good {
            let text = format!("the path of a rule file ends in .yaml and has at most {PATH_BYTES_MAX} bytes");
            return Err(Problem::bad(text));
        }
        if !paths.insert(path) {
            return Err(Problem::bad(format!("the file {path} is there twice")));
        }
    }
    if files.iter().all(|file| file.path.ends_with(".test.yaml")) {
        return Err(Problem::bad("a draft has one rule file at least"));
    }
    Ok(files)
}

/// What is wrong with a draft, by file and place.
#[utoipa::path(post, path = "/api/v1/rules/check", tag = "rules", request_body = Draft,
    responses((status = 200, body = Checked), (status = 400, body = Problem), (status = 403, body = Problem)))]
pub(crate) async fn check(
    State(center): Shared,
    Extension(who): Extension<Who>,
    Body(draft): Body<Draft>,
) -> Result<Json<Checked>, Problem> {
    of_the_city(&who)?;
    let files = usable(draft.files)?;
    Ok(Json(asked(&center, move |bench, registry| bench.check(&files, registry)).await?))
}

/// Runs the tests of a draft through the production evaluator.
#[utoipa::path(post, path = "/api/v1/rules/test", tag = "rules", request_body = Draft,
    responses((status = 200, body = Tested), (status = 400, body = Problem), (status = 403, body = Problem)))]
pub(crate) async fn test(
    State(center): Shared,
    Extension(who): Extension<Who>,
    Body(draft): Body<Draft>,
) -> Result<Json<Tested>, Problem> {
    of_the_city(&who)?;
    let files = usable(draft.files)?;
    Ok(Json(asked(&center, move |bench, _| bench.test(&files)).await?))
}

/// What is allowed in a draft and hardly meant.
#[utoipa::path(post, path = "/api/v1/rules/lint", tag = "rules", request_body = Draft,
    responses((status = 200, body = Linted), (status = 400, body = Problem), (status = 403, body = Problem)))]
pub(crate) async fn lint(
    State(center): Shared,
    Extension(who): Extension<Who>,
    Body(draft): Body<Draft>,
) -> Result<Json<Linted>, Problem> {
    of_the_city(&who)?;
    let files = usable(draft.files)?;
    Ok(Json(asked(&center, move |bench, registry| bench.lint(&files, registry)).await?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_draft_is_bounded_and_its_paths_name_files() {
        let file = |path: &str, bytes: usize| RuleFile { path: path.to_owned(), text: "x".repeat(bytes) };
        assert!(usable(vec![file("a.yaml", 9), file("a.test.yaml", 9)]).is_ok());
        let many = (0..=FILES_MAX).map(|number| file(&format!("{number}.yaml"), 1)).collect();
        let bad = [
            vec![],
            vec![file("a.test.yaml", 1)],
            vec![file("a.yaml", 1), file("a.yaml", 2)],
            vec![file("a.txt", 1)],
            vec![file("a\n.yaml", 1)],
            vec![file(&format!("{}.yaml", "a".repeat(PATH_BYTES_MAX)), 1)],
            vec![file("a.yaml", TEXT_BYTES_MAX), file("b.yaml", 1)],
            many,
        ];
        for files in bad {
            assert!(usable(files).is_err());
        }
    }
}
