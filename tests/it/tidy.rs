//! Style as a test: what `CONTRIBUTING.md` and `ARCHITECTURE.md` promise and a machine can check.
//!
//! Every message names the file and says how to mend it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Longest Rust file, in lines.
const FILE_LINES_MAX: usize = 400;
/// Longest function, in lines. The style asks for 70; a table or a match over a closed list may need more.
const FUNCTION_LINES_MAX: usize = 100;

/// Files that may be longer, to this many lines, with the reason.
const LONG_FILES: &[(&str, usize, &str)] = &[];

/// Which of our crates a crate may name. Nothing points the other way.
const ARROWS: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("bus", &["model"]),
    ("rules", &["model"]),
    ("seeds", &["model", "rules"]),
    ("history", &["model", "bus"]),
    ("ingest", &["model", "bus"]),
    ("stream", &["model", "bus", "rules"]),
    ("command-center", &["model", "bus", "history"]),
    ("citywatch", &["model", "seeds", "bus", "history", "command-center", "rules", "ingest", "stream"]),
];

/// Foreign crates that one crate alone may name.
const ONLY_IN: &[(&str, &str)] = &[
    ("timely", "stream"),
    ("rumqttc", "ingest"),
    ("mqtt-protocol-core", "ingest"),
    ("rdkafka", "bus"),
    ("influxdb2", "history"),
    ("sqlx", "command-center"),
    ("axum", "command-center"),
];

/// Packages that must not be in the tree; see docs/decisions/0004-advisories.md.
/// The second is what their versions begin with; an empty text is any version.
const BANNED_PACKAGES: &[(&str, &[&str])] =
    &[("rustls-webpki", &["0.100.", "0.101.", "0.102."]), ("rustls-pemfile", &[""])];

/// The package that is only for those who ask for it, the one that may bring it, and the feature that they ask by; see
/// docs/decisions/0018-kafka.md.
const BEHIND_A_FEATURE: (&str, &str, &str) = ("openssl-sys", "rdkafka-sys", "kafka-tls");

/// Names of shapes that the description of the API and that of the topics each have, with the same meaning.
const SHAPES_OF_BOTH: &[&str] = &["AppealStep", "Maintenance"];

