//! Our certificate authorities: bringing in the next generation, letting the last one go.

use std::collections::BTreeSet;

use fleet::{
    access::Permission,
    certificate::{AuthorityKind, CertificateStatus, RevocationReason},
    id::AuthorityId,
    pump::SessionEnd,
};
use store::{AuthorityRecord, CertificateFilter};

use super::{CommandError, change::Change};
use crate::{
    app::{Actor, App},
    pki::authorities::AuthorityProblem,
};

/// Of so many certificates that would be cut off the pumps are named.
const NAMED: u32 = 20;

/// Makes the next generation of an authority, which issues from now on. What the last one issued stays trusted, so that
/// no pump loses its connection.
///
/// # Errors
/// [`CommandError::Authority`].
pub fn rotate(app: &App, actor: &Actor, kind: AuthorityKind) -> Result<AuthorityRecord, CommandError> {
    Change::by(actor, app, Permission::AuthorityRotate).check()?;
    Ok(app.authorities.rotate(kind, actor, app.now())?)
}

/// Trusts a generation no longer, and returns how many certificates were cut off by that. Retiring it again is refused, but
/// first makes up for what an earlier call may not have got to.
///
/// # Errors
/// [`CommandError::WouldCutOff`], which names pumps that still live by it, unless a person said `cut_off`;
/// [`CommandError::Authority`].
pub fn retire(app: &App, actor: &Actor, id: AuthorityId, cut_off: bool) -> Result<usize, CommandError> {
    Change::by(actor, app, Permission::AuthorityRetire).check()?;
    let now = app.now();
    match app.authorities.retire(id, cut_off, actor, now) {
        Ok(retirement) => {
            for certificate in &retirement.cut_off {
                let (at, reason) = certificate
                    .revoked
                    .unwrap_or((now, RevocationReason::CaCompromise));
                app.gate.revoke(&[certificate.fingerprint], reason, at);
            }
            let pumps: BTreeSet<_> = retirement
                .cut_off
                .iter()
                .map(|certificate| certificate.pump)
                .collect();
            for pump in pumps {
                app.link.close(pump, SessionEnd::Denied);
            }
            // Last, because it may fail.
            app.authorities.follow_up(now);
            if retirement.was_retired {
                Err(AuthorityProblem::AlreadyRetired.into())
            } else {
                Ok(retirement.cut_off.len())
            }
        }
        Err(AuthorityProblem::WouldCutOff { count }) => {
            let filter = CertificateFilter {
                authority: Some(id),
                status: Some((CertificateStatus::Valid, now)),
                ..CertificateFilter::default()
            };
            let live = app.store.read(|db| db.certificate_list(&filter, None, NAMED))?;
            let pumps: BTreeSet<_> = live
                .items
                .into_iter()
                .map(|certificate| certificate.serial)
                .collect();
            Err(CommandError::WouldCutOff {
                count,
                pumps: pumps.into_iter().collect(),
            })
        }
        Err(problem) => Err(problem.into()),
    }
}
