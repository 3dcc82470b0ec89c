//! What waits for somebody: each with the one thing to do about it.

use fleet::access::{Permission, Reach};

use super::{
    board::{Board, Row},
    gate::Visitor,
    icon::Icon,
    page::Page,
    words,
};
use crate::app::App;

/// So many are shown at most: more is no list of what is to be done now.
const MOST: usize = 10;

/// Something that waits for whoever looks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Need {
    pub(super) icon: Icon,
    /// What it is.
    pub(super) what: String,
    /// Why it matters.
    pub(super) why: String,
    /// The words on its button, and where that leads.
    pub(super) action: &'static str,
    pub(super) path: String,
}

/// What of this waits for whom. The order is the order of the list: what keeps pumps from patients comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A care area has fewer pumps than it has to keep.
    Short,
    /// Updated, checked, and waiting for a nurse.
    ToSign,
    /// Held, and somebody has to mend it.
    Held,
    /// Not heard of for long.
    Missing,
}

impl Kind {
    const ALL: [Self; 4] = [Self::Short, Self::ToSign, Self::Held, Self::Missing];

    /// Whose it is.
    const fn permission(self) -> Permission {
        match self {
            Self::Short => Permission::RolloutHalt,
            Self::ToSign => Permission::SignVerified,
            Self::Held => Permission::CheckEnter,
            Self::Missing => Permission::PumpEdit,
        }
    }

    fn of(self, row: &Row) -> Option<Need> {
        let name = &row.name;
        let path = |show: &str| format!("{}?show={show}", row.path());
        match self {
            Self::Short => row.short.first().map(|short| Need {
                icon: Icon::Attention,
                what: format!("{name} is short of pumps"),
                why: format!(
                    "{} in service, {} to be kept",
                    words::of_model(short.in_service, short.model.as_str()),
                    short.keep
                ),
                action: "See its pumps",
                path: row.path(),
            }),
            Self::ToSign => (row.counts.to_sign > 0).then(|| Need {
                icon: Icon::Attention,
                what: format!("{} in {name} to sign", words::pumps(row.counts.to_sign)),
                why: "Updated and checked; not to be used before a nurse signed".to_owned(),
                action: "See them",
                path: path("sign"),
            }),
            Self::Held => (row.counts.held > 0).then(|| Need {
                icon: Icon::Stop,
                what: format!("{} of {name} held", words::pumps(row.counts.held)),
                why: "Not to be used until retested and signed by two people".to_owned(),
                action: "See why",
                path: path("held"),
            }),
            Self::Missing => (row.counts.missing > 0).then(|| Need {
                icon: Icon::Attention,
                what: format!("{} of {name} missing", words::pumps(row.counts.missing)),
                why: "Nobody has heard of them for long".to_owned(),
                action: "See where they were",
                path: path("missing"),
            }),
        }
    }
}

/// What waits for whoever looks, the most urgent first.
pub(super) fn of(app: &App, visitor: &Visitor, board: &Board) -> Vec<Need> {
    let of_kind = |kind: Kind| {
        let reach: Option<Reach> = visitor.reach(app, kind.permission());
        board
            .rows
            .iter()
            .filter(move |row| reach.as_ref().is_some_and(|reach| reach.includes(Some(row.id))))
            .filter_map(move |row| kind.of(row))
    };
    Kind::ALL.into_iter().flat_map(of_kind).take(MOST).collect()
}

/// Whoever signs, and has nothing to sign with.
pub(super) fn second_factor() -> Need {
    Need {
        icon: Icon::Attention,
        what: "You can not sign yet".to_owned(),
        why: "A signature takes your password and a PIN".to_owned(),
        action: "Choose a PIN",
        path: Page::MePin.path().to_owned(),
    }
}
