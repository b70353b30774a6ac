//! Reads the three tables: CSV whose first line names the columns.

use super::check::check;
use super::{Class, Duties, Duty, FILES, Limit, PlanStep, Trust, Unit};
use crate::{AreaLevel, Problem, SourceFile};

/// Rows of a table at most; more are refused.
const ROWS_MAX: usize = 100_000;
/// Separates steps of a plan and powers in a field.
const BETWEEN: char = '|';

const CLASS_COLUMNS: [&str; 14] = [
    "class", "scheme", "name_en", "name_zh", "trust", "dispatch", "handle", "check", "total", "climb", "power",
    "evidence", "plan_en", "plan_zh",
];
/// Who does each step of the plan, and whether they come in their order. A table may leave them out.
const MORE_CLASS_COLUMNS: [&str; 2] = ["plan_unit", "plan_in_order"];
const UNIT_COLUMNS: [&str; 6] = ["unit", "name_en", "name_zh", "level", "area", "powers"];
const DUTY_COLUMNS: [&str; 4] = ["class", "level", "area", "unit"];

/// One row, by the names of the columns.
struct Row<'a> {
    file: &'a str,
    line: usize,
    columns: &'a [&'a str],
    fields: Vec<&'a str>,
}

impl<'a> Row<'a> {
    fn text(&self, column: &str) -> &'a str {
        let at = self.columns.iter().position(|name| *name == column).expect("a column of the table");
        self.fields[at]
    }

    /// The text of a column that a table may leave out; empty there.
    fn more(&self, column: &str) -> &'a str {
        if self.columns.contains(&column) { self.text(column) } else { "" }
    }

    fn wrong(&self, message: String) -> Problem {
        Problem::error(self.file, (self.line, 1), message)
    }

    fn needed(&self, column: &str) -> Result<String, Problem> {
        let text = self.text(column);
        if text.is_empty() { Err(self.wrong(format!("{column} is empty"))) } else { Ok(text.to_owned()) }
    }

    fn limit(&self, column: &str) -> Result<Limit, Problem> {
        self.text(column).parse().map_err(|error| self.wrong(format!("{column}: {error}")))
    }

    fn level(&self) -> Result<AreaLevel, Problem> {
        match self.text("level") {
            "city" => Ok(AreaLevel::City),
            "district" => Ok(AreaLevel::District),
            "subdistrict" => Ok(AreaLevel::Subdistrict),
            other => Err(self.wrong(format!("\"{other}\" is no level: write city, district or subdistrict"))),
        }
    }

    fn area(&self, level: AreaLevel) -> Result<Option<String>, Problem> {
        match (self.text("area"), level) {
            ("", AreaLevel::City) | ("*", _) => Ok(None),
            ("", _) => Err(self.wrong("area is empty: write its code, or * for every area of the level".to_owned())),
            (code, _) => Ok(Some(code.to_owned())),
        }
    }

    fn list(&self, column: &str) -> Vec<String> {
        let words = self.text(column).split(BETWEEN).map(str::trim);
        words.filter(|word| !word.is_empty()).map(str::to_owned).collect()
    }
}

