//! TLS for every listener: who is let in by which certificate, with which certificate we answer. Nowhere else is a
//! server configuration made.
//!
//! Three rules hold for all of them. No session is ever resumed, because a ticket outlives a revocation. Early data is
//! off. And what changes while the gateway runs (anchors, our own certificate) is swapped inside the configuration, because the
//! servers that hold it keep the one they were given.

use std::{fmt, sync::Arc};

use arc_swap::ArcSwap;
use fleet::{
    Timestamp,
    certificate::GateRefusal,
    id::{AnchorId, PumpId},
};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, OtherError, RootCertStore,
    ServerConfig, SignatureScheme,
    client::danger::HandshakeSignatureValid,
    crypto::{
        CryptoProvider, WebPkiSupportedAlgorithms, aws_lc_rs, verify_tls12_signature, verify_tls13_signature,
    },
    server::{
        ClientHello, NoServerSessionStorage, ResolvesServerCert, WebPkiClientVerifier,
        danger::{ClientCertVerified, ClientCertVerifier},
    },
    sign::{CertifiedKey, SigningKey},
    time_provider::TimeProvider,
    version::{TLS12, TLS13},
};
use rustls_pki_types::{CertificateDer, UnixTime};
use thiserror::Error;

use super::inspect;

/// Makes aws-lc-rs the provider of cryptography for the whole process. Calling it again changes nothing.
pub fn install_provider() {
    // An error says that there is a provider already; every configuration made here names its own anyway.
    let _ = aws_lc_rs::default_provider().install_default();
}

/// Why a TLS set-up was refused.
#[derive(Debug, Error)]
pub enum TlsError {
    /// An anchor that the library can not use.
    #[error(
        "certificate {fingerprint} can not be an anchor for clients: {source}; give an authority's X.509 certificate"
    )]
    Anchor {
        fingerprint: fleet::certificate::Fingerprint,
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Key and certificate are not a pair, or the certificate can not be read.
    #[error("the server's certificate and key can not be used together: {0}; issue a new server certificate")]
    Identity(Error),
    /// The provider does not offer what is asked of it.
    #[error("making the TLS configuration of the {listener} listener failed: {source}")]
    Configuration { listener: &'static str, source: Error },
}

/// The registry, asked during the handshake: a stranger never gets a session.
pub trait Gate: Send + Sync + fmt::Debug {
    /// Decides over a leaf certificate whose chain and signature were verified.
    ///
    /// # Errors
    /// The reason, which [`refusal`] finds again in the error that the handshake ends with.
    fn admit(&self, leaf_der: &[u8]) -> Result<PumpId, GateRefusal>;
}

/// The gate's reason, in the error that a refused handshake ended with.
pub fn refusal(error: &Error) -> Option<GateRefusal> {
    match error {
        Error::InvalidCertificate(CertificateError::Other(OtherError(other))) => {
            other.downcast_ref::<GateRefusal>().copied()
        }
        _ => None,
    }
}

/// Whose authority stands behind a client's certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Origin {
    /// A trusted Device CA of ours. The certificate may be expired or revoked, or not in the registry.
    DeviceCa,
    /// An imported manufacturer's anchor.
    Manufacturer(AnchorId),
}

/// The authorities that clients' certificates may chain to. They are swapped as one, while connections come in.
///
/// An anchor's own validity is not looked at: a manufacturer's may end long before the pumps it vouches for, and
/// nothing of ours outlives its Device CA. Taking an anchor away is the caller's decision ([`Trust::replace`]).
#[derive(Debug)]
pub struct Trust {
    anchors: ArcSwap<Anchors>,
}

#[derive(Debug, Default)]
struct Anchors {
    /// Nothing while there is no trusted Device CA.
    device: Option<Arc<dyn ClientCertVerifier>>,
    manufacturers: Vec<(AnchorId, Arc<dyn ClientCertVerifier>)>,
}

impl Trust {
    /// Trusts Device CAs, and manufacturers for a first enrolment. All certificates are DER.
    ///
    /// # Errors
    /// [`TlsError::Anchor`] names the first certificate that can not be used.
    pub fn new<C: AsRef<[u8]>>(device_cas: &[C], manufacturers: &[(AnchorId, C)]) -> Result<Self, TlsError> {
        Ok(Self {
            anchors: ArcSwap::from_pointee(anchors(device_cas, manufacturers)?),
        })
    }

    /// Trusts these from now on, and no others. Open connections are not touched.
    ///
    /// # Errors
    /// [`TlsError::Anchor`]; the anchors stay as they were.
    pub fn replace<C: AsRef<[u8]>>(
        &self,
        device_cas: &[C],
        manufacturers: &[(AnchorId, C)],
    ) -> Result<(), TlsError> {
        self.anchors.store(Arc::new(anchors(device_cas, manufacturers)?));
        Ok(())
    }

