//! The values of one line of readings: `0.5 0.92x8 20+0.5x40 _ _x3 stale`.

/// One place in a series.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Slot {
    /// A value.
    Value(f64),
    /// Nothing is sent.
    Missing,
    /// The metric becomes unknown.
    Stale,
}

/// The slots that one word stands for, at most `most` of them, or what is wrong with it.
pub(crate) fn slots(word: &str, most: usize) -> Result<Vec<Slot>, String> {
    if word == "stale" {
        return Ok(vec![Slot::Stale]);
    }
    let (body, count) = match word.rsplit_once('x') {
        None => (word, None),
        Some((body, count)) => match count.parse::<usize>() {
            Ok(count) if count > 0 => (body, Some(count)),
            _ => return Err(format!("`{word}` has no number after the x")),
        },
    };
    let times = count.unwrap_or(1);
    if times > most {
        return Err(format!("`{word}` makes the test longer than it may be"));
    }
    if body == "_" {
        return Ok(vec![Slot::Missing; times]);
    }
    if let Some(value) = number(body) {
        return Ok(vec![Slot::Value(value); times]);
    }
    let Some((first, step)) = ramp(body) else {
        return Err(format!("`{word}` is not a value"));
    };
    if count.is_none() {
        return Err(format!("`{word}` does not say how many values"));
    }
    (0..times)
        .map(|index| {
            Some(Slot::Value(first + step * index as f64)).filter(|_| (first + step * index as f64).is_finite())
        })
        .collect::<Option<Vec<Slot>>>()
        .ok_or_else(|| format!("`{word}` grows beyond all numbers"))
}

fn number(text: &str) -> Option<f64> {
    let written = text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'+' | b'-' | b'.' | b'e' | b'E'));
    text.parse::<f64>().ok().filter(|value| written && value.is_finite())
}

/// `A+B` or `A-B`; the sign in between is not the first character, nor that of an exponent.
fn ramp(body: &str) -> Option<(f64, f64)> {
    let sign = body.char_indices().skip(1).find(|&(at, c)| (c == '+' || c == '-') && !body[..at].ends_with(['e', 'E']));
    let (at, _) = sign?;
    Some((number(&body[..at])?, number(&body[at..])?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(word: &str) -> Vec<f64> {
        let value = |slot| match slot {
            Slot::Value(value) => value,
            other => panic!("{other:?}"),
        };
        slots(word, 100).unwrap().into_iter().map(value).collect()
    }

    #[test]
    fn words_become_values() {
        assert_eq!(values("0.5"), [0.5]);
        assert_eq!(values("0.92x3"), [0.92; 3]);
        assert_eq!(values("20+0.5x3"), [20.0, 20.5, 21.0]);
        assert_eq!(values("-20-0.5x3"), [-20.0, -20.5, -21.0]);
        assert_eq!(values("1e-3+1e-3x2"), [1e-3, 2e-3]);
        assert_eq!(slots("_x2", 9).unwrap(), [Slot::Missing; 2]);
        assert_eq!(slots("_", 9).unwrap(), [Slot::Missing]);
        assert_eq!(slots("stale", 9).unwrap(), [Slot::Stale]);
        for bad in [
            "",
            "x",
            "x3",
            "1x",
            "1x0",
            "1x-2",
            "1+1",
            "a",
            "nan",
            "inf",
            "1e999",
            "1+1e308x9",
            "1x10",
            "__",
            "stalex2",
        ] {
            assert!(slots(bad, 9).is_err(), "{bad}");
        }
    }
}
