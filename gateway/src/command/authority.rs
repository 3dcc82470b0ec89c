//! Our certificate authorities: bringing in the next generation, letting the last one go.

use std::collections::BTreeSet;

use fleet::{
    certificate::{AuthorityKind, CertificateStatus, RevocationReason},
    id::AuthorityId,
    pump::SessionEnd,
};
use store::{AuthorityRecord, CertificateFilter};

use super::CommandError;
use crate::{
    app::{Actor, App},
    pki::authorities::AuthorityProblem,
};

/// So many pumps are named that would be cut off.
const NAMED: u32 = 20;

/// Makes the next generation of an authority, which issues from now on. What the last one issued stays trusted, so that
/// no pump loses its connection.
///
/// # Errors
/// [`CommandError::Authority`].
pub fn rotate(app: &App, actor: &Actor, kind: AuthorityKind) -> Result<AuthorityRecord, CommandError> {
    Ok(app.authorities.rotate(kind, actor, app.now())?)
}

/// Trusts a generation no longer, and returns how many certificates were cut off by that.
///
/// # Errors
/// [`CommandError::WouldCutOff`], which names pumps that still live by it, unless a person said `cut_off`;
/// [`CommandError::Authority`].
pub fn retire(app: &App, actor: &Actor, id: AuthorityId, cut_off: bool) -> Result<usize, CommandError> {
    let now = app.now();
    match app.authorities.retire(id, cut_off, actor, now) {
        Ok(cut_off) => {
            let fingerprints: Vec<_> = cut_off
                .iter()
                .map(|certificate| certificate.fingerprint)
                .collect();
            app.gate
                .revoke(&fingerprints, RevocationReason::CaCompromise, now);
            let pumps: BTreeSet<_> = cut_off.iter().map(|certificate| certificate.pump).collect();
            for pump in pumps {
                app.link.close(pump, SessionEnd::Denied);
            }
            Ok(fingerprints.len())
        }
        Err(AuthorityProblem::WouldCutOff { count }) => {
            let filter = CertificateFilter {
                authority: Some(id),
                status: Some((CertificateStatus::Valid, now)),
                ..CertificateFilter::default()
            };
            let live = app.store.read(|db| db.certificate_list(&filter, None, NAMED))?;
            let pumps = live
                .items
                .into_iter()
                .map(|certificate| certificate.serial)
                .collect();
            Err(CommandError::WouldCutOff { count, pumps })
        }
        Err(problem) => Err(problem.into()),
    }
}
