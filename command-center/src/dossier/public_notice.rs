//! A public notice 公告: what the city tells everybody in an area for a time, of itself or about an incident or a case. It
//! is published at once, and withdrawn where it no longer holds; its words are never edited: who has others to say
//! publishes another. Nobody is named in it but by their own words. Pure.

use super::{Dossier, Filed, Head, Step};
use crate::command::decide::{Actor, Refused};
use crate::command::text::{note, reason};
use bus::Topic;
use model::{EventTime, Millis};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// Characters of a title: it stands on one or two lines of a telephone, and on the wall.
const TITLE_MAX: usize = 80;
/// The longest that a notice holds. What holds longer is no news, and belongs elsewhere.
const DAYS_MAX: i64 = 92;

/// What a notice is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[schema(as = PublicNoticeAbout)]
pub(crate) enum About {
    Incident {
        #[schema(value_type = String)]
        incident: Uuid,
    },
    Case {
        #[schema(value_type = String)]
        case: Uuid,
        case_number: String,
    },
}

/// Where a notice holds; the whole city where there is neither.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = PublicNoticeWhere)]
pub(crate) struct Where {
    /// Codes.
    pub(crate) district: Option<String>,
    pub(crate) subdistrict: Option<String>,
}

/// What a notice says, in Chinese, and in English where somebody wrote that too.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = PublicNoticeWords)]
pub(crate) struct Words {
    /// 1 to 80 characters.
    pub(crate) title: String,
    pub(crate) text: String,
    /// Empty where it is in Chinese alone.
    #[serde(default)]
    pub(crate) title_en: String,
    #[serde(default)]
    pub(crate) text_en: String,
}

/// How it stands. That its time is over is no state: everybody sees that from `until`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = PublicNoticeState)]
pub(crate) enum State {
    Published,
    Withdrawn,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "step", rename_all = "snake_case")]
pub(crate) enum PublicNoticeFact {
    Published {
        #[serde(flatten)]
        words: Words,
        area: Where,
        #[schema(value_type = i64)]
        from: EventTime,
        #[schema(value_type = i64)]
        until: EventTime,
        about: Option<About>,
    },
    Withdrawn {
        reason: String,
    },
}

/// A public notice.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub(crate) struct PublicNotice {
    #[serde(flatten)]
    pub(crate) head: Head,
    pub(crate) state: State,
    #[serde(flatten)]
    pub(crate) words: Words,
    pub(crate) area: Where,
    #[schema(value_type = i64)]
    pub(crate) from: EventTime,
    /// Over from then on.
    #[schema(value_type = i64)]
    pub(crate) until: EventTime,
    pub(crate) about: Option<About>,
}

impl Dossier for PublicNotice {
    type Fact = PublicNoticeFact;
    const KIND: &'static str = "public-notice";
    const TOPIC: Topic = Topic::Serve;

    fn begin(head: Head, what: &PublicNoticeFact) -> Option<PublicNotice> {
        let PublicNoticeFact::Published { words, area, from, until, about } = what.clone() else { return None };
        Some(PublicNotice { head, state: State::Published, words, area, from, until, about })
    }

    fn apply(&mut self, step: &Step<PublicNoticeFact>) {
        match step.what {
            PublicNoticeFact::Published { .. } => {}
            PublicNoticeFact::Withdrawn { .. } => self.state = State::Withdrawn,
        }
    }

    fn head(&self) -> &Head {
        &self.head
    }

    fn head_mut(&mut self) -> &mut Head {
        &mut self.head
    }

    fn filed(&self) -> Filed<'_> {
        let (case, incident) = match &self.about {
            Some(About::Case { case, .. }) => (Some(*case), None),
            Some(About::Incident { incident }) => (None, Some(format!("incident/{incident}"))),
            None => (None, None),
        };
        Filed {
            state: self.state.name(),
            is_open: self.state == State::Published,
            case,
            about: incident,
            district: self.area.district.as_deref(),
            subdistrict: self.area.subdistrict.as_deref(),
            ..Filed::default()
        }
    }

    fn name(what: &PublicNoticeFact) -> &'static str {
        match what {
            PublicNoticeFact::Published { .. } => "published",
            PublicNoticeFact::Withdrawn { .. } => "withdrawn",
        }
    }

    fn offered(&self, _: &Actor) -> Vec<&'static str> {
        match self.state {
            State::Published => vec!["withdraw"],
            State::Withdrawn => Vec::new(),
        }
    }
}

