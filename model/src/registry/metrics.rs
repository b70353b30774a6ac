//! What is known of each metric: unit, plausible values, names. Read from `seeds/metrics.yaml`.

use super::Problem;
use saphyr_parser::{Event, Parser, Span};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One row of `seeds/metrics.yaml`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Metric {
    /// UCUM unit, for example `m` or `ug/m3`; `1` for ratios and flags.
    pub unit: String,
    /// The domain it belongs to (free text).
    pub domain: String,
    /// Smallest and largest plausible value, in its unit, both allowed.
    pub plausible: [f64; 2],
    /// Largest plausible change from one reading to the next, in its unit.
    pub max_change: f64,
    /// The smallest step that its sensors can tell, in its unit.
    pub resolution: f64,
    /// English and Chinese name.
    pub name: BTreeMap<String, String>,
}

/// All metrics by name.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Metrics(pub BTreeMap<String, Metric>);

impl Metric {
    /// Whether a value can be true.
    pub fn is_plausible(&self, value: f64) -> bool {
        self.plausible[0] <= value && value <= self.plausible[1]
    }
}

impl Metrics {
    /// The metrics that every city starts with.
    pub fn seeded() -> Metrics {
        Metrics::parse("seeds/metrics.yaml", include_str!("../../../seeds/metrics.yaml"))
            .expect("a test reads the seeded metrics")
    }

    /// A metric by name.
    pub fn get(&self, name: &str) -> Option<&Metric> {
        self.0.get(name)
    }

    /// Reads the text of a `metrics.yaml`; `file` is its name in errors. Stops at the first problem.
    pub fn parse(file: &str, text: &str) -> Result<Metrics, Problem> {
        let mut reader = Reader { file, events: Parser::new_from_str(text), last: (1, 1) };
        let mut metrics = BTreeMap::new();
        reader.enter_map("metrics by name")?;
        while let Some((name, span)) = reader.key()? {
            let metric = reader.metric(&name, span)?;
            if metrics.insert(name.clone(), metric).is_some() {
                return Err(reader.problem_at(span, format!("metric {name} stands twice: keep one of them")));
            }
        }
        Ok(Metrics(metrics))
    }
}

struct Reader<'a> {
    file: &'a str,
    events: Parser<'a, saphyr_parser::StrInput<'a>>,
    last: (usize, usize),
}

