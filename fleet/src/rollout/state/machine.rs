//! What the three tables are made of.

use thiserror::Error;

/// Something can not happen in a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("`{event}` can not happen to {machine} that is `{from}`; read it again, and act on what it is now")]
pub struct IllegalTransition {
    /// Which machine, with its article.
    pub machine: &'static str,
    /// The state it is in.
    pub from: &'static str,
    /// What was to happen.
    pub event: &'static str,
}

/// Makes the states, the events and the transitions of a machine from its table.
macro_rules! machine {
    (
        $machine:literal;
        $(#[$event_doc:meta])*
        events $Event:ident { $($(#[$event_meta:meta])* $event:ident = $event_word:tt,)+ }
        $(#[$state_doc:meta])*
        states $State:ident {
            $(
                $(#[$state_meta:meta])*
                $state:ident = $state_word:tt, $label:literal { $($by:ident => $to:ident,)* }
            )+
        }
    ) => {
        $(#[$state_doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        pub enum $State {
            $($(#[$state_meta])* #[serde(rename = $state_word)] $state,)+
        }

        $(#[$event_doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $Event {
            $($(#[$event_meta])* $event,)+
        }

        impl $Event {
            /// Every event, in the order of the table.
            pub const ALL: &[Self] = &[$(Self::$event),+];

            /// The word in the audit trail.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$event => $event_word,)+ }
            }
        }

        impl $State {
            /// Every state, in the order of the table; the first is where everything begins.
            pub const ALL: &[Self] = &[$(Self::$state),+];

            /// The word in the API and in the database.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$state => $state_word,)+ }
            }

            /// The words a person reads.
            #[must_use]
            pub const fn label(self) -> &'static str {
                match self { $(Self::$state => $label,)+ }
            }

            /// Reads a word back.
            #[must_use]
            pub fn from_word(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|state| state.as_str() == word)
            }

            /// Where an event leads from here.
            ///
            /// # Errors
            /// [`IllegalTransition`](super::IllegalTransition) when it can not happen in this state.
            pub const fn transition(self, event: $Event) -> Result<Self, super::IllegalTransition> {
                let refused = super::IllegalTransition {
                    machine: $machine,
                    from: self.as_str(),
                    event: event.as_str(),
                };
                match self {
                    $(Self::$state => match event {
                        $($Event::$by => Ok(Self::$to),)*
                        #[allow(unreachable_patterns, reason = "a state in which everything may happen")]
                        _ => Err(refused),
                    },)+
                }
            }
        }
    };
}
pub(super) use machine;
