//! The signature with the pump's own key. The key's id is the SHA-256 of the certificate it belongs to.

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, KeyPair,
        RSA_PSS_SHA256, RsaKeyPair,
    },
};
use thiserror::Error;
use wire::{
    envelope::{Algorithm, Document, SealError, Sealed, seal},
    proof::key_id,
};

use crate::identity::Identity;

/// The pump's key can not sign.
#[derive(Debug, Error)]
pub(crate) enum SignError {
    #[error("the pump has no certificate to sign under")]
    NoCertificate,
    #[error("the pump's key is of no kind that signs proofs; use ECDSA on P-256 or P-384, or RSA")]
    Kind,
    #[error("signing failed")]
    Failed,
    #[error("the proof has {length} bytes, more than are read")]
    TooLarge { length: usize },
}

impl From<SealError<Self>> for SignError {
    fn from(error: SealError<Self>) -> Self {
        match error {
            SealError::TooLarge { length } | SealError::KeyId { length } => Self::TooLarge { length },
            SealError::Signer(error) => error,
        }
    }
}

enum Key {
    Ecdsa(Algorithm, EcdsaKeyPair),
    Rsa(RsaKeyPair),
}

impl Key {
    fn read(der: &[u8]) -> Option<Self> {
        if let Ok(key) = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der) {
            return Some(Self::Ecdsa(Algorithm::Es256, key));
        }
        if let Ok(key) = EcdsaKeyPair::from_pkcs8(&ECDSA_P384_SHA384_FIXED_SIGNING, der) {
            return Some(Self::Ecdsa(Algorithm::Es384, key));
        }
        RsaKeyPair::from_pkcs8(der).ok().map(Self::Rsa)
    }

    const fn algorithm(&self) -> Algorithm {
        match self {
            Self::Ecdsa(algorithm, _) => *algorithm,
            Self::Rsa(_) => Algorithm::Ps256,
        }
    }

    fn sign(&self, data: &[u8]) -> Result<Vec<u8>, SignError> {
        let random = SystemRandom::new();
        match self {
            Self::Ecdsa(_, key) => key
                .sign(&random, data)
                .map(|signature| signature.as_ref().to_vec())
                .map_err(|_| SignError::Failed),
            Self::Rsa(key) => {
                let mut signature = vec![0; key.public_key().modulus_len()];
                key.sign(&RSA_PSS_SHA256, &random, data, &mut signature)
                    .map_err(|_| SignError::Failed)?;
                Ok(signature)
            }
        }
    }
}

/// Signs a document with the key of an identity.
///
/// # Errors
/// [`SignError`].
pub(crate) fn sign<D: Document>(document: &D, identity: &Identity) -> Result<Sealed, SignError> {
    let certificate = identity.chain.first().ok_or(SignError::NoCertificate)?;
    let key = Key::read(identity.key.secret_pkcs8_der()).ok_or(SignError::Kind)?;
    let bytes = seal(document, key.algorithm(), &key_id(certificate), |data| {
        key.sign(data)
    })?;
    Ok(Sealed::of(&bytes))
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::{
        encoding::{AsDer, Pkcs8V1Der},
        rsa::KeySize,
        signature::{
            ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, RSA_PSS_2048_8192_SHA256, UnparsedPublicKey,
            VerificationAlgorithm,
        },
    };
    use rcgen::{CertificateParams, DnType, PublicKeyData};
    use wire::{envelope::open, message::V1, proof::Proof, types::SecurityCounter};

    use super::*;
    use crate::firmware::tests::{ticket_id, versions};

    fn identity(key: &rcgen::KeyPair) -> Identity {
        let mut params = CertificateParams::default();
        let id = "00000000-0000-0000-0000-000000000007";
        params.distinguished_name.push(DnType::CommonName, id);
        let certificate = params.self_signed(key).unwrap().der().clone();
        Identity::assemble(key, vec![certificate]).unwrap()
    }

    #[test]
    fn a_proof_is_verified_with_the_key_of_the_certificate() {
        let rsa = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
        let rsa: Pkcs8V1Der<'_> = rsa.as_der().unwrap();
        let check =
            |key: rcgen::KeyPair, expected: Algorithm, verifies: &'static dyn VerificationAlgorithm| {
                let identity = identity(&key);
                let proof = Proof {
                    v: V1,
                    pump: identity.id,
                    ticket: ticket_id(1),
                    at: identity.not_before,
                    components: versions("8.5.0"),
                    counter: SecurityCounter(41),
                    drug_library: None,
                    results: vec![],
                };
                let sealed = sign(&proof, &identity).unwrap();
                let read: Proof = open(&sealed.bytes(), |algorithm, kid, data, signature| {
                    assert_eq!(algorithm, expected);
                    assert_eq!(kid, key_id(&identity.chain[0]));
                    let public = UnparsedPublicKey::new(verifies, key.der_bytes());
                    public.verify(data, signature).is_ok()
                })
                .unwrap();
                assert_eq!(read, proof);
            };
        let ec = |algorithm| rcgen::KeyPair::generate_for(algorithm).unwrap();
        check(
            ec(&rcgen::PKCS_ECDSA_P256_SHA256),
            Algorithm::Es256,
            &ECDSA_P256_SHA256_FIXED,
        );
        check(
            ec(&rcgen::PKCS_ECDSA_P384_SHA384),
            Algorithm::Es384,
            &ECDSA_P384_SHA384_FIXED,
        );
        let rsa = rcgen::KeyPair::try_from(rsa.as_ref()).unwrap();
        check(rsa, Algorithm::Ps256, &RSA_PSS_2048_8192_SHA256);
    }

    #[test]
    fn a_key_that_signs_no_proofs_is_none() {
        let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
        assert!(Key::read(identity(&key).key.secret_pkcs8_der()).is_none());
    }
}
