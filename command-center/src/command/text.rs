//! Texts that people write: bounded, and without telephone numbers, since steps stand on the bus.

use super::decide::Refused;

/// Longest note or reason, in characters.
const TEXT_MAX: usize = 2_000;

/// A note as it is kept: telephone numbers masked, since steps stand on the bus.
pub(crate) fn note(text: &str) -> Result<String, Refused> {
    if text.chars().count() > TEXT_MAX {
        return Err(Refused::Invalid(format!("a text has {TEXT_MAX} characters at most")));
    }
    Ok(masked(text.trim()))
}

/// A reason, which must be given.
pub(crate) fn reason(text: &str) -> Result<String, Refused> {
    let text = note(text)?;
    if text.is_empty() { Err(Refused::Invalid("say why: the text is empty".to_owned())) } else { Ok(text) }
}

/// Numbers of mobile telephones (11 digits from 13 to 19) with four of them hidden: 138****1234.
fn masked(text: &str) -> String {
    let mut masked = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(|character: char| character.is_ascii_digit()) {
        let digits = rest[start..].bytes().take_while(u8::is_ascii_digit).count();
        let (before, number) = (&rest[..start], &rest[start..start + digits]);
        masked.push_str(before);
        let is_mobile = digits == 11 && number.starts_with('1') && number.as_bytes()[1] >= b'3';
        if is_mobile {
            masked.push_str(&format!("{}****{}", &number[..3], &number[7..]));
        } else {
            masked.push_str(number);
        }
        rest = &rest[start + digits..];
    }
    masked.push_str(rest);
    masked
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn telephone_numbers_are_hidden() {
        assert_eq!(masked("call 13812345678, or 010-12345678"), "call 138****5678, or 010-12345678");
        assert_eq!(masked("110101200001011234 你好19900001111"), "110101200001011234 你好199****1111");
        assert_eq!(masked(""), "");
    }
}
