//! Which grid a coordinate is measured on, and the way back to WGS-84.
//!
//! GCJ-02 is the shifted grid that domestic map services must use, BD-09 Baidu's second shift upon it. In central Beijing an
//! untagged coordinate is off by 0.55 km (GCJ-02) or 1.37 km (BD-09), so files have to name their datum.
//! The formulas of the forward shifts are public knowledge without an official publication; the inverse is a fixed point.

use std::f64::consts::PI;

/// The datum of a coordinate in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Datum {
    /// GPS and GeoJSON. CGCS2000 (EPSG:4490) equals it within decimetres and is read as it.
    Wgs84,
    /// The shifted grid of domestic map services.
    Gcj02,
    /// Baidu's grid: a further shift of GCJ-02.
    Bd09,
    /// Nobody said. Kept as it is and marked.
    Unknown,
}

impl Datum {
    /// Reads a datum's name in any of its usual spellings.
    pub fn parse(text: &str) -> Option<Datum> {
        let plain: String = text.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
        match plain.as_str() {
            "wgs84" | "epsg4326" | "cgcs2000" | "epsg4490" => Some(Datum::Wgs84),
            "gcj02" => Some(Datum::Gcj02),
            "bd09" => Some(Datum::Bd09),
            "unknown" => Some(Datum::Unknown),
            _ => None,
        }
    }

    /// The point in WGS-84 (lon, lat in degrees); what is unknown stays as it is.
    pub fn to_wgs84(self, lon: f64, lat: f64) -> (f64, f64) {
        match self {
            Datum::Wgs84 | Datum::Unknown => (lon, lat),
            Datum::Gcj02 => invert(wgs84_to_gcj02, lon, lat),
            Datum::Bd09 => {
                let (lon, lat) = invert(gcj02_to_bd09, lon, lat);
                invert(wgs84_to_gcj02, lon, lat)
            }
        }
    }
}

/// Six steps of a fixed point: the error is below a millimetre after four.
fn invert(forward: fn(f64, f64) -> (f64, f64), lon: f64, lat: f64) -> (f64, f64) {
    let mut guess = (lon, lat);
    for _ in 0..6 {
        let (there_lon, there_lat) = forward(guess.0, guess.1);
        guess = (guess.0 + lon - there_lon, guess.1 + lat - there_lat);
    }
    guess
}

/// The shift applies inside a box around China only; a and ee are those of the Krasovsky 1940 ellipsoid.
fn wgs84_to_gcj02(lon: f64, lat: f64) -> (f64, f64) {
    const A: f64 = 6_378_245.0;
    const EE: f64 = 0.006_693_421_622_965_943;
    if !(72.004..=137.8347).contains(&lon) || !(0.8293..=55.8271).contains(&lat) {
        return (lon, lat);
    }
    let (x, y) = (lon - 105.0, lat - 35.0);
    let waves = |v: f64, a: f64, b: f64, c: f64, d: f64| (a * (v * PI / b).sin() + c * (v * PI / d).sin()) * 2.0 / 3.0;
    let shared = (20.0 * (6.0 * x * PI).sin() + 20.0 * (2.0 * x * PI).sin()) * 2.0 / 3.0;
    let north = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * x.abs().sqrt();
    let north = north + shared + waves(y, 20.0, 1.0, 40.0, 3.0) + waves(y, 160.0, 12.0, 320.0, 30.0);
    let east = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * x.abs().sqrt();
    let east = east + shared + waves(x, 20.0, 1.0, 40.0, 3.0) + waves(x, 150.0, 12.0, 300.0, 30.0);
    let phi = lat.to_radians();
    let magic = 1.0 - EE * phi.sin() * phi.sin();
    let root = magic.sqrt();
    let north = north * 180.0 / ((A * (1.0 - EE)) / (magic * root) * PI);
    let east = east * 180.0 / (A / root * phi.cos() * PI);
    (lon + east, lat + north)
}

fn gcj02_to_bd09(lon: f64, lat: f64) -> (f64, f64) {
    const X: f64 = PI * 3000.0 / 180.0;
    let radius = lon.hypot(lat) + 2e-5 * (lat * X).sin();
    let angle = lat.atan2(lon) + 3e-6 * (lon * X).cos();
    (radius * angle.cos() + 0.0065, radius * angle.sin() + 0.006)
}

#[cfg(test)]
mod tests {
    use super::*;

    const WGS: (f64, f64) = (116.407_170, 39.904_690);
    const GCJ: (f64, f64) = (116.413_412_395_436_25, 39.906_093_412_878_71);
    const BD: (f64, f64) = (116.419_815_070_646_98, 39.912_357_980_446_9);

    fn near(a: (f64, f64), b: (f64, f64), error: f64) -> bool {
        (a.0 - b.0).abs() < error && (a.1 - b.1).abs() < error
    }

    #[test]
    fn the_vector_of_central_beijing() {
        assert!(near(wgs84_to_gcj02(WGS.0, WGS.1), GCJ, 1e-12));
        assert!(near(gcj02_to_bd09(GCJ.0, GCJ.1), BD, 1e-12));
        assert!(near(Datum::Gcj02.to_wgs84(GCJ.0, GCJ.1), WGS, 1e-9));
        assert!(near(Datum::Bd09.to_wgs84(BD.0, BD.1), WGS, 1e-9));
    }

    #[test]
    fn outside_china_nothing_moves() {
        assert_eq!(Datum::Gcj02.to_wgs84(-118.25, 34.07), (-118.25, 34.07));
    }

    #[test]
    fn spellings() {
        assert_eq!(Datum::parse("WGS-84"), Some(Datum::Wgs84));
        assert_eq!(Datum::parse("CGCS2000"), Some(Datum::Wgs84));
        assert_eq!(Datum::parse("gcj_02"), Some(Datum::Gcj02));
        assert_eq!(Datum::parse("pulkovo"), None);
    }
}
