use aws_lc_rs::{
    rand::SystemRandom,
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair,
        EcdsaSigningAlgorithm, RSA_PSS_SHA256, RsaKeyPair,
    },
};
use chrono::DateTime;
use fleet::id::TicketId;
use uuid::Uuid;
use wire::message::V1;

use super::*;
use crate::pki::testing::openssl;

/// Each kind of document is believed alike.
fn verify(sealed: &Sealed, certificate_der: &[u8], signer: PumpId) -> Result<Proof, ProofError> {
    super::verify(sealed, certificate_der, signer)
}

const PUMP: PumpId = PumpId::from_uuid(Uuid::from_u128(7));

fn proof() -> Proof {
    Proof {
        v: V1,
        pump: PUMP,
        ticket: TicketId::from_uuid(Uuid::from_u128(1)),
        at: DateTime::from_timestamp(1_800_000_000, 0).unwrap(),
        components: Vec::new(),
        counter: serde_json::from_str("42").unwrap(),
        drug_library: None,
        results: Vec::new(),
    }
}

/// A certificate and its key (PKCS#8), both DER.
type Pair = (Vec<u8>, Vec<u8>);

/// One by OpenSSL.
fn pair(options: &[&str]) -> Pair {
    let dir = tempfile::tempdir().unwrap();
    let key = dir.path().join("key").to_str().unwrap().to_owned();
    let fixed = ["req", "-x509", "-nodes", "-subj", "/CN=pump", "-keyout", &key];
    let certificate = openssl(&[&fixed[..], options].concat(), b"");
    let pem = |text: String| pem::parse(text).unwrap().into_contents();
    (pem(certificate), pem(std::fs::read_to_string(&key).unwrap()))
}

fn ec(curve: &str) -> Pair {
    pair(&["-newkey", "ec", "-pkeyopt", &format!("ec_paramgen_curve:{curve}")])
}

fn rsa(bits: &str) -> Pair {
    pair(&["-newkey", &format!("rsa:{bits}")])
}

fn by_ec(algorithm: Algorithm, kind: &'static EcdsaSigningAlgorithm, of: &Pair, proof: &Proof) -> Sealed {
    let (certificate, key) = of;
    let pair = EcdsaKeyPair::from_pkcs8(kind, key).unwrap();
    let sign = |message: &[u8]| {
        pair.sign(&SystemRandom::new(), message)
            .map(|signature| signature.as_ref().to_vec())
    };
    Sealed::of(&envelope::seal(proof, algorithm, &key_id(certificate), sign).unwrap())
}

fn by_p256(of: &Pair) -> Sealed {
    by_ec(Algorithm::Es256, &ECDSA_P256_SHA256_FIXED_SIGNING, of, &proof())
}

fn by_rsa(of: &Pair, proof: &Proof) -> Sealed {
    let (certificate, key) = of;
    let pair = RsaKeyPair::from_pkcs8(key).unwrap();
    let sign = |message: &[u8]| {
        let mut signature = vec![0; pair.public_modulus_len()];
        pair.sign(&RSA_PSS_SHA256, &SystemRandom::new(), message, &mut signature)
            .map(|()| signature)
    };
    Sealed::of(&envelope::seal(proof, Algorithm::Ps256, &key_id(certificate), sign).unwrap())
}

#[test]
fn each_kind_of_key_that_a_pump_may_have_is_believed() {
    let check = |sealed: &Sealed, of: &Pair| assert_eq!(verify(sealed, &of.0, PUMP), Ok(proof()));
    let p256 = ec("P-256");
    check(&by_p256(&p256), &p256);
    let p384 = ec("P-384");
    check(
        &by_ec(
            Algorithm::Es384,
            &ECDSA_P384_SHA384_FIXED_SIGNING,
            &p384,
            &proof(),
        ),
        &p384,
    );
    for bits in ["2048", "3072"] {
        let rsa = rsa(bits);
        check(&by_rsa(&rsa, &proof()), &rsa);
    }
}

#[test]
fn anything_else_is_not() {
    let p256 = ec("P-256");
    let signed = by_p256(&p256);
    let check = |sealed: &Sealed, certificate: &[u8], expected: ProofError| {
        assert_eq!(verify(sealed, certificate, PUMP), Err(expected));
    };
    let (other, rsa) = (ec("P-256"), rsa("2048"));
    check(&signed, &other.0, ProofError::OtherCertificate);
    // Named rightly, and signed by somebody else.
    let forged = by_p256(&(p256.0.clone(), other.1));
    check(&forged, &p256.0, OpenError::Signature.into());
    let by_another_kind = by_rsa(&(p256.0.clone(), rsa.1.clone()), &proof());
    check(
        &by_another_kind,
        &p256.0,
        ProofError::Algorithm {
            signed: Algorithm::Ps256,
            key: Algorithm::Es256,
        },
    );
    check(&signed, b"", ProofError::Certificate);
    check(
        &signed,
        &[p256.0.clone(), vec![0]].concat(),
        ProofError::Certificate,
    );
    check(&signed, &ec("P-521").0, ProofError::KeyKind);
    check(&signed, &self::rsa("1024").0, ProofError::KeyKind);
    check(&Sealed::of(b"hello"), &p256.0, OpenError::Envelope.into());

    let bytes = signed.bytes();
    for index in 0..bytes.len() {
        let mut bad = bytes.clone();
        bad[index] ^= 1;
        assert!(verify(&Sealed::of(&bad), &p256.0, PUMP).is_err(), "byte {index}");
    }

    // A pump speaks for itself alone.
    let stranger = PumpId::from_uuid(Uuid::from_u128(8));
    assert_eq!(
        verify(&signed, &p256.0, stranger),
        Err(ProofError::OtherPump {
            named: PUMP,
            signer: stranger
        })
    );
}
