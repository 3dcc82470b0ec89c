//! Typed identifiers. Each is a UUID on the wire and in the database, and a type of its own in code,
//! so that a pump can not be passed where an order is meant.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! typed_id {
    ($($(#[$meta:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        #[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        #[cfg_attr(feature = "openapi", schema(value_type = String, format = Uuid))]
        pub struct $name(Uuid);

        impl $name {
            /// Wraps a UUID that somebody else chose: this crate has no randomness of its own.
            #[must_use]
            pub const fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// The UUID itself, for the wire and the database.
            #[must_use]
            pub const fn as_uuid(self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.hyphenated().fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0.hyphenated())
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::parse_str(text).map(Self)
            }
        }
    )+};
}

typed_id! {
    /// One infusion pump. It is also the subject common name of the pump's certificate and its MQTT client id.
    PumpId,
    /// A company that makes pumps.
    ManufacturerId,
    /// A model of pump by one manufacturer.
    ModelId,
    /// A ward or unit (MICU, 4 West, ED).
    CareAreaId,
    /// A place where pumps are kept; belongs to a care area or to biomed.
    LocationId,
    /// A pump that the hospital expects to see, from the imported list.
    ExpectedPumpId,
    /// A one-time enrolment token (the record of it, not the secret).
    EnrolTokenId,
    /// A certificate authority of ours (one generation of one kind).
    AuthorityId,
    /// A manufacturer's certificate that may vouch for a first enrolment.
    AnchorId,
    /// An order from the gateway to a pump.
    OrderId,
    /// A report from a pump to the gateway.
    ReportId,
    /// Something worth telling people about.
    EventId,
    /// A manufacturer's TUF repository, and the root that is trusted for it.
    RepositoryId,
    /// A manufacturer's release of firmware.
    ReleaseId,
    /// A plan to bring a release to chosen pumps.
    RolloutId,
    /// One stage of a rollout.
    WaveId,
    /// One pump in one wave.
    AssignmentId,
    /// The hospital's permission for one pump to install one release.
    TicketId,
    /// A result of functional checks.
    CheckResultId,
    /// A hold, from the instant it was set to its end.
    HoldId,
    /// Checks that are run again before a hold is released.
    RetestId,
    /// What somebody said of the drug library of a model.
    DrugLibraryId,
    /// A list of the components that something is made of.
    ComponentListId,
    /// One vulnerability as one document tells it.
    AdvisoryRecordId,
    /// What a person decided about an exposure that no document makes clear.
    ExposureDecisionId,
    /// A person's account.
    AccountId,
    /// A token by which a program acts within named permissions, until it expires.
    ServiceTokenId,
    /// The time between a person's coming in and going (the record of it, not the secret).
    SessionId,
    /// A registered device of the hospital's: a ward tablet, a bench computer.
    DeviceId,
    /// An electronic signature.
    SignatureId,
    /// A use of break-glass.
    GlassUseId,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_back_as_it_is_printed() {
        let id = PumpId::from_uuid(Uuid::from_u128(7));
        assert_eq!(id.to_string().parse::<PumpId>().unwrap(), id);
        assert_eq!(serde_json::to_string(&id).unwrap(), format!("\"{id}\""));
        assert!("not-a-uuid".parse::<PumpId>().is_err());
    }
}
