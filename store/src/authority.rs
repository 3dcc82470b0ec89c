//! Our certificate authorities, what they sign besides pumps' certificates, and the manufacturers' anchors.

use diesel::prelude::*;
use fleet::{
    Timestamp,
    certificate::{AuthorityKind, AuthorityState, Fingerprint, SerialHex},
    id::{AnchorId, AuthorityId, ManufacturerId},
};

use crate::{
    Db, StoreError,
    account::found,
    connection::each_db,
    error::Attempt,
    schema::{anchors, authorities, crls, server_certificates},
    sql::{Val, row},
};

/// One generation of one of our authorities.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = authorities)]
pub struct AuthorityRecord {
    /// Ours, for life.
    pub id: AuthorityId,
    /// What it signs.
    pub kind: AuthorityKind,
    /// Counts the generations of its kind from 1.
    pub generation: i32,
    /// Where it stands.
    pub state: AuthorityState,
    /// Its distinguished name (RFC 4514).
    pub subject: String,
    /// Its certificate, DER.
    pub certificate_der: Vec<u8>,
    /// The name of its key among the keys, without a path.
    pub key_name: String,
    /// Start of its validity.
    pub not_before: Timestamp,
    /// End of its validity.
    pub not_after: Timestamp,
    /// When it was made.
    pub created_at: Timestamp,
}

/// The latest revocation list of an authority (RFC 5280, section 5).
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = crls)]
pub struct CrlRecord {
    /// Who signed it.
    pub authority: AuthorityId,
    /// The CRL number; never goes back.
    pub number: i64,
    /// The list, DER.
    pub der: Vec<u8>,
    /// When it was signed.
    pub this_update: Timestamp,
    /// When it goes out of date.
    pub next_update: Timestamp,
}

/// A certificate of the gateway's own listeners.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = server_certificates)]
pub struct ServerCertificateRecord {
    /// SHA-256 of the DER.
    pub fingerprint: Fingerprint,
    /// Who signed it.
    pub authority: AuthorityId,
    /// Its serial number.
    pub serial: SerialHex,
    /// The certificate, DER.
    pub der: Vec<u8>,
    /// Start of its validity.
    pub not_before: Timestamp,
    /// End of its validity.
    pub not_after: Timestamp,
    /// The names and addresses it is for, separated by blanks.
    pub names: String,
}

/// A manufacturer's certificate that may vouch for a first enrolment.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = anchors)]
pub struct AnchorRecord {
    /// Ours, for life.
    pub id: AnchorId,
    /// Whose it is.
    pub manufacturer: ManufacturerId,
    /// Its distinguished name (RFC 4514).
    pub subject: String,
    /// The certificate, DER.
    pub certificate_der: Vec<u8>,
    /// SHA-256 of the DER.
    pub fingerprint: Fingerprint,
    /// When a person imported it.
    pub imported_at: Timestamp,
    /// When a person removed it.
    pub removed_at: Option<Timestamp>,
}

