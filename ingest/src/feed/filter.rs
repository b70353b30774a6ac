//! Topic filters of MQTT (§ 4.7), as far as the feed's topics need them.

/// First levels of the feed's topics; domain, district and incident follow.
pub(crate) const ROOT: [&str; 2] = ["citywatch", "incidents"];
/// Levels of a feed topic.
const LEVELS: usize = 5;

/// A filter that can match a topic of the feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Filter(String);

/// Why a filter is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BadFilter {
    /// It breaks the rules for wildcards, or is empty.
    Invalid,
    /// It shares a subscription, which is not offered.
    Shared,
    /// No topic of the feed matches it.
    Foreign,
}

impl Filter {
    pub(crate) fn parse(text: &str) -> Result<Filter, BadFilter> {
        if text.starts_with("$share/") {
            return Err(BadFilter::Shared);
        }
        let levels: Vec<&str> = text.split('/').collect();
        let last = levels.len() - 1;
        let is_valid = |(index, level): (usize, &&str)| match *level {
            "+" => true,
            "#" => index == last,
            text => !text.contains(['+', '#', '\0']),
        };
        if text.is_empty() || !levels.iter().enumerate().all(is_valid) {
            return Err(BadFilter::Invalid);
        }
        let fits = |(index, level): (usize, &&str)| {
            matches!(*level, "+" | "#") || ROOT.get(index).is_none_or(|root| root == level)
        };
        let all = levels[last] == "#";
        let is_long_enough = levels.len() == LEVELS || all && levels.len() <= LEVELS + 1;
        if !is_long_enough || !levels.iter().enumerate().all(fits) {
            return Err(BadFilter::Foreign);
        }
        Ok(Filter(text.to_owned()))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn matches(&self, topic: &str) -> bool {
        let mut levels = topic.split('/');
        for wanted in self.0.split('/') {
            match (wanted, levels.next()) {
                // It also stands for the level above.
                ("#", _) => return true,
                ("+", Some(_)) => {}
                (wanted, Some(level)) if wanted == level => {}
                _ => return false,
            }
        }
        levels.next().is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_match_as_the_standard_says() {
        let topic = "citywatch/incidents/air/110105/5e1b";
        for good in [
            "#",
            "+/#",
            "citywatch/#",
            "citywatch/incidents/#",
            "citywatch/incidents/air/#",
            topic,
            "citywatch/incidents/air/110105/5e1b/#",
            "+/+/+/+/+",
            "citywatch/incidents/+/110105/+",
        ] {
            assert!(Filter::parse(good).unwrap().matches(topic), "{good}");
        }
        for other in
            ["citywatch/incidents/waste/#", "citywatch/incidents/air/110101/+", "citywatch/incidents/air/110105/x"]
        {
            assert!(!Filter::parse(other).unwrap().matches(topic), "{other}");
        }
        for foreign in [
            "city/#",
            "citywatch",
            "citywatch/incidents",
            "citywatch/incidents/air",
            "+/+/+/+",
            "$SYS/#",
            "/#",
            "citywatch/incidents/air/110105/5e1b/x",
            "citywatch/incidents/air/110105/5e1b/x/#",
        ] {
            assert_eq!(Filter::parse(foreign), Err(BadFilter::Foreign), "{foreign}");
        }
        for invalid in ["", "#/a", "a+", "citywatch/#/x", "citywatch/incidents/a#", "a\0"] {
            assert_eq!(Filter::parse(invalid), Err(BadFilter::Invalid), "{invalid}");
        }
        assert_eq!(Filter::parse("$share/g/citywatch/#"), Err(BadFilter::Shared));
    }
}
