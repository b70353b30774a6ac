//! A basemap under the page's own maps: whose tiles, and on which grid they are drawn.
//!
//! Each browser asks the server of the tiles itself; the page's policy lets it ask that one and no other.

use model::Datum;
use serde::Serialize;
use url::Url;
use utoipa::ToSchema;

/// The nearest zoom that tiles may be said to have.
const ZOOM_MAX: u8 = 22;
/// Characters of an address, and of what is to be told of whose map it is.
const TEXT_MAX: usize = 500;

/// Tiles of a basemap, 256 or 512 pixels a side, in the usual quartering of the web's Mercator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Basemap {
    /// Where a tile is: an address with `{z}`, `{x}`, and `{y}` or, where rows are counted from the south, `{-y}`.
    tiles: String,
    /// The grid that the tiles are drawn on: wgs84, gcj02
    datum: &'static str,
    /// Whose map it is, as that one wants it told; may be empty.
    attribution: String,
    /// The nearest zoom that there are tiles for; nearer, these are enlarged.
    max_zoom: u8,
    #[serde(skip)]
    origin: Option<String>,
}

impl Basemap {
    /// Tiles at `tiles`: a whole address, or a path on citywatch's own host. The error says which of the four is wrong.
    pub fn new(tiles: &str, datum: &str, attribution: &str, max_zoom: u8) -> Result<Basemap, String> {
        let wrong = |what: &str| Err(format!("tiles: \"{tiles}\": {what}"));
        if tiles.len() > TEXT_MAX || attribution.len() > TEXT_MAX {
            return Err(format!("tiles, attribution: {TEXT_MAX} bytes at most"));
        }
        let has = |name: &str| tiles.matches(name).count() == 1;
        if !has("{z}") || !has("{x}") || has("{y}") == has("{-y}") {
            return wrong("it needs {z}, {x}, and {y} or {-y}, once each, as in https://tiles.example/{z}/{x}/{y}.png");
        }
        let filled = ["{z}", "{x}", "{y}", "{-y}"].iter().fold(tiles.to_owned(), |text, name| text.replace(name, "0"));
        let origin = if filled.starts_with('/') && !filled.starts_with("//") {
            None
        } else {
            match Url::parse(&filled) {
                Ok(url) if !["http", "https"].contains(&url.scheme()) => {
                    return wrong("use http or https, or a path that begins with /");
                }
                Ok(url) if !url.username().is_empty() || url.password().is_some() => {
                    return wrong("browsers ask no address that holds a user");
                }
                Ok(url) => Some(url.origin().ascii_serialization()),
                Err(error) => return wrong(&error.to_string()),
            }
        };
        // `{z}` in the host's name would need the policy to let everybody in.
        let host = tiles.split('/').nth(2).filter(|_| origin.is_some()).unwrap_or_default();
        if host.contains('{') {
            return wrong("{z}, {x} and {y} stand in the path, not in the host's name");
        }
        let datum = match Datum::parse(datum) {
            Some(Datum::Wgs84) => "wgs84",
            Some(Datum::Gcj02) => "gcj02",
            Some(Datum::Bd09) => return Err("datum: Baidu's tiles are cut otherwise and cannot be laid under".into()),
            Some(Datum::Unknown) | None => return Err(format!("datum: \"{datum}\": use wgs84 or gcj02")),
        };
        if !(1..=ZOOM_MAX).contains(&max_zoom) {
            return Err(format!("max_zoom = {max_zoom}: use 1 to {ZOOM_MAX}"));
        }
        Ok(Basemap { tiles: tiles.to_owned(), datum, attribution: attribution.to_owned(), max_zoom, origin })
    }

    /// Whom browsers have to be let ask, as a source of a Content-Security-Policy; none for our own host.
    pub(crate) fn origin(&self) -> Option<&str> {
        self.origin.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AMAP: &str = "https://webrd01.is.autonavi.com/appmaptile?lang=zh_cn&size=1&style=8&x={x}&y={y}&z={z}";

    #[test]
    fn an_address_names_whom_browsers_may_ask() {
        let origin = |tiles: &str| Basemap::new(tiles, "GCJ-02", "", 18).unwrap().origin;
        assert_eq!(origin(AMAP).as_deref(), Some("https://webrd01.is.autonavi.com"));
        assert_eq!(origin("http://10.1.2.3:8081/{z}/{x}/{-y}.png").as_deref(), Some("http://10.1.2.3:8081"));
        assert_eq!(origin("/tiles/{z}/{x}/{y}.webp"), None);
    }

    #[test]
    fn what_cannot_be_asked_is_refused_with_its_reason() {
        let refused = |tiles: &str| Basemap::new(tiles, "wgs84", "", 18).unwrap_err();
        for tiles in
            ["https://a.example/{z}/{x}.png", "https://a.example/{z}/{x}/{y}/{-y}", "https://a.example/{z}/{x}/{y}/{y}"]
        {
            assert!(refused(tiles).contains("once each"), "{tiles}");
        }
        assert!(refused("ftp://a.example/{z}/{x}/{y}").contains("http or https"));
        assert!(refused("//a.example/{z}/{x}/{y}").contains("relative URL"));
        assert!(refused("https://u:p@a.example/{z}/{x}/{y}").contains("a user"));
        assert!(refused("https://{x}.example/{z}/{y}").contains("host's name"));
        let other = |datum: &str, zoom: u8| Basemap::new(AMAP, datum, "", zoom).unwrap_err();
        assert!(other("bd09", 18).contains("Baidu"));
        assert!(other("moon", 18).contains("use wgs84 or gcj02"));
        assert!(other("wgs84", 0).contains("1 to 22") && other("wgs84", 23).contains("1 to 22"));
        assert!(Basemap::new(AMAP, "wgs84", &"a".repeat(501), 18).is_err());
    }
}