impl State {
    /// What everybody may read in its time.
    pub(crate) const OPEN: &'static str = "published";

    fn name(self) -> &'static str {
        match self {
            State::Published => State::OPEN,
            State::Withdrawn => "withdrawn",
        }
    }
}

impl PublicNotice {
    /// Publishes one at a time; it holds from then on unless it says another time.
    pub(crate) fn publish(
        words: &Words,
        area: Where,
        (from, until): (Option<EventTime>, EventTime),
        about: Option<About>,
        at: EventTime,
    ) -> Result<PublicNoticeFact, Refused> {
        let from = from.unwrap_or(at);
        let words = Words {
            title: note(&words.title)?,
            text: note(&words.text)?,
            title_en: note(&words.title_en)?,
            text_en: note(&words.text_en)?,
        };
        if words.title.is_empty() || words.text.is_empty() {
            return Err(Refused::Invalid("a notice has a title and a text".to_owned()));
        }
        if [&words.title, &words.title_en].iter().any(|title| title.chars().count() > TITLE_MAX) {
            return Err(Refused::Invalid(format!("a title has {TITLE_MAX} characters at most")));
        }
        if words.title_en.is_empty() != words.text_en.is_empty() {
            return Err(Refused::Invalid("title and text in English go together: write both or neither".to_owned()));
        }
        if until <= from || until <= at {
            return Err(Refused::Invalid("it must end after it begins, and after now".to_owned()));
        }
        if until.0 - from.0 > DAYS_MAX * Millis::DAY.0 {
            return Err(Refused::Invalid(format!("a notice holds {DAYS_MAX} days at most")));
        }
        Ok(PublicNoticeFact::Published { words, area, from, until, about })
    }

    /// Takes it back before its end.
    pub(crate) fn withdraw(&self, why: &str, at: EventTime) -> Result<PublicNoticeFact, Refused> {
        if self.state == State::Withdrawn || self.is_over(at) {
            return Err(Refused::State("it is over already".to_owned()));
        }
        Ok(PublicNoticeFact::Withdrawn { reason: reason(why)? })
    }

    /// Whether nobody is told it any more.
    pub(crate) fn is_over(&self, at: EventTime) -> bool {
        self.state == State::Withdrawn || self.until <= at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: EventTime = EventTime(1_772_409_600_000);

    fn words() -> Words {
        let text = |text: &str| text.to_owned();
        Words { title: text("道路积水"), text: text("请绕行"), title_en: text(""), text_en: text("") }
    }

    fn until(hours: i64) -> EventTime {
        EventTime(AT.0 + hours * 3_600_000)
    }

    #[test]
    fn a_notice_has_words_and_a_time_to_come() {
        let publish =
            |words: &Words, from, until| PublicNotice::publish(words, Where::default(), (from, until), None, AT);
        let Ok(PublicNoticeFact::Published { from, .. }) = publish(&words(), None, until(1)) else {
            panic!("it is published")
        };
        assert_eq!(from, AT, "from now");
        assert!(publish(&words(), Some(until(2)), until(3)).is_ok(), "it may begin later");
        assert!(publish(&words(), Some(until(3)), until(3)).is_err());
        assert!(publish(&words(), Some(until(-3)), until(0)).is_err(), "over already");
        assert!(publish(&words(), None, until(24 * DAYS_MAX)).is_ok());
        assert!(publish(&words(), None, EventTime(until(24 * DAYS_MAX).0 + 1)).is_err());
        for (title, text, title_en, text_en) in
            [("", "b", "", ""), ("a", " ", "", ""), ("a", "b", "c", ""), ("a", "b", "", "d")]
        {
            let words = [title, text, title_en, text_en].map(str::to_owned);
            let [title, text, title_en, text_en] = words;
            assert!(publish(&Words { title, text, title_en, text_en }, None, until(1)).is_err());
        }
        let long = Words { title: "长".repeat(TITLE_MAX + 1), ..words() };
        assert!(publish(&long, None, until(1)).is_err());
    }
}
