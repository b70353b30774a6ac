//! The file that says how the city's WeChat official account is answered.

use serde::Deserialize;
use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::path::Path;

/// How long a token may be: as the platform has it.
const TOKEN_LENGTH: RangeInclusive<usize> = 3..=32;
/// Words that choose a class, at most.
const WORDS_MAX: usize = 500;

/// The city's official account. `deploy/wechat.toml` says what each setting means.
#[derive(Clone, PartialEq, Eq)]
pub struct WeChat {
    /// The secret that the platform signs with.
    pub(crate) token: String,
    /// The class of what no word of `classes` stands in.
    pub(crate) class: String,
    /// Words, and the class of a text that one stands in.
    pub(crate) classes: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    token_file: String,
    class: String,
    #[serde(default)]
    classes: BTreeMap<String, String>,
}

impl WeChat {
    /// Reads the text of the file; paths in it are relative to `folder`. `knows` says whether a class is one of the city's.
    ///
    /// # Errors
    /// What is wrong, and what to write.
    pub fn parse(text: &str, folder: &Path, knows: impl Fn(&str) -> bool) -> Result<WeChat, String> {
        let File { token_file, class, classes } = toml::from_str(text).map_err(|error| error.to_string())?;
        let path = folder.join(token_file);
        let token = std::fs::read_to_string(&path);
        let token = token.map_err(|error| format!("token_file \"{}\": {error}", path.display()))?.trim().to_owned();
        if !TOKEN_LENGTH.contains(&token.len()) || !token.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            let place = path.display();
            return Err(format!(
                "token_file \"{place}\": a token has 3 to 32 letters and digits, as the platform has it"
            ));
        }
        if classes.len() > WORDS_MAX || classes.keys().any(|word| word.trim().is_empty()) {
            return Err(format!("classes: {WORDS_MAX} words at most, and none of them empty"));
        }
        if let Some(other) = std::iter::once(&class).chain(classes.values()).find(|class| !knows(class)) {
            return Err(format!("the city has no class \"{other}\""));
        }
        Ok(WeChat { token, class, classes })
    }

    /// The class of a text: that of the first word, in the order of the words, which stands in it.
    pub(crate) fn class_of(&self, text: &str) -> &str {
        let found = self.classes.iter().find(|(word, _)| text.contains(word.as_str()));
        found.map_or(&self.class, |(_, class)| class)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str, token: &str) -> Result<WeChat, String> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("wechat-token"), token).unwrap();
        WeChat::parse(text, folder.path(), |class| ["0101", "0102", "0402"].contains(&class))
    }

    #[test]
    fn the_file_of_the_documentation_is_read_and_its_words_choose() {
        let settings = parse(include_str!("../../../../deploy/wechat.toml"), "abcDEF123\n").unwrap();
        assert_eq!(settings.token, "abcDEF123");
        assert_eq!(settings.class_of("小区门口积水很深"), "0402");
        assert_eq!(settings.class_of("路灯不亮"), "0101");
    }

    #[test]
    fn what_is_wrong_is_told() {
        let wrong = |text: &str, token: &str| parse(text, token).err().unwrap();
        let good = "token_file = \"wechat-token\"\nclass = \"0101\"\n";
        assert!(wrong(good, "no").contains("3 to 32"));
        assert!(wrong(good, "no token at all").contains("letters and digits"));
        assert!(wrong(&good.replace("0101", "9999"), "abc").contains("9999"));
        assert!(wrong(&good.replace("wechat-token", "gone"), "abc").contains("gone"));
        assert!(wrong(&format!("{good}classes = {{ \"\" = \"0402\" }}"), "abc").contains("empty"));
    }
}
