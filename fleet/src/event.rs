//! Everything the gateway tells people about without being asked, in one table.

use serde::{Deserialize, Serialize};

use crate::{
    Timestamp,
    id::{EventId, PumpId},
};

/// How soon somebody should look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Severity {
    /// For the record.
    Note,
    /// Today.
    Attention,
    /// Now: perhaps an attack, perhaps a danger.
    Alarm,
}

macro_rules! event_kinds {
    ($($(#[$meta:meta])* $name:ident = $word:tt, $severity:ident, $label:literal;)+) => {
        /// What happened.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        pub enum EventKind {
            $($(#[$meta])* #[serde(rename = $word)] $name,)+
        }

        impl EventKind {
            /// Every kind.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// The word in the API, in the database and in metrics.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word,)+ }
            }

            /// How soon somebody should look.
            #[must_use]
            pub const fn severity(self) -> Severity {
                match self { $(Self::$name => Severity::$severity,)+ }
            }

            /// The words a person reads.
            #[must_use]
            pub const fn label(self) -> &'static str {
                match self { $(Self::$name => $label,)+ }
            }
        }
    };
}

event_kinds! {
    /// A pump got its first certificate.
    PumpEnrolled = "pump_enrolled", Note, "Pump enrolled";
    /// A pump got a new certificate under a new key.
    CertificateRenewed = "certificate_renewed", Note, "Certificate renewed";
    /// A certificate was revoked.
    CertificateRevoked = "certificate_revoked", Attention, "Certificate revoked";
    /// A certificate was asked for without the right to it.
    EnrolmentRefused = "enrolment_refused", Attention, "Enrolment refused";
    /// A key that belongs to one pump was offered by another.
    KeyReused = "key_reused", Alarm, "A pump's key was offered by another pump";
    /// A certificate that our authority signed and we never issued.
    ForgedCertificate = "forged_certificate", Alarm, "A certificate that was never issued was presented";
    /// One identity, two network addresses of hardware.
    MacChanged = "mac_changed", Alarm, "A pump shows up with another network card";
    /// One identity in two places at the same time.
    TwoPlaces = "two_places", Alarm, "One certificate is used from two places";
    /// Two pumps report one hardware address.
    MacShared = "mac_shared", Alarm, "Two pumps report the same network card";
    /// A pump says it has another serial number than the one it enrolled with.
    SerialMismatch = "serial_mismatch", Alarm, "A pump reports another serial number than it enrolled with";
    /// A pump enrolled that is on no list.
    UnknownPump = "unknown_pump", Attention, "A pump enrolled that nobody expected";
    /// Component versions changed.
    ComponentsChanged = "components_changed", Attention, "Software versions changed";
    /// A pump was retired: it has left the hospital for good.
    PumpRetired = "pump_retired", Attention, "Pump retired";
    /// Particulars of a pump were edited.
    PumpEdited = "pump_edited", Note, "Pump edited";
    /// A pump was given an order.
    OrderGiven = "order_given", Note, "Order given";
    /// A pump with an expired certificate may renew once.
    LateRenewalArmed = "late_renewal_armed", Attention, "Late renewal armed";
    /// A one-time enrolment token was made.
    EnrolTokenMade = "enrol_token_made", Note, "Enrolment token made";
    /// A one-time enrolment token was taken back.
    EnrolTokenWithdrawn = "enrol_token_withdrawn", Note, "Enrolment token withdrawn";
    /// A list of expected pumps was imported.
    ListImported = "list_imported", Note, "List of expected pumps imported";
    /// An expected pump was taken off the list.
    ListShortened = "list_shortened", Note, "Expected pump taken off the list";
    /// A care area, location, manufacturer or model was named or changed.
    PlaceNamed = "place_named", Note, "Places or manufacturers changed";
    /// A manufacturer's certificate may vouch for first enrolments.
    AnchorImported = "anchor_imported", Attention, "Manufacturer's anchor imported";
    /// A manufacturer's certificate may not vouch any more.
    AnchorRemoved = "anchor_removed", Attention, "Manufacturer's anchor removed";
    /// A token for the staff API was made.
    ApiTokenMade = "api_token_made", Attention, "API token made";
    /// A token for the staff API was revoked.
    ApiTokenRevoked = "api_token_revoked", Note, "API token revoked";
    /// A password was changed.
    PasswordChanged = "password_changed", Attention, "Password changed";
    /// Somebody looks and holds beyond the role.
    GlassBroken = "glass_broken", Alarm, "Break-glass used";
    /// Somebody signed.
    Signed = "signed", Note, "Signed";
    /// Somebody was asked to sign, and said not now.
    SignatureDeclined = "signature_declined", Attention, "Asked to sign: not now";
    /// A pump was held.
    PumpHeld = "pump_held", Attention, "Pump held";
    /// A hold was lifted.
    HoldReleased = "hold_released", Attention, "Hold released";
    /// A held pump is tested again, or was.
    Retest = "retest", Note, "Retest";
    /// Who looks after a hold changed, or what is evidence no longer.
    HoldChanged = "hold_changed", Note, "Hold changed";
    /// A pump refused an order, and said why.
    OrderRefused = "order_refused", Attention, "Pump refused an order";
    /// A rollout went on, by itself or by a person.
    RolloutMoved = "rollout_moved", Note, "Rollout";
    /// A rollout stopped, because of too many failures or by a person.
    RolloutHalted = "rollout_halted", Attention, "Rollout halted";
    /// A wave went on.
    WaveMoved = "wave_moved", Note, "Wave";
    /// The update of a pump went on.
    UpdateMoved = "update_moved", Note, "Update";
    /// A pump says something of an update that nothing explains.
    UpdateDoubted = "update_doubted", Alarm, "A pump's word about an update is not believed";
    /// A release, or a manufacturer's repository, came in.
    ReleaseImported = "release_imported", Note, "Release imported";
    /// Advisories or a component list came in.
    AdvisoriesImported = "advisories_imported", Note, "Advisories imported";
    /// Reports are missing between two that arrived.
    ReportGap = "report_gap", Attention, "Reports of a pump are missing";
    /// A new authority issues from now on.
    AuthorityRotated = "authority_rotated", Attention, "Certificate authority rotated";
    /// An old authority is trusted no longer.
    AuthorityRetired = "authority_retired", Attention, "Certificate authority retired";
    /// The gateway's clock jumped against the time that really passed.
    ClockJumped = "clock_jumped", Alarm, "The gateway's clock jumped";
    /// The revocation list could not be renewed in time.
    CrlStale = "crl_stale", Alarm, "The revocation list is out of date";
}

impl EventKind {
    /// Reads a word back.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.as_str() == word)
    }
}

/// An event on record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Ours.
    pub id: EventId,
    /// When it happened, by our clock.
    pub at: Timestamp,
    /// What happened.
    pub kind: EventKind,
    /// To which pump, if to one.
    pub pump: Option<PumpId>,
    /// The particulars, for a person. Never a secret, never a patient.
    pub detail: String,
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_kind_has_words_of_its_own() {
        let words: HashSet<_> = EventKind::ALL.iter().map(|kind| kind.as_str()).collect();
        assert_eq!(words.len(), EventKind::ALL.len());
        for kind in EventKind::ALL {
            assert_eq!(EventKind::from_word(kind.as_str()), Some(*kind));
            assert_eq!(
                serde_json::to_string(kind).unwrap(),
                format!("\"{}\"", kind.as_str())
            );
            assert!(!kind.label().is_empty());
        }
    }
}
