//! Everything that is put on record, in one table: the word, how a SIEM should take it, and the words a person reads.

use super::Word;

/// How much an entry asks of whoever watches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Weight {
    /// It was done as it should be.
    Ordinary,
    /// Somebody tried what is not theirs, or could not prove who they are.
    Refused,
    /// Look now.
    Alarm,
}

macro_rules! actions {
    ($($(#[$meta:meta])* $name:ident = $word:literal, $weight:ident, $label:literal;)+) => {
        /// What was done. The label completes "who …".
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Action {
            $($(#[$meta])* $name,)+
        }

        impl Action {
            /// Every action.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// The word of the record.
            #[must_use]
            pub const fn word(self) -> Word {
                match self { $(Self::$name => Word::literal($word),)+ }
            }

            /// How much it asks of whoever watches.
            #[must_use]
            pub const fn weight(self) -> Weight {
                match self { $(Self::$name => Weight::$weight,)+ }
            }

            /// The words a person reads after who did it.
            #[must_use]
            pub const fn label(self) -> &'static str {
                match self { $(Self::$name => $label,)+ }
            }
        }
    };
}

actions! {
    /// The record begins.
    GatewaySetUp = "gateway_set_up", Ordinary, "set the gateway up";
    GatewayStarted = "gateway_started", Ordinary, "started";
    GatewayStopped = "gateway_stopped", Ordinary, "stopped";
    /// The clock jumped against the time that really passed.
    ClockJumped = "clock_jumped", Alarm, "noticed that the clock jumped";

    SignedIn = "signed_in", Ordinary, "signed in";
    /// A wrong password or code, a closed account, a device that is not registered.
    SignInRefused = "sign_in_refused", Refused, "was refused at sign-in";
    SignedOut = "signed_out", Ordinary, "signed out";
    /// Somebody else's, or one's own from elsewhere.
    SessionEnded = "session_ended", Ordinary, "ended a session";
    /// A right that the asker does not have, or not there.
    AccessDenied = "access_denied", Refused, "was not allowed";
    PasswordChanged = "password_changed", Ordinary, "changed a password";
    TotpEnrolled = "totp_enrolled", Ordinary, "set an authenticator up";
    TotpRemoved = "totp_removed", Ordinary, "removed an authenticator";
    PinSet = "pin_set", Ordinary, "set a signing PIN";
    ServiceTokenMade = "service_token_made", Ordinary, "made a service token";
    ServiceTokenRevoked = "service_token_revoked", Ordinary, "revoked a service token";

    PersonAdded = "person_added", Ordinary, "added a person";
    PersonEdited = "person_edited", Ordinary, "edited a person";
    PersonDisabled = "person_disabled", Ordinary, "closed an account";
    PersonEnabled = "person_enabled", Ordinary, "opened an account again";
    PersonReset = "person_reset", Ordinary, "gave a person a new one-time password";
    RolesGranted = "roles_granted", Ordinary, "changed a person's roles";
    DeviceRegistered = "device_registered", Ordinary, "registered a device";
    DeviceRemoved = "device_removed", Ordinary, "removed a device";

    /// Somebody looks and holds beyond the role.
    GlassBroken = "glass_broken", Alarm, "broke the glass";
    GlassEnded = "glass_ended", Ordinary, "ended break-glass";

    Signed = "signed", Ordinary, "signed";
    /// A refusal to sign, with a reason: `not now`.
    SignedNotNow = "signed_not_now", Ordinary, "answered “not now”";
    /// A signature that was not taken: wrong factor, changed document, lost right, given before.
    SignatureRefused = "signature_refused", Refused, "could not sign";

    PumpHeld = "pump_held", Ordinary, "held a pump";
    /// Checks are run again before a release.
    RetestBegun = "retest_begun", Ordinary, "began a retest";
    RetestReported = "retest_reported", Ordinary, "reported its retest";
    HoldOwned = "hold_owned", Ordinary, "said who looks after a hold";
    /// S4: after a passed retest and the signatures of two people.
    HoldReleased = "hold_released", Ordinary, "released a pump from its hold";
    SequesterEnded = "sequester_ended", Ordinary, "ended a sequestration";
    PumpRetired = "pump_retired", Ordinary, "retired a pump";
    PumpEdited = "pump_edited", Ordinary, "edited a pump";
    PumpTagged = "pump_tagged", Ordinary, "changed the tags of a pump";
    OrderGiven = "order_given", Ordinary, "gave a pump an order";
    OrderAnswered = "order_answered", Ordinary, "answered an order";
    LateRenewalArmed = "late_renewal_armed", Ordinary, "armed a late renewal";
    ComponentsChanged = "components_changed", Ordinary, "reported other software";
    IdentityConflict = "identity_conflict", Alarm, "contradicted its identity";

    RepositoryAdded = "repository_added", Ordinary, "added a manufacturer's repository";
    ReleaseImported = "release_imported", Ordinary, "imported a release";
    ReleaseRefused = "release_refused", Refused, "could not import a release";
    ComponentListImported = "component_list_imported", Ordinary, "imported a component list";
    AdvisoriesImported = "advisories_imported", Ordinary, "imported advisories";
    /// A document that is not what it should be, or not safe to read.
    DocumentRefused = "document_refused", Refused, "could not import a document";
    ExposureDecided = "exposure_decided", Ordinary, "decided whether pumps are affected";
    FloorSet = "floor_set", Ordinary, "set a ward floor";
    RolloutWritten = "rollout_written", Ordinary, "wrote a rollout";
    RolloutMoved = "rollout_moved", Ordinary, "moved a rollout";
    BriefingRead = "briefing_read", Ordinary, "read a briefing";
    CheckEntered = "check_entered", Ordinary, "entered a check";
    RollBackAsked = "roll_back_asked", Ordinary, "asked for the old version";
    /// It could not go back, and a newer update begins.
    RollBackDropped = "roll_back_dropped", Ordinary, "dropped a wish for the old version";
    UpdateTriedAgain = "update_tried_again", Ordinary, "wanted a pump tried again";
    UpdateTakenOut = "update_taken_out", Ordinary, "took a pump out of a rollout";
    LibraryApproved = "library_approved", Ordinary, "approved a drug library";
    LibraryWithdrawn = "library_withdrawn", Ordinary, "withdrew the approval of a drug library";
    /// By the rule in its spec, which was approved.
    RolloutJoined = "rollout_joined", Ordinary, "added a pump to a rollout";
    /// By a rule.
    RolloutStep = "rollout_step", Ordinary, "took a step of a rollout";
    TicketIssued = "ticket_issued", Ordinary, "issued a ticket";
    CheckReported = "check_reported", Ordinary, "proved its update";
    UpdateReported = "update_reported", Ordinary, "reported of its update";
    /// A pump says something of an update that nothing explains.
    UpdateDoubted = "update_doubted", Alarm, "was not believed about an update";

    ExpectedImported = "expected_imported", Ordinary, "imported the list of expected pumps";
    ExpectedRemoved = "expected_removed", Ordinary, "took a pump off the list";
    CareAreaAdded = "care_area_added", Ordinary, "added a care area";
    CareAreaRenamed = "care_area_renamed", Ordinary, "renamed a care area";
    LocationAdded = "location_added", Ordinary, "added a location";
    ManufacturerAdded = "manufacturer_added", Ordinary, "added a manufacturer";
    ManufacturerEdited = "manufacturer_edited", Ordinary, "edited a manufacturer";
    ModelAdded = "model_added", Ordinary, "added a model";
    /// Its device identifier, or until when it is supported.
    ModelEdited = "model_edited", Ordinary, "edited a model";

    EnrolTokenMade = "enrol_token_made", Ordinary, "made an enrolment token";
    EnrolTokenWithdrawn = "enrol_token_withdrawn", Ordinary, "withdrew an enrolment token";
    AnchorImported = "anchor_imported", Ordinary, "imported a manufacturer's anchor";
    AnchorRemoved = "anchor_removed", Ordinary, "removed a manufacturer's anchor";
    PumpEnrolled = "pump_enrolled", Ordinary, "enrolled";
    CertificateRenewed = "certificate_renewed", Ordinary, "renewed its certificate";
    CertificateRevoked = "certificate_revoked", Ordinary, "revoked a certificate";
    AuthorityRotated = "authority_rotated", Ordinary, "rotated a certificate authority";
    AuthorityRetired = "authority_retired", Ordinary, "retired a certificate authority";
}

impl Action {
    /// Reads a word back; nothing for one of a later version.
    #[must_use]
    pub fn from_word(word: &Word) -> Option<Self> {
        Self::ALL.iter().copied().find(|action| action.word() == *word)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_action_has_a_word_of_its_own() {
        let words: HashSet<_> = Action::ALL.iter().map(|action| action.word()).collect();
        assert_eq!(words.len(), Action::ALL.len());
        assert!(!words.contains(&Word::literal("unnamed")));
        for action in Action::ALL {
            assert_eq!(Action::from_word(&action.word()), Some(*action));
            assert!(!action.label().is_empty());
        }
    }
}
