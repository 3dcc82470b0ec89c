//! Letters that stand for a line of products, and numbers that count within it: `L81`, `012U000061`, `r0.13`.
//!
//! Two such versions compare only when everything up to the last letter is the same: `U61` is neither older nor newer than
//! `L81`, and `028U000061` belongs to another part than `012U000061`.

use std::cmp::Ordering;

use super::dotted;

/// Splits behind the last letter: the line, and the count within it.
fn parse(text: &str) -> Option<(Vec<String>, dotted::Dotted)> {
    let end = text.rfind(|c: char| c.is_ascii_alphabetic())? + 1;
    let (line, count) = text.split_at_checked(end)?;
    let plain = line.bytes().all(|byte| byte.is_ascii_alphanumeric());
    plain.then_some(())?;
    Some((segments(line)?, dotted::parse(count)?))
}

/// Runs of digits, without leading zeros, and runs of letters, in capitals.
fn segments(line: &str) -> Option<Vec<String>> {
    let mut runs: Vec<String> = Vec::new();
    for c in line.chars() {
        match runs
            .last_mut()
            .filter(|run| run.ends_with(|last: char| last.is_ascii_digit() == c.is_ascii_digit()))
        {
            Some(run) => run.push(c.to_ascii_uppercase()),
            None => runs.push(c.to_ascii_uppercase().to_string()),
        }
    }
    runs.into_iter()
        .map(|run| {
            if run.starts_with(|c: char| c.is_ascii_digit()) {
                dotted::number(&run).map(|number| number.to_string())
            } else {
                // A word such as `beta` is not the name of a line.
                (run.len() <= 3).then_some(run)
            }
        })
        .collect()
}

/// Compares two codes of one line.
pub(super) fn compare(one: &str, other: &str) -> Option<Ordering> {
    let ((line, count), (other_line, other_count)) = (parse(one)?, parse(other)?);
    (line == other_line).then(|| count.cmp(&other_count))
}
