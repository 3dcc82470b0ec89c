//! What is signed: a subject in one state, named by the hash of what was shown. When the state changes, the signature is void.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use thiserror::Error;
use uuid::Uuid;

use super::{Digest, SignatureStatement, canonical};

/// The kinds of things that are signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum SubjectKind {
    /// A pump with its firmware set and the results of its checks.
    Pump,
    /// A hold with the retest that passed.
    Hold,
    /// A wave with its release, its pumps and what became of each.
    Wave,
    /// A rollout with its release, waves, pump lists and limits.
    Rollout,
    /// A manufacturer's root of trust for firmware.
    TrustRoot,
    /// A use of break-glass with everything that was done under it.
    BreakGlass,
}

impl SubjectKind {
    /// Every kind.
    pub const ALL: [Self; 6] = [
        Self::Pump,
        Self::Hold,
        Self::Wave,
        Self::Rollout,
        Self::TrustRoot,
        Self::BreakGlass,
    ];

    /// The word in the API, in the database and in the signed bytes.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pump => "pump",
            Self::Hold => "hold",
            Self::Wave => "wave",
            Self::Rollout => "rollout",
            Self::TrustRoot => "trust_root",
            Self::BreakGlass => "break_glass",
        }
    }

    /// The words a person reads.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Pump => "pump",
            Self::Hold => "hold",
            Self::Wave => "wave",
            Self::Rollout => "rollout",
            Self::TrustRoot => "root of trust",
            Self::BreakGlass => "use of break-glass",
        }
    }

    /// Reads a word back.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}

impl fmt::Display for SubjectKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.label())
    }
}

/// One thing in one state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Subject {
    /// What it is.
    pub kind: SubjectKind,
    /// Which one.
    pub id: Uuid,
    /// The version of what is signed; not of a row that other things change as well.
    pub version: i64,
    /// The hash of what was shown: [`content_hash`].
    pub content_hash: Digest,
}

/// The hash over what a person is shown: SHA-256 over the line `infusion-pump-gateway content <kind> v1`, a line feed and
/// the fields as [canonical JSON](canonical). The fields are the caller's choice; whatever a signature vouches for
/// belongs among them.
#[must_use]
pub fn content_hash(kind: SubjectKind, fields: &Value) -> Digest {
    let what = format!("content {}", kind.as_str());
    let first_line = canonical::first_line(&what, 1);
    Digest::of_pieces(&[
        first_line.as_bytes(),
        b"\n",
        canonical::to_json(fields).as_bytes(),
    ])
}

/// Whether a signature stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignatureState {
    /// What was signed is what is there.
    Valid,
    /// It is not; the signature stays on record, and opens nothing.
    Void(VoidReason),
}

/// What changed since the signature. The words stand beside it on screen and in print.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum VoidReason {
    /// It is not there any more.
    #[error("void: the {kind} is no longer there")]
    Gone { kind: SubjectKind },
    /// The signature was held against something else.
    #[error("void: it was given for another {signed}")]
    OtherSubject { signed: SubjectKind },
    /// What a person saw then is not what is there now.
    #[error("void: the {kind} changed after it was signed (signed at version {signed}, now at {current})")]
    Content {
        kind: SubjectKind,
        signed: i64,
        current: i64,
    },
    /// It was changed, and changed back: nobody signed the present version.
    #[error(
        "void: the {kind} was edited after it was signed (version {signed}, now {current}), though it reads the same"
    )]
    Version {
        kind: SubjectKind,
        signed: i64,
        current: i64,
    },
}

/// Whether a signature stands for its subject as it is now; nothing is given when the subject is gone.
#[must_use]
pub fn state(statement: &SignatureStatement, current: Option<&Subject>) -> SignatureState {
    let signed = &statement.subject;
    let kind = signed.kind;
    let Some(current) = current else {
        return SignatureState::Void(VoidReason::Gone { kind });
    };
    if current == signed {
        return SignatureState::Valid;
    }
    let versions = (signed.version, current.version);
    SignatureState::Void(if current.kind != kind || current.id != signed.id {
        VoidReason::OtherSubject { signed: kind }
    } else if current.content_hash == signed.content_hash {
        let (signed, current) = versions;
        VoidReason::Version {
            kind,
            signed,
            current,
        }
    } else {
        let (signed, current) = versions;
        VoidReason::Content {
            kind,
            signed,
            current,
        }
    })
}