    /// Whose certificate this is: `chain` is what the peer sent, its own certificate first.
    ///
    /// A certificate of ours that is past its end still is ours: it is verified at its own last second.
    ///
    /// # Errors
    /// Why it chains to nothing that is trusted.
    pub fn origin(&self, chain: &[CertificateDer<'_>], now: Timestamp) -> Result<Origin, Error> {
        let (leaf, intermediates) = chain.split_first().ok_or(Error::NoCertificatesPresented)?;
        self.find(leaf, intermediates, unix_time(now))
    }

    fn find(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<Origin, Error> {
        let bad_encoding = |_| Error::InvalidCertificate(CertificateError::BadEncoding);
        let end = unix_time(inspect::not_after(leaf).map_err(bad_encoding)?);
        let anchors = self.anchors.load();
        let Err(error) = anchors.signed_by_device_ca(leaf, now.min(end)) else {
            return Ok(Origin::DeviceCa);
        };
        anchors
            .manufacturers
            .iter()
            .find(|(_, verifier)| verifier.verify_client_cert(leaf, intermediates, now).is_ok())
            .map(|(anchor, _)| Origin::Manufacturer(*anchor))
            .ok_or(error)
    }
}

impl Anchors {
    /// Whether a Device CA signed this leaf itself. What else the peer sent is not looked at: an authority between
    /// the two would break the path length of zero, which the library does not check of an anchor.
    fn signed_by_device_ca(&self, leaf: &CertificateDer<'_>, at: UnixTime) -> Result<(), Error> {
        match &self.device {
            Some(verifier) => verifier.verify_client_cert(leaf, &[], at).map(|_| ()),
            None => Err(Error::InvalidCertificate(CertificateError::UnknownIssuer)),
        }
    }
}

fn anchors<C: AsRef<[u8]>>(device_cas: &[C], manufacturers: &[(AnchorId, C)]) -> Result<Anchors, TlsError> {
    let device = match device_cas {
        [] => None,
        some => Some(chain_verifier(some)?),
    };
    let manufacturers = manufacturers
        .iter()
        .map(|(id, der)| Ok((*id, chain_verifier(&[der])?)))
        .collect::<Result<_, _>>()?;
    Ok(Anchors {
        device,
        manufacturers,
    })
}

/// Verifies chains to these certificates, and nothing else.
fn chain_verifier<C: AsRef<[u8]>>(certificates: &[C]) -> Result<Arc<dyn ClientCertVerifier>, TlsError> {
    let mut store = RootCertStore::empty();
    let mut last = fleet::certificate::Fingerprint::from_digest([0; 32]);
    for der in certificates {
        last = inspect::fingerprint(der.as_ref());
        store
            .add(CertificateDer::from(der.as_ref()))
            .map_err(|error| TlsError::Anchor {
                fingerprint: last,
                source: error.into(),
            })?;
    }
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(store), provider())
        .build()
        .map_err(|error| TlsError::Anchor {
            fingerprint: last,
            source: error.into(),
        })?;
    Ok(verifier)
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

fn unix_time(time: Timestamp) -> UnixTime {
    let seconds = u64::try_from(time.timestamp()).unwrap_or_default();
    UnixTime::since_unix_epoch(std::time::Duration::from_secs(seconds))
}

/// What both verifiers do alike: they are asked about certificates, and check signatures as the provider does.
///
/// No hint about acceptable authorities is sent: a pump has one certificate, and hints would tell a stranger
/// which authorities there are.
macro_rules! verifier_in_common {
    () => {
        fn root_hint_subjects(&self) -> &[DistinguishedName] {
            &[]
        }

        fn verify_tls12_signature(
            &self,
            message: &[u8],
            cert: &CertificateDer<'_>,
            dss: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            verify_tls12_signature(message, cert, dss, &self.algorithms)
        }

        fn verify_tls13_signature(
            &self,
            message: &[u8],
            cert: &CertificateDer<'_>,
            dss: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            verify_tls13_signature(message, cert, dss, &self.algorithms)
        }

        fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
            self.algorithms.supported_schemes()
        }
    };
}

/// For the MQTT listener: a certificate of ours, valid now, in the registry. Anything else ends the handshake.
#[derive(Debug)]
pub struct PumpVerifier {
    trust: Arc<Trust>,
    gate: Arc<dyn Gate>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl PumpVerifier {
    /// Chains end at the Device CAs in `trust`; the last word has the `gate`.
    pub fn new(trust: Arc<Trust>, gate: Arc<dyn Gate>) -> Self {
        Self {
            trust,
            gate,
            algorithms: provider().signature_verification_algorithms,
        }
    }
}

impl ClientCertVerifier for PumpVerifier {
    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        self.trust.anchors.load().signed_by_device_ca(end_entity, now)?;
        match self.gate.admit(end_entity) {
            Ok(_) => Ok(ClientCertVerified::assertion()),
            Err(refusal) => Err(Error::InvalidCertificate(CertificateError::Other(OtherError(
                Arc::new(refusal),
            )))),
        }
    }

