//! What the city must handle and who: classes of cases with their limits, units with their powers, and duties, which say
//! which unit answers for a class at a level of area.
//!
//! Read from `categories.csv`, `units.csv` and `duties.csv`; what is wrong with them, and who is missing, is said by
//! file, line and column. Nothing here opens a file.

mod check;
mod limit;
mod read;

pub use limit::{Limit, LimitError, LimitUnit};

use crate::{AreaLevel, Problem, SourceFile};
use std::collections::BTreeMap;

/// How far a case made from an incident goes by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trust {
    /// Reported: somebody verifies it.
    Reported,
    /// Verified: the sensors are believed, somebody registers it.
    Verified,
    /// Registered: the clock runs and it waits for its dispatch.
    Registered,
}

/// A class of cases.
#[derive(Clone, Debug, PartialEq)]
pub struct Class {
    /// Its code, two digits for the large class and two for the small one.
    pub code: String,
    /// Which list of codes it is of.
    pub scheme: String,
    /// English.
    pub name_en: String,
    /// Chinese.
    pub name_zh: String,
    /// How far a case of a sensor's incident goes by itself.
    pub trust: Trust,
    /// From registered to dispatched.
    pub dispatch: Limit,
    /// From dispatched to fed back.
    pub handle: Limit,
    /// From fed back to checked.
    pub check: Limit,
    /// From registered to closed.
    pub total: Limit,
    /// What each level gets after a breach of handling before the next one is called.
    pub climb: Limit,
    /// The power that a unit needs to handle it; none if any may.
    pub power: Option<String>,
    /// Whether feedback needs evidence.
    pub evidence: bool,
    /// What is to be done.
    pub plan: Vec<PlanStep>,
    /// Whether each step of the plan waits for those before it.
    pub in_order: bool,
}

/// One thing to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanStep {
    /// English, as the steps of cases name it.
    pub en: String,
    /// Chinese.
    pub zh: String,
    /// The unit, or kind of unit, that does it; none if that is the one that has the case.
    pub unit: Option<String>,
}

/// A unit, or a kind of unit of which each area of a level has one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unit {
    /// Its code; where each area has one, the area's code is added: `street-office-110101007`.
    pub code: String,
    /// English.
    pub name_en: String,
    /// Chinese.
    pub name_zh: String,
    /// At which level it stands.
    pub level: AreaLevel,
    /// Its area; none if each area of the level has one.
    pub area: Option<String>,
    /// What it may do.
    pub powers: Vec<String>,
}

/// Who answers for a class at a level.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Duty {
    /// A class, or the two digits of a large class.
    pub class: String,
    /// At which level.
    pub level: AreaLevel,
    /// In which area; none for every area of the level.
    pub area: Option<String>,
    /// The unit's code.
    pub unit: String,
    /// Where it is written.
    line: usize,
}

/// Where something lies, from large to small.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lies<'a> {
    /// Its district.
    pub district: Option<&'a str>,
    /// Its subdistrict.
    pub subdistrict: Option<&'a str>,
}

/// The unit that answers for something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// Its code, with the area where each area has one.
    pub unit: String,
    /// At which level.
    pub level: AreaLevel,
}

/// Classes, units and duties.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Duties {
    /// By code.
    pub classes: BTreeMap<String, Class>,
    /// By code, as the file has them.
    pub units: BTreeMap<String, Unit>,
    /// As the file has them.
    pub duties: Vec<Duty>,
}

/// The names of the files.
pub const FILES: [&str; 3] = ["categories.csv", "units.csv", "duties.csv"];

impl Duties {
    /// Those that every city starts with.
    pub fn seeded() -> Duties {
        let files = [
            ("seeds/categories/categories.csv", include_str!("../../../seeds/categories/categories.csv")),
            ("seeds/duties/units.csv", include_str!("../../../seeds/duties/units.csv")),
            ("seeds/duties/duties.csv", include_str!("../../../seeds/duties/duties.csv")),
        ];
        let (duties, problems) = Duties::read(&files.map(|(path, text)| SourceFile { path, text }));
        assert!(problems.is_empty(), "the seeded duties are whole: {problems:?}");
        duties
    }

