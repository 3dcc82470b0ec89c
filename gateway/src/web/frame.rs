//! What surrounds every page: its head, the bar or the rail, who is signed in.

use actix_web::{HttpMessage, HttpRequest};

use super::{
    Web,
    asset::Asset,
    gate::{self, Visitor, path_of},
    page::{Page, Place, Rail},
    theme::Theme,
};
use crate::api::caller::Caller;

/// How a page is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layout {
    /// A card in the middle, and nothing else.
    Door,
    /// One column, the action at the thumb.
    Ward,
    /// The rail at the left.
    Desk,
}

impl Layout {
    /// The class of the body.
    pub(super) const fn class(self) -> &'static str {
        match self {
            Self::Door => "door",
            Self::Ward => "ward",
            Self::Desk => "desk",
        }
    }
}

/// An entry of the rail.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) title: &'static str,
    pub(super) path: &'static str,
    pub(super) current: bool,
}

/// What surrounds a page.
#[derive(Debug, Clone)]
pub(super) struct Frame {
    pub(super) hospital: String,
    pub(super) title: String,
    pub(super) layout: Layout,
    pub(super) theme: Theme,
    /// Who is signed in.
    pub(super) who: Option<String>,
    pub(super) rail: Vec<Entry>,
    /// One page up, and its name.
    pub(super) up: Option<(String, String)>,
    /// The page itself, to come back to.
    pub(super) path: String,
    pub(super) style: &'static str,
    pub(super) script: &'static str,
    pub(super) mark: &'static str,
}

impl Frame {
    /// Around a page that somebody looks at.
    pub(super) fn of(web: &Web, visitor: &Visitor) -> Self {
        Self::around(
            web,
            Some(&visitor.caller),
            Some(visitor.page),
            visitor.theme,
            visitor.path.clone(),
        )
    }

    /// Around whatever is answered to a request.
    pub(super) fn of_request(web: &Web, request: &HttpRequest) -> Self {
        // Cookies are kept among the extensions: nothing of these may be held while they are read.
        let theme = Theme::of(request);
        let caller = request.extensions().get::<Caller>().cloned();
        let page = request.extensions().get::<Page>().copied();
        Self::around(web, caller.as_ref(), page, theme, path_of(request))
    }

    fn around(web: &Web, caller: Option<&Caller>, page: Option<Page>, theme: Theme, path: String) -> Self {
        let of_ward = caller.is_some_and(gate::is_of_ward);
        let (layout, marked) = match (caller, page.map(Page::place)) {
            (None, _) => (Layout::Door, None),
            (Some(_), Some(Place::Ward)) => (Layout::Ward, None),
            (Some(_), Some(Place::Either(_) | Place::Door) | None) if of_ward => (Layout::Ward, None),
            (Some(_), Some(Place::Desk(entry) | Place::Either(entry))) => (Layout::Desk, Some(entry)),
            (Some(_), Some(Place::Door) | None) => (Layout::Desk, None),
        };
        let permitted = |page: &Page| caller.is_some_and(|caller| gate::opens(web.app(), caller, *page));
        let entry = |(entry, page): &(Rail, Page)| Entry {
            title: page.title(),
            path: page.path(),
            current: marked == Some(*entry),
        };
        let rail = match layout {
            Layout::Desk => Rail::ALL
                .iter()
                .filter(|(_, page)| permitted(page))
                .map(entry)
                .collect(),
            Layout::Door | Layout::Ward => Vec::new(),
        };
        Self {
            hospital: web.app().people.hospital.to_string(),
            title: page.map_or("", Page::title).to_owned(),
            layout,
            theme,
            who: caller.map(|caller| caller.actor.name().to_owned()),
            rail,
            up: None,
            path,
            style: Asset::Style.path(),
            script: Asset::Script.path(),
            mark: Asset::Mark.path(),
        }
    }

    /// With another title than the page's.
    pub(super) fn titled(mut self, title: impl Into<String>) -> Self {
        self.title = title.into();
        self
    }

    /// With a way up.
    pub(super) fn below(mut self, path: impl Into<String>, name: impl Into<String>) -> Self {
        self.up = Some((path.into(), name.into()));
        self
    }

    /// Whether it has the rail.
    pub(super) fn is_desk(&self) -> bool {
        self.layout == Layout::Desk
    }

    /// Whether it is one column.
    pub(super) fn is_ward(&self) -> bool {
        self.layout == Layout::Ward
    }

    /// Where the mark at the top leads.
    pub(super) const fn home(&self) -> &'static str {
        match self.layout {
            Layout::Ward => Page::Ward.path(),
            Layout::Desk | Layout::Door => Page::Root.path(),
        }
    }

    /// The choices of how pages look.
    pub(super) fn themes(&self) -> impl Iterator<Item = (&'static str, &'static str, bool)> + use<> {
        let chosen = self.theme;
        Theme::ALL
            .into_iter()
            .map(move |theme| (theme.as_str(), theme.label(), theme == chosen))
    }
}
