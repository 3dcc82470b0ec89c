//! Why a command was not carried out. Each says what to do next.

use chrono::NaiveDate;
use fleet::{
    Timestamp,
    access::{Denied, Permission, SamePerson},
    id::CareAreaId,
    inventory::LineProblem,
    pump::{HoldKind, SupportError, TagError, UdiError},
    signature::{CeremonyRefusal, Factor, Meaning, SubjectKind, ZonedTime},
    text::{Name, SerialNumber},
};
use store::StoreError;
use thiserror::Error;

use super::{anchor::AnchorProblem, subject::NotReady};
use crate::{
    auth::{
        password::{HashProblem, MIN, PasswordProblem},
        pin::PinProblem,
        seal::SealProblem,
        standing::NotStanding,
    },
    pki::{authorities::AuthorityProblem, key::KeyError},
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
    /// The hold is history.
    #[error("the hold ended at {at}; look whether the pump has another")]
    HoldOver { at: Timestamp },
    /// No checks are being run again.
    #[error("no retest was begun for this hold; begin one, then enter what the checks read")]
    NoRetest,
    /// Only evidence is sequestered.
    #[error("the pump is not sequestered ({}); this hold ends by a passed retest and signatures", .standing.as_str())]
    NotSequestered { standing: HoldKind },
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
    /// Tags that can not be changed so.
    #[error(transparent)]
    Tag(#[from] TagError),
    /// Dates that can not both be right.
    #[error(transparent)]
    Support(#[from] SupportError),
    /// Not a certificate that may vouch for pumps.
    #[error(transparent)]
    Anchor(#[from] AnchorProblem),
    /// Not TUF root metadata.
    #[error("the root of trust is not TUF root metadata; give the manufacturer's `root.json`")]
    NotARoot,
    /// Nobody signed for it.
    #[error(
        "nobody has signed for the root of trust of {name}; sign it first (`gateway signature sign trust_root {name}`)"
    )]
    RootNotTrusted { name: fleet::release::RepositoryName },
    /// Whose keys are trusted for one manufacturer do not speak for another.
    #[error("the release says it is by {named}, and the repository is trusted for {trusted}")]
    OtherManufacturer { named: Name, trusted: Name },
    /// It does not hold as a pump would check it.
    #[error(transparent)]
    Import(#[from] crate::firmware::problem::ImportError),
    /// It could not be put where pumps fetch it.
    #[error(transparent)]
    Publish(#[from] crate::firmware::publish::PublishError),
    /// What was carried in can not be looked at.
    #[error(transparent)]
    Intake(#[from] crate::exposure::intake::IntakeError),
    /// Every document of an import was refused.
    #[error("{}", .refused.join("; "))]
    NothingTaken { refused: Vec<String> },
    /// The documents are clear.
    #[error("no document leaves it open whether these pumps are affected; look at the exposure again")]
    NothingToDecide,
    /// No place to unpack.
    #[error("making room to unpack an archive: {0}")]
    Scratch(#[source] std::io::Error),
    /// A rollout that can not be as it is written.
    #[error(transparent)]
    Spec(#[from] fleet::rollout::spec::SpecError),
    /// Nobody would get it.
    #[error("no pump would get the release ({left_out} are left out); the preview says why")]
    NoPumps { left_out: usize },
    /// Nobody would get it in one of its waves.
    #[error(
        "the wave {name} has no pump; a wave without pumps proves nothing: change what it takes, or leave it out"
    )]
    EmptyWave { name: fleet::text::Name },
    /// Not from where it is.
    #[error(transparent)]
    Illegal(#[from] fleet::rollout::state::IllegalTransition),
    /// It has to be said why.
    #[error("say why: it goes on record")]
    ReasonNeeded,
    /// No update has to be proved.
    #[error("the pump has no update that is to be proved")]
    NotUnderTest,
    /// The plan of checks has none of that name for a person.
    #[error("`{check}` is no check of this update that a person runs")]
    NoSuchCheck { check: fleet::text::CheckId },
    /// There is no update to go back from.
    #[error("the pump has no update to go back from")]
    NothingToRollBack,
    /// No rollout left it behind.
    #[error(
        "no rollout under way left the pump behind; for one that is over, write a new rollout that lists the pump"
    )]
    NothingToTryAgain,
    /// No rollout waits for it.
    #[error(
        "no approved rollout under way waits for the pump; what installs comes to its end, and a failure stays one"
    )]
    NothingToTakeOut,
    /// One signs for one care area.
    #[error("it belongs to {count} care areas: say for which of them you sign")]
    WhichCareArea { count: usize },
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
    /// Name or password is wrong; which of them is not said, nor that an account is closed.
    #[error("name or password is wrong")]
    WrongPassword,
    /// The password was right, and the account has an authenticator.
    #[error("this account has an authenticator; send its code as `totp` too")]
    SecondFactorRequired,
    /// The password was right, and there is a PIN already.
    #[error(
        "send the PIN that is replaced as `current_pin` too; who forgot it has an administrator reset the account"
    )]
    CurrentPinRequired,
    /// Something that was shown is not right, or was used before.
    #[error("the {} is not right, or was used before; try again with a new one", .factor.label())]
    WrongFactor { factor: Factor },
    /// What was shown is right, and not enough to sign.
    #[error(transparent)]
    Ceremony(#[from] CeremonyRefusal),
    /// The one-time password only opens the door to a new one.
    #[error(
        "the one-time password must be replaced first; send `new_password` with at least {MIN} characters"
    )]
    PasswordChangeRequired,
    /// The new password.
    #[error(transparent)]
    Password(#[from] PasswordProblem),
    /// The new PIN.
    #[error(transparent)]
    Pin(#[from] PinProblem),
    /// No memory for it.
    #[error(transparent)]
    Hash(#[from] HashProblem),
    /// Small secrets at rest.
    #[error(transparent)]
    Seal(#[from] SealProblem),
    /// The key of the record did not sign.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The device's secret is none of ours.
    #[error("this device is not registered, or not any more; sign in without it, or have it registered")]
    DeviceUnknown,
    /// The ticket of an authenticator's enrolment.
    #[error("setting the authenticator up took too long, or was begun by somebody else; begin again")]
    EnrolmentOver,
    /// The ticket between two steps of signing in.
    #[error("signing in took too long, or the password was changed meanwhile; begin again")]
    SignInOver,
    /// Whoever asks may not do it, or not there.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// The session or token is over.
    #[error(transparent)]
    NotStanding(NotStanding),
    /// A program or a timer asked for what only a person does.
    #[error("only a person does this, signed in")]
    OnlyAPerson,
    /// It takes two.
    #[error(transparent)]
    SamePerson(#[from] SamePerson),
    /// Nobody grants to themselves.
    #[error("nobody changes their own roles; ask another administrator")]
    OwnRoles,
    /// Nobody locks themselves out, or gets in again by themselves.
    #[error("this is your own account; ask another administrator")]
    OwnAccount,
    /// Nobody would be left to let people in.
    #[error("this is the last administrator who can sign in; grant somebody else that role first")]
    LastAdministrator,
    /// A role for a care area that is not there.
    #[error("care area {care_area} is not on record; see /api/v1/care-areas")]
    UnknownCareArea { care_area: CareAreaId },
    /// Out of the bounds of the rules.
    #[error("the idle time must be 1 minute to 12 hours")]
    IdleOutOfBounds,
    /// A token for nothing.
    #[error("a token needs at least one scope: what it may be used for")]
    NoScope,
    /// A token for more than its owner may, or than any program may.
    #[error(
        "a token can not have the scope `{scope}`: no program may have it, or you do not hold it yourself"
    )]
    UnfitScope { scope: Permission },
    /// The glass is whole.
    #[error("break-glass is not open in this session")]
    NoGlass,
    /// One kind of thing, a meaning of another.
    #[error("“{}” is not said of a {kind}", .meaning.label())]
    MeaningDoesNotFit { meaning: Meaning, kind: SubjectKind },
    /// What was shown is not what is there.
    #[error(
        "the {kind} changed since it was shown (version {shown}, now {current}); look at it again, then sign again"
    )]
    ContentChanged {
        kind: SubjectKind,
        shown: i64,
        current: i64,
    },
    /// Something stands in the way.
    #[error(transparent)]
    NotReady(#[from] NotReady),
    /// Once is enough.
    #[error("you signed this at {at} already, and the signature stands")]
    AlreadySigned { at: ZonedTime },
}

impl From<NotStanding> for CommandError {
    fn from(problem: NotStanding) -> Self {
        match problem {
            NotStanding::Store(error) => Self::Store(error),
            other => Self::NotStanding(other),
        }
    }
}
