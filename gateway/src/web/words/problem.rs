//! What went wrong, for a person: what happened, what was kept, what to do.

use crate::api::problem::{Problem, ProblemCode as Code};

/// What a person is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// What happened.
    pub happened: &'static str,
    /// The particulars, where they are words for people.
    pub particulars: Option<String>,
    /// What was kept of what they did.
    pub kept: &'static str,
    /// What to do next.
    pub next: &'static str,
}

/// Nothing was changed, whatever was asked.
const NOTHING: &str = "Nothing was changed.";
/// Somebody signs in.
const NOT_IN: &str = "";

/// The words for a problem. The particulars of some are written for people as much as for programs, and are shown.
#[must_use]
pub fn problem(problem: &Problem) -> Told {
    let code = problem.code();
    let (happened, kept, next) = words(code);
    let detail = problem.detail();
    Told {
        happened,
        particulars: (speaks_to_people(code) && !detail.is_empty()).then(|| sentence(detail)),
        kept,
        next,
    }
}

/// A detail, as a sentence.
fn sentence(detail: &str) -> String {
    let mut characters = detail.chars();
    let mut text: String = characters
        .next()
        .into_iter()
        .flat_map(char::to_uppercase)
        .chain(characters)
        .collect();
    if !text.ends_with(['.', '!', '?']) {
        text.push('.');
    }
    text
}

/// Whether what a program is told in detail can be read to a person: no field, no path, no id in it.
const fn speaks_to_people(code: Code) -> bool {
    match code {
        Code::Denied
        | Code::WeakPassword
        | Code::WeakPin
        | Code::NotReady
        | Code::WouldCutOff
        | Code::TooManyAttempts
        | Code::TooManyRequests
        | Code::PumpRetired
        | Code::HoldOver
        | Code::UnusableAnchor
        | Code::ReleaseRefused
        | Code::DocumentRefused
        | Code::CsvProblems => true,
        Code::MalformedBody
        | Code::MalformedQuery
        | Code::MalformedPath
        | Code::MalformedHeader
        | Code::MalformedCursor
        | Code::Unauthenticated
        | Code::WrongPassword
        | Code::SecondFactorRequired
        | Code::WrongFactor
        | Code::FactorsMissing
        | Code::CrossSite
        | Code::DeviceUnknown
        | Code::SamePerson
        | Code::OwnAccount
        | Code::PasswordChangeRequired
        | Code::NotFound
        | Code::NoSuchRoute
        | Code::SerialNotExpected
        | Code::MethodNotAllowed
        | Code::Conflict
        | Code::AlreadyHeld
        | Code::NoRetest
        | Code::NotSequestered
        | Code::HoldForbidsOrders
        | Code::AmbiguousSerial
        | Code::AmbiguousCertificate
        | Code::ContentChanged
        | Code::AlreadySigned
        | Code::LastAdministrator
        | Code::EnrolmentOver
        | Code::NoGlass
        | Code::IdempotencyUnfinished
        | Code::IdempotencySecret
        | Code::AuthorityRefused
        | Code::RootNotTrusted
        | Code::IllegalTransition
        | Code::NotUnderTest
        | Code::NothingToDecide
        | Code::Stale
        | Code::PayloadTooLarge
        | Code::UnsupportedMediaType
        | Code::InvalidValue
        | Code::IdempotencyMismatch
        | Code::PreconditionRequired
        | Code::Internal
        | Code::Unavailable => false,
    }
}

