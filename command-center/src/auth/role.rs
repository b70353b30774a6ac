//! What somebody may be, what a machine may do, and how far either sees.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:tt),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
        pub enum $name { $($(#[$vdoc])* #[serde(rename = $word)] $variant),+ }

        impl $name {
            /// Every word of the list, in order.
            pub const ALL: &'static [$name] = &[$($name::$variant),+];

            /// The word in the store, in the API and on the command line.
            pub const fn name(self) -> &'static str {
                match self { $($name::$variant => $word),+ }
            }

            /// What has this name.
            pub fn named(name: &str) -> Option<$name> {
                Self::ALL.iter().find(|one| one.name() == name).copied()
            }
        }
    };
}

words! {
    /// What somebody may be. Who is several things at once is still kept to one side of each case.
    Role {
        /// Handles incidents; accepts, registers and voids cases.
        Operator = "operator",
        /// Dispatches cases to units, grants and suspends.
        Dispatcher = "dispatcher",
        /// Handles the cases of a unit.
        Unit = "unit",
        /// Verifies that something is real and checks that it is fixed.
        Inspector = "inspector",
        /// Urges, evaluates, reopens; never handles.
        Supervisor = "supervisor",
        /// Writes rules.
        RuleEngineer = "rule-engineer",
        /// Gives out accounts and tokens.
        Administrator = "administrator",
        /// Anybody with an account: sees what is measured.
        Public = "public",
    }
}

words! {
    /// What a token may do.
    Scope {
        /// Read sensors, areas and what is measured.
        SensorsRead = "sensors:read",
        /// Read incidents and follow them.
        IncidentsRead = "incidents:read",
        /// Act on incidents as an operator.
        IncidentsAct = "incidents:act",
        /// Follow the utilities' feed.
        FeedRead = "feed:read",
        /// Subscribe to the utilities' feed by webhook.
        FeedSubscribe = "feed:subscribe",
        /// Read cases.
        CasesRead = "cases:read",
        /// Act on the cases of the token's unit.
        CasesHandle = "cases:handle",
        /// Report appeals in citizens' names: the hotline, and Open311's api_key.
        AppealsWrite = "appeals:write",
        /// Read the metrics of this process.
        MetricsRead = "metrics:read",
    }
}

/// How far somebody sees: the whole city, or some districts and subdistricts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    City,
    /// Codes; never empty.
    Areas(Vec<String>),
}

impl Reach {
    /// Of codes with commas; none is the whole city.
    pub(crate) fn of_text(areas: &str) -> Reach {
        if areas.is_empty() { Reach::City } else { Reach::Areas(areas.split(',').map(str::to_owned).collect()) }
    }

    /// Whether something there is seen; what lies in no district is the city's.
    pub(crate) fn sees(&self, district: Option<&str>, subdistrict: Option<&str>) -> bool {
        let Reach::Areas(areas) = self else { return true };
        areas.iter().any(|area| district == Some(area) || subdistrict == Some(area))
    }

    /// The codes; none for the whole city.
    pub(crate) fn codes(&self) -> &[String] {
        match self {
            Reach::City => &[],
            Reach::Areas(areas) => areas,
        }
    }

    /// A condition on the columns `district` and `subdistrict` whose first parameter has the number `first`; each of
    /// [`Reach::codes`] is bound once, in order. `None` for the whole city.
    pub(crate) fn condition(&self, first: usize) -> Option<String> {
        let places: Vec<String> = (first..first + self.codes().len()).map(|place| format!("${place}")).collect();
        let places = places.join(", ");
        (!places.is_empty()).then(|| format!("(district IN ({places}) OR subdistrict IN ({places}))"))
    }
}

/// Words of a list with commas; those of a later version are passed over, which gives fewer rights, never more.
pub(crate) fn listed<T>(text: &str, named: impl Fn(&str) -> Option<T>) -> Vec<T> {
    text.split(',').filter_map(named).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reach_sees_its_areas_and_below() {
        let district = Reach::of_text("110101");
        assert!(district.sees(Some("110101"), Some("110101007")) && district.sees(Some("110101"), None));
        assert!(!district.sees(Some("110105"), Some("110105001")) && !district.sees(None, None));
        let two = Reach::of_text("110101007,110105");
        assert!(two.sees(Some("110101"), Some("110101007")) && two.sees(Some("110105"), Some("110105001")));
        assert!(!two.sees(Some("110101"), Some("110101008")) && !two.sees(Some("110101"), None));
        assert!(Reach::of_text("").sees(None, None));
        assert_eq!(two.condition(3).unwrap(), "(district IN ($3, $4) OR subdistrict IN ($3, $4))");
        assert_eq!(Reach::City.condition(1), None);
    }

    #[test]
    fn words_are_read_back() {
        for role in Role::ALL {
            assert_eq!(Role::named(role.name()), Some(*role));
        }
        assert_eq!(listed("operator,king,unit", Role::named), [Role::Operator, Role::Unit]);
    }
}
