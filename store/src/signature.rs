//! Electronic signatures and refusals, each with every part of the bytes that were signed.

use std::collections::HashMap;

use diesel::prelude::*;
use fleet::{
    Timestamp,
    access::Role,
    id::{AccountId, CareAreaId, DeviceId, PumpId, SessionId, SignatureId},
    signature::{Answer, Digest, Meaning, Named, SignatureStatement, Subject, SubjectKind, ZonedTime},
    text::{Name, Reason},
};
use uuid::Uuid;

use crate::{
    Db, Page, StoreError,
    error::Attempt,
    page::{cut, read_time_marker, rows_for, time_marker},
    schema::signatures,
    sql::Val,
};

/// A signature on record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignatureRecord {
    /// What was signed.
    pub statement: SignatureStatement,
    /// What was shown: the canonical JSON that the content hash is over.
    pub content: String,
    /// In which session.
    pub session: SessionId,
    /// What was shown to sign: words of factors, with spaces between. Empty for a refusal.
    pub factors: String,
    /// Our own seal over the canonical bytes, in base 64.
    pub seal: String,
    /// The key of the seal.
    pub key_id: String,
}

/// Which signatures to list; nothing set lists all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SignatureFilter {
    /// About this kind of thing.
    pub kind: Option<SubjectKind>,
    /// About this one thing.
    pub subject: Option<Uuid>,
    /// By this person.
    pub account: Option<AccountId>,
}

/// Who last signed a pump as verified, and in which state of the pump.
#[derive(Debug, Clone, PartialEq, Eq, Queryable)]
pub struct Verification {
    /// The signature.
    pub signature: SignatureId,
    /// The signer's name as it is printed.
    pub printed_name: Name,
    /// When.
    pub signed_at: Timestamp,
    /// The version of the pump's content that was signed; another one now, and the signature is void.
    pub version: i64,
}

/// An identifier of whatever kind of thing was signed.
fn subject_id(id: Uuid) -> SignatureId {
    SignatureId::from_uuid(id)
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = signatures)]
struct SignatureRow {
    id: SignatureId,
    subject_kind: SubjectKind,
    subject_id: SignatureId,
    subject_version: i64,
    content_hash: Digest,
    content: String,
    meaning: Meaning,
    answer: String,
    comment: Option<Reason>,
    printed_name: Name,
    account: AccountId,
    role: Role,
    care_area: Option<CareAreaId>,
    care_area_name: Option<Name>,
    device: Option<DeviceId>,
    device_name: Option<Name>,
    signed_at: Timestamp,
    offset_minutes: i64,
    session: SessionId,
    factors: String,
    seal: String,
    key_id: String,
}

fn named<Id>(id: Option<Id>, name: Option<Name>) -> Option<Named<Id>> {
    id.zip(name).map(|(id, name)| Named { id, name })
}

impl TryFrom<SignatureRow> for SignatureRecord {
    type Error = StoreError;

    fn try_from(row: SignatureRow) -> Result<Self, StoreError> {
        let corrupt = |detail: &str| StoreError::Corrupt {
            attempted: "read a signature",
            detail: format!("signature {}: {detail}", row.id),
        };
        let meaning = row.meaning;
        let answer = match row.answer.as_str() {
            Answer::SIGNED => Answer::Signed {
                meaning,
                comment: row.comment,
            },
            Answer::REFUSED => Answer::NotNow {
                asked: meaning,
                reason: row.comment.ok_or_else(|| corrupt("a refusal without a reason"))?,
            },
            _ => return Err(corrupt("neither signed nor refused")),
        };
        let offset =
            i32::try_from(row.offset_minutes).map_err(|_| corrupt("a time zone that no place has"))?;
        let statement = SignatureStatement {
            id: row.id,
            subject: Subject {
                kind: row.subject_kind,
                id: row.subject_id.as_uuid(),
                version: row.subject_version,
                content_hash: row.content_hash,
            },
            answer,
            printed_name: row.printed_name,
            account: row.account,
            role: row.role,
            care_area: named(row.care_area, row.care_area_name),
            device: named(row.device, row.device_name),
            signed_at: ZonedTime::from_parts(row.signed_at, offset),
        };
        Ok(Self {
            statement,
            content: row.content,
            session: row.session,
            factors: row.factors,
            seal: row.seal,
            key_id: row.key_id,
        })
    }
}