/// What happened, what was kept, what to do.
#[expect(clippy::too_many_lines, reason = "one table")]
const fn words(code: Code) -> (&'static str, &'static str, &'static str) {
    match code {
        Code::MalformedBody | Code::MalformedHeader => (
            "The form did not arrive as it should.",
            NOTHING,
            "Go back, load the page anew, and send it again.",
        ),
        Code::MalformedQuery | Code::MalformedPath | Code::MalformedCursor => (
            "The address of this page is not complete.",
            NOTHING,
            "Go back and follow the link again.",
        ),
        Code::Unauthenticated => (
            "You are signed out.",
            "What you had not sent yet was not recorded.",
            "Sign in again; you come back to where you were.",
        ),
        Code::WrongPassword => (
            "Name or password is wrong.",
            NOT_IN,
            "Try again. If you forgot the password, an administrator gives you a new one.",
        ),
        Code::SecondFactorRequired => (
            "One more proof is needed.",
            NOTHING,
            "Type the code of your authenticator, or the PIN that is replaced.",
        ),
        Code::WrongFactor => (
            "That was not right, or was used before.",
            NOTHING,
            "Try again; of an authenticator take the next code.",
        ),
        Code::FactorsMissing => (
            "Your signature was not recorded: something is missing.",
            "Your answers are still here.",
            "Type your password and your PIN or code, then sign.",
        ),
        Code::Denied => (
            "This is not yours to do.",
            NOTHING,
            "If it should be, ask an administrator for the role.",
        ),
        Code::CrossSite => (
            "The request came from another website.",
            NOTHING,
            "Use the pages of this gateway, in a browser that is up to date.",
        ),
        Code::DeviceUnknown => (
            "This device is not registered any more.",
            NOTHING,
            "Sign in, or have an administrator register the device.",
        ),
        Code::SamePerson => (
            "This takes two people, and you did the first half.",
            NOTHING,
            "Ask a colleague to do the second.",
        ),
        Code::OwnAccount => (
            "Nobody does this to their own account.",
            NOTHING,
            "Ask another administrator.",
        ),
        Code::PasswordChangeRequired => (
            "Your one-time password must be replaced first.",
            NOT_IN,
            "Choose a new password.",
        ),
        Code::NotFound => (
            "It is not there, or not any more.",
            NOTHING,
            "Go back; the list shows what there is now.",
        ),
        Code::NoSuchRoute => ("There is no such page.", "", "Go back, or begin at the start."),
        Code::SerialNotExpected => (
            "No pump with this serial number is expected here.",
            NOTHING,
            "Check the number, or say manufacturer and model.",
        ),
        Code::MethodNotAllowed => (
            "This page can not be used in this way.",
            NOTHING,
            "Go back and use the button on the page.",
        ),
        Code::Conflict => (
            "It contradicts what is on record.",
            NOTHING,
            "Look again at what there is now, then decide.",
        ),
        Code::DocumentRefused => (
            "The document was refused.",
            NOTHING,
            "Ask its publisher for a corrected one, or carry it in again.",
        ),
        Code::NothingToDecide => (
            "There is nothing to decide here.",
            NOTHING,
            "Look at the exposure again: what is known may have changed.",
        ),
        Code::AlreadyHeld => (
            "The pump is held already.",
            "The hold stands as it is.",
            "Nothing more is to be done here: do not use the pump.",
        ),
        Code::HoldOver => (
            "This hold has ended.",
            NOTHING,
            "Look at the pump again: it may have another.",
        ),
        Code::NoRetest => (
            "No checks are being run again for this hold.",
            NOTHING,
            "Begin a retest, then enter what the checks read.",
        ),
        Code::NotSequestered => (
            "The pump is not kept as evidence.",
            NOTHING,
            "Its hold ends by a passed retest and two signatures.",
        ),
        Code::HoldForbidsOrders => (
            "Nothing is sent to a pump that is held so.",
            NOTHING,
            "Wait until the hold has ended.",
        ),
        Code::PumpRetired => (
            "The pump has left the hospital.",
            NOTHING,
            "Its record can be read, not changed.",
        ),
        Code::AmbiguousSerial => (
            "Pumps of several models have this serial number.",
            NOTHING,
            "Choose the model.",
        ),
        Code::AmbiguousCertificate => ("Several certificates fit.", NOTHING, "Give more digits."),
        Code::WouldCutOff => (
            "Pumps would lose their connection.",
            NOTHING,
            "Let them renew first, or say that they may be cut off.",
        ),
        Code::ContentChanged => (
            "Your signature was not recorded: what you looked at has changed.",
            "Your answers are still here.",
            "Look again, then sign.",
        ),
        Code::AlreadySigned => (
            "You have signed this already.",
            "Your signature stands.",
            "Nothing more is to be done.",
        ),
        Code::NotReady => (
            "It can not be signed now.",
            "Nothing was signed.",
            "Look again when that is settled.",
        ),
        Code::LastAdministrator => (
            "This is the last administrator.",
            NOTHING,
            "Give somebody else that role first.",
        ),
        Code::EnrolmentOver => (
            "Setting the authenticator up took too long.",
            NOTHING,
            "Begin again.",
        ),
        Code::NoGlass => ("Break-glass is not open.", NOTHING, "Nothing is to be ended."),
        Code::IdempotencyUnfinished => (
            "What became of your first click is not known.",
            "Nothing was done twice.",
            "Look whether it was done before you try again.",
        ),
        Code::IdempotencySecret => (
            "It was done, and its secret is shown once.",
            "It was not done twice.",
            "Find it in the list; take it back if the secret is lost.",
        ),
        Code::IdempotencyMismatch => (
            "This form was sent before with other answers.",
            "What was sent first stands.",
            "Load the page anew.",
        ),
        Code::AuthorityRefused => (
            "The certificate authority can not do this now.",
            NOTHING,
            "Look at its state first.",
        ),
        Code::RootNotTrusted => (
            "Nobody has signed for this manufacturer's root of trust.",
            NOTHING,
            "Have security sign it first.",
        ),
        Code::IllegalTransition => (
            "It can not be done in the state it is in.",
            NOTHING,
            "Load the page anew to see where it is.",
        ),
        Code::NotUnderTest => (
            "The pump has no update that is to be proved.",
            NOTHING,
            "Look at the pump again.",
        ),
        Code::Stale => (
            "Somebody else changed it while you looked at it.",
            "What you typed is still here.",
            "Compare with what is there now, then send it again.",
        ),
        Code::PayloadTooLarge => (
            "That is too much at once.",
            NOTHING,
            "Send less, or a smaller picture.",
        ),
        Code::UnsupportedMediaType => (
            "Files of this kind are not read here.",
            NOTHING,
            "Send a JPEG or PNG picture.",
        ),
        Code::InvalidValue => (
            "Something in the form is not acceptable.",
            "What you typed is still here.",
            "Correct it, then send it again.",
        ),
        Code::WeakPin => (
            "This PIN is too easy to guess.",
            NOTHING,
            "Choose six to twelve digits that are no row, no date and not all alike.",
        ),
        Code::WeakPassword => (
            "This password can not be used.",
            NOTHING,
            "Choose a longer one: four words that do not belong together are good.",
        ),
        Code::ReleaseRefused => (
            "The release was refused.",
            "Nothing was imported.",
            "Ask the manufacturer for one that holds.",
        ),
        Code::CsvProblems => (
            "The file has problems.",
            "Nothing was imported.",
            "Correct the lines, then import it again.",
        ),
        Code::UnusableAnchor => (
            "This certificate can not vouch for pumps.",
            NOTHING,
            "Ask the manufacturer for the right one.",
        ),
        Code::PreconditionRequired => (
            "The form does not say what it was made from.",
            NOTHING,
            "Load the page anew, and send it again.",
        ),
        Code::TooManyAttempts => (
            "Too many attempts failed.",
            NOTHING,
            "Wait, then try again. If it was not you, tell an administrator.",
        ),
        Code::TooManyRequests => ("That was too fast.", NOTHING, "Wait a moment, then go on."),
        Code::Internal => (
            "The gateway failed.",
            "Pumps go on with their therapy. Whether this was recorded is not certain.",
            "Look whether it was done before you try again; if it fails again, tell biomed.",
        ),
        Code::Unavailable => (
            "The gateway can not do this at the moment.",
            "Pumps go on with their therapy. Nothing was changed.",
            "Try again soon.",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The page for people to read and to sign off. None of it is a word of the system.
    #[test]
    fn every_problem_has_words_for_people() {
        let mut lines = Vec::new();
        for code in Code::ALL {
            let (happened, kept, next) = words(*code);
            for text in [happened, kept, next] {
                let lower = text.to_lowercase();
                for jargon in [
                    "quarantine",
                    "http",
                    "`",
                    "uuid",
                    "json",
                    "endpoint",
                    "payload",
                    "_",
                ] {
                    assert!(!lower.contains(jargon), "{code:?}: {text}");
                }
                assert!(text.is_empty() || text.ends_with('.'), "{text}");
            }
            assert!(!happened.is_empty() && !next.is_empty(), "{code:?}");
            lines.push(format!("{}: {happened} | {kept} | {next}", code.as_str()));
        }
        insta::assert_snapshot!(lines.join("\n"));
    }

    #[test]
    fn particulars_are_told_where_they_are_for_people() {
        let told = problem(&Problem::new(Code::Denied, "you may not hold a pump"));
        assert_eq!(told.particulars.as_deref(), Some("You may not hold a pump."));
        let told = problem(&Problem::new(Code::MalformedBody, "expected `x` at line 1"));
        assert_eq!(told.particulars, None);
    }
}
