//! The secrets by which a request says who is asking (RFC 6750), each known by its first letters:
//! `gws_` a person's session, `gwt_` a program's token, `gwd_` a registered device.
//!
//! Each has 160 random bits and is stored as its hash. One look-up by the hash says whose it is, so that comparing takes no time
//! an attacker could measure.

use std::net::IpAddr;

use fleet::{Timestamp, access::Principal, audit::Origin};
use secrecy::{ExposeSecret, SecretString};
use store::{Db, SessionRecord};

use super::standing::{self, NotStanding};
use crate::{
    app::{Actor, Who},
    fresh,
};

/// A kind of secret. By its first letters one that leaked into a log or a repository is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A person's session.
    Session,
    /// A program's token.
    Token,
    /// A registered device.
    Device,
}

impl Kind {
    /// The first letters.
    #[must_use]
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::Session => "gws_",
            Self::Token => "gwt_",
            Self::Device => "gwd_",
        }
    }
}

/// Longer than any secret of ours, dashes and all.
const MAX: usize = 128;

/// A new secret, for the one time that it is shown, and what is stored of it.
#[must_use]
pub fn fresh(kind: Kind) -> (SecretString, [u8; 32]) {
    let secret = fresh::secret::<32>();
    let hash = fresh::secret_hash(secret.expose_secret());
    let text = format!("{}{}", kind.prefix(), secret.expose_secret());
    (SecretString::from(text), hash)
}

/// What is stored of a secret. Nothing for a text that no secret of this kind can be.
#[must_use]
pub fn hash(kind: Kind, text: &str) -> Option<[u8; 32]> {
    let secret = text.strip_prefix(kind.prefix())?;
    (secret.len() <= MAX).then(|| fresh::secret_hash(secret))
}

/// Who is asking, and what they may do at this instant.
#[derive(Debug, Clone)]
pub struct Identified {
    /// Who, and from where.
    pub actor: Actor,
    /// What they may do.
    pub principal: Principal,
    /// The session, of a person.
    pub session: Option<SessionRecord>,
}

/// What follows `Bearer` in a header (the scheme is written in any case: RFC 9110, section 11.1).
#[must_use]
pub fn read(header: &str) -> Option<&str> {
    let (scheme, rest) = header.split_once(' ')?;
    scheme.eq_ignore_ascii_case("Bearer").then(|| rest.trim())
}

/// Whose secret it is.
///
/// # Errors
/// [`NotStanding`], which says what to do next.
pub fn identify(
    db: &mut Db<'_>,
    secret: Option<&str>,
    address: Option<IpAddr>,
    now: Timestamp,
) -> Result<Identified, NotStanding> {
    const MISSING: &str = "send `Authorization: Bearer` with the secret of a session (POST /api/v1/sessions) or of a service token";
    const NOT_OURS: &str = "the secret is none of this gateway's, or its session was given another";
    let secret = secret.ok_or(NotStanding::Unknown(MISSING))?;
    if let Some(hash) = hash(Kind::Session, secret) {
        let (session, person) = db
            .session_fetch_by_hash(&hash)?
            .ok_or(NotStanding::Unknown(NOT_OURS))?;
        let principal = standing::of_session(db, &session, &person, now)?;
        let device = standing::device(db, &session)?;
        let actor = Actor {
            who: Who::Person {
                account: person.id,
                name: person.printed_name,
                session: session.id,
            },
            origin: Origin { address, device },
        };
        return Ok(Identified {
            actor,
            principal,
            session: Some(session),
        });
    }
    let hash = hash(Kind::Token, secret).ok_or(NotStanding::Unknown(NOT_OURS))?;
    let (token, owner) = db
        .service_token_fetch_by_hash(&hash)?
        .ok_or(NotStanding::Unknown(NOT_OURS))?;
    let principal = standing::of_token(db, &token, &owner, now)?;
    let actor = Actor {
        who: Who::Program {
            token: token.id,
            label: token.label,
            owner: owner.id,
        },
        origin: Origin {
            address,
            device: None,
        },
    };
    Ok(Identified {
        actor,
        principal,
        session: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_of_one_kind_and_hashes_the_same_however_its_groups_are_written() {
        for kind in [Kind::Session, Kind::Token, Kind::Device] {
            let (secret, stored) = fresh(kind);
            let text = secret.expose_secret();
            assert!(text.starts_with(kind.prefix()));
            assert_eq!(hash(kind, text), Some(stored));
            assert_eq!(hash(kind, &text.replace('-', "")), Some(stored));
            for other in [Kind::Session, Kind::Token, Kind::Device] {
                assert_eq!(hash(other, text).is_some(), other == kind);
            }
            let long = format!("{}{}", kind.prefix(), "A".repeat(MAX + 1));
            assert_eq!(hash(kind, &long), None);
        }
        assert_eq!(hash(Kind::Token, "GWT_ABCD"), None);
    }

    #[test]
    fn only_the_bearer_scheme_is_read() {
        assert_eq!(read("Bearer gws_1"), Some("gws_1"));
        assert_eq!(read("bearer  gws_1 "), Some("gws_1"));
        for other in ["", "Bearer", "Basic gws_1", "gws_1", "Bearergws_1"] {
            assert_eq!(read(other), None, "{other}");
        }
    }
}
