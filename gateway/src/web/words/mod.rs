//! Every English word on the pages that does not stand in a template: one exhaustive match for each enumeration, so that a new
//! state, reason or problem does not compile before somebody found words for it. Another language is another room like this.

mod check;
mod problem;
mod pump;
mod rollout;
mod verdict;

use fleet::access::{CareAreas, Grant};
use store::CareAreaRecord;

pub(super) use check::{icon_of, limit, reading};
pub use problem::{Told, problem};
pub(super) use pump::{NEVER_HEARD, icon, of_model, pumps, to_do};
pub(super) use rollout::{act, act_does, hold, of_rollout, of_update, of_wave, unmet, update, wait};
pub(super) use verdict::{Trouble, Verdict};

/// A role, and where it holds.
pub(super) fn grant(grant: &Grant, areas: &[CareAreaRecord]) -> String {
    let role = grant.role.label();
    match &grant.care_areas {
        CareAreas::All => role.to_owned(),
        CareAreas::Named(own) => {
            let names: Vec<_> = areas
                .iter()
                .filter(|area| own.contains(&area.id))
                .map(|area| area.name.as_str())
                .collect();
            if names.is_empty() {
                role.to_owned()
            } else {
                format!("{role}, {}", listed(&names))
            }
        }
    }
}

/// Names in a row: "MICU, ED and 4 West".
pub(super) fn listed(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [only] => (*only).to_owned(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// What a browser calls itself, in words that its owner knows: browsers name one another in it, so the order counts.
pub(super) fn browser(agent: &str) -> String {
    const BROWSERS: [(&str, &str); 6] = [
        ("Edg/", "Edge"),
        ("OPR/", "Opera"),
        ("Firefox/", "Firefox"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
        ("gateway/", "The command line"),
    ];
    const DEVICES: [(&str, &str); 6] = [
        ("iPhone", "an iPhone"),
        ("iPad", "an iPad"),
        ("Android", "an Android device"),
        ("Windows", "Windows"),
        ("Mac OS", "a Mac"),
        ("Linux", "Linux"),
    ];
    let find = |table: &[(&str, &'static str)]| {
        table
            .iter()
            .find(|(word, _)| agent.contains(word))
            .map(|(_, name)| *name)
    };
    match (find(&BROWSERS), find(&DEVICES)) {
        (Some(browser), Some(device)) => format!("{browser} on {device}"),
        (Some(name), None) | (None, Some(name)) => name.to_owned(),
        (None, None) => "A program".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_listed_as_people_say_them() {
        assert_eq!(listed(&[]), "");
        assert_eq!(listed(&["ED"]), "ED");
        assert_eq!(listed(&["ED", "MICU"]), "ED and MICU");
        assert_eq!(listed(&["ED", "MICU", "4 West"]), "ED, MICU and 4 West");
    }

    #[test]
    fn a_browser_is_called_what_its_owner_calls_it() {
        let check = |agent: &str, words: &str| assert_eq!(browser(agent), words);
        check(
            "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0 Mobile Safari/537.36",
            "Chrome on an Android device",
        );
        check(
            "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 Version/19.0 Mobile Safari/604.1",
            "Safari on an iPhone",
        );
        check("curl/8.5.0", "A program");
        check("<script>alert(1)</script>", "A program");
    }
}