impl Db<'_> {
    /// Puts an authority on record; [`StoreError::Conflict`] when its kind already has an active one or that generation.
    pub fn authority_create(&mut self, authority: &AuthorityRecord) -> Result<(), StoreError> {
        diesel::insert_into(authorities::table)
            .values(row!(authorities, authority; id, kind, generation, state, subject, certificate_der, key_name, not_before, not_after, created_at))
            .execute(self.connection)
            .map(drop)
            .attempt("put an authority on record")
    }

    /// Every authority, in the order of kind and generation.
    pub fn authority_list(&mut self) -> Result<Vec<AuthorityRecord>, StoreError> {
        let mut list = authorities::table
            .order(authorities::generation)
            .select(AuthorityRecord::as_select())
            .load(self.connection)
            .attempt("list authorities")?;
        // The order of kinds is that of the rules, not of their words.
        list.sort_by_key(|authority| (authority.kind, authority.generation));
        Ok(list)
    }

    /// Puts the next generation on record as the active one; the one that was active stays trusted.
    pub fn authority_rotate(&mut self, new: &AuthorityRecord) -> Result<(), StoreError> {
        diesel::update(authorities::table)
            .filter(authorities::kind.eq(Val(new.kind)))
            .filter(authorities::state.eq(Val(AuthorityState::Active)))
            .set(authorities::state.eq(Val(AuthorityState::Trusted)))
            .execute(self.connection)
            .attempt("rotate an authority")?;
        self.authority_create(&AuthorityRecord {
            state: AuthorityState::Active,
            ..new.clone()
        })
    }

    /// Ends the trust in an authority; [`StoreError::Conflict`] while it is the active one.
    pub fn authority_retire(&mut self, id: AuthorityId) -> Result<(), StoreError> {
        let changed = diesel::update(authorities::table.find(Val(id)))
            .filter(authorities::state.ne(Val(AuthorityState::Active)))
            .set(authorities::state.eq(Val(AuthorityState::Retired)))
            .execute(self.connection)
            .attempt("retire an authority")?;
        if changed == 1 {
            return Ok(());
        }
        let known: i64 = authorities::table
            .find(Val(id))
            .count()
            .get_result(self.connection)
            .attempt("retire an authority")?;
        Err(if known == 0 {
            StoreError::not_found("authority", id)
        } else {
            StoreError::conflict("retire an authority", "it still issues; rotate first")
        })
    }

    /// Keeps the newest revocation list of an authority; [`StoreError::Conflict`] when a list with that number or a later one is kept.
    pub fn crl_put(&mut self, crl: &CrlRecord) -> Result<(), StoreError> {
        use diesel::upsert::excluded;

        let kept = each_db!(self.connection, |conn| {
            diesel::query_dsl::methods::FilterDsl::filter(
                diesel::insert_into(crls::table)
                    .values(row!(crls, crl; authority, number, der, this_update, next_update))
                    .on_conflict(crls::authority)
                    .do_update()
                    .set(row!(crls, crl; number, der, this_update, next_update)),
                crls::number.lt(excluded(crls::number)),
            )
            .execute(conn)
        })
        .attempt("keep a revocation list")?;
        if kept == 0 {
            return Err(StoreError::conflict(
                "keep a revocation list",
                format!("number {} or a later one is kept already", crl.number),
            ));
        }
        Ok(())
    }

    /// The newest revocation list of an authority.
    pub fn crl_fetch(&mut self, authority: AuthorityId) -> Result<Option<CrlRecord>, StoreError> {
        crls::table
            .find(Val(authority))
            .select(CrlRecord::as_select())
            .first(self.connection)
            .optional()
            .attempt("read a revocation list")
    }

    /// Keeps a server certificate. Keeping it again changes nothing.
    pub fn server_certificate_put(&mut self, record: &ServerCertificateRecord) -> Result<(), StoreError> {
        each_db!(self.connection, |conn| {
            diesel::insert_into(server_certificates::table)
                .values(row!(server_certificates, record; fingerprint, authority, serial, der, not_before, not_after, names))
                .on_conflict(server_certificates::fingerprint)
                .do_nothing()
                .execute(conn)
        })
        .map(drop)
        .attempt("keep a server certificate")
    }

    /// Every server certificate, the one that lasts longest first.
    pub fn server_certificate_list(&mut self) -> Result<Vec<ServerCertificateRecord>, StoreError> {
        server_certificates::table
            .order(server_certificates::not_after.desc())
            .select(ServerCertificateRecord::as_select())
            .load(self.connection)
            .attempt("list server certificates")
    }

    /// Puts an anchor on record; [`StoreError::Conflict`] when the same certificate is one already.
    pub fn anchor_create(&mut self, anchor: &AnchorRecord) -> Result<(), StoreError> {
        diesel::insert_into(anchors::table)
            .values(row!(anchors, anchor; id, manufacturer, subject, certificate_der, fingerprint, imported_at, removed_at))
            .execute(self.connection)
            .map(drop)
            .attempt("import a manufacturer's anchor")
    }

    /// The anchors in force, the oldest first.
    pub fn anchor_list(&mut self) -> Result<Vec<AnchorRecord>, StoreError> {
        anchors::table
            .filter(anchors::removed_at.is_null())
            .order((anchors::imported_at, anchors::id))
            .select(AnchorRecord::as_select())
            .load(self.connection)
            .attempt("list manufacturers' anchors")
    }

    /// Takes an anchor out of force. [`StoreError::NotFound`] when none is in force under that id.
    pub fn anchor_remove(&mut self, id: AnchorId, at: Timestamp) -> Result<(), StoreError> {
        let changed = diesel::update(anchors::table.find(Val(id)))
            .filter(anchors::removed_at.is_null())
            .set(anchors::removed_at.eq(Val(Some(at))))
            .execute(self.connection)
            .attempt("remove a manufacturer's anchor")?;
        found("anchor", id, changed)
    }
}
