//! Debian's versions: `[epoch:]upstream[-revision]` (Debian Policy, section 5.6.12).

use std::cmp::Ordering;

use super::dotted::number;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Debian {
    epoch: u64,
    upstream: String,
    revision: String,
}

/// Reads a version whose upstream part begins with a digit, as the policy asks.
pub(super) fn parse(text: &str) -> Option<Debian> {
    let (epoch, rest) = match text.split_once(':') {
        Some((epoch, rest)) => (number(epoch)?, rest),
        None => (0, text),
    };
    let (upstream, revision) = rest.rsplit_once('-').unwrap_or((rest, ""));
    let plain = |text: &str, more: &[u8]| {
        text.bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || more.contains(&byte))
    };
    let fits = upstream.starts_with(|c: char| c.is_ascii_digit())
        && plain(upstream, b".+-~:")
        && plain(revision, b".+~")
        && !rest.ends_with('-');
    fits.then(|| Debian {
        epoch,
        upstream: upstream.to_owned(),
        revision: revision.to_owned(),
    })
}

impl Ord for Debian {
    fn cmp(&self, other: &Self) -> Ordering {
        self.epoch
            .cmp(&other.epoch)
            .then_with(|| part(&self.upstream, &other.upstream))
            .then_with(|| part(&self.revision, &other.revision))
        // Spellings that count the same (`1.0` and `1.00`) are equal for us.
    }
}

impl PartialOrd for Debian {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// The policy's order within one part: by turns the longest run of other characters, then the longest run of digits.
fn part(mut one: &str, mut other: &str) -> Ordering {
    while !one.is_empty() || !other.is_empty() {
        let (a, b) = (
            cut(&mut one, |c| !c.is_ascii_digit()),
            cut(&mut other, |c| !c.is_ascii_digit()),
        );
        let words = weights(a).cmp(weights(b));
        if words != Ordering::Equal {
            return words;
        }
        let (a, b) = (
            cut(&mut one, |c| c.is_ascii_digit()),
            cut(&mut other, |c| c.is_ascii_digit()),
        );
        let (a, b) = (a.trim_start_matches('0'), b.trim_start_matches('0'));
        let numbers = a.len().cmp(&b.len()).then_with(|| a.cmp(b));
        if numbers != Ordering::Equal {
            return numbers;
        }
    }
    Ordering::Equal
}

/// Takes the run in front that fits.
fn cut<'a>(text: &mut &'a str, fits: impl Fn(char) -> bool) -> &'a str {
    let end = text.find(|c| !fits(c)).unwrap_or(text.len());
    let (run, rest) = text.split_at_checked(end).unwrap_or((text, ""));
    *text = rest;
    run
}

/// `~` before the end, the end before letters, letters before all else.
fn weights(run: &str) -> impl Iterator<Item = u32> {
    let weight = |c: char| match c {
        '~' => 0,
        c if c.is_ascii_alphabetic() => 2 + u32::from(c),
        c => 1_000 + u32::from(c),
    };
    run.chars().map(weight).chain(std::iter::once(1))
}
