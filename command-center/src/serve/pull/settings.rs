//! The file that says which Open311 servers are asked for their requests.

use crate::serve::notice::allowed::end_point;
use model::Millis;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Servers at most: each is asked by itself.
const SERVERS_MAX: usize = 20;
/// Longest key.
const KEY_MAX: usize = 256;

/// A server that is asked. `deploy/open311.toml` says what each setting means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Open311Pull {
    /// Where the standard's documents stand, without a slash at the end, as in `https://city.example/open311/v2`.
    pub url: String,
    /// The server's `jurisdiction_id`, where it wants one.
    pub jurisdiction_id: Option<String>,
    /// What is sent as `api_key`, where it wants one.
    pub key: Option<String>,
    /// Time between two questions.
    pub every: Millis,
    /// How much later than its `requested_datetime` a request may be published.
    pub late: Millis,
    /// So many requests in an answer may be all that the server gives: they are asked for again in parts.
    pub answer_max: usize,
    /// Our class of each of its `service_code`s.
    pub classes: BTreeMap<String, String>,
    /// Our class of all others; none, and they are refused unless the code is a class of ours.
    pub class: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    pull: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    url: String,
    jurisdiction_id: Option<String>,
    key_file: Option<String>,
    every: Option<String>,
    late: Option<String>,
    answer_max: Option<usize>,
    class: Option<String>,
    #[serde(default)]
    classes: BTreeMap<String, String>,
}

impl Open311Pull {
    /// Reads the text of the file; paths in it are relative to `folder`.
    ///
    /// # Errors
    /// What is wrong, and what to write.
    pub fn parse(text: &str, folder: &Path) -> Result<Vec<Open311Pull>, String> {
        let file: File = toml::from_str(text).map_err(|error| error.to_string())?;
        if file.pull.len() > SERVERS_MAX {
            return Err(format!("{} servers: {SERVERS_MAX} can be asked", file.pull.len()));
        }
        let mut seen = BTreeSet::new();
        let mut pulls = Vec::new();
        for entry in file.pull {
            let pull = entry.read(folder)?;
            if !seen.insert(pull.url.clone()) {
                return Err(format!("url = \"{}\" stands twice", pull.url));
            }
            pulls.push(pull);
        }
        Ok(pulls)
    }
}

impl Entry {
    fn read(self, folder: &Path) -> Result<Open311Pull, String> {
        let url = self.url.trim_end_matches('/').to_owned();
        // Whether http is allowed is for notices.plain_http to say, when it is asked.
        let parsed = end_point(&url, true).map_err(|why| format!("url = \"{url}\": {why}"))?;
        if parsed.query().is_some() || parsed.fragment().is_some() {
            return Err(format!("url = \"{url}\": leave out what is behind the path"));
        }
        let span = |name: &str, text: Option<String>, default: Millis, least: Millis, most: Millis| {
            let span = text.map_or(Ok(default), |text| text.parse()).map_err(|error| format!("{name}: {error}"))?;
            let fits = (least.0..=most.0).contains(&span.0);
            if fits { Ok(span) } else { Err(format!("{name} = \"{span}\": use {least} to {most}")) }
        };
        let answer_max = self.answer_max.unwrap_or(50);
        if !(10..=1_000).contains(&answer_max) {
            return Err(format!("answer_max = {answer_max}: use 10 to 1000"));
        }
        let key = self.key_file.map(|path| {
            let path = folder.join(path);
            let text = std::fs::read_to_string(&path);
            let key = text.map_err(|error| format!("key_file \"{}\": {error}", path.display()))?.trim().to_owned();
            let fits = (1..=KEY_MAX).contains(&key.len());
            if fits { Ok(key) } else { Err(format!("key_file \"{}\": a key has 1 to {KEY_MAX} bytes", path.display())) }
        });
        Ok(Open311Pull {
            url,
            jurisdiction_id: self.jurisdiction_id,
            key: key.transpose()?,
            every: span("every", self.every, Millis(5 * Millis::MINUTE.0), Millis::SECOND, Millis::DAY)?,
            late: span("late", self.late, Millis::HOUR, Millis(0), Millis(30 * Millis::DAY.0))?,
            answer_max,
            classes: self.classes,
            class: self.class,
        })
    }

    #[cfg(test)]
    fn of(more: &str) -> Result<Vec<Open311Pull>, String> {
        Open311Pull::parse(&format!("[[pull]]\nurl = \"https://a.example/v2/\"\n{more}"), Path::new("/none"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_of_the_documentation_is_read() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("open311-key"), "secret\n").unwrap();
        let pulls = Open311Pull::parse(include_str!("../../../../deploy/open311.toml"), folder.path()).unwrap();
        let [pull] = &pulls[..] else { panic!("{pulls:?}") };
        assert_eq!((&*pull.url, pull.key.as_deref()), ("https://open311.neighbour.example/v2", Some("secret")));
        assert_eq!((pull.every, pull.late, pull.answer_max), (Millis(300_000), Millis::HOUR, 50));
        assert_eq!(pull.classes.get("pothole").map(String::as_str), Some("0401"));
    }

    #[test]
    fn what_is_wrong_is_told() {
        assert_eq!(Entry::of("").unwrap()[0].url, "https://a.example/v2", "with the defaults");
        let wrong = |more: &str| Entry::of(more).unwrap_err();
        assert!(wrong("every = \"10ms\"").contains("1s to 1d"));
        assert!(wrong("answer_max = 5").contains("10 to 1000"));
        assert!(wrong("key_file = \"gone\"").contains("/none/gone"));
        assert!(wrong("often = 1").contains("often"));
        assert!(wrong("[[pull]]\nurl = \"https://a.example/v2\"").contains("twice"));
        let at = |url: &str| Open311Pull::parse(&format!("[[pull]]\nurl = \"{url}\""), Path::new("")).unwrap_err();
        assert!(at("ftp://a.example").contains("https://"));
        assert!(at("https://a.example/v2?x=1").contains("behind the path"));
        assert!(at("https://me:pw@a.example").contains("no user"));
    }
}