impl Reader<'_> {
    fn metric(&mut self, metric: &str, at: Span) -> Result<Metric, Problem> {
        let (mut unit, mut domain, mut plausible, mut max_change, mut resolution, mut name) =
            (None, None, None, None, None, None);
        self.enter_map("a metric's unit, domain, plausible, max_change, resolution and name")?;
        while let Some((key, span)) = self.key()? {
            let again = match key.as_str() {
                "unit" => unit.replace(self.text("unit")?).is_some(),
                "domain" => domain.replace(self.text("domain")?).is_some(),
                "plausible" => plausible.replace(self.range()?).is_some(),
                "max_change" => max_change.replace(self.positive("max_change")?).is_some(),
                "resolution" => resolution.replace(self.positive("resolution")?).is_some(),
                "name" => name.replace(self.names()?).is_some(),
                other => {
                    let known = "unit, domain, plausible, max_change, resolution, name";
                    return Err(self.problem_at(span, format!("unknown key {other}: expected one of {known}")));
                }
            };
            if again {
                return Err(self.problem_at(span, format!("{key} stands twice in metric {metric}: keep one of them")));
            }
        }
        let lacks = |what| self.problem_at(at, format!("metric {metric} lacks {what}"));
        Ok(Metric {
            unit: unit.ok_or_else(|| lacks("unit"))?,
            domain: domain.ok_or_else(|| lacks("domain"))?,
            plausible: plausible.ok_or_else(|| lacks("plausible"))?,
            max_change: max_change.ok_or_else(|| lacks("max_change"))?,
            resolution: resolution.ok_or_else(|| lacks("resolution"))?,
            name: name.ok_or_else(|| lacks("name"))?,
        })
    }

    fn range(&mut self) -> Result<[f64; 2], Problem> {
        let (event, span) = self.next()?;
        if !matches!(event, Event::SequenceStart(..)) {
            return Err(self.problem_at(span, "plausible is a list of two numbers: [smallest, largest]"));
        }
        let range = [self.number("smallest plausible value")?, self.number("largest plausible value")?];
        let (event, span) = self.next()?;
        if !matches!(event, Event::SequenceEnd) || range[0] >= range[1] {
            return Err(self.problem_at(span, "plausible is a list of two numbers, the smaller first"));
        }
        Ok(range)
    }

    fn names(&mut self) -> Result<BTreeMap<String, String>, Problem> {
        let mut names = BTreeMap::new();
        self.enter_map("a metric's names by language")?;
        while let Some((language, _)) = self.key()? {
            let name = self.text("name")?;
            names.insert(language, name);
        }
        match ["en", "zh"].into_iter().find(|language| !names.contains_key(*language)) {
            None => Ok(names),
            Some(language) => Err(self.problem(format!("name lacks the language {language}"))),
        }
    }

    fn positive(&mut self, what: &str) -> Result<f64, Problem> {
        let number = self.number(what)?;
        if number > 0.0 { Ok(number) } else { Err(self.problem(format!("{what} must be greater than 0"))) }
    }

    fn number(&mut self, what: &str) -> Result<f64, Problem> {
        let text = self.text(what)?;
        match text.parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(number),
            _ => Err(self.problem(format!("{what} is \"{text}\", not a number"))),
        }
    }

    fn text(&mut self, what: &str) -> Result<String, Problem> {
        let (event, span) = self.next()?;
        match event {
            Event::Scalar(text, ..) if !text.is_empty() => Ok(text.into_owned()),
            _ => Err(self.problem_at(span, format!("{what} has no value"))),
        }
    }

    fn key(&mut self) -> Result<Option<(String, Span)>, Problem> {
        let (event, span) = self.next()?;
        match event {
            Event::Scalar(text, ..) => Ok(Some((text.into_owned(), span))),
            Event::MappingEnd => Ok(None),
            _ => Err(self.problem_at(span, "expected a plain key")),
        }
    }

    fn enter_map(&mut self, what: &str) -> Result<(), Problem> {
        let (event, span) = self.next()?;
        match event {
            Event::MappingStart(..) => Ok(()),
            _ => Err(self.problem_at(span, format!("expected {what}"))),
        }
    }

    /// The next event that carries meaning.
    fn next(&mut self) -> Result<(Event<'_>, Span), Problem> {
        loop {
            match self.events.next_event() {
                Some(Ok((Event::Nothing | Event::StreamStart | Event::DocumentStart(_), _))) => {}
                Some(Ok((event, span))) => {
                    self.last = (span.start.line(), span.start.col() + 1);
                    return Ok((event, span));
                }
                Some(Err(error)) => {
                    let at = (error.marker().line(), error.marker().col() + 1);
                    return Err(Problem::error(self.file, at, format!("not YAML: {}", error.info())));
                }
                None => return Err(self.problem("the file ends too early")),
            }
        }
    }

    fn problem_at(&self, span: Span, message: impl Into<String>) -> Problem {
        Problem::error(self.file, (span.start.line(), span.start.col() + 1), message)
    }

    fn problem(&self, message: impl Into<String>) -> Problem {
        Problem::error(self.file, self.last, message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_seeded_metrics_are_whole() {
        let metrics = Metrics::seeded();
        let required = "pm2_5_ugm3 pm10_ugm3 so2_ugm3 no2_ugm3 co_ugm3 o3_ugm3 temperature_c pressure_hpa dew_point_c \
            humidity_ratio rain_mm rain_mm_h wind_speed_ms speed_kmh occupancy_ratio travel_time_s flow_vph level_m \
            distance_m flow_m3s velocity_ms overflow h2s_ppm ch4_lel_ratio o2_ratio cover_tilt_deg pump_on fill_ratio \
            fullness_level lid_open cargo_kg battery_v value";
        for name in required.split_whitespace() {
            let metric = metrics.get(name).unwrap_or_else(|| panic!("{name} is missing"));
            assert!(metric.max_change <= metric.plausible[1] - metric.plausible[0], "{name}");
            assert!(metric.resolution < metric.max_change || metric.plausible == [0.0, 1.0], "{name}");
        }
        assert!(metrics.get("level_m").unwrap().is_plausible(30.0));
        assert!(!metrics.get("temperature_c").unwrap().is_plausible(-273.15));
    }

    #[test]
    fn problems_name_their_place() {
        let row = |body: &str| Metrics::parse("m.yaml", &format!("a_m:\n  {body}\n")).unwrap_err().to_string();
        let good = "unit: m, domain: d, plausible: [0, 1], max_change: 1, resolution: 1, name: { en: A, zh: 甲 }";
        assert!(Metrics::parse("m.yaml", &format!("a_m: {{ {good} }}")).is_ok());
        assert_eq!(row("{ unit: m }"), "m.yaml:1:1: metric a_m lacks domain");
        assert_eq!(row("{ unit: m, max_change: fast }"), "m.yaml:2:26: max_change is \"fast\", not a number");
        assert_eq!(row("{ plausible: [2, 1] }"), "m.yaml:2:21: plausible is a list of two numbers, the smaller first");
        assert!(row("{ unti: m }").starts_with("m.yaml:2:5: unknown key unti"));
        assert!(row("[1").starts_with("m.yaml:"));
        let twice = format!("a_m: {{ {good} }}\na_m: {{ {good} }}\n");
        assert_eq!(
            Metrics::parse("m.yaml", &twice).unwrap_err().to_string(),
            "m.yaml:2:1: metric a_m stands twice: keep one of them"
        );
        assert!(Metrics::parse("m.yaml", "").is_err());
    }
}
