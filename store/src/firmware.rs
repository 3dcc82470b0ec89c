//! Manufacturers' repositories and the releases that were imported from them. Neither is ever changed.

use diesel::prelude::*;
use fleet::{
    Timestamp,
    id::{AccountId, ManufacturerId, ReleaseId, RepositoryId},
    release::RepositoryName,
    signature::Digest,
    text::{ComponentVersion, Name},
};
use serde_json::Value;

use crate::{
    Db, StoreError,
    error::Attempt,
    schema::{releases, repositories},
    sql::{Val, row},
};

/// A manufacturer's repository, and the root of trust that was pinned for it.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = repositories)]
pub struct RepositoryRecord {
    /// Ours, for life.
    pub id: RepositoryId,
    /// What pumps and people call it.
    pub name: RepositoryName,
    /// Whose it is.
    pub manufacturer: ManufacturerId,
    /// TUF root metadata, as it was imported.
    pub root: String,
    /// Its SHA-256.
    pub root_hash: Digest,
    /// Who imported it. Trusted it is once a person signed for it.
    pub added_by: AccountId,
    /// When.
    pub added_at: Timestamp,
}

/// A release.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable)]
#[diesel(table_name = releases)]
pub struct ReleaseRecord {
    /// Ours, for life.
    pub id: ReleaseId,
    /// Where it came from.
    pub repository: RepositoryId,
    /// What people call it.
    pub name: Name,
    /// Its own version.
    pub version: ComponentVersion,
    /// The manifest, as the manufacturer signed it.
    pub manifest: String,
    /// Its SHA-256.
    pub manifest_hash: Digest,
    /// Each file with length and hash, as the TUF metadata had them.
    pub targets: Value,
    /// Who imported it.
    pub imported_by: AccountId,
    /// When.
    pub imported_at: Timestamp,
}

impl Db<'_> {
    /// Puts a repository on record. [`StoreError::Conflict`] when its name is taken.
    pub fn repository_create(&mut self, repository: &RepositoryRecord) -> Result<(), StoreError> {
        diesel::insert_into(repositories::table)
            .values(
                row!(repositories, repository; id, name, manufacturer, root, root_hash, added_by, added_at),
            )
            .execute(self.connection)
            .map(drop)
            .attempt("put a manufacturer's repository on record")
    }

    /// A repository; [`StoreError::NotFound`] when there is none.
    pub fn repository_fetch(&mut self, id: RepositoryId) -> Result<RepositoryRecord, StoreError> {
        repositories::table
            .find(Val(id))
            .select(RepositoryRecord::as_select())
            .first(self.connection)
            .optional()
            .attempt("read a manufacturer's repository")?
            .ok_or_else(|| StoreError::not_found("repository", id))
    }

    /// Every repository, by name.
    pub fn repository_list(&mut self) -> Result<Vec<RepositoryRecord>, StoreError> {
        repositories::table
            .order(repositories::name)
            .select(RepositoryRecord::as_select())
            .load(self.connection)
            .attempt("list manufacturers' repositories")
    }

    /// Puts a release on record. [`StoreError::Conflict`] when it is there.
    pub fn release_create(&mut self, release: &ReleaseRecord) -> Result<(), StoreError> {
        diesel::insert_into(releases::table)
            .values(
                row!(releases, release; id, repository, name, version, manifest, manifest_hash, targets,
                imported_by, imported_at),
            )
            .execute(self.connection)
            .map(drop)
            .attempt("put a release on record")
    }

    /// A release; [`StoreError::NotFound`] when there is none.
    pub fn release_fetch(&mut self, id: ReleaseId) -> Result<ReleaseRecord, StoreError> {
        releases::table
            .find(Val(id))
            .select(ReleaseRecord::as_select())
            .first(self.connection)
            .optional()
            .attempt("read a release")?
            .ok_or_else(|| StoreError::not_found("release", id))
    }

    /// Every release, the newest first.
    pub fn release_list(&mut self) -> Result<Vec<ReleaseRecord>, StoreError> {
        releases::table
            .order((releases::imported_at.desc(), releases::id.desc()))
            .select(ReleaseRecord::as_select())
            .load(self.connection)
            .attempt("list releases")
    }
}
