//! Every operation of the API, and what it takes: the one table that the gatekeeper reads, that the description shows, and that a
//! test walks with every role. An operation that is not in it is open to nobody.
//!
//! Rights are checked here before anything of a request is read, and once more in the transaction that changes something
//! ([`crate::command`]), where a care area counts too.

use fleet::access::{Permission, Role, Scope};

/// What an operation takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Takes {
    /// Nothing: whoever reaches the address.
    Nothing,
    /// One of these rights; which one, its content says.
    OneOf(&'static [Permission]),
}

macro_rules! operations {
    ($($name:literal: $($takes:ident)|+;)+) => {
        /// Operations by their ids, in the order of the alphabet.
        const OPERATIONS: &[(&str, Takes)] = &[$(($name, takes!($($takes)|+))),+];
    };
}

macro_rules! takes {
    (Nothing) => { Takes::Nothing };
    ($($permission:ident)|+) => { Takes::OneOf(&[$(Permission::$permission),+]) };
}

operations! {
    "advisory_import": ExposureImport;
    "anchor_import": AnchorEdit;
    "anchor_list": AnchorRead;
    "anchor_remove": AnchorEdit;
    "audit_checkpoint_create": AuditExport;
    "audit_checkpoint_list": AuditRead;
    "audit_export": AuditExport;
    "audit_key_show": AuditRead;
    "audit_list": AuditRead;
    "authority_list": AuthorityRead;
    "authority_retire": AuthorityRetire;
    "authority_rotate": AuthorityRotate;
    "care_area_create": PlaceEdit;
    "care_area_list": PlaceRead;
    "care_area_rename": PlaceEdit;
    "certificate_forecast": CertificateRead;
    "certificate_list": CertificateRead;
    "certificate_revoke": CertificateRevoke;
    "certificate_show": CertificateRead;
    "component_find": ExposureRead;
    "component_list_import": ExposureImport;
    "component_list_list": ExposureRead;
    "crl_fetch": Nothing;
    "device_list": DeviceRead;
    "device_register": DeviceEdit;
    "device_remove": DeviceEdit;
    "discrepancy_list": ExpectedRead;
    "drug_library_history": ReleaseRead;
    "drug_library_list": ReleaseRead;
    "drug_library_say": LibraryFitEdit;
    "enrol_token_create": EnrolTokenEdit;
    "enrol_token_create_batch": EnrolTokenEdit;
    "enrol_token_list": EnrolTokenRead;
    "enrol_token_withdraw": EnrolTokenEdit;
    "event_list": EventRead;
    "expected_columns": ExpectedRead;
    "expected_import": ExpectedEdit;
    "expected_list": ExpectedRead;
    "expected_remove": ExpectedEdit;
    "exposure_decide": ExposureDecide;
    "exposure_list": ExposureRead;
    "exposure_show": ExposureRead;
    "feed_list": ExposureRead;
    "glass_break": BreakGlassUse;
    "glass_end": SessionOwn;
    "glass_use_list": BreakGlassRead;
    "hold_check_enter": CheckEnter;
    "hold_list": PumpRead;
    "hold_owner_set": HoldEdit;
    "hold_retest_begin": CheckEnter;
    "hold_sequester_end": SequesterEnd;
    "hold_show": PumpRead;
    "location_create": PlaceEdit;
    "location_list": PlaceRead;
    "manufacturer_edit": PlaceEdit;
    "manufacturer_list": PlaceRead;
    "me_password_change": FactorOwn;
    "me_pin_set": FactorOwn;
    "me_show": SessionOwn;
    "me_totp_begin": FactorOwn;
    "me_totp_confirm": FactorOwn;
    "me_totp_remove": FactorOwn;
    "model_edit": PlaceEdit;
    "model_list": PlaceRead;
    "openapi_show": Nothing;
    "person_create": PeopleEdit;
    "person_disable": PeopleEdit;
    "person_edit": PeopleEdit;
    "person_enable": PeopleEdit;
    "person_list": PeopleRead;
    "person_reset": PeopleEdit;
    "person_roles_set": PeopleEdit;
    "person_sessions_end": PeopleEdit;
    "person_show": PeopleRead;
    "pump_certificate_list": CertificateRead;
    "pump_check_enter": CheckEnter;
    "pump_edit": PumpEdit;
    "pump_event_list": EventRead;
    "pump_export": PumpRead;
    "pump_find": PumpRead;
    "pump_hold": PumpHold | PumpIsolate;
    "pump_late_renewal_arm": LateRenewalArm;
    "pump_list": PumpRead;
    "pump_order_create": PumpOrder;
    "pump_order_list": PumpRead;
    "pump_report_list": PumpRead;
    "pump_retire": PumpRetire;
    "pump_roll_back": RolloutRun;
    "pump_show": PumpRead;
    "pump_tags_change": PumpEdit;
    "pump_take_out": RolloutRun;
    "pump_telemetry_list": PumpRead;
    "pump_try_again": RolloutRun;
    "release_difference": ExposureRead;
    "release_import": ReleaseImport;
    "release_list": ReleaseRead;
    "release_show": ReleaseRead;
    "repository_create": ReleaseImport;
    "repository_list": ReleaseRead;
    "role_table_show": SessionOwn;
    "rollout_act": RolloutAuthor | RolloutRun | RolloutHalt;
    "rollout_create": RolloutAuthor;
    "rollout_list": RolloutRead;
    "rollout_preview": RolloutRead;
    "rollout_show": RolloutRead;
    "rollout_waiting": RolloutRead;
    "session_begin": Nothing;
    "session_end": SessionOwn;
    "session_list": SessionOwn;
    "signature_list": SignatureRead;
    "signature_refuse": SignVerified | SignWave | SignReleaseNurse | SignReleaseBiomed | SignReleaseSecurity | SignBriefing | SignRollout | SignTrustRoot | SignReview;
    "signature_show": SignatureRead;
    "signature_sign": SignVerified | SignWave | SignReleaseNurse | SignReleaseBiomed | SignReleaseSecurity | SignBriefing | SignRollout | SignTrustRoot | SignReview;
    "signature_subject_show": SignatureRead;
    "summary_show": PumpRead;
    "tag_list": PumpRead;
    "token_create": ServiceTokenOwn;
    "token_list": ServiceTokenOwn;
    "token_list_all": ServiceTokenRead;
    "token_revoke": ServiceTokenOwn | ServiceTokenRevoke;
    "ward_floor_list": RolloutRead;
    "ward_floor_set": FloorEdit;
    "wave_briefing_read": BriefingRead;
    "wave_roll_back": RolloutRun;
}

