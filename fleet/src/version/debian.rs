//! Debian's way to compare (Debian Policy Manual, 5.6.12): runs of other characters and runs of digits take turns.

use std::cmp::Ordering;

use super::key::{Digits, Key};

/// An upstream version or a revision: pairs of a run of other characters and the number behind it.
#[derive(Debug, Clone, Default)]
pub(super) struct Part(Vec<Turn>);

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Turn {
    /// One weight per character, and [`END`] behind the last.
    other: Vec<u16>,
    number: Digits,
}

/// `~` comes before the end, the end before letters, letters before everything else.
const TILDE: u16 = 0;
const END: u16 = 1;

fn weight(byte: u8) -> u16 {
    match byte {
        b'~' => TILDE,
        letter if letter.is_ascii_alphabetic() => u16::from(letter),
        other => u16::from(other) + 256,
    }
}

impl Turn {
    /// What a part reads as after its end, for as long as somebody asks.
    fn nothing() -> Self {
        Self {
            other: vec![END],
            number: Digits::default(),
        }
    }
}

impl Part {
    fn read(text: &str) -> Self {
        let mut turns = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            let (other, after) = split_where(rest, |c| c.is_ascii_digit());
            let (digits, after) = split_where(after, |c| !c.is_ascii_digit());
            turns.push(Turn {
                other: other.bytes().map(weight).chain([END]).collect(),
                number: Digits::read(digits).unwrap_or_default(),
            });
            rest = after;
        }
        Self(turns)
    }
}

fn split_where(text: &str, found: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(found).unwrap_or(text.len()))
}

impl Ord for Part {
    fn cmp(&self, other: &Self) -> Ordering {
        let nothing = Turn::nothing();
        let longest = self.0.len().max(other.0.len());
        (0..longest)
            .map(|i| {
                let ours = self.0.get(i).unwrap_or(&nothing);
                ours.cmp(other.0.get(i).unwrap_or(&nothing))
            })
            .find(|order| order.is_ne())
            .unwrap_or(Ordering::Equal)
    }
}

impl PartialOrd for Part {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Part {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Part {}

/// `[epoch:]upstream[-revision]`. An upstream version begins with a digit; an absent revision is revision 0.
pub(super) fn read(text: &str) -> Option<Key> {
    let (epoch, rest) = match text.split_once(':') {
        Some((epoch, rest)) => (Digits::read(epoch)?, rest),
        None => (Digits::default(), text),
    };
    let (upstream, revision) = match rest.rsplit_once('-') {
        Some((_, "")) => return None,
        Some(split) => split,
        None => (rest, ""),
    };
    let of = |text: &str, marks: &[u8]| {
        text.bytes()
            .all(|b| b.is_ascii_alphanumeric() || marks.contains(&b))
    };
    let well_formed =
        upstream.starts_with(|c: char| c.is_ascii_digit()) && of(upstream, b".+-~:") && of(revision, b".+~");
    well_formed.then(|| Key::Debian {
        epoch,
        upstream: Part::read(upstream),
        revision: Part::read(revision),
    })
}
