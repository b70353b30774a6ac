//! "Did you mean …?"

/// The name that was probably meant: the nearest by edits, if it is near enough for its length.
pub fn nearest<'n>(word: &str, names: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    let word: Vec<char> = word.to_lowercase().chars().take(64).collect();
    let allowed = (word.len() / 3).max(1);
    names
        .into_iter()
        .map(|name| (distance(&word, &name.to_lowercase().chars().take(64).collect::<Vec<_>>()), name))
        .filter(|&(distance, name)| distance <= allowed && distance < name.chars().count())
        .min_by_key(|&(distance, _)| distance)
        .map(|(_, name)| name)
}

/// A hint for a word outside a list: the nearest of the list, or the whole list if it is short.
pub(crate) fn hint(word: &str, names: &[&str]) -> Option<String> {
    if let Some(name) = nearest(word, names.iter().copied()) {
        return Some(format!("did you mean `{name}`?"));
    }
    (!names.is_empty() && names.len() <= 12).then(|| format!("known are {}", names.join(", ")))
}

/// Edits (insert, delete, replace, swap of neighbours) that turn one into the other: optimal string alignment.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i; b.len() + 1];
        for j in 1..=b.len() {
            let replace = last[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            row[j] = replace.min(last[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                row[j] = row[j].min(before[j - 2] + 1);
            }
        }
        before = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names_are_found() {
        let names = ["level_m", "flow_m3s", "pm2_5_ugm3", "pm10_ugm3"];
        assert_eq!(nearest("levle_m", names), Some("level_m"));
        assert_eq!(nearest("level", names), None);
        assert_eq!(nearest("pm25_ugm3", names), Some("pm2_5_ugm3"));
        assert_eq!(nearest("x", names), None);
    }
}