    verifier_in_common!();
}

/// For the bulk listener: a client may come without a certificate (with a token), with one of ours in whatever state, or
/// with a manufacturer's. What it is good for is decided per request, so that the refusal can say why.
#[derive(Debug)]
pub struct BulkVerifier {
    trust: Arc<Trust>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl BulkVerifier {
    /// Chains end at the Device CAs and the manufacturers' anchors in `trust`.
    pub fn new(trust: Arc<Trust>) -> Self {
        Self {
            trust,
            algorithms: provider().signature_verification_algorithms,
        }
    }
}

impl ClientCertVerifier for BulkVerifier {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        self.trust
            .find(end_entity, intermediates, now)
            .map(|_| ClientCertVerified::assertion())
    }

    verifier_in_common!();
}

/// Our own certificate and key, on every listener. A renewed one is swapped in while connections come in.
#[derive(Debug)]
pub struct ServerIdentity {
    current: ArcSwap<CertifiedKey>,
}

impl ServerIdentity {
    /// `chain` is what is sent: the server's certificate and the Server CA's, in DER.
    ///
    /// # Errors
    /// [`TlsError::Identity`] when the key is not the first certificate's.
    pub fn new<C: AsRef<[u8]>>(chain: &[C], key: Arc<dyn SigningKey>) -> Result<Self, TlsError> {
        Ok(Self {
            current: ArcSwap::from_pointee(pair(chain, key)?),
        })
    }

    /// Answers with this one from now on.
    ///
    /// # Errors
    /// [`TlsError::Identity`]; the identity stays as it was.
    pub fn replace<C: AsRef<[u8]>>(&self, chain: &[C], key: Arc<dyn SigningKey>) -> Result<(), TlsError> {
        self.current.store(Arc::new(pair(chain, key)?));
        Ok(())
    }
}

impl ResolvesServerCert for ServerIdentity {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current.load_full())
    }
}

fn pair<C: AsRef<[u8]>>(chain: &[C], key: Arc<dyn SigningKey>) -> Result<CertifiedKey, TlsError> {
    let chain = chain
        .iter()
        .map(|der| CertificateDer::from(der.as_ref().to_vec()))
        .collect();
    let pair = CertifiedKey::new(chain, key);
    pair.keys_match().map_err(TlsError::Identity)?;
    Ok(pair)
}

/// The MQTT listener's configuration.
///
/// # Errors
/// [`TlsError::Configuration`], when the provider lacks a protocol version.
pub fn mqtt_config(
    verifier: PumpVerifier,
    identity: Arc<ServerIdentity>,
    time: Arc<dyn TimeProvider>,
) -> Result<ServerConfig, TlsError> {
    config("MQTT", Some(Arc::new(verifier)), identity, time, &[])
}

/// The bulk listener's configuration: EST, later firmware.
///
/// # Errors
/// [`TlsError::Configuration`], when the provider lacks a protocol version.
pub fn bulk_config(
    verifier: BulkVerifier,
    identity: Arc<ServerIdentity>,
    time: Arc<dyn TimeProvider>,
) -> Result<ServerConfig, TlsError> {
    config("bulk", Some(Arc::new(verifier)), identity, time, &[b"http/1.1"])
}

/// The staff listener's configuration. People and programs come with tokens, not with certificates.
///
/// # Errors
/// [`TlsError::Configuration`], when the provider lacks a protocol version.
pub fn staff_config(
    identity: Arc<ServerIdentity>,
    time: Arc<dyn TimeProvider>,
) -> Result<ServerConfig, TlsError> {
    config("staff", None, identity, time, &[b"h2", b"http/1.1"])
}

/// TLS 1.3 and, for pumps that are older than it, 1.2: the provider's suites for 1.2 are all ECDHE with AEAD.
fn config(
    listener: &'static str,
    verifier: Option<Arc<dyn ClientCertVerifier>>,
    identity: Arc<ServerIdentity>,
    time: Arc<dyn TimeProvider>,
    protocols: &[&[u8]],
) -> Result<ServerConfig, TlsError> {
    let builder = ServerConfig::builder_with_details(provider(), time)
        .with_protocol_versions(&[&TLS13, &TLS12])
        .map_err(|source| TlsError::Configuration { listener, source })?;
    let builder = match verifier {
        Some(verifier) => builder.with_client_cert_verifier(verifier),
        None => builder.with_no_client_auth(),
    };
    let mut config = builder.with_cert_resolver(identity);
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    config.max_early_data_size = 0;
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
    Ok(config)
}

#[cfg(test)]
mod tests;