pub(super) fn read(files: &[SourceFile<'_>]) -> (Duties, Vec<Problem>) {
    let (mut duties, mut problems, mut seen) = (Duties::default(), Vec::new(), [false; 3]);
    let mut first_duties = None;
    for file in files {
        let name = file.path.rsplit(['/', '\\']).next().unwrap_or(file.path);
        let Some(kind) = FILES.iter().position(|known| *known == name) else { continue };
        seen[kind] = true;
        match kind {
            0 => {
                let all = [&CLASS_COLUMNS[..], &MORE_CLASS_COLUMNS].concat();
                rows(file, (&all, CLASS_COLUMNS.len()), &mut problems, |row| class(row, &mut duties));
            }
            1 => rows(file, (&UNIT_COLUMNS, UNIT_COLUMNS.len()), &mut problems, |row| unit(row, &mut duties)),
            _ => {
                first_duties = first_duties.or(Some(file.path));
                rows(file, (&DUTY_COLUMNS, DUTY_COLUMNS.len()), &mut problems, |row| duty(row, &mut duties));
            }
        }
    }
    if seen != [true; 3] && seen != [false; 3] {
        let seeded = Duties::seeded();
        if !seen[0] {
            duties.classes = seeded.classes;
        }
        if !seen[1] {
            duties.units = seeded.units;
        }
        if !seen[2] {
            duties.duties = seeded.duties;
        }
    }
    if seen != [false; 3] {
        check(&duties, first_duties.unwrap_or("duties.csv"), &mut problems);
    }
    problems.sort();
    (duties, problems)
}

/// Adds each row. The columns behind the first `needed` may all be left out.
fn rows(
    file: &SourceFile<'_>,
    (all, needed): (&[&str], usize),
    problems: &mut Vec<Problem>,
    mut add: impl FnMut(&Row<'_>) -> Result<(), Problem>,
) {
    let text = file.text.strip_prefix('\u{feff}').unwrap_or(file.text);
    let mut reader =
        csv::ReaderBuilder::new().has_headers(false).comment(Some(b'#')).flexible(true).from_reader(text.as_bytes());
    let (mut head, mut columns) = (true, all);
    for (index, record) in reader.records().enumerate() {
        let record = match record {
            Ok(record) => record,
            Err(error) => {
                let line = error.position().map_or(1, |position| position.line() as usize);
                problems.push(Problem::error(file.path, (line, 1), format!("not CSV: {error}")));
                return;
            }
        };
        let line = record.position().map_or(1, |at| at.line() as usize);
        let fields: Vec<&str> = record.iter().map(str::trim).collect();
        if index > ROWS_MAX {
            problems.push(Problem::error(file.path, (line, 1), format!("more than {ROWS_MAX} rows")));
            return;
        }
        if head {
            head = false;
            if fields == all[..needed] {
                columns = &all[..needed];
            }
            if fields != columns {
                let message = format!("the first line is not {}", columns.join(","));
                problems.push(Problem::error(file.path, (line, 1), message));
                return;
            }
            continue;
        }
        if fields.len() != columns.len() {
            let message = format!("{} fields where the first line names {}", fields.len(), columns.len());
            problems.push(Problem::error(file.path, (line, 1), message));
            continue;
        }
        problems.extend(add(&Row { file: file.path, line, columns, fields }).err());
    }
}

fn class(row: &Row<'_>, duties: &mut Duties) -> Result<(), Problem> {
    let code = row.needed("class")?;
    if code.len() != 4 || !code.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(row.wrong(format!("\"{code}\" is no class: two digits for the large class, two for the small one")));
    }
    let class = Class {
        scheme: row.needed("scheme")?,
        name_en: row.needed("name_en")?,
        name_zh: row.needed("name_zh")?,
        trust: match row.text("trust") {
            "reported" => Trust::Reported,
            "verified" => Trust::Verified,
            "registered" => Trust::Registered,
            other => return Err(row.wrong(format!("trust \"{other}\": write reported, verified or registered"))),
        },
        dispatch: row.limit("dispatch")?,
        handle: row.limit("handle")?,
        check: row.limit("check")?,
        total: row.limit("total")?,
        climb: row.limit("climb")?,
        power: Some(row.text("power").to_owned()).filter(|power| !power.is_empty()),
        evidence: match row.text("evidence") {
            "yes" => true,
            "no" => false,
            other => return Err(row.wrong(format!("evidence \"{other}\": write yes or no"))),
        },
        plan: plan(row)?,
        in_order: match row.more("plan_in_order") {
            "yes" => true,
            "" | "no" => false,
            other => return Err(row.wrong(format!("plan_in_order \"{other}\": write yes or no"))),
        },
        code: code.clone(),
    };
    match duties.classes.insert(code.clone(), class) {
        Some(_) => Err(row.wrong(format!("class {code} stands twice: keep one of them"))),
        None => Ok(()),
    }
}

/// The steps in both languages; a city that writes one language only has it for both.
fn plan(row: &Row<'_>) -> Result<Vec<PlanStep>, Problem> {
    let (en, zh) = (row.list("plan_en"), row.list("plan_zh"));
    if en.len() != zh.len() && !en.is_empty() && !zh.is_empty() {
        let message = format!("plan_en has {} steps and plan_zh {}: write each step in both", en.len(), zh.len());
        return Err(row.wrong(message));
    }
    // A place that is empty is the unit's that has the case.
    let units: Vec<&str> = match row.more("plan_unit") {
        "" => Vec::new(),
        text => text.split(BETWEEN).map(str::trim).collect(),
    };
    let count = en.len().max(zh.len());
    if !units.is_empty() && units.len() != count {
        let message = format!("plan_unit has {} places and the plan {count} steps: write one for each", units.len());
        return Err(row.wrong(message));
    }
    let (first, second) = (if en.is_empty() { &zh } else { &en }, if zh.is_empty() { &en } else { &zh });
    let unit = |at: usize| units.get(at).filter(|unit| !unit.is_empty()).map(|unit| (*unit).to_owned());
    let steps = first.iter().zip(second).enumerate();
    Ok(steps.map(|(at, (en, zh))| PlanStep { en: en.clone(), zh: zh.clone(), unit: unit(at) }).collect())
}

fn unit(row: &Row<'_>, duties: &mut Duties) -> Result<(), Problem> {
    let (code, level) = (row.needed("unit")?, row.level()?);
    if !code.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-') {
        return Err(row.wrong(format!("\"{code}\" is no code of a unit: use a-z, 0-9 and -")));
    }
    let unit = Unit {
        name_en: row.needed("name_en")?,
        name_zh: row.needed("name_zh")?,
        level,
        area: row.area(level)?,
        powers: row.list("powers"),
        code: code.clone(),
    };
    match duties.units.insert(code.clone(), unit) {
        Some(_) => Err(row.wrong(format!("unit {code} stands twice: keep one of them"))),
        None => Ok(()),
    }
}

fn duty(row: &Row<'_>, duties: &mut Duties) -> Result<(), Problem> {
    let level = row.level()?;
    let duty =
        Duty { class: row.needed("class")?, level, area: row.area(level)?, unit: row.needed("unit")?, line: row.line };
    duties.duties.push(duty);
    Ok(())
}