struct Text {
    path: String,
    text: String,
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// All text files of the project below `dir` with one of these endings, without what builds and runs leave behind.
fn files(endings: &[&str]) -> Vec<Text> {
    fn walk(dir: &Path, endings: &[&str], found: &mut Vec<Text>) {
        for entry in fs::read_dir(dir).expect("the project's folders can be listed") {
            let entry = entry.expect("the project's folders can be listed");
            let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
            if entry.file_type().expect("a listed file has a type").is_dir() {
                if !["target", ".git", "node_modules", "data"].contains(&name.as_str()) {
                    walk(&path, endings, found);
                }
            } else if endings.iter().any(|ending| name.ends_with(ending)) {
                let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
                let path = path.strip_prefix(root()).expect("walked from the root").display().to_string();
                found.push(Text { path, text });
            }
        }
    }
    let mut found = Vec::new();
    walk(&root(), endings, &mut found);
    found.sort_by(|a, b| a.path.cmp(&b.path));
    assert!(!found.is_empty(), "no file ends in {endings:?}: is this the root?");
    found
}

/// Fails with all complaints at once.
fn report(complaints: &[String]) {
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}

fn lines_with<'a>(file: &'a Text, word: &'a str) -> impl Iterator<Item = String> + 'a {
    let hits = file.text.lines().enumerate().filter(move |(_, line)| line.contains(word));
    hits.map(move |(index, _)| format!("{}:{}", file.path, index + 1))
}

#[test]
fn crates_name_only_what_their_arrows_allow() {
    let mut complaints = Vec::new();
    for (package, allowed) in ARROWS {
        let path = if *package == "citywatch" { root() } else { root().join(package) }.join("Cargo.toml");
        let manifest: toml::Table =
            fs::read_to_string(&path).expect("every crate of the table has a manifest").parse().expect("TOML");
        for section in ["dependencies", "dev-dependencies", "build-dependencies"] {
            let names =
                manifest.get(section).and_then(toml::Value::as_table).into_iter().flat_map(|table| table.keys());
            for name in names {
                if ARROWS.iter().any(|(ours, _)| ours == name) && !allowed.contains(&name.as_str()) {
                    complaints.push(format!("{package} must not depend on {name}: see the arrows in ARCHITECTURE.md"));
                }
                if let Some((_, owner)) = ONLY_IN.iter().find(|(foreign, owner)| foreign == name && owner != package) {
                    complaints.push(format!("{package} must not depend on {name}: only {owner} names it"));
                }
            }
        }
        let lints = manifest.get("lints").and_then(|lints| lints.get("workspace")).and_then(toml::Value::as_bool);
        if lints != Some(true) {
            complaints.push(format!("{package}: add `[lints] workspace = true` (it forbids unsafe code)"));
        }
    }
    let workspace: toml::Table = fs::read_to_string(root().join("Cargo.toml")).unwrap().parse().unwrap();
    assert_eq!(workspace["workspace"]["lints"]["rust"]["unsafe_code"].as_str(), Some("forbid"));
    for member in workspace["workspace"]["members"].as_array().expect("members are listed") {
        let member = member.as_str().expect("a member is text");
        if !ARROWS.iter().any(|(package, _)| *package == member) {
            complaints.push(format!("{member}: add its arrows to tests/it/tidy.rs and ARCHITECTURE.md"));
        }
    }
    report(&complaints);
}

#[test]
fn foreign_crates_stay_in_their_crate() {
    let mut complaints = Vec::new();
    for file in files(&[".rs"]) {
        for (foreign, owner) in ONLY_IN {
            let inside = file.path.starts_with(&format!("{owner}/"));
            let word = format!("{}::", foreign.replace('-', "_"));
            if !inside && !file.path.ends_with("tidy.rs") {
                complaints.extend(lines_with(&file, &word).map(|at| format!("{at}: only {owner} names {foreign}")));
            }
        }
    }
    report(&complaints);
}

#[test]
fn banned_packages_are_not_in_the_tree() {
    let lock: toml::Table = fs::read_to_string(root().join("Cargo.lock")).unwrap().parse().unwrap();
    let mut complaints = Vec::new();
    for package in lock["package"].as_array().expect("packages are listed") {
        let (name, version) = (package["name"].as_str().unwrap(), package["version"].as_str().unwrap());
        for (banned, versions) in BANNED_PACKAGES {
            if name == *banned && versions.iter().any(|begin| version.starts_with(begin)) {
                complaints.push(format!("{name} {version}: see docs/decisions/0004-advisories.md"));
            }
        }
    }
    report(&complaints);
}

#[test]
fn openssl_comes_only_with_its_feature() {
    let lock: toml::Table = fs::read_to_string(root().join("Cargo.lock")).unwrap().parse().unwrap();
    let (package, bringer, feature) = BEHIND_A_FEATURE;
    let mut complaints = Vec::new();
    for found in lock["package"].as_array().expect("packages are listed") {
        let needs = found.get("dependencies").and_then(toml::Value::as_array).into_iter().flatten();
        let needs = needs.filter_map(toml::Value::as_str).any(|need| need.split(' ').next() == Some(package));
        let name = found["name"].as_str().unwrap();
        if needs && name != bringer {
            complaints.push(format!("{name} needs {package}: one TLS stack, and it is not this one"));
        }
    }
    for (member, _) in ARROWS {
        let path = if *member == "citywatch" { root() } else { root().join(member) }.join("Cargo.toml");
        let manifest: toml::Table = fs::read_to_string(path).unwrap().parse().unwrap();
        let by_default = manifest.get("features").and_then(|features| features.get("default"));
        let by_default = by_default.and_then(toml::Value::as_array).into_iter().flatten();
        if by_default.filter_map(toml::Value::as_str).any(|name| name.ends_with(feature)) {
            complaints.push(format!("{member}: {feature} must not be a default feature"));
        }
    }
    report(&complaints);
}

#[test]
fn no_two_shapes_have_one_name() {
    // A description holds shapes by name: of two with one name it would keep the last, and say nothing.
    let mut at: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for file in files(&[".rs"]) {
        let mut lines = file.text.lines().enumerate();
        while let Some((_, line)) = lines.next() {
            if !(line.starts_with("#[derive(") && line.contains("ToSchema")) {
                continue;
            }
            let mut renamed = None;
            for (index, line) in lines.by_ref() {
                let after = |word: &str| {
                    let name = line.split_once(word)?.1.split(|one: char| !one.is_alphanumeric() && one != '_').next();
                    name.map(str::to_owned)
                };
                renamed = renamed.or_else(|| line.starts_with("#[schema(").then(|| after("as = ")).flatten());
                let declared = (!line.starts_with(['#', '/'])).then(|| after("struct ").or_else(|| after("enum ")));
                if let Some(name) = declared.flatten() {
                    at.entry(renamed.unwrap_or(name)).or_default().push(format!("{}:{}", file.path, index + 1));
                    break;
                }
            }
        }
    }
    assert!(at.len() > 300, "{} shapes were found: are they written otherwise now?", at.len());
    let twice = at.iter().filter(|(name, at)| at.len() > 1 && !SHAPES_OF_BOTH.contains(&name.as_str()));
    let complaints: Vec<String> = twice
        .map(|(name, at)| format!("{name} at {}: give one another name, `#[schema(as = …)]`", at.join(", ")))
        .collect();
    report(&complaints);
}

#[test]
fn nothing_is_left_half_done() {
    let marks = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X "), concat!("HA", "CK:")];
    let code = [concat!("dbg", "!("), concat!("todo", "!("), concat!("unimplemented", "!("), concat!("#[ig", "nore")];
    let mut complaints = Vec::new();
    for file in files(&[".rs", ".md", ".toml", ".yaml", ".yml", ".sh", "Makefile"]) {
        for mark in marks {
            complaints.extend(lines_with(&file, mark).map(|at| format!("{at}: \"{mark}\": do it or leave it out")));
        }
        for call in code.into_iter().filter(|_| file.path.ends_with(".rs")) {
            complaints.extend(lines_with(&file, call).map(|at| format!("{at}: \"{call}\" is not for the repository")));
        }
    }
    report(&complaints);
}

#[test]
fn nothing_names_one_machine() {
    let places = [concat!("/wo", "rk/"), concat!("/ho", "me/"), concat!("/ro", "ot/"), concat!("/Us", "ers/")];
    let mut complaints = Vec::new();
    for file in files(&[".rs", ".md", ".toml", ".yaml", ".yml", ".sh", ".csv", "Makefile", "run"]) {
        for place in places {
            complaints.extend(lines_with(&file, place).map(|at| format!("{at}: names a folder of one machine")));
        }
    }
    report(&complaints);
}

#[test]
fn files_and_functions_are_short() {
    let mut complaints = Vec::new();
    for file in files(&[".rs"]) {
        let limit = LONG_FILES.iter().find(|(path, ..)| *path == file.path).map_or(FILE_LINES_MAX, |long| long.1);
        let lines = file.text.lines().count();
        if lines > limit {
            complaints.push(format!("{}: {lines} lines, more than {limit}: it is probably two ideas", file.path));
        }
        complaints.extend(long_functions(&file));
    }
    for (path, limit, reason) in LONG_FILES {
        let lines = fs::read_to_string(root().join(path)).map(|text| text.lines().count()).unwrap_or(0);
        if lines <= FILE_LINES_MAX {
            complaints.push(format!("{path}: {lines} lines need no exception of {limit} ({reason}): take it out"));
        }
    }
    report(&complaints);
}

/// A function ends, as rustfmt writes it, at the first brace that stands where its `fn` line begins.
fn long_functions(file: &Text) -> Vec<String> {
    let mut complaints = Vec::new();
    let mut open: Option<(usize, usize)> = None;
    for (index, line) in file.text.lines().enumerate() {
        let indent = line.len() - line.trim_start().len();
        let words = line.trim_start();
        let begins = ["fn ", "pub fn ", "pub(crate) fn ", "pub(super) fn ", "async fn ", "pub async fn "];
        if open.is_none() && begins.iter().any(|begin| words.starts_with(begin)) {
            open = Some((index, indent));
        } else if let Some((start, depth)) = open
            && indent == depth
            && (words == "}" || words.ends_with(';'))
        {
            let lines = index - start + 1;
            if lines > FUNCTION_LINES_MAX {
                complaints.push(format!("{}:{}: a function of {lines} lines", file.path, start + 1));
            }
            open = None;
        }
    }
    complaints
}

#[test]
fn modules_say_what_they_are() {
    let mut complaints = Vec::new();
    for file in files(&[".rs"]) {
        let name = Path::new(&file.path).file_stem().expect("a Rust file has a name").to_string_lossy().into_owned();
        if ["utils", "util", "helpers", "helper", "common", "manager", "misc"].contains(&name.as_str()) {
            complaints.push(format!("{}: a name that says nothing: name the thing", file.path));
        }
        if !file.text.starts_with("//!") {
            complaints.push(format!("{}: begin with `//!` and what it is", file.path));
        }
    }
    report(&complaints);
}

#[test]
fn pages_have_one_title_and_links_that_lead_somewhere() {
    let mut complaints = Vec::new();
    for file in files(&[".md"]) {
        let mut titles = 0;
        let mut in_code = false;
        for (index, line) in file.text.lines().enumerate() {
            in_code ^= line.trim_start().starts_with("```");
            if in_code {
                continue;
            }
            titles += usize::from(line.starts_with("# "));
            for target in links(line) {
                let bare = target.split('#').next().unwrap_or_default();
                let from = root().join(&file.path);
                let there = from.parent().expect("a page stands in a folder").join(bare);
                if !target.contains("://") && !target.starts_with("mailto:") && !bare.is_empty() && !there.exists() {
                    complaints.push(format!("{}:{}: the link to {target} leads nowhere", file.path, index + 1));
                }
            }
        }
        if titles != 1 {
            complaints.push(format!("{}: {titles} lines begin with \"# \": a page has one title", file.path));
        }
    }
    report(&complaints);
}

/// The targets of `[text](target)` in a line of Markdown.
fn links(line: &str) -> Vec<&str> {
    line.split("](").skip(1).filter_map(|rest| rest.split(')').next()).collect()
}

#[test]
fn decisions_are_numbered_once() {
    let mut numbers: BTreeMap<String, String> = BTreeMap::new();
    for file in files(&[".md"]).into_iter().filter(|file| file.path.starts_with("docs/decisions/")) {
        let name = file.path.trim_start_matches("docs/decisions/");
        let number = name.split('-').next().unwrap_or_default();
        assert!(number.len() == 4 && number.bytes().all(|byte| byte.is_ascii_digit()), "{name}: begin with NNNN-");
        if let Some(other) = numbers.insert(number.to_owned(), name.to_owned()) {
            panic!("docs/decisions: {name} and {other} have the same number");
        }
    }
}