impl Db<'_> {
    /// Puts a signature or a refusal on record, for good.
    pub fn signature_create(&mut self, record: &SignatureRecord) -> Result<(), StoreError> {
        let SignatureStatement {
            id,
            subject,
            answer,
            printed_name,
            account,
            role,
            care_area,
            device,
            signed_at,
        } = &record.statement;
        self.touched.signed.insert((subject.kind, subject.id));
        diesel::insert_into(signatures::table)
            .values((
                (
                    signatures::id.eq(Val(*id)),
                    signatures::subject_kind.eq(Val(subject.kind)),
                    signatures::subject_id.eq(Val(subject_id(subject.id))),
                    signatures::subject_version.eq(subject.version),
                    signatures::content_hash.eq(Val(subject.content_hash)),
                    signatures::content.eq(Val(&record.content)),
                    signatures::meaning.eq(Val(answer.meaning())),
                    signatures::answer.eq(Val(answer.as_str().to_owned())),
                    signatures::comment.eq(Val(answer.comment().cloned())),
                    signatures::printed_name.eq(Val(printed_name)),
                    signatures::account.eq(Val(*account)),
                ),
                (
                    signatures::role.eq(Val(*role)),
                    signatures::care_area.eq(Val(care_area.as_ref().map(|area| area.id))),
                    signatures::care_area_name.eq(Val(care_area.as_ref().map(|area| area.name.clone()))),
                    signatures::device.eq(Val(device.as_ref().map(|device| device.id))),
                    signatures::device_name.eq(Val(device.as_ref().map(|device| device.name.clone()))),
                    signatures::signed_at.eq(Val(signed_at.at())),
                    signatures::offset_minutes.eq(i64::from(signed_at.offset_minutes())),
                    signatures::session.eq(Val(record.session)),
                    signatures::factors.eq(Val(&record.factors)),
                    signatures::seal.eq(Val(&record.seal)),
                    signatures::key_id.eq(Val(&record.key_id)),
                ),
            ))
            .execute(self.connection)
            .map(drop)
            .attempt("put a signature on record")
    }

    /// A signature; [`StoreError::NotFound`] when there is none.
    pub fn signature_fetch(&mut self, id: SignatureId) -> Result<SignatureRecord, StoreError> {
        signatures::table
            .find(Val(id))
            .select(SignatureRow::as_select())
            .first(self.connection)
            .optional()
            .attempt("read a signature")?
            .ok_or_else(|| StoreError::not_found("signature", id))?
            .try_into()
    }

    /// The newest signature as verified of each of some pumps, in one query however many they are.
    pub(crate) fn verification_of(
        &mut self,
        pumps: &[PumpId],
    ) -> Result<HashMap<PumpId, Verification>, StoreError> {
        let ids: Vec<_> = pumps.iter().map(|id| Val(subject_id(id.as_uuid()))).collect();
        let rows: Vec<(SignatureId, Verification)> = signatures::table
            .filter(signatures::subject_kind.eq(Val(SubjectKind::Pump)))
            .filter(signatures::meaning.eq(Val(Meaning::VerifiedForClinicalUse)))
            .filter(signatures::answer.eq(Val(Answer::SIGNED.to_owned())))
            .filter(signatures::subject_id.eq_any(ids))
            .order((signatures::signed_at, signatures::id))
            .select((
                signatures::subject_id,
                (
                    signatures::id,
                    signatures::printed_name,
                    signatures::signed_at,
                    signatures::subject_version,
                ),
            ))
            .load(self.connection)
            .attempt("read who verified pumps")?;
        // The newest comes last, and stays.
        Ok(rows
            .into_iter()
            .map(|(pump, verification)| (PumpId::from_uuid(pump.as_uuid()), verification))
            .collect())
    }

    /// Everything that was signed or refused of one subject, the oldest first.
    pub fn signature_of(&mut self, kind: SubjectKind, id: Uuid) -> Result<Vec<SignatureRecord>, StoreError> {
        let rows: Vec<SignatureRow> = signatures::table
            .filter(signatures::subject_kind.eq(Val(kind)))
            .filter(signatures::subject_id.eq(Val(subject_id(id))))
            .order((signatures::signed_at, signatures::id))
            .select(SignatureRow::as_select())
            .load(self.connection)
            .attempt("read the signatures of a subject")?;
        rows.into_iter().map(SignatureRecord::try_from).collect()
    }

    /// Everything that was signed or refused of several subjects of a kind, the oldest first.
    pub fn signature_of_all(
        &mut self,
        kind: SubjectKind,
        ids: &[Uuid],
    ) -> Result<Vec<SignatureRecord>, StoreError> {
        let mut found = Vec::new();
        for ids in ids.chunks(500) {
            let rows: Vec<SignatureRow> = signatures::table
                .filter(signatures::subject_kind.eq(Val(kind)))
                .filter(signatures::subject_id.eq_any(ids.iter().map(|id| Val(subject_id(*id)))))
                .order((signatures::signed_at, signatures::id))
                .select(SignatureRow::as_select())
                .load(self.connection)
                .attempt("read the signatures of several subjects")?;
            for row in rows {
                found.push(row.try_into()?);
            }
        }
        Ok(found)
    }

    /// Signatures and refusals, the newest first.
    pub fn signature_list(
        &mut self,
        filter: &SignatureFilter,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Page<SignatureRecord>, StoreError> {
        let mut query = signatures::table.select(SignatureRow::as_select()).into_boxed();
        if let Some(kind) = filter.kind {
            query = query.filter(signatures::subject_kind.eq(Val(kind)));
        }
        if let Some(id) = filter.subject {
            query = query.filter(signatures::subject_id.eq(Val(subject_id(id))));
        }
        if let Some(account) = filter.account {
            query = query.filter(signatures::account.eq(Val(account)));
        }
        if let Some(marker) = after {
            let (at, id) = read_time_marker::<SignatureId>(marker)?;
            query = query.filter(
                signatures::signed_at
                    .lt(Val(at))
                    .or(signatures::signed_at.eq(Val(at)).and(signatures::id.lt(Val(id)))),
            );
        }
        let rows = query
            .order((signatures::signed_at.desc(), signatures::id.desc()))
            .limit(rows_for(limit))
            .load(self.connection)
            .attempt("list signatures")?;
        let page = cut(rows, limit, |row: &SignatureRow| {
            time_marker(row.signed_at, row.id)
        });
        let items: Result<Vec<_>, _> = page.items.into_iter().map(SignatureRecord::try_from).collect();
        Ok(Page {
            items: items?,
            next: page.next,
        })
    }
}
