//! One vulnerability for one set of facts: every source's opinion side by side, and one verdict over them.

use serde::{Deserialize, Serialize};

use super::{Grounds, Opinion, Verdict, Why};
use crate::{feed::Exploited, name::VulnerabilityId, score::Score};

/// What a vulnerability means for pumps with equal facts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    pub vulnerability: VulnerabilityId,
    pub title: String,
    pub verdict: Verdict,
    /// What each source says of each thing, the gravest first.
    pub opinions: Vec<Opinion>,
    /// What CISA says, when the vulnerability is known to be exploited.
    pub exploited: Option<Exploited>,
    /// Every source's score.
    pub scores: Vec<Score>,
}

/// What a person's decision is remembered by: the vulnerability, the things with their versions, and what was doubtful. The
/// same doubt at the next import is the same key; a corrected advisory is a new one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ReviewKey(String);

impl ReviewKey {
    /// The key as text, for the database.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Finding {
    pub(super) fn new(
        vulnerability: VulnerabilityId,
        title: String,
        mut opinions: Vec<Opinion>,
        exploited: Option<Exploited>,
        scores: Vec<Score>,
    ) -> Option<Self> {
        opinions.sort_by(|one, other| {
            let key = |opinion: &Opinion| {
                (
                    std::cmp::Reverse(opinion.verdict.weight()),
                    opinion.item.clone(),
                    opinion.source.clone(),
                )
            };
            key(one).cmp(&key(other))
        });
        let mut items: Vec<&str> = opinions.iter().map(|opinion| opinion.item.as_str()).collect();
        items.sort_unstable();
        items.dedup();
        let verdict = items
            .into_iter()
            .map(|item| {
                let of_item: Vec<&Opinion> = opinions.iter().filter(|opinion| opinion.item == item).collect();
                agree(&of_item)
            })
            .max_by_key(Verdict::weight)?;
        Some(Self {
            vulnerability,
            title,
            verdict,
            opinions,
            exploited,
            scores,
        })
    }

    /// The highest score of all sources, for sorting. For people every score is shown.
    #[must_use]
    pub fn top_score(&self) -> Option<&Score> {
        self.scores.iter().max_by_key(|score| score.base)
    }

    /// Everything in words, a line for the verdict and one for each opinion.
    #[must_use]
    pub fn explanation(&self) -> String {
        let mut lines = vec![format!("{}: {}", self.vulnerability, self.verdict.name())];
        if let Some(exploited) = &self.exploited {
            lines.push(format!("known to be exploited (CISA, since {})", exploited.added));
        }
        lines.extend(self.opinions.iter().map(Opinion::to_string));
        lines.join("\n")
    }

    /// The key of the review, when one is needed.
    #[must_use]
    pub fn review_key(&self) -> Option<ReviewKey> {
        let Verdict::NeedsReview { why } = &self.verdict else {
            return None;
        };
        let mut doubts: Vec<String> = why.iter().map(Why::to_string).collect();
        for opinion in self.opinions.iter().filter(|opinion| !opinion.is_only_a_hint()) {
            doubts.push(format!(
                "{}: {}: {}",
                opinion.source, opinion.item, opinion.verdict
            ));
        }
        doubts.sort_unstable();
        doubts.dedup();
        Some(ReviewKey(format!(
            "{}\n{}",
            self.vulnerability,
            doubts.join("\n")
        )))
    }
}

/// One verdict from several sources about one thing.
///
/// KEV gives no versions, so it counts only where nobody else speaks. *Affected* against a declared *not affected* or *fixed*
/// is a contradiction for a person. A version outside one list does not outweigh another list that holds it.
fn agree(opinions: &[&Opinion]) -> Verdict {
    let mut speaking: Vec<&Opinion> = opinions
        .iter()
        .copied()
        .filter(|opinion| !opinion.is_only_a_hint())
        .collect();
    if speaking.is_empty() {
        speaking = opinions.to_vec();
    }
    let affected = speaking
        .iter()
        .find(|opinion| matches!(opinion.verdict, Verdict::Affected { .. }));
    let cleared = speaking.iter().find(|opinion| {
        let declared = matches!(
            opinion.verdict,
            Verdict::NotAffected {
                grounds: Grounds::Declared,
                ..
            }
        );
        declared || matches!(opinion.verdict, Verdict::FixedBy { .. })
    });
    match (affected, cleared) {
        (Some(one), Some(other)) => Verdict::NeedsReview {
            why: vec![Why::Contradiction {
                one: format!("{} ({})", one.source, one.verdict.name()),
                other: format!("{} ({})", other.source, other.verdict.name()),
            }],
        },
        _ => speaking
            .iter()
            .map(|opinion| &opinion.verdict)
            .max_by_key(|verdict| verdict.weight())
            .cloned()
            .unwrap_or(Verdict::NeedsReview { why: Vec::new() }),
    }
}
