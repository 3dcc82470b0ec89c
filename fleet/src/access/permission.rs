//! The table: what can be done, and which role may do it where.
//!
//! A row is a permission, a column a role. `all` is everywhere, `own` only in the care areas of the grant, `no` not at all.
//! Two more columns say what break-glass opens and what a program may ever be given. A new operation gets a row here before
//! it gets a handler.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Role;
use crate::pump::HoldKind;

/// Where a role holds a permission. Ordered: more is greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Scope {
    /// Nowhere.
    None,
    /// In the care areas that the grant names.
    OwnCareAreas,
    /// In the whole hospital, whatever care areas the grant names.
    Everywhere,
}

/// What using a permission does to the world.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Effect {
    /// Nothing: it is read.
    Read,
    /// It touches only what is the person's own: a session, a password.
    Own,
    /// The safe direction: a pump is taken out of use, a rollout is stopped.
    Protect,
    /// Something changes.
    Change,
    /// An electronic signature.
    Sign,
}

macro_rules! scope {
    (no) => {
        Scope::None
    };
    (own) => {
        Scope::OwnCareAreas
    };
    (all) => {
        Scope::Everywhere
    };
}

macro_rules! opened {
    (yes) => {
        true
    };
    (no) => {
        false
    };
}

macro_rules! permissions {
    ($(
        $(#[$meta:meta])*
        [$nurse:tt $charge:tt $biomed:tt $lead:tt $security:tt $pharmacy:tt $admin:tt $auditor:tt | $glass:tt $program:tt]
        $effect:ident $name:ident = $word:tt, $label:literal;
    )+) => {
        /// Something that a person or a program may be allowed to do. The label completes "you may …".
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        pub enum Permission {
            $($(#[$meta])* #[serde(rename = $word)] $name,)+
        }

        impl Permission {
            /// Every permission, in the order of the table.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// The word in the API, in a program's scopes and in the database.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word,)+ }
            }

            /// The words a person reads, after "you may".
            #[must_use]
            pub const fn label(self) -> &'static str {
                match self { $(Self::$name => $label,)+ }
            }

            /// What using it does.
            #[must_use]
            pub const fn effect(self) -> Effect {
                match self { $(Self::$name => Effect::$effect,)+ }
            }

            /// Where a role holds it: the table.
            #[must_use]
            pub const fn scope(self, role: Role) -> Scope {
                match self {
                    $(Self::$name => match role {
                        Role::Nurse => scope!($nurse),
                        Role::ChargeNurse => scope!($charge),
                        Role::Biomed => scope!($biomed),
                        Role::BiomedLead => scope!($lead),
                        Role::Security => scope!($security),
                        Role::Pharmacy => scope!($pharmacy),
                        Role::Administrator => scope!($admin),
                        Role::Auditor => scope!($auditor),
                    },)+
                }
            }

            /// Whether break-glass opens it, everywhere and whatever the roles.
            #[must_use]
            pub const fn opens_by_break_glass(self) -> bool {
                match self { $(Self::$name => opened!($glass),)+ }
            }

            /// Whether a program may have it among its scopes; what is not, only a person in a session does.
            #[must_use]
            pub const fn is_for_programs(self) -> bool {
                match self { $(Self::$name => opened!($program),)+ }
            }
        }
    };
}

permissions! {
    // nurse, charge nurse, biomed, biomed lead, security, pharmacy, administrator, auditor | break-glass, program

    /// Pumps: what and where each one is, and what it says.
    [all all all all all all all all | yes yes] Read    PumpRead = "pump_read", "see pumps";
    /// Particulars of a pump: asset tag, place, contact.
    [no  no  all all no  no  no  no  | no  yes] Change  PumpEdit = "pump_edit", "edit a pump's particulars";
    /// A clinical hold. S10: takes effect when the pump is free.
    [own own all all all no  no  no  | yes yes] Protect PumpHold = "pump_hold", "hold a pump";
    /// The other holds: security isolation, which cuts the line, and sequestering evidence.
    [no  no  all all all no  no  no  | no  yes] Protect PumpIsolate = "pump_isolate", "isolate or sequester a pump";
    /// Who looks after a hold.
    [no  own all all all no  no  no  | no  yes] Change  HoldEdit = "hold_edit", "say who looks after a hold";
    /// Evidence is evidence no longer. The pump stays held clinically: S4 is the only way back to a patient.
    [no  no  no  all all no  no  no  | no  no ] Change  SequesterEnd = "sequester_end", "end a sequestration";
    /// A pump leaves the hospital for good.
    [no  no  no  all no  no  no  no  | no  no ] Change  PumpRetire = "pump_retire", "retire a pump";
    /// An order to a pump that is none of a rollout's.
    [no  no  all all no  no  no  no  | no  yes] Change  PumpOrder = "pump_order", "give a pump an order";
    /// An expired certificate may renew once.
    [no  no  all all no  no  no  no  | no  no ] Change  LateRenewalArm = "late_renewal_arm", "arm a late renewal";

    /// The expected pumps, and where list and fleet disagree.
    [no  no  all all all no  all all | no  yes] Read    ExpectedRead = "expected_read", "see the list of expected pumps";
    /// Imports the list, takes a pump off it.
    [no  no  all all no  no  no  no  | no  yes] Change  ExpectedEdit = "expected_edit", "change the list of expected pumps";
    /// Care areas, locations, manufacturers, models.
    [all all all all all all all all | yes yes] Read    PlaceRead = "place_read", "see care areas, locations and models";
    /// Names and changes them; ward floors too.
    [no  no  no  all no  no  all no  | no  yes] Change  PlaceEdit = "place_edit", "change care areas, locations and models";
    /// What the gateway tells people about.
    [own own all all all no  all all | yes yes] Read    EventRead = "event_read", "see events";

    /// One-time enrolment tokens (never their secrets).
    [no  no  all all all no  no  all | no  yes] Read    EnrolTokenRead = "enrol_token_read", "see enrolment tokens";
    /// Makes and withdraws them.
    [no  no  all all no  no  no  no  | no  yes] Change  EnrolTokenEdit = "enrol_token_edit", "make and withdraw enrolment tokens";
    /// Manufacturers' certificates that may vouch for pumps.
    [no  no  all all all no  all all | no  yes] Read    AnchorRead = "anchor_read", "see manufacturers' anchors";
    /// Imports and removes them.
    [no  no  no  no  all no  no  no  | no  no ] Change  AnchorEdit = "anchor_edit", "change manufacturers' anchors";
    /// Pumps' certificates and their forecast.
    [no  no  all all all no  all all | no  yes] Read    CertificateRead = "certificate_read", "see certificates";
    /// Denies a certificate and ends its connection.
    [no  no  no  all all no  no  no  | no  yes] Change  CertificateRevoke = "certificate_revoke", "revoke a certificate";
    /// Our own authorities.
    [no  no  all all all no  all all | no  yes] Read    AuthorityRead = "authority_read", "see certificate authorities";
    /// A new generation issues.
    [no  no  no  no  all no  no  no  | no  no ] Change  AuthorityRotate = "authority_rotate", "rotate a certificate authority";
    /// An old generation is trusted no longer.
    [no  no  no  no  all no  no  no  | no  no ] Change  AuthorityRetire = "authority_retire", "retire a certificate authority";

    /// Releases of firmware, and how they were proved.
    [all all all all all all all all | no  yes] Read    ReleaseRead = "release_read", "see releases";
    /// Imports a manufacturer's release.
    [no  no  all all no  no  no  no  | no  yes] Change  ReleaseImport = "release_import", "import a release";
    /// Which drug library is approved for which model.
    [no  no  no  no  no  all no  no  | no  no ] Change  LibraryFitEdit = "library_fit_edit", "say which drug library is approved";
    /// What pumps are made of, what was published about that, and what it means for them.
    [no  no  all all all no  all all | no  yes] Read    ExposureRead = "exposure_read", "see vulnerabilities and component lists";
    /// Carries in component lists and advisories.
    [no  no  all all all no  no  no  | no  yes] Change  ExposureImport = "exposure_import", "import component lists and advisories";
    /// What no document makes clear.
    [no  no  no  all all no  no  no  | no  no ] Change  ExposureDecide = "exposure_decide", "decide whether pumps are affected";
    /// Rollouts, waves, and what each waits for.
    [all all all all all all all all | no  yes] Read    RolloutRead = "rollout_read", "see rollouts";
    /// Writes one; S12: and does not approve it.
    [no  no  all all no  no  no  no  | no  no ] Change  RolloutAuthor = "rollout_author", "write a rollout";
    /// Starts, resumes and completes what was approved.
    [no  no  all all no  no  no  no  | no  no ] Change  RolloutRun = "rollout_run", "run a rollout";
    /// Pauses or halts one: S7.
    [no  no  all all all no  no  no  | no  yes] Protect RolloutHalt = "rollout_halt", "pause or halt a rollout";
    /// How many pumps a care area keeps in service: S5.
    [no  no  no  all no  no  no  no  | no  no ] Change  FloorEdit = "floor_edit", "set ward floors";
    /// What a check at the bench read.
    [no  no  all all no  no  no  no  | no  no ] Change  CheckEnter = "check_enter", "enter the results of checks";
    /// One's own: having read what an update changes at the bedside.
    [own own no  no  no  no  no  no  | no  no ] Own     BriefingRead = "briefing_read", "say that you read a briefing";

    /// The signatures on a subject, and whether they stand.
    [all all all all all all all all | no  yes] Read    SignatureRead = "signature_read", "see signatures";
    /// A pump, after its checks.
    [own own no  no  no  no  no  no  | no  no ] Sign    SignVerified = "sign_verified", "sign a pump as verified for clinical use";
    /// A wave, for a care area.
    [no  own no  no  no  no  no  no  | no  no ] Sign    SignWave = "sign_wave", "sign a wave";
    /// S4: the nurse's of the two signatures.
    [own own no  no  no  no  no  no  | no  no ] Sign    SignReleaseNurse = "sign_release_nurse", "sign a release from hold as a nurse";
    /// S4: biomed's of the two signatures.
    [no  no  all all no  no  no  no  | no  no ] Sign    SignReleaseBiomed = "sign_release_biomed", "sign a release from hold as biomed";
    /// S4: what was isolated for its identity or firmware may be trusted again.
    [no  no  no  no  all no  no  no  | no  no ] Sign    SignReleaseSecurity = "sign_release_security", "sign a release from isolation as security";
    /// A care area knows what comes.
    [no  own no  no  no  no  no  no  | no  no ] Sign    SignBriefing = "sign_briefing", "acknowledge a briefing";
    /// A rollout that another wrote.
    [no  no  no  all no  no  no  no  | no  no ] Sign    SignRollout = "sign_rollout", "approve a rollout";
    /// A manufacturer's root of trust for firmware: S8.
    [no  no  no  no  all no  no  no  | no  no ] Sign    SignTrustRoot = "sign_trust_root", "import a root of trust";
    /// What somebody did under break-glass.
    [no  no  no  all all no  no  no  | no  no ] Sign    SignReview = "sign_review", "decide a review";

    /// Views and holds beyond the role, for a while and with a reason.
    [all all all all all all all no  | no  no ] Change  BreakGlassUse = "break_glass_use", "break the glass";
    /// Who did, and what they did.
    [no  own no  all all no  all all | no  yes] Read    BreakGlassRead = "break_glass_read", "see uses of break-glass";
    /// One's own sessions: sees and ends them.
    [all all all all all all all all | yes no ] Own     SessionOwn = "session_own", "see and end your own sessions";
    /// One's own password and further factors.
    [all all all all all all all all | no  no ] Own     FactorOwn = "factor_own", "change your own password and factors";
    /// One's own tokens for programs; never more than one's own permissions.
    [no  no  all all all all all all | no  no ] Own     ServiceTokenOwn = "service_token_own", "make and revoke your own service tokens";
    /// Everybody's tokens (never their secrets).
    [no  no  no  no  all no  all all | no  yes] Read    ServiceTokenRead = "service_token_read", "see everybody's service tokens";
    /// Revokes anybody's.
    [no  no  no  no  all no  all no  | no  no ] Change  ServiceTokenRevoke = "service_token_revoke", "revoke anybody's service tokens";

    /// Accounts, roles, sessions.
    [no  no  no  all all no  all all | no  yes] Read    PeopleRead = "people_read", "see accounts and roles";
    /// Makes, locks and changes accounts, grants roles.
    [no  no  no  no  no  no  all no  | no  no ] Change  PeopleEdit = "people_edit", "administer people";
    /// Registered devices.
    [no  all no  all all no  all all | no  yes] Read    DeviceRead = "device_read", "see registered devices";
    /// Registers and removes them.
    [no  no  no  no  no  no  all no  | no  no ] Change  DeviceEdit = "device_edit", "register and remove devices";
    /// What the hospital set.
    [no  no  no  all all no  all all | no  yes] Read    SettingRead = "setting_read", "see settings";
    /// Sets it.
    [no  no  no  no  no  no  all no  | no  no ] Change  SettingEdit = "setting_edit", "change settings";
    /// The audit trail, and whether it holds.
    [no  no  no  all all no  all all | no  yes] Read    AuditRead = "audit_read", "read the audit trail";
    /// Carries it and its checkpoints elsewhere.
    [no  no  no  no  all no  no  all | no  yes] Read    AuditExport = "audit_export", "export the audit trail";
}

impl Permission {
    /// Reads a word back.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .copied()
            .find(|permission| permission.as_str() == word)
    }

    /// What it takes to place a hold of a kind.
    #[must_use]
    pub const fn to_hold(kind: HoldKind) -> Self {
        match kind {
            HoldKind::Clinical => Self::PumpHold,
            HoldKind::SecurityIsolation | HoldKind::Sequestered => Self::PumpIsolate,
        }
    }

    /// The roles that hold it anywhere.
    pub fn roles(self) -> impl Iterator<Item = Role> {
        Role::ALL
            .into_iter()
            .filter(move |role| self.scope(*role) != Scope::None)
    }
}

