//! What is wrong between the tables: classes that nobody owns, two owners, units without the power.

use super::{Class, Duties, Duty};
use crate::Problem;
use std::collections::BTreeMap;

/// Adds what is wrong between rows. `file` is where the duties stand.
pub(super) fn check(duties: &Duties, file: &str, problems: &mut Vec<Problem>) {
    let mut owners: BTreeMap<_, &Duty> = BTreeMap::new();
    for duty in &duties.duties {
        let at = (duty.line, 1);
        let key = (&duty.class, duty.level, &duty.area);
        if let Some(other) = owners.insert(key, duty) {
            let message = if other.unit == duty.unit {
                format!("this duty stands in line {} too: keep one of them", other.line)
            } else {
                format!(
                    "class {} has two owners here: {} in line {}, and {}",
                    duty.class, other.unit, other.line, duty.unit
                )
            };
            problems.push(Problem::error(file, at, message));
        }
        let classes: Vec<&Class> =
            duties.classes.values().filter(|class| class.code.starts_with(&duty.class)).collect();
        if classes.is_empty() || !matches!(duty.class.len(), 2 | 4) {
            problems.push(Problem::error(file, at, format!("there is no class {}", duty.class)));
        }
        let Some(unit) = duties.units.get(&duty.unit) else {
            problems.push(Problem::error(file, at, format!("there is no unit {}", duty.unit)));
            continue;
        };
        if unit.level != duty.level {
            let message = format!("{} stands at another level than its duty", duty.unit);
            problems.push(Problem::error(file, at, message));
        }
        for class in classes {
            if let Some(power) = class.power.as_ref().filter(|power| !unit.powers.contains(power)) {
                let message =
                    format!("{} has this duty but not the power {power} that class {} needs", duty.unit, class.code);
                problems.push(Problem::error(file, at, message));
            }
        }
    }
    for class in duties.classes.values() {
        for unit in class.plan.iter().filter_map(|step| step.unit.as_ref()) {
            if !duties.units.contains_key(unit) && duties.unit(unit).is_none() {
                let message = format!("the plan of class {} names the unit {unit}, and there is none", class.code);
                problems.push(Problem::error(file, (1, 1), message));
            }
        }
        let everywhere = |duty: &&Duty| duty.area.is_none() && class.code.starts_with(&duty.class);
        if !duties.duties.iter().any(|duty| everywhere(&duty)) {
            let message = format!("nobody owns class {} ({}) in every area of any level", class.code, class.name_en);
            problems.push(Problem::error(file, (1, 1), message));
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::{Duties, SourceFile};

    const CLASSES: &str = "class,scheme,name_en,name_zh,trust,dispatch,handle,check,total,climb,power,evidence,plan_en,plan_zh\n\
        0402,own,road flooded,x,verified,1 urgent_hour,4 urgent_hour,1 work_day,2 work_day,4 urgent_hour,drain,yes,a | b,甲 | 乙\n\
        0102,own,litter,x,reported,2 work_hour,4 work_hour,1 work_day,2 work_day,1 work_day,,no,,\n";
    const UNITS: &str = "unit,name_en,name_zh,level,area,powers\ngroup,g,g,city,,drain\noffice,o,o,subdistrict,*,\n";

    fn problems(duties: &str) -> Vec<String> {
        let files = [("categories.csv", CLASSES), ("units.csv", UNITS), ("x/duties.csv", duties)];
        let (_, problems) = Duties::read(&files.map(|(path, text)| SourceFile { path, text }));
        problems.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn what_is_missing_or_double_is_said() {
        let head = "class,level,area,unit\n";
        assert_eq!(problems(&format!("{head}0402,city,,group\n01,subdistrict,*,office\n")), Vec::<String>::new());
        for (rows, said) in [
            ("0402,city,,group\n", "nobody owns class 0102"),
            ("04,subdistrict,*,office\n01,subdistrict,*,office\n", "not the power drain that class 0402 needs"),
            ("0402,city,,group\n0402,city,,office\n01,subdistrict,*,office\n", "two owners"),
            ("0402,city,,group\n0402,city,,group\n01,subdistrict,*,office\n", "line 2 too"),
            ("0402,city,,group\n01,subdistrict,*,nobody\n", "there is no unit nobody"),
            ("0402,city,,group\n01,subdistrict,*,office\n0777,city,,group\n", "there is no class 0777"),
            ("0402,city,,group\n01,district,*,office\n", "another level"),
            ("0402,county,,group\n", "is no level"),
            ("0402,city\n", "2 fields"),
        ] {
            let found = problems(&format!("{head}{rows}"));
            assert!(found.iter().any(|problem| problem.contains(said)), "{rows}: {found:?}");
        }
    }

    #[test]
    fn a_plan_has_its_steps_in_both_languages() {
        let read = |plan: &str| {
            let classes = CLASSES.replace("a | b,甲 | 乙", plan);
            let duties = "class,level,area,unit\n0402,city,,group\n01,subdistrict,*,office\n";
            let files = [("categories.csv", classes.as_str()), ("units.csv", UNITS), ("duties.csv", duties)];
            Duties::read(&files.map(|(path, text)| SourceFile { path, text }))
        };
        let steps = |plan: &str| -> Vec<(String, String)> {
            let (duties, problems) = read(plan);
            assert!(problems.is_empty(), "{problems:?}");
            duties.classes["0402"].plan.iter().map(|step| (step.en.clone(), step.zh.clone())).collect()
        };
        let pair = |en: &str, zh: &str| (en.to_owned(), zh.to_owned());
        assert_eq!(steps("a | b,甲 | 乙"), [pair("a", "甲"), pair("b", "乙")]);
        assert_eq!(steps(",甲 | 乙"), [pair("甲", "甲"), pair("乙", "乙")]);
        let (duties, problems) = read("a | b,甲 | 乙");
        assert!(problems.is_empty() && !duties.classes["0402"].in_order, "without the columns that may be left out");
        let more = |plan: &str, text: &str| {
            let head = CLASSES.replace("plan_en,plan_zh\n", "plan_en,plan_zh,plan_unit,plan_in_order\n");
            let classes = head.replace("a | b,甲 | 乙", &format!("{plan},{text}")).replace(",no,,\n", ",no,,,,\n");
            let duties = "class,level,area,unit\n0402,city,,group\n01,subdistrict,*,office\n";
            let files = [("categories.csv", classes.as_str()), ("units.csv", UNITS), ("duties.csv", duties)];
            Duties::read(&files.map(|(path, text)| SourceFile { path, text }))
        };
        let (duties, problems) = more("a | b,甲 | 乙", "| office,yes");
        assert!(problems.is_empty(), "{problems:?}");
        let class = &duties.classes["0402"];
        let units: Vec<Option<&str>> = class.plan.iter().map(|step| step.unit.as_deref()).collect();
        assert_eq!((units, class.in_order), (vec![None, Some("office")], true));
        for (text, said) in [
            ("office,yes", "plan_unit has 1 places"),
            ("| nobody,yes", "names the unit nobody"),
            (",perhaps", "plan_in_order \"perhaps\""),
        ] {
            let (_, problems) = more("a | b,甲 | 乙", text);
            assert!(problems.iter().any(|problem| problem.to_string().contains(said)), "{text}: {problems:?}");
        }
        let (_, problems) = read("a | b,甲");
        assert!(problems[0].to_string().contains("plan_en has 2 steps and plan_zh 1"), "{problems:?}");
    }
}
