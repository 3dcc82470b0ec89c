//! Every page, and what it takes: the one table that the gate reads, that the navigation is made from, and that a test walks with
//! every role. A page that is not in it is not there.
//!
//! Rights are checked here before anything of a request is read, and once more in the transaction that changes something
//! ([`crate::command`]), where a care area counts too.

use fleet::access::Permission;

use crate::api::operation::Takes;

/// What a page is to a browser.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Shown.
    Page,
    /// Shown, and sent back filled in.
    Form,
    /// Only sent.
    Act,
    /// A part of a page, fetched anew when something changed. Asking for it is no sign of life.
    Part,
    /// Goes on for as long as a page lies open. No sign of life either.
    Stream,
}

/// Where a page belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Place {
    /// Before anybody is known: nothing but the page.
    Door,
    /// One column, read at arm's length.
    Ward,
    /// Dense, with the rail; this entry of it is marked.
    Desk(Rail),
    /// At the ward for whoever works there, at the desk for everybody else.
    Either(Rail),
}

/// An entry of the rail at the left of the desk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Rail {
    /// What needs somebody now, and how the hospital stands.
    Overview,
    /// What there is.
    Pumps,
    /// Which pumps get which release, in which order.
    Rollouts,
    /// What manufacturers brought out.
    Releases,
    /// One's own account: not in the rail, but behind one's name.
    Me,
}

impl Rail {
    /// The entries, in their order, each with the page it leads to.
    pub const ALL: &[(Self, Page)] = &[
        (Self::Overview, Page::Overview),
        (Self::Pumps, Page::Pumps),
        (Self::Rollouts, Page::Rollouts),
        (Self::Releases, Page::Releases),
    ];
}

macro_rules! pages {
    ($($(#[$meta:meta])* $name:ident $kind:ident $path:literal $takes:tt $place:expr, $title:literal;)+) => {
        /// A page.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Page {
            $($(#[$meta])* $name,)+
        }

        impl Page {
            /// Every page.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// Where it is; in braces, what differs.
            #[must_use]
            pub const fn path(self) -> &'static str {
                match self { $(Self::$name => $path,)+ }
            }

            /// What it is.
            #[must_use]
            pub const fn kind(self) -> Kind {
                match self { $(Self::$name => Kind::$kind,)+ }
            }

            /// What it takes.
            #[must_use]
            pub const fn takes(self) -> Takes {
                match self { $(Self::$name => takes!($takes),)+ }
            }

            /// Where it belongs.
            #[must_use]
            pub const fn place(self) -> Place {
                match self { $(Self::$name => $place,)+ }
            }

            /// Its name, in the title and in the navigation.
            #[must_use]
            pub const fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)+ }
            }
        }
    };
}

macro_rules! takes {
    (Nothing) => {
        Takes::Nothing
    };
    ([$($permission:ident)+]) => {
        Takes::OneOf(&[$(Permission::$permission),+])
    };
}

