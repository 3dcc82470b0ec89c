//! Which servers a pump believes: those under the roots it was given, and under those it learned through them.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use rustls::{
    ClientConfig, RootCertStore,
    client::{Resumption, WebPkiServerVerifier},
    crypto::{CryptoProvider, aws_lc_rs},
};
use rustls_pki_types::{CertificateDer, pem::PemObject};
use thiserror::Error;

use super::Identity;

/// A trust anchor or an identity that TLS can not use.
#[derive(Debug, Error)]
pub enum TrustError {
    /// No PEM certificate in what was given.
    #[error("no certificate was found in the trust anchor; give the root's certificate in PEM")]
    NoAnchor,
    /// The PEM is broken.
    #[error("the trust anchor is not readable PEM: {problem}")]
    Pem { problem: String },
    /// TLS does not accept it.
    #[error("TLS could not be set up: {problem}")]
    Tls { problem: String },
}

fn tls(error: impl std::fmt::Display) -> TrustError {
    TrustError::Tls {
        problem: error.to_string(),
    }
}

/// The roots of a fleet. Pumps that believe the same roots share one verifier: ten thousand of them need no ten thousand copies.
#[derive(Debug)]
pub struct Trust {
    provider: Arc<CryptoProvider>,
    pinned: Vec<CertificateDer<'static>>,
    verifiers: Mutex<HashMap<Vec<CertificateDer<'static>>, Arc<WebPkiServerVerifier>>>,
}

impl Trust {
    /// Pins the certificates of a PEM file.
    ///
    /// # Errors
    /// [`TrustError`] when there is none, or one is not acceptable.
    pub fn pin(pem: &[u8]) -> Result<Self, TrustError> {
        let pinned = CertificateDer::pem_slice_iter(pem)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| TrustError::Pem {
                problem: error.to_string(),
            })?;
        if pinned.is_empty() {
            return Err(TrustError::NoAnchor);
        }
        let trust = Self {
            provider: Arc::new(aws_lc_rs::default_provider()),
            pinned,
            verifiers: Mutex::default(),
        };
        trust.verifier(&[])?;
        Ok(trust)
    }

    fn verifier(&self, learned: &[CertificateDer<'static>]) -> Result<Arc<WebPkiServerVerifier>, TrustError> {
        let mut anchors = [&self.pinned, learned].concat();
        anchors.sort_by(|a, b| a.as_ref().cmp(b.as_ref()));
        anchors.dedup();
        let mut verifiers = self.verifiers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = verifiers.get(&anchors) {
            return Ok(Arc::clone(known));
        }
        let mut roots = RootCertStore::empty();
        for anchor in &anchors {
            roots.add(anchor.clone()).map_err(tls)?;
        }
        let verifier =
            WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&self.provider))
                .build()
                .map_err(tls)?;
        verifiers.insert(anchors, Arc::clone(&verifier));
        Ok(verifier)
    }

    /// A TLS configuration that believes the pinned and the learned roots and shows the identity, if there is one.
    ///
    /// # Errors
    /// [`TrustError::Tls`] when key and certificate do not fit, or an anchor is not acceptable.
    pub fn client(
        &self,
        learned: &[CertificateDer<'static>],
        identity: Option<&Identity>,
    ) -> Result<ClientConfig, TrustError> {
        let builder = ClientConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_safe_default_protocol_versions()
            .map_err(tls)?
            .with_webpki_verifier(self.verifier(learned)?);
        let mut config = match identity {
            Some(identity) => builder
                .with_client_auth_cert(identity.chain.clone(), identity.key.clone_key().into())
                .map_err(tls)?,
            None => builder.with_no_client_auth(),
        };
        // The gateway offers no resumption, and a cache per pump would cost more than the pump.
        config.resumption = Resumption::disabled();
        Ok(config)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root() -> rcgen::Certificate {
        let mut params = rcgen::CertificateParams::default();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        params.self_signed(&super::super::new_key().unwrap()).unwrap()
    }

    #[test]
    fn pumps_with_the_same_roots_share_a_verifier() {
        let (first, second) = (root(), root());
        let trust = Trust::pin(first.pem().as_bytes()).unwrap();
        let plain = trust.verifier(&[]).unwrap();
        assert!(Arc::ptr_eq(
            &plain,
            &trust.verifier(&[first.der().clone()]).unwrap()
        ));
        let learned = trust.verifier(&[second.der().clone()]).unwrap();
        assert!(!Arc::ptr_eq(&plain, &learned));
        assert!(trust.client(&[second.der().clone()], None).is_ok());
    }

    #[test]
    fn what_is_no_anchor_is_refused() {
        assert!(matches!(Trust::pin(b"hello"), Err(TrustError::NoAnchor)));
        let broken = b"-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----\n";
        assert!(matches!(Trust::pin(broken), Err(TrustError::Pem { .. })));
        let no_certificate = b"-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n";
        assert!(matches!(Trust::pin(no_certificate), Err(TrustError::Tls { .. })));
    }
}