impl Scope {
    /// The word in the table a person reads.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::None => "–",
            Self::OwnCareAreas => "own",
            Self::Everywhere => "all",
        }
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::HashSet, fmt::Write};

    use super::*;

    /// The role table for people: the snapshot is the one to read and to sign off.
    #[test]
    fn the_role_table() {
        let mut table = format!("{:<21} {:<8}", "permission", "effect");
        for role in Role::ALL {
            write!(table, " {:<13}", role.label()).unwrap();
        }
        table.push_str(" glass program\n");
        let yes = |opened| if opened { "yes" } else { "–" };
        for permission in Permission::ALL {
            let effect = format!("{:?}", permission.effect());
            write!(table, "{:<21} {effect:<8}", permission.as_str()).unwrap();
            for role in Role::ALL {
                write!(table, " {:<13}", permission.scope(role).label()).unwrap();
            }
            let (glass, program) = (permission.opens_by_break_glass(), permission.is_for_programs());
            writeln!(table, " {:<5} {}", yes(glass), yes(program)).unwrap();
        }
        insta::assert_snapshot!(table);
    }

    #[test]
    fn every_permission_has_words_of_its_own() {
        let words: HashSet<_> = Permission::ALL.iter().map(|p| p.as_str()).collect();
        let labels: HashSet<_> = Permission::ALL.iter().map(|p| p.label()).collect();
        assert_eq!(words.len(), Permission::ALL.len());
        assert_eq!(labels.len(), Permission::ALL.len());
        for permission in Permission::ALL {
            assert_eq!(Permission::from_word(permission.as_str()), Some(*permission));
            let json = serde_json::to_string(permission).unwrap();
            assert_eq!(json, format!("\"{}\"", permission.as_str()));
        }
    }

    #[test]
    fn break_glass_places_a_clinical_hold_and_no_other() {
        for kind in HoldKind::ALL {
            let opened = Permission::to_hold(kind).opens_by_break_glass();
            assert_eq!(opened, kind == HoldKind::Clinical);
        }
    }

    #[test]
    fn every_permission_is_somebodys() {
        for permission in Permission::ALL {
            assert!(permission.roles().next().is_some(), "{permission} is nobody's");
        }
    }

    #[test]
    fn the_auditor_reads_everything_and_changes_nothing() {
        for permission in Permission::ALL {
            let scope = permission.scope(Role::Auditor);
            match permission.effect() {
                Effect::Read => assert_eq!(scope, Scope::Everywhere, "{permission}"),
                Effect::Own => {}
                Effect::Protect | Effect::Change | Effect::Sign => {
                    assert_eq!(scope, Scope::None, "{permission}");
                }
            }
        }
    }

    #[test]
    fn the_last_two_columns_never_sign_and_break_glass_never_changes() {
        for permission in Permission::ALL {
            let effect = permission.effect();
            if permission.opens_by_break_glass() {
                assert!(matches!(effect, Effect::Read | Effect::Own | Effect::Protect));
            }
            if permission.is_for_programs() {
                assert!(!matches!(effect, Effect::Sign | Effect::Own), "{permission}");
            }
        }
        let opened = Permission::ALL.iter().filter(|p| p.opens_by_break_glass());
        let changing: Vec<_> = opened.filter(|p| p.effect() == Effect::Protect).collect();
        assert_eq!(changing, [&Permission::PumpHold]);
    }

    #[test]
    fn who_administers_people_decides_nothing_about_pumps() {
        let check = |role: Role, effect: Effect, words: &[&str]| {
            let held: Vec<_> = Permission::ALL
                .iter()
                .filter(|p| p.effect() == effect && p.scope(role) != Scope::None)
                .map(|p| p.as_str())
                .collect();
            assert_eq!(held, words, "{role}");
        };
        check(Role::Administrator, Effect::Sign, &[]);
        check(Role::Administrator, Effect::Protect, &[]);
        check(Role::Pharmacy, Effect::Sign, &[]);
        check(
            Role::Pharmacy,
            Effect::Change,
            &["library_fit_edit", "break_glass_use"],
        );
        check(
            Role::Security,
            Effect::Sign,
            &["sign_release_security", "sign_trust_root", "sign_review"],
        );
    }
}
