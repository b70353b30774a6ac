//! The two typefaces of a document: Helvetica for Latin text, and a Chinese serif for the rest. Neither is embedded: the
//! first is one of the standard 14 of PDF, the second (STSong-Light) is known to readers by its character collection,
//! Adobe-GB1, so that text stays text and the program stays small.

/// Which typeface a piece of text is set in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Face {
    /// Helvetica, in WinAnsi.
    Latin,
    /// STSong-Light, in UTF-16 by the predefined map UniGB-UTF16-H.
    Chinese,
}

/// Widths of Helvetica for the letters from space to tilde, in thousandths of the size: Adobe's metrics of the core 14.
const WIDTHS: [u16; 95] = [
    278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556, 556, 556, 556, 556,
    556, 556, 556, 278, 278, 584, 584, 584, 556, 1015, 667, 667, 722, 722, 667, 611, 778, 722, 278, 500, 667, 556, 833,
    722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469, 556, 333, 556, 556, 500, 556,
    556, 278, 556, 556, 222, 222, 500, 222, 833, 556, 556, 556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334,
    260, 334, 584,
];
/// Letters beside ASCII that Latin text has: the letter, its code in WinAnsi, its width.
const BESIDE: [(char, u8, u16); 3] = [('–', 0x96, 556), ('·', 0xb7, 278), ('×', 0xd7, 584)];
/// Width of a Chinese letter.
const FULL: u16 = 1_000;

/// A letter's typeface and its width in thousandths of the size.
pub(super) fn letter(letter: char) -> (Face, u16) {
    match letter {
        ' '..='~' => (Face::Latin, WIDTHS[letter as usize - 0x20]),
        other => BESIDE
            .iter()
            .find(|(beside, ..)| *beside == other)
            .map_or((Face::Chinese, FULL), |(_, _, width)| (Face::Latin, *width)),
    }
}

/// The width of a text at a size, in points.
pub(super) fn width(text: &str, size: f32) -> f32 {
    text.chars().map(|one| f32::from(letter(one).1)).sum::<f32>() * size / 1_000.0
}

/// A text as pieces of one typeface each, as bytes in its encoding. Control letters are left out.
pub(super) fn pieces(text: &str) -> Vec<(Face, Vec<u8>)> {
    let mut pieces: Vec<(Face, Vec<u8>)> = Vec::new();
    for one in text.chars().filter(|one| !one.is_control()) {
        let (face, _) = letter(one);
        if pieces.last().is_none_or(|(last, _)| *last != face) {
            pieces.push((face, Vec::new()));
        }
        let (_, bytes) = pieces.last_mut().expect("one was just pushed");
        match face {
            Face::Latin => {
                let beside = BESIDE.iter().find(|(beside, ..)| *beside == one);
                bytes.push(beside.map_or(one as u8, |(_, code, _)| *code));
            }
            Face::Chinese => {
                let mut units = [0; 2];
                bytes.extend(one.encode_utf16(&mut units).iter().flat_map(|unit| unit.to_be_bytes()));
            }
        }
    }
    pieces
}

/// A text in lines of at most a width: broken at spaces and between Chinese letters, in a word that is too long anywhere.
pub(super) fn lines(text: &str, size: f32, most: f32) -> Vec<String> {
    let mut lines = Vec::new();
    for paragraph in text.split('\n') {
        let mut line = String::new();
        for word in words(paragraph) {
            if !line.is_empty() && width(&line, size) + width(word.trim_end(), size) > most {
                lines.push(std::mem::take(&mut line).trim_end().to_owned());
            }
            if width(word.trim_end(), size) <= most {
                line.push_str(word);
                continue;
            }
            for one in word.chars() {
                if !line.is_empty() && width(&line, size) + width(one.encode_utf8(&mut [0; 4]), size) > most {
                    lines.push(std::mem::take(&mut line));
                }
                line.push(one);
            }
        }
        lines.push(line.trim_end().to_owned());
    }
    lines
}

/// The parts of a text behind each of which a line may end.
fn words(text: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let mut start = 0;
    for (at, one) in text.char_indices() {
        let is_chinese = letter(one).0 == Face::Chinese;
        if is_chinese && at > start {
            words.push(&text[start..at]);
            start = at;
        }
        if is_chinese || one == ' ' {
            words.push(&text[start..at + one.len_utf8()]);
            start = at + one.len_utf8();
        }
    }
    if start < text.len() {
        words.push(&text[start..]);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_cut_by_typeface() {
        let chinese = |text: &str| text.encode_utf16().flat_map(u16::to_be_bytes).collect::<Vec<u8>>();
        assert_eq!(
            pieces("名次 1–3\u{7}单位"),
            [(Face::Chinese, chinese("名次")), (Face::Latin, b" 1\x963".to_vec()), (Face::Chinese, chinese("单位")),]
        );
        assert_eq!(width("Wa1", 10.0), 20.56);
        assert_eq!(width("月排名", 10.0), 30.0);
    }

    #[test]
    fn lines_keep_all_and_fit() {
        let text = "超期处置 handled 12 h late; 多次返工 reworked 3 times\naverylongwordwithoutanyspaceinit";
        for most in [30.0, 60.0, 200.0] {
            let lines = lines(text, 8.0, most);
            assert!(lines.iter().all(|line| width(line, 8.0) <= most), "{most}: {lines:?}");
            let plain = |text: &str| text.chars().filter(|one| !one.is_whitespace()).collect::<String>();
            assert_eq!(plain(&lines.concat()), plain(text));
        }
        assert_eq!(lines("", 8.0, 10.0), [""]);
    }
}
