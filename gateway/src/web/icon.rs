//! Shapes: each status has its own, so that none is known by its colour alone.

use std::fmt;

use askama::filters::HtmlSafe;

/// A shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Icon {
    /// A disc with a tick.
    Good,
    /// A triangle with an exclamation mark.
    Attention,
    /// An octagon with a cross.
    Stop,
    /// A ring with an arrow.
    Working,
    /// An empty ring: nothing is known, or nothing is to be done.
    Idle,
}

impl Icon {
    /// The class that gives it its hue.
    pub(super) const fn class(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Attention => "attention",
            Self::Stop => "stop",
            Self::Working => "working",
            Self::Idle => "idle",
        }
    }

    const fn paths(self) -> &'static str {
        match self {
            Self::Good => {
                r#"<circle cx="12" cy="12" r="10" fill="currentColor"/><path d="m7 12.5 3.3 3.3L17 9" class="cut"/>"#
            }
            Self::Attention => {
                r#"<path d="M12 2.5 23 21.5H1z" fill="currentColor"/><path d="M12 9v6M12 18v.6" class="cut"/>"#
            }
            Self::Stop => {
                r#"<path d="M8 2h8l6 6v8l-6 6H8l-6-6V8z" fill="currentColor"/><path d="m8.5 8.5 7 7m0-7-7 7" class="cut"/>"#
            }
            Self::Working => r#"<path d="M20 12a8 8 0 1 1-2.4-5.7M20 3v5h-5" class="line"/>"#,
            Self::Idle => r#"<circle cx="12" cy="12" r="8" class="line"/>"#,
        }
    }
}

impl fmt::Display for Icon {
    /// Hidden from whoever has the page read to them: the words beside it say the same.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            r#"<svg class="icon {}" viewBox="0 0 24 24" aria-hidden="true">{}</svg>"#,
            self.class(),
            self.paths()
        )
    }
}

impl HtmlSafe for Icon {}
