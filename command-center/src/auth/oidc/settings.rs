//! The file that says who may sign in by the city's directory, and as what.

use crate::auth::role::Role;
use serde::Deserialize;
use std::path::{Path, PathBuf};
use url::{Host, Url};

/// Which directory, and what its people may. `deploy/oidc.toml` says what each setting means.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OidcSettings {
    /// The provider's issuer, word for word as it names itself.
    pub issuer: String,
    /// Under which name it knows us.
    pub client_id: String,
    /// A file with the secret that it knows us by; none for a client that has only PKCE.
    #[serde(default)]
    pub client_secret_file: Option<PathBuf>,
    /// Where it sends people back to: our address, and the path `/api/v1/sign-in/oidc/callback`.
    pub redirect: String,
    /// What the button says, in Chinese and English.
    pub label_zh: String,
    /// See `label_zh`.
    pub label_en: String,
    /// What becomes of who comes for the first time.
    pub first_sign_in: FirstSignIn,
    /// What is asked for.
    #[serde(default = "scopes")]
    pub scopes: Vec<String>,
    /// The claim that an account is named by.
    #[serde(default = "name_claim")]
    pub name_claim: String,
    /// The claim with somebody's groups.
    #[serde(default = "groups_claim")]
    pub groups_claim: String,
    /// Certificates in PEM that the provider's is checked against, instead of the system's.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// What the people of a group may; the first group that somebody is in counts, and no other.
    #[serde(default)]
    pub map: Vec<OidcMap>,
}

/// What becomes of who comes for the first time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FirstSignIn {
    /// They get an account.
    Make,
    /// They are refused, until an administrator links an account to them.
    Refuse,
}

/// What the people of a group may.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OidcMap {
    /// The group, as the claim has it.
    pub group: String,
    /// At least one.
    pub roles: Vec<Role>,
    /// Codes of districts and subdistricts; none for the whole city.
    #[serde(default)]
    pub areas: Vec<String>,
    /// The unit whose cases a `unit` handles.
    #[serde(default)]
    pub unit: Option<String>,
}

fn scopes() -> Vec<String> {
    vec!["openid".to_owned(), "profile".to_owned()]
}

fn name_claim() -> String {
    "preferred_username".to_owned()
}

fn groups_claim() -> String {
    "groups".to_owned()
}

impl OidcSettings {
    /// Reads the text of the file; paths in it are relative to `folder`.
    ///
    /// # Errors
    /// What is wrong, and what to write.
    pub fn parse(text: &str, folder: &Path) -> Result<OidcSettings, String> {
        let mut settings: OidcSettings = toml::from_str(text).map_err(|error| error.to_string())?;
        for path in [&mut settings.client_secret_file, &mut settings.ca_file].into_iter().flatten() {
            *path = folder.join(&*path);
        }
        settings.wrong().map_or(Ok(settings), Err)
    }

    /// The first thing that cannot be.
    fn wrong(&self) -> Option<String> {
        for (name, text) in [("issuer", &self.issuer), ("redirect", &self.redirect)] {
            if let Err(why) = address(text) {
                return Some(format!("{name} = \"{text}\": {why}"));
            }
        }
        if !self.redirect.ends_with("/api/v1/sign-in/oidc/callback") {
            return Some("redirect ends in /api/v1/sign-in/oidc/callback".to_owned());
        }
        if !self.scopes.iter().any(|scope| scope == "openid") {
            return Some("scopes: one of them is openid".to_owned());
        }
        if self.first_sign_in == FirstSignIn::Make && self.map.is_empty() {
            return Some("first_sign_in = \"make\" needs a [[map]]: without one nobody may anything".to_owned());
        }
        let wrong = |map: &&OidcMap| map.roles.is_empty() || map.roles.contains(&Role::Unit) != map.unit.is_some();
        self.map
            .iter()
            .find(wrong)
            .map(|map| format!("map of \"{}\": give it roles; the role unit and a unit go together", map.group))
    }

    /// What somebody of these groups may.
    pub(crate) fn fitting(&self, groups: &[String]) -> Option<&OidcMap> {
        self.map.iter().find(|map| groups.contains(&map.group))
    }
}

/// An address that may be asked: by TLS, or on this machine.
pub(super) fn address(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| error.to_string())?;
    let is_here = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    match url.scheme() {
        "https" if url.host().is_some() => Ok(url),
        "http" if is_here => Ok(url),
        _ => Err("use https; http is for this machine alone".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
issuer = "https://id.city.example"
client_id = "citywatch"
redirect = "https://watch.city.example/api/v1/sign-in/oidc/callback"
label_zh = "统一认证"
label_en = "City account"
first_sign_in = "make"
[[map]]
group = "desk"
roles = ["operator", "dispatcher"]
[[map]]
group = "water"
roles = ["unit"]
areas = ["110101"]
unit = "district-water-110101"
"#;

    #[test]
    fn the_first_group_counts_and_no_other() {
        let settings = OidcSettings::parse(GOOD, Path::new("x")).unwrap();
        let groups = |all: &[&str]| all.iter().map(|group| (*group).to_owned()).collect::<Vec<_>>();
        assert_eq!(settings.fitting(&groups(&["water", "desk"])).unwrap().roles, [Role::Operator, Role::Dispatcher]);
        assert_eq!(settings.fitting(&groups(&["other", "water"])).unwrap().areas, ["110101"]);
        assert_eq!(settings.fitting(&groups(&["other"])), None);
    }

    #[test]
    fn the_file_to_copy_is_whole() {
        let settings =
            OidcSettings::parse(include_str!("../../../../deploy/oidc.toml"), Path::new("/etc/city")).unwrap();
        assert_eq!(settings.client_secret_file.unwrap(), Path::new("/etc/city/oidc-secret"));
        assert_eq!((settings.scopes, settings.map.len()), (scopes(), 2));
    }

    #[test]
    fn what_cannot_be_is_said() {
        for (from, to, said) in [
            ("https://id.city.example", "http://id.city.example", "use https"),
            ("https://id.city.example", "id", "relative URL"),
            ("/oidc/callback", "/callback", "ends in"),
            ("[[map]]\ngroup = \"desk\"\nroles = [\"operator\", \"dispatcher\"]", "", ""),
            ("unit = \"district-water-110101\"", "", "go together"),
            ("\"make\"", "\"perhaps\"", "unknown variant"),
            ("client_id", "client", "unknown field"),
        ] {
            assert!(GOOD.contains(from), "{from}");
            let parsed = OidcSettings::parse(&GOOD.replacen(from, to, 1), Path::new("x"));
            match said {
                "" => assert!(parsed.is_ok(), "{parsed:?}"),
                said => assert!(parsed.as_ref().unwrap_err().contains(said), "{said}: {parsed:?}"),
            }
        }
        let nobody = GOOD.split("[[map]]").next().unwrap();
        assert!(OidcSettings::parse(nobody, Path::new("x")).unwrap_err().contains("needs a [[map]]"));
        assert!(address("http://127.0.0.1:9").is_ok() && address("http://10.0.0.1").is_err());
    }
}
