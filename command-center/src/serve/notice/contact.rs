//! How somebody is reached beside the page: a mail address, a group's robot, a webhook. Addresses stay in the store.

use super::allowed::end_point;
use super::mail::check_address;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// Where the robots of WeCom answer.
const WECOM: &str = "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?";
/// Where the robots of DingTalk answer.
const DINGTALK: &str = "https://oapi.dingtalk.com/robot/send?";

/// A way to reach somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ContactKind {
    /// Mail, by the city's server.
    Email,
    /// A robot in a group of WeCom 企业微信.
    Wecom,
    /// A robot in a group of DingTalk 钉钉.
    Dingtalk,
    /// JSON, signed as Standard Webhooks has it.
    Webhook,
}

impl ContactKind {
    /// Its word in the store.
    pub(crate) fn name(self) -> &'static str {
        match self {
            ContactKind::Email => "email",
            ContactKind::Wecom => "wecom",
            ContactKind::Dingtalk => "dingtalk",
            ContactKind::Webhook => "webhook",
        }
    }

    /// What has this name.
    pub(crate) fn named(name: &str) -> Option<ContactKind> {
        let all = [ContactKind::Email, ContactKind::Wecom, ContactKind::Dingtalk, ContactKind::Webhook];
        all.into_iter().find(|kind| kind.name() == name)
    }
}

/// The language of a notice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Language {
    /// Chinese.
    #[default]
    Zh,
    /// English.
    En,
}

impl Language {
    /// Its word in the store.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Language::Zh => "zh",
            Language::En => "en",
        }
    }

    /// What has this name.
    pub(crate) fn named(name: &str) -> Option<Language> {
        [Language::Zh, Language::En].into_iter().find(|language| language.name() == name)
    }
}

/// A way to reach somebody, as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Contact {
    pub(crate) id: Uuid,
    /// An account's name, or a name that rosters and chains have for a group.
    pub(crate) who: String,
    pub(crate) kind: ContactKind,
    pub(crate) address: String,
    /// What messages are signed with: of a webhook and of a robot of DingTalk.
    pub(crate) secret: Option<String>,
    pub(crate) language: Language,
    /// Wall time.
    pub(crate) created_at: i64,
    pub(crate) created_by: String,
}

impl Contact {
    /// The target of its deliveries.
    pub(crate) fn target(&self) -> String {
        format!("contact/{}", self.id)
    }

    /// The address without what makes it a secret: of a mail address the first letter and the domain, else the host.
    pub(crate) fn masked(&self) -> String {
        match (self.kind, self.address.split_once('@')) {
            (ContactKind::Email, Some((local, domain))) => {
                format!("{}***@{domain}", local.chars().next().unwrap_or_default())
            }
            _ => {
                let host = self.address.split_once("://").map_or("", |(_, rest)| rest);
                format!("{}…", host.split('/').next().unwrap_or_default())
            }
        }
    }
}

/// Whether a contact of this kind can have this address.
pub(crate) fn check(kind: ContactKind, address: &str, plain_http: bool, has_mail: bool) -> Result<(), String> {
    // A robot's address may be that of a stand-in, where http is allowed at all.
    let robot = |begins: &str| if plain_http || address.starts_with(begins) { Ok(()) } else { Err(begins.to_owned()) };
    match kind {
        ContactKind::Email if !has_mail => Err("no mail server is set: notices.mail".to_owned()),
        ContactKind::Email => check_address(address),
        ContactKind::Wecom => robot(WECOM).and_then(|()| end_point(address, plain_http).map(drop)),
        ContactKind::Dingtalk => robot(DINGTALK).and_then(|()| end_point(address, plain_http).map(drop)),
        ContactKind::Webhook => end_point(address, plain_http).map(drop),
    }
    .map_err(|why| if why.starts_with("https") { format!("the address of this robot begins with {why}") } else { why })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_fit_their_kinds_and_are_masked() {
        let good = [
            (ContactKind::Email, "anna@city.example", "a***@city.example"),
            (ContactKind::Wecom, "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=1-2", "qyapi.weixin.qq.com…"),
            (ContactKind::Dingtalk, "https://oapi.dingtalk.com/robot/send?access_token=1", "oapi.dingtalk.com…"),
            (ContactKind::Webhook, "https://hooks.city.example/a", "hooks.city.example…"),
        ];
        for (kind, address, masked) in good {
            assert_eq!(check(kind, address, false, true), Ok(()));
            let contact = Contact {
                id: Uuid::nil(),
                who: String::new(),
                kind,
                address: address.to_owned(),
                secret: None,
                language: Language::Zh,
                created_at: 0,
                created_by: String::new(),
            };
            assert_eq!(contact.masked(), masked);
            assert_eq!(ContactKind::named(kind.name()), Some(kind));
        }
        for (kind, address) in [
            (ContactKind::Email, "anna"),
            (ContactKind::Wecom, "https://city.example/cgi-bin/webhook/send?key=1"),
            (ContactKind::Dingtalk, "https://oapi.dingtalk.com.city.example/robot/send?access_token=1"),
            (ContactKind::Webhook, "http://hooks.city.example/a"),
        ] {
            assert!(check(kind, address, false, true).is_err(), "{address}");
        }
        assert!(check(ContactKind::Email, "anna@city.example", false, false).unwrap_err().contains("notices.mail"));
    }
}
