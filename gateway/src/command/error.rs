//! Why a command was not carried out. Each says what to do next.

use chrono::NaiveDate;
use fleet::{
    inventory::LineProblem,
    pump::{HoldKind, UdiError},
    text::{Name, SerialNumber},
};
use store::StoreError;
use thiserror::Error;

use super::anchor::AnchorProblem;
use crate::{
    auth::password::{HashProblem, MIN, PasswordProblem},
    pki::authorities::AuthorityProblem,
};

/// Why a command was not carried out. Nothing of it was, then.
#[derive(Debug, Error)]
pub enum CommandError {
    /// The record: no such row, a contradiction, or no database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// An authority can not do this.
    #[error(transparent)]
    Authority(#[from] AuthorityProblem),
    /// The pump is held, and the new hold would not be stricter.
    #[error("the pump is held already ({}); only a clinical hold can be made stricter, and no hold is lifted without signatures", .standing.as_str())]
    AlreadyHeld { standing: HoldKind },
    /// Nothing is sent to it.
    #[error("the pump is held ({}): nothing is sent to it", .standing.as_str())]
    HoldForbidsOrders { standing: HoldKind },
    /// It left for good.
    #[error("the pump was retired on {on}; its record can be read, not changed")]
    Retired { on: NaiveDate },
    /// The record changed since it was read.
    #[error(
        "the record is at version {current} and the edit was made from {seen}; read it again, then edit it again"
    )]
    Stale { seen: i64, current: i64 },
    /// The serial is on no list.
    #[error(
        "serial number {serial} is not on the list of expected pumps; import it, or give manufacturer and model"
    )]
    SerialNotExpected { serial: SerialNumber },
    /// Several models have the serial.
    #[error("serial number {serial} is on the list for several models; say which")]
    AmbiguousSerial { serial: SerialNumber, models: Vec<Name> },
    /// Several certificates begin so.
    #[error("{count} certificates begin with `{given}`; give more digits")]
    AmbiguousCertificate {
        given: String,
        count: usize,
        candidates: Vec<String>,
    },
    /// A file with bad lines.
    #[error("the file has {} problems; nothing was imported", .0.len())]
    Csv(Vec<LineProblem>),
    /// Not a UDI.
    #[error("the UDI is not acceptable: {0}")]
    Udi(#[from] UdiError),
    /// Not a certificate that may vouch for pumps.
    #[error(transparent)]
    Anchor(#[from] AnchorProblem),
    /// Only half of what makes a pump was said.
    #[error("a pump that is on no list needs both manufacturer and model")]
    HalfAModel,
    /// More than one sheet of labels.
    #[error("{count} tokens were asked for; at most {max} are made at once")]
    TooManyTokens { count: usize, max: usize },
    /// Live certificates hang on the authority.
    #[error(
        "{count} live certificates of this authority would be cut off; let the pumps renew first, or say `cut_off`"
    )]
    WouldCutOff { count: usize, pumps: Vec<SerialNumber> },
    /// Name or password is wrong; which of them is not said.
    #[error("name or password is wrong")]
    WrongPassword,
    /// The one-time password only opens the door to a new one.
    #[error(
        "the one-time password must be replaced first; send `new_password` with at least {MIN} characters"
    )]
    PasswordChangeRequired,
    /// The new password.
    #[error(transparent)]
    Password(#[from] PasswordProblem),
    /// No memory for it.
    #[error(transparent)]
    Hash(#[from] HashProblem),
}
