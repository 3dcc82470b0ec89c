//! Revocation lists, for outsiders: the gate itself does not need them. Signed anew every few hours, and at once when
//! something was revoked.

use std::sync::PoisonError;

use fleet::{Timestamp, id::AuthorityId};
use store::CrlRecord;

use super::{
    Authorities, AuthorityProblem,
    live::{Live, SignedList, Signing, list_name},
};
use crate::pki::crl::{LIFE, RESIGN_EVERY, make_crl};

impl Authorities {
    /// The list served under a name such as `device-1`.
    #[must_use]
    pub fn crl(&self, name: &str) -> Option<Vec<u8>> {
        let live = self.live.load();
        let lists = live.lists.read().unwrap_or_else(PoisonError::into_inner);
        lists.get(name).map(|list| list.der.clone())
    }

    /// Whether an authority has no list, or one that ran out. Outsiders then trust nothing; our own gate is not affected.
    #[must_use]
    pub fn crl_is_stale(&self, now: Timestamp) -> bool {
        let live = self.live.load();
        let lists = live.lists.read().unwrap_or_else(PoisonError::into_inner);
        live.signing().iter().any(|signing| {
            lists
                .get(&list_name(&signing.record))
                .is_none_or(|list| list.next_update <= now)
        })
    }

    /// Signs the lists that are due.
    ///
    /// # Errors
    /// [`AuthorityProblem`]; lists that could not be signed stay as they were.
    pub fn refresh_crls(&self, now: Timestamp) -> Result<(), AuthorityProblem> {
        let live = self.live.load();
        live.signing().iter().try_for_each(|signing| {
            let known = self.store.read(|db| db.crl_fetch(signing.record.id))?;
            match known {
                Some(list) if now < list.this_update + RESIGN_EVERY && list.this_update <= now => {
                    keep(&live, signing, list.der, list.next_update);
                    Ok(())
                }
                known => self.sign(&live, signing, known.map_or(0, |list| list.number), now),
            }
        })
    }

    /// Signs the list of one authority now, because something of it was revoked.
    ///
    /// # Errors
    /// [`AuthorityProblem`]; the list is then signed at its next turn.
    pub fn publish_revocations(
        &self,
        authority: AuthorityId,
        now: Timestamp,
    ) -> Result<(), AuthorityProblem> {
        let live = self.live.load();
        let Some(signing) = live
            .signing()
            .iter()
            .find(|signing| signing.record.id == authority)
        else {
            return Ok(());
        };
        let known = self.store.read(|db| db.crl_fetch(authority))?;
        self.sign(&live, signing, known.map_or(0, |list| list.number), now)
    }

    fn sign(
        &self,
        live: &Live,
        signing: &Signing,
        last_number: i64,
        now: Timestamp,
    ) -> Result<(), AuthorityProblem> {
        let authority = signing.record.id;
        let revoked: Vec<_> = self
            .store
            .read(|db| db.certificate_revoked_of(authority, now))?
            .into_iter()
            .filter_map(|certificate| {
                certificate
                    .revoked
                    .map(|(at, reason)| (certificate.serial, at, reason))
            })
            .collect();
        let number = last_number.saturating_add(1);
        let next_update = now + LIFE;
        let der = make_crl(&signing.issuer, number.unsigned_abs(), &revoked, now, next_update)?;
        let list = CrlRecord {
            authority,
            number,
            der: der.clone(),
            this_update: now,
            next_update,
        };
        self.store.write_durable(|db| db.crl_put(&list))?;
        keep(live, signing, der, next_update);
        Ok(())
    }
}

fn keep(live: &Live, signing: &Signing, der: Vec<u8>, next_update: Timestamp) {
    let mut lists = live.lists.write().unwrap_or_else(PoisonError::into_inner);
    lists.insert(list_name(&signing.record), SignedList { der, next_update });
}
