//! Revocation lists, for outsiders: the gate itself does not need them. Signed anew every few hours, and at once when
//! something was revoked. A retired authority signs one last list, which holds until its own certificate ends.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Mutex, PoisonError, RwLock},
};

use fleet::{Timestamp, id::AuthorityId};
use store::{AuthorityRecord, CrlRecord};

use super::{
    Authorities, AuthorityProblem, is_trusted,
    live::{Signing, list_name},
};
use crate::pki::crl::{LIFE, RESIGN_EVERY, make_crl};

/// The lists as they are served, and which of them are behind.
#[derive(Debug)]
pub(super) struct Lists {
    /// By the name under which they are served.
    served: RwLock<HashMap<String, SignedList>>,
    /// Authorities whose list may miss a revocation. Held from the reading of a list's number until the next one is kept,
    /// so that no two lists are given one number.
    owing: Mutex<BTreeSet<AuthorityId>>,
}

/// A signed revocation list.
#[derive(Debug, Clone)]
struct SignedList {
    der: Vec<u8>,
    next_update: Timestamp,
}

impl Lists {
    /// Nothing is served yet. The process before this one may have died between a revocation and its list: every list is due.
    pub(super) fn due(signing: &[Signing]) -> Self {
        Self {
            served: RwLock::default(),
            owing: Mutex::new(signing.iter().map(|signing| signing.record.id).collect()),
        }
    }

    fn serve(&self, authority: &AuthorityRecord, der: Vec<u8>, next_update: Timestamp) {
        let mut served = self.served.write().unwrap_or_else(PoisonError::into_inner);
        served.insert(list_name(authority), SignedList { der, next_update });
    }
}

impl Authorities {
    /// The list served under a name such as `device-1`.
    #[must_use]
    pub fn crl(&self, name: &str) -> Option<Vec<u8>> {
        let served = self.lists.served.read().unwrap_or_else(PoisonError::into_inner);
        served.get(name).map(|list| list.der.clone())
    }

    /// Whether an authority has no list, or one that ran out. Outsiders then trust nothing; our own gate is not affected.
    #[must_use]
    pub fn crl_is_stale(&self, now: Timestamp) -> bool {
        let live = self.live.load();
        let served = self.lists.served.read().unwrap_or_else(PoisonError::into_inner);
        live.signing()
            .iter()
            .filter(|signing| now < signing.record.not_after)
            .any(|signing| {
                served
                    .get(&list_name(&signing.record))
                    .is_none_or(|list| list.next_update <= now)
            })
    }

    /// Signs the lists that are due, or behind. First takes over what is on record of the authorities.
    ///
    /// # Errors
    /// [`AuthorityProblem`]; lists that could not be signed stay as they were, and the others are signed all the same.
    pub fn refresh_crls(&self, now: Timestamp) -> Result<(), AuthorityProblem> {
        let caught_up = self.catch_up();
        let live = self.live.load_full();
        let mut owing = self.lists.owing.lock().unwrap_or_else(PoisonError::into_inner);
        let signed = live
            .signing()
            .iter()
            .map(|signing| self.refresh(&mut owing, signing, now));
        let last = live
            .records()
            .iter()
            .filter(|record| !is_trusted(record) && live.signing_of(record.id).is_none())
            .map(|record| self.serve_last(record));
        AuthorityProblem::all([caught_up].into_iter().chain(signed).chain(last))
    }

    /// Signs the list of one authority now, because something of it was revoked.
    ///
    /// # Errors
    /// [`AuthorityProblem`]; [`Authorities::refresh_crls`] then signs it at its next turn.
    pub fn publish_revocations(
        &self,
        authority: AuthorityId,
        now: Timestamp,
    ) -> Result<(), AuthorityProblem> {
        let live = self.live.load_full();
        let Some(signing) = live.signing_of(authority) else {
            return Ok(());
        };
        let mut owing = self.lists.owing.lock().unwrap_or_else(PoisonError::into_inner);
        owing.insert(authority);
        self.refresh(&mut owing, signing, now)
    }

    /// The list of an authority is behind from now on.
    pub(super) fn owe_list(&self, authority: AuthorityId) {
        let mut owing = self.lists.owing.lock().unwrap_or_else(PoisonError::into_inner);
        owing.insert(authority);
    }

    /// Serves the list on record where it is good, else signs the next.
    fn refresh(
        &self,
        owing: &mut BTreeSet<AuthorityId>,
        signing: &Signing,
        now: Timestamp,
    ) -> Result<(), AuthorityProblem> {
        let authority = &signing.record;
        let known = self.store.read(|db| db.crl_fetch(authority.id))?;
        let number = match known {
            Some(list) if !owing.contains(&authority.id) && is_good(&list, authority, now) => {
                self.lists.serve(authority, list.der, list.next_update);
                return Ok(());
            }
            known => known.map_or(0, |list| list.number).saturating_add(1),
        };
        let revoked: Vec<_> = self
            .store
            .read(|db| db.certificate_revoked_of(authority.id, now))?
            .into_iter()
            .filter_map(|certificate| {
                certificate
                    .revoked
                    .map(|(at, reason)| (certificate.serial, at, reason))
            })
            .collect();
        let next_update = if is_trusted(authority) {
            now + LIFE
        } else {
            authority.not_after.max(now + LIFE)
        };
        let list = CrlRecord {
            authority: authority.id,
            number,
            der: make_crl(&signing.issuer, number.unsigned_abs(), &revoked, now, next_update)?,
            this_update: now,
            next_update,
        };
        self.store.write_durable(|db| db.crl_put(&list))?;
        owing.remove(&authority.id);
        self.lists.serve(authority, list.der, next_update);
        Ok(())
    }

    /// The last list of an authority whose key is not open any more.
    fn serve_last(&self, authority: &AuthorityRecord) -> Result<(), AuthorityProblem> {
        if self.crl(&list_name(authority)).is_none()
            && let Some(list) = self.store.read(|db| db.crl_fetch(authority.id))?
        {
            self.lists.serve(authority, list.der, list.next_update);
        }
        Ok(())
    }
}

fn is_good(list: &CrlRecord, authority: &AuthorityRecord, now: Timestamp) -> bool {
    if is_trusted(authority) {
        now < list.this_update + RESIGN_EVERY && list.this_update <= now
    } else {
        is_last(list, authority)
    }
}

/// Whether a retired authority signed this list after it was retired: no other list holds for so long.
pub(super) fn is_last(list: &CrlRecord, authority: &AuthorityRecord) -> bool {
    list.next_update >= authority.not_after
}