/// What an operation takes; nothing for one that nobody listed.
#[must_use]
pub fn takes(operation: &str) -> Option<Takes> {
    OPERATIONS
        .binary_search_by(|(name, _)| (*name).cmp(operation))
        .ok()
        .and_then(|index| OPERATIONS.get(index))
        .map(|(_, takes)| *takes)
}

/// The ids of all operations.
pub fn names() -> impl Iterator<Item = &'static str> {
    OPERATIONS.iter().map(|(name, _)| *name)
}

impl Takes {
    /// For the description: whose it is, in words.
    #[must_use]
    pub fn in_words(self) -> Option<String> {
        let Self::OneOf(permissions) = self else {
            return None;
        };
        let line = |permission: &Permission| {
            let role = |role: Role| match permission.scope(role) {
                Scope::None => None,
                Scope::OwnCareAreas => Some(format!("{} (own care areas)", role.label().to_lowercase())),
                Scope::Everywhere => Some(role.label().to_lowercase()),
            };
            let roles: Vec<_> = Role::ALL.into_iter().filter_map(role).collect();
            format!("`{permission}`: {}", roles.join(", "))
        };
        let lines: Vec<_> = permissions.iter().map(line).collect();
        Some(format!("Takes {}.", lines.join("; or ")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_order_so_that_looking_up_works() {
        assert!(OPERATIONS.is_sorted_by(|(a, _), (b, _)| a < b));
        for name in names() {
            assert!(takes(name).is_some());
        }
        assert_eq!(takes("nothing_of_the_kind"), None);
    }
}
