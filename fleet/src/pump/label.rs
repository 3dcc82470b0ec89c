//! The tags that the hospital puts on pumps: to find them by, and to mean them in a filter.

use std::collections::BTreeSet;

use thiserror::Error;

use crate::text::Tag;

/// No pump has more tags.
pub const TAGS_MAX: usize = 32;

/// What is put on a pump, and what is taken off it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Retag {
    pub add: Vec<Tag>,
    pub remove: Vec<Tag>,
}

/// Why tags can not be changed so.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TagError {
    #[error("the tag `{tag}` can not be put on and taken off at once; leave out one of the two")]
    Both { tag: Tag },
    #[error("the pump would have {count} tags; at most {TAGS_MAX} are kept: take some off")]
    TooMany { count: usize },
}

impl Retag {
    /// The tags that a pump then has. Filters do not tell upper from lower case, so one that it has in another spelling stays as
    /// it is, and one that is taken off goes in whatever spelling it has.
    ///
    /// # Errors
    /// [`TagError`].
    pub fn of(&self, tags: &BTreeSet<Tag>) -> Result<BTreeSet<Tag>, TagError> {
        let removed: BTreeSet<_> = self.remove.iter().map(key).collect();
        if let Some(tag) = self.add.iter().find(|tag| removed.contains(&key(tag))) {
            return Err(TagError::Both { tag: tag.clone() });
        }
        let mut after: BTreeSet<_> = tags
            .iter()
            .filter(|tag| !removed.contains(&key(tag)))
            .cloned()
            .collect();
        let mut has: BTreeSet<_> = after.iter().map(key).collect();
        after.extend(self.add.iter().filter(|tag| has.insert(key(tag))).cloned());
        if after.len() > TAGS_MAX && after.len() > tags.len() {
            return Err(TagError::TooMany { count: after.len() });
        }
        Ok(after)
    }
}

fn key(tag: &Tag) -> String {
    tag.as_str().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tag(text: &str) -> Tag {
        Tag::new(text).unwrap()
    }

    fn words(text: &str) -> Vec<Tag> {
        text.split_whitespace().map(tag).collect()
    }

    #[test]
    fn tags_come_and_go_whatever_their_case() {
        let check = |has: &str, add: &str, remove: &str, expected: &str| {
            let retag = Retag {
                add: words(add),
                remove: words(remove),
            };
            let after = retag.of(&words(has).into_iter().collect()).unwrap();
            assert_eq!(
                after,
                words(expected).into_iter().collect(),
                "{has} + {add} - {remove}"
            );
        };
        check("", "pilot loan", "", "loan pilot");
        check("pilot", "Pilot", "", "pilot");
        check("pilot", "", "PILOT", "");
        check("", "a A", "", "a");
        check("pilot", "", "other", "pilot");
        check("pilot", "loan", "pilot", "loan");
        check("Ärzte", "ärzte", "", "Ärzte");
    }

    #[test]
    fn what_contradicts_itself_or_is_too_much_is_refused() {
        let both = Retag {
            add: words("pilot"),
            remove: words("Pilot"),
        };
        assert_eq!(
            both.of(&BTreeSet::new()),
            Err(TagError::Both { tag: tag("pilot") })
        );
        let many = Retag {
            add: (0..TAGS_MAX).map(|n| tag(&n.to_string())).collect(),
            remove: Vec::new(),
        };
        let full = many.of(&BTreeSet::new()).unwrap();
        let more = Retag {
            add: words("more"),
            remove: Vec::new(),
        };
        assert_eq!(more.of(&full), Err(TagError::TooMany { count: TAGS_MAX + 1 }));
        let instead = Retag {
            add: words("more"),
            remove: words("0"),
        };
        assert_eq!(instead.of(&full).unwrap().len(), TAGS_MAX);
    }
}