    /// Reads those of these files that are categories, units or duties; the others are passed over. Every problem is
    /// named; rows that have none count. Kinds of files that are missing are taken from the seeded ones.
    pub fn read(files: &[SourceFile<'_>]) -> (Duties, Vec<Problem>) {
        read::read(files)
    }

    /// Whether a path is one of the files that are read here.
    pub fn is_file(path: &str) -> bool {
        let name = path.rsplit(['/', '\\']).next().unwrap_or(path);
        FILES.contains(&name)
    }

    /// Who answers for a class at a place, at the lowest level that has somebody, or at `level` or above.
    ///
    /// A duty for the class goes before one for its large class, one for the area before one for every area.
    pub fn owner(&self, class: &str, at: Lies<'_>, from: AreaLevel) -> Option<Owner> {
        let levels =
            [(AreaLevel::Subdistrict, at.subdistrict), (AreaLevel::District, at.district), (AreaLevel::City, Some(""))];
        let known = levels.into_iter().filter(|(level, area)| *level <= from && area.is_some());
        known.into_iter().find_map(|(level, area)| {
            let area = area.unwrap_or_default();
            let fits = |duty: &&Duty| {
                duty.level == level
                    && (duty.class == class || (duty.class.len() == 2 && class.starts_with(&duty.class)))
                    && duty.area.as_deref().is_none_or(|only| only == area)
            };
            let best = self.duties.iter().filter(fits).max_by_key(|duty| (duty.class.len(), duty.area.is_some()))?;
            let unit = self.units.get(&best.unit)?;
            Some(Owner { unit: unit.within(area), level })
        })
    }

    /// The unit of a code as it is used, with the area where each area has one; `None` if there is none.
    pub fn unit(&self, code: &str) -> Option<(&Unit, Option<String>)> {
        if let Some(unit) = self.units.get(code).filter(|unit| unit.is_single()) {
            return Some((unit, unit.area.clone()));
        }
        let (kind, area) = code.rsplit_once('-')?;
        let unit = self.units.get(kind).filter(|unit| !unit.is_single())?;
        Some((unit, Some(area.to_owned())))
    }
}

impl Unit {
    /// Whether there is one of it.
    pub fn is_single(&self) -> bool {
        self.area.is_some() || self.level == AreaLevel::City
    }

    /// Its code in an area.
    pub fn within(&self, area: &str) -> String {
        if self.is_single() { self.code.clone() } else { format!("{}-{area}", self.code) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_seeded_duties_name_an_owner_for_every_class_everywhere() {
        let duties = Duties::seeded();
        let at = Lies { district: Some("110101"), subdistrict: Some("110101007") };
        for class in duties.classes.keys() {
            for from in [AreaLevel::Subdistrict, AreaLevel::District, AreaLevel::City] {
                let owner = duties.owner(class, at, from).unwrap_or_else(|| panic!("{class} from {from:?}"));
                assert!(duties.unit(&owner.unit).is_some(), "{owner:?}");
            }
            assert!(duties.owner(class, Lies::default(), AreaLevel::Subdistrict).is_some(), "{class} nowhere");
        }
    }

    #[test]
    fn the_nearest_and_narrowest_duty_counts() {
        let units = "unit,name_en,name_zh,level,area,powers\noffice,o,o,subdistrict,*,\nbureau,b,b,district,*,\n\
                     group,g,g,city,,\nown,w,w,subdistrict,S2,\n";
        let duties = "class,level,area,unit\n04,subdistrict,*,office\n0402,subdistrict,S2,own\n04,district,*,bureau\n\
                      0402,city,,group\n";
        let files = [("units.csv", units), ("duties.csv", duties)];
        let (duties, _) = Duties::read(&files.map(|(path, text)| SourceFile { path, text }));
        let owner = |class: &str, subdistrict: Option<&str>, from| {
            let at = Lies { district: Some("D"), subdistrict };
            duties.owner(class, at, from).map(|owner| owner.unit)
        };
        use AreaLevel::{City, District, Subdistrict};
        assert_eq!(owner("0402", Some("S1"), Subdistrict).as_deref(), Some("office-S1"));
        assert_eq!(owner("0402", Some("S2"), Subdistrict).as_deref(), Some("own"));
        assert_eq!(owner("0401", Some("S2"), Subdistrict).as_deref(), Some("office-S2"));
        assert_eq!(owner("0402", None, Subdistrict).as_deref(), Some("bureau-D"));
        assert_eq!(owner("0402", Some("S1"), District).as_deref(), Some("bureau-D"));
        assert_eq!(owner("0402", Some("S1"), City).as_deref(), Some("group"));
        assert_eq!(owner("0102", Some("S1"), Subdistrict), None);
        assert_eq!(duties.unit("office-S1").unwrap().1.as_deref(), Some("S1"));
        assert!(duties.unit("office").is_none() && duties.unit("group").is_some() && duties.unit("what-S1").is_none());
    }
}
