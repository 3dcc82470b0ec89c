//! Identifiers, digests, hardware addresses and free hours: bytes of a fixed length.

use diesel::{
    deserialize::{self, FromSql},
    serialize::{self, IsNull, Output, ToSql},
    sqlite::{Sqlite, SqliteValue},
};
use fleet::{
    certificate::Fingerprint,
    id::{
        AccountId, AdvisoryRecordId, AnchorId, AssignmentId, AuthorityId, CareAreaId, CheckResultId,
        ComponentListId, DeviceId, DrugLibraryId, EnrolTokenId, EventId, ExpectedPumpId, ExposureDecisionId,
        GlassUseId, HoldId, LocationId, ManufacturerId, ModelId, OrderId, PumpId, ReleaseId, ReportId,
        RepositoryId, RetestId, RolloutId, ServiceTokenId, SessionId, SignatureId, TicketId, WaveId,
    },
    pump::MacAddress,
    rollout::free_hours::{self, FreeHours},
    signature::Digest,
};
use uuid::Uuid;

use super::{portable, readable};

/// A type that is a fixed number of bytes.
trait FixedBytes: Sized {
    type Bytes: AsRef<[u8]>;

    fn to_octets(&self) -> Self::Bytes;
    fn from_octets(octets: &[u8]) -> deserialize::Result<Self>;
}

macro_rules! stored {
    ($marker:ident: $($type:ty),+ $(,)?) => {
        portable!($marker: $($type),+);
        readable!($marker: $($type),+);
        $(
            impl ToSql<super::$marker, Sqlite> for $type {
                fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
                    out.set_value(self.to_octets().as_ref().to_vec());
                    Ok(IsNull::No)
                }
            }

            impl FromSql<super::$marker, Sqlite> for $type {
                fn from_sql(mut value: SqliteValue<'_, '_, '_>) -> deserialize::Result<Self> {
                    Self::from_octets(value.read_blob())
                }
            }

            #[cfg(feature = "postgres")]
            impl ToSql<super::$marker, diesel::pg::Pg> for $type {
                fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, diesel::pg::Pg>) -> serialize::Result {
                    std::io::Write::write_all(out, self.to_octets().as_ref())?;
                    Ok(IsNull::No)
                }
            }

            #[cfg(feature = "postgres")]
            impl FromSql<super::$marker, diesel::pg::Pg> for $type {
                fn from_sql(value: diesel::pg::PgValue<'_>) -> deserialize::Result<Self> {
                    Self::from_octets(value.as_bytes())
                }
            }
        )+
    };
}

macro_rules! ids {
    ($($type:ty),+ $(,)?) => {
        $(
            impl FixedBytes for $type {
                type Bytes = [u8; 16];

                fn to_octets(&self) -> [u8; 16] {
                    self.as_uuid().into_bytes()
                }

                fn from_octets(octets: &[u8]) -> deserialize::Result<Self> {
                    Ok(Self::from_uuid(Uuid::from_slice(octets)?))
                }
            }
        )+
        stored!(Id: $($type),+);
    };
}

ids! {
    AccountId, AnchorId, AuthorityId, CareAreaId, DeviceId, EnrolTokenId, EventId, ExpectedPumpId, GlassUseId,
    LocationId, ManufacturerId, ModelId, OrderId, PumpId, ReportId, ServiceTokenId, SessionId, SignatureId,
    RepositoryId, ReleaseId, RolloutId, WaveId, AssignmentId, TicketId, CheckResultId, HoldId, RetestId, DrugLibraryId,
    ComponentListId, AdvisoryRecordId, ExposureDecisionId,
}

impl FixedBytes for Fingerprint {
    type Bytes = [u8; 32];

    fn to_octets(&self) -> [u8; 32] {
        *self.bytes()
    }

    fn from_octets(octets: &[u8]) -> deserialize::Result<Self> {
        Ok(Self::from_digest(octets.try_into()?))
    }
}

impl FixedBytes for Digest {
    type Bytes = [u8; 32];

    fn to_octets(&self) -> [u8; 32] {
        *self.bytes()
    }

    fn from_octets(octets: &[u8]) -> deserialize::Result<Self> {
        Ok(Self::from_bytes(octets.try_into()?))
    }
}

/// The hash of a secret.
impl FixedBytes for [u8; 32] {
    type Bytes = Self;

    fn to_octets(&self) -> Self {
        *self
    }

    fn from_octets(octets: &[u8]) -> deserialize::Result<Self> {
        Ok(octets.try_into()?)
    }
}

impl FixedBytes for MacAddress {
    type Bytes = [u8; 6];

    fn to_octets(&self) -> [u8; 6] {
        self.bytes()
    }

    fn from_octets(octets: &[u8]) -> deserialize::Result<Self> {
        Ok(Self::new(octets.try_into()?)?)
    }
}

impl FixedBytes for FreeHours {
    type Bytes = [u8; free_hours::BYTES];

    fn to_octets(&self) -> Self::Bytes {
        self.to_bytes()
    }

    fn from_octets(octets: &[u8]) -> deserialize::Result<Self> {
        Ok(Self::from_bytes(octets)?)
    }
}

stored!(Octets: Digest, Fingerprint, [u8; 32], MacAddress, FreeHours);