pages! {
    /// Where everybody begins: leads to the page of their work.
    Root Page "/" [SessionOwn] Place::Door, "Infusion pumps";
    /// Signing in, step by step.
    Login Form "/login" Nothing Place::Door, "Sign in";
    /// Signing out.
    Logout Act "/logout" [SessionOwn] Place::Door, "Sign out";
    /// How pages look on this device.
    Theme Act "/theme" Nothing Place::Door, "Appearance";
    /// One's own account.
    Me Page "/me" [SessionOwn] Place::Either(Rail::Me), "Your account";
    /// A new password.
    MePassword Form "/me/password" [FactorOwn] Place::Either(Rail::Me), "Change your password";
    /// A PIN for signing.
    MePin Form "/me/pin" [FactorOwn] Place::Either(Rail::Me), "Your PIN for signing";
    /// An authenticator.
    MeAuthenticator Form "/me/authenticator" [FactorOwn] Place::Either(Rail::Me), "Set up an authenticator";
    /// Its first code.
    MeAuthenticatorConfirm Act "/me/authenticator/confirm" [FactorOwn] Place::Either(Rail::Me), "Set up an authenticator";
    /// What changed, for pages that lie open.
    Events Stream "/events" [SessionOwn] Place::Door, "Events";
    /// What needs somebody now, and how the hospital stands.
    Overview Page "/overview" [PumpRead] Place::Desk(Rail::Overview), "Overview";
    OverviewPart Part "/overview/part" [PumpRead] Place::Desk(Rail::Overview), "Overview";
    /// Where a nurse begins.
    Ward Page "/ward" [PumpRead] Place::Ward, "Your care areas";
    WardPart Part "/ward/part" [PumpRead] Place::Ward, "Your care areas";
    /// A scan, and what is said of the pump.
    Scan Page "/scan" [PumpRead] Place::Ward, "Scan a pump";
    ScanPart Part "/scan/part" [PumpRead] Place::Ward, "Scan a pump";
    /// Something is wrong with a pump: it is held.
    Report Form "/report" [PumpHold] Place::Ward, "Report a problem";
    /// A nurse signs a pump as verified.
    SignOff Form "/sign-off" [SignVerified] Place::Ward, "Check and sign off";
    /// What an update changes at the bedside.
    Briefing Form "/briefing" [BriefingRead] Place::Ward, "Briefing";
    /// A charge nurse says that the care area knows it.
    BriefingSign Act "/briefing/sign" [SignBriefing] Place::Ward, "Briefing";
    /// A charge nurse looks at what came of a wave.
    Approve Form "/approve" [SignWave] Place::Ward, "Approve";
    /// Or says why not now.
    ApproveNot Act "/approve/not-now" [SignWave] Place::Ward, "Approve";
    /// The pumps of one care area.
    Area Page "/areas/{name}" [PumpRead] Place::Either(Rail::Overview), "Care area";
    AreaPart Part "/areas/{name}/part" [PumpRead] Place::Either(Rail::Overview), "Care area";
    /// Every pump.
    Pumps Page "/pumps" [PumpRead] Place::Desk(Rail::Pumps), "Pumps";
    /// One of them.
    Pump Page "/pumps/{id}" [PumpRead] Place::Either(Rail::Pumps), "Pump";
    PumpPart Part "/pumps/{id}/part" [PumpRead] Place::Either(Rail::Pumps), "Pump";
    /// Every release.
    Releases Page "/releases" [ReleaseRead] Place::Desk(Rail::Releases), "Releases";
    /// One of them.
    Release Page "/releases/{id}" [ReleaseRead] Place::Desk(Rail::Releases), "Release";
    /// Every rollout.
    Rollouts Page "/rollouts" [RolloutRead] Place::Desk(Rail::Rollouts), "Rollouts";
    RolloutsPart Part "/rollouts/part" [RolloutRead] Place::Desk(Rail::Rollouts), "Rollouts";
    /// One of them, with its waves, gates and pumps.
    Rollout Page "/rollouts/{id}" [RolloutRead] Place::Desk(Rail::Rollouts), "Rollout";
    RolloutPart Part "/rollouts/{id}/part" [RolloutRead] Place::Desk(Rail::Rollouts), "Rollout";
    /// Submitting it, stopping it, letting it go on, giving it up.
    RolloutAct Form "/rollouts/{id}/act/{act}" [RolloutAuthor RolloutRun RolloutHalt] Place::Desk(Rail::Rollouts), "Change a rollout";
    /// Approving it.
    RolloutApprove Form "/rollouts/{id}/approve" [SignRollout] Place::Desk(Rail::Rollouts), "Approve a rollout";
    /// Trying one of its pumps again, or taking it out.
    RolloutPump Form "/rollouts/{id}/pumps/{pump}/{act}" [RolloutRun] Place::Desk(Rail::Rollouts), "Change a pump's update";
}

impl Page {
    /// The page at a path, as it came in a request.
    #[must_use]
    pub fn at(path: &str) -> Option<Self> {
        let fits = |page: &Self| {
            let (mut pattern, mut parts) = (page.path().split('/'), path.split('/'));
            loop {
                match (pattern.next(), parts.next()) {
                    (None, None) => return true,
                    (Some(pattern), Some(part)) => {
                        let any = pattern.starts_with('{') && !part.is_empty();
                        if !any && pattern != part {
                            return false;
                        }
                    }
                    (Some(_), None) | (None, Some(_)) => return false,
                }
            }
        };
        Self::ALL.iter().copied().find(fits)
    }

    /// Whether the pages that are shown lie below one another: what a person reads, not what a script fetches.
    #[must_use]
    pub const fn is_shown(self) -> bool {
        match self.kind() {
            Kind::Page | Kind::Form => true,
            Kind::Act | Kind::Part | Kind::Stream => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_page_has_a_path_of_its_own_and_is_found_there() {
        let paths: HashSet<_> = Page::ALL.iter().map(|page| page.path()).collect();
        assert_eq!(paths.len(), Page::ALL.len());
        for page in Page::ALL {
            let path = page.path().replace("{name}", "4%20West");
            assert_eq!(Page::at(&path), Some(*page), "{path}");
            assert!(!page.title().is_empty());
        }
        for other in [
            "",
            "/nothing",
            "/areas",
            "/areas/",
            "/areas/a/b/c",
            "//",
            "/login/",
            "/overview/x",
        ] {
            assert_eq!(Page::at(other), None, "{other}");
        }
    }

    #[test]
    fn only_the_door_is_open_to_everybody() {
        let open: Vec<_> = Page::ALL
            .iter()
            .filter(|page| page.takes() == Takes::Nothing)
            .collect();
        assert_eq!(open, [&Page::Login, &Page::Theme]);
    }

    #[test]
    fn a_part_takes_what_its_page_takes() {
        for part in Page::ALL.iter().filter(|page| page.kind() == Kind::Part) {
            let whole = Page::at(&part.path().replace("{name}", "x").replace("/part", "")).unwrap();
            assert_eq!(part.takes(), whole.takes(), "{part:?}");
        }
    }

    #[test]
    fn the_rail_leads_to_pages_that_mark_it() {
        for (entry, page) in Rail::ALL {
            assert_eq!(page.place(), Place::Desk(*entry));
        }
    }
}
