use chrono::NaiveDate;

use super::*;
use crate::{
    feed::{Exploited, FeedKind, Source},
    matching::{Fix, Opinion, Why},
    score::Score,
};

fn finding(cve: &str, verdict: Verdict, vector: &str, base: f64, exploited: bool) -> Finding {
    let source = Source {
        feed: FeedKind::Nvd,
        publisher: "NVD".to_owned(),
        document: cve.to_owned(),
        revision: None,
        changed_at: None,
    };
    Finding {
        vulnerability: VulnerabilityId::new(cve).unwrap(),
        title: String::new(),
        opinions: vec![Opinion {
            source,
            item: "x 1".to_owned(),
            place: None,
            said: "x".to_owned(),
            product: None,
            verdict: verdict.clone(),
        }],
        verdict,
        exploited: exploited.then(|| Exploited {
            added: NaiveDate::from_ymd_opt(2025, 1, 23).unwrap(),
            due: None,
            ransomware: true,
            required_action: String::new(),
        }),
        scores: vec![Score {
            by: "NVD".to_owned(),
            cvss: "3.1".to_owned(),
            base: BaseScore::new(base).unwrap(),
            vector: vector.to_owned(),
            products: Vec::new(),
        }],
    }
}

fn affected() -> Verdict {
    Verdict::Affected {
        fixes: vec![Fix {
            version: "2".to_owned(),
            kind: FixKind::Full,
            said: String::new(),
        }],
    }
}

fn review() -> Verdict {
    Verdict::NeedsReview {
        why: vec![Why::UnreadRange { text: "?".to_owned() }],
    }
}

fn spread(pumps: usize, micu: usize) -> Spread {
    Spread {
        pumps,
        in_use: vec![("MICU".to_owned(), micu), ("4 West".to_owned(), 0)],
    }
}

#[test]
fn each_rule_decides_where_those_before_it_are_even() {
    let check = |first: (Finding, Spread), second: (Finding, Spread)| {
        let expected = first.0.vulnerability.clone();
        let open = [(&second.0, second.1), (&first.0, first.1)];
        assert_eq!(order(open).first().unwrap().vulnerability, expected);
    };
    // The id of what must come first sorts last, so that no rule passes by accident.
    let first = |verdict, vector, base, exploited| finding("CVE-2026-9999", verdict, vector, base, exploited);
    let second =
        |verdict, vector, base, exploited| finding("CVE-2026-0001", verdict, vector, base, exploited);
    check(
        (first(review(), "AV:L", 1.0, true), spread(1, 0)),
        (second(affected(), "AV:N", 9.8, false), spread(900, 50)),
    );
    check(
        (first(affected(), "AV:P", 1.0, false), spread(1, 0)),
        (second(review(), "AV:N", 9.8, false), spread(900, 50)),
    );
    check(
        (first(affected(), "AV:A", 5.0, false), spread(1, 0)),
        (second(affected(), "AV:L", 9.8, false), spread(900, 50)),
    );
    check(
        (first(affected(), "AV:N", 9.8, false), spread(1, 0)),
        (second(affected(), "AV:N", 7.5, false), spread(900, 50)),
    );
    check(
        (first(affected(), "AV:N", 7.5, false), spread(10, 2)),
        (second(affected(), "AV:N", 7.5, false), spread(900, 1)),
    );
    check(
        (first(affected(), "AV:N", 7.5, false), spread(10, 2)),
        (second(affected(), "AV:N", 7.5, false), spread(9, 2)),
    );
}

#[test]
fn a_task_explains_itself_and_what_is_settled_is_none() {
    let one = finding("CVE-2026-0001", affected(), "AV:N", 9.8, true);
    let other = finding("CVE-2026-0001", affected(), "AV:N", 9.8, true);
    let fixed = finding(
        "CVE-2026-0002",
        Verdict::FixedBy {
            release: "2".to_owned(),
        },
        "AV:N",
        9.8,
        true,
    );
    let tasks = order([
        (&one, spread(3, 1)),
        (&other, spread(2, 1)),
        (&fixed, spread(7, 7)),
    ]);
    let reasons: Vec<&str> = tasks
        .iter()
        .flat_map(|task| task.reasons.iter().map(String::as_str))
        .collect();
    assert_eq!(
        reasons,
        [
            "known to be exploited since 2025-01-23, also for ransomware",
            "affected for certain",
            "can be reached over any network",
            "scored 9.8 (critical, CVSS 3.1, NVD)",
            "5 pumps, 2 in use now (MICU 2)",
            "fixed in 2",
        ]
    );
}
