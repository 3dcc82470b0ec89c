use proptest::prelude::*;

use super::{
    super::testing::{curve, openssl, openssl_request, pem_of},
    *,
};

fn ec(name: &str, more: &[&str]) -> (Vec<u8>, String) {
    openssl_request(&curve(name).each_ref().map(String::as_str), more)
}

#[test]
fn stock_requests_are_read_with_the_key_they_are_about() {
    let check = |key: &[&str], more: &[&str], expected: KeyAlgorithm| {
        let (der, private) = openssl_request(key, more);
        let request = read_request(&der).unwrap();
        assert_eq!(request.algorithm, expected);
        let public = openssl(&["pkey", "-pubout", "-outform", "PEM"], private.as_bytes());
        assert_eq!(request.spki_der, pem::parse(public).unwrap().contents());
        assert_eq!(
            request.key,
            Fingerprint::from_digest(Sha256::digest(&request.spki_der).into())
        );
    };
    let p256 = curve("P-256");
    let p384 = curve("P-384");
    let (p256, p384) = (
        p256.each_ref().map(String::as_str),
        p384.each_ref().map(String::as_str),
    );
    check(&p256, &["-sha256"], KeyAlgorithm::EcP256);
    // The hash says nothing about the curve.
    check(&p256, &["-sha384"], KeyAlgorithm::EcP256);
    check(&p384, &["-sha256"], KeyAlgorithm::EcP384);
    check(&p384, &["-sha384"], KeyAlgorithm::EcP384);
    let rsa = |bits| KeyAlgorithm::Rsa { bits };
    check(&["-newkey", "rsa:2048"], &["-sha256"], rsa(2048));
    check(&["-newkey", "rsa:3072"], &["-sha512"], rsa(3072));
    let pss = ["-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:32"];
    check(&["-newkey", "rsa:2048"], &pss, rsa(2048));
}

#[test]
fn every_encoding_of_a_request_is_read() {
    let (der, _) = ec("P-256", &[]);
    let expected = read_request(&der).unwrap();
    let base64 = STANDARD.encode(&der);
    let (half, rest) = base64.split_at(64);
    for body in [
        base64.clone(),
        format!("{half}\r\n{rest}\r\n"),
        base64.trim_end_matches('=').to_owned(),
        pem_of("CERTIFICATE REQUEST", &der),
        pem_of("NEW CERTIFICATE REQUEST", &der).replace('\n', "\r\n"),
        format!("\n{}\n\n", pem_of("CERTIFICATE REQUEST", &der)),
    ] {
        assert_eq!(read_request(body.as_bytes()).as_ref(), Ok(&expected), "{body}");
    }
}

#[test]
fn what_is_not_exactly_one_request_is_refused() {
    let (der, _) = ec("P-256", &[]);
    let pem = pem_of("CERTIFICATE REQUEST", &der);
    let trailing = |body: Vec<u8>| assert_eq!(read_request(&body), Err(CsrError::TrailingData));
    trailing([&der[..], b"\n"].concat());
    trailing([&der[..], &der].concat());
    trailing(STANDARD.encode([&der[..], b"x"].concat()).into_bytes());
    trailing(format!("{pem}{pem}").into_bytes());
    trailing(format!("{pem}and more").into_bytes());

    let malformed = |body: &[u8]| assert!(matches!(read_request(body), Err(CsrError::Malformed { .. })));
    malformed(b"");
    malformed(b"pump");
    malformed(&[0xff, 0xfe]);
    malformed(&der[..der.len() - 1]);
    malformed(pem_of("CERTIFICATE", &der).as_bytes());
    malformed(pem.replace("-----END", "----END").as_bytes());

    let large = vec![b'A'; MAX_REQUEST + 1];
    assert_eq!(
        read_request(&large),
        Err(CsrError::TooLarge {
            length: MAX_REQUEST + 1
        })
    );
}

#[test]
fn weak_keys_are_refused_by_name() {
    let check = |key: &[&str], expected: &str| {
        let error = read_request(&openssl_request(key, &[]).0).unwrap_err();
        assert!(matches!(error, CsrError::RefusedKey(_)), "{error}");
        assert!(error.to_string().contains(expected), "{error}");
    };
    let on = |name: &str, expected: &str| check(&curve(name).each_ref().map(String::as_str), expected);
    check(&["-newkey", "rsa:1024"], "RSA with 1024 bits is too short");
    check(&["-newkey", "rsa:2047"], "RSA with 2047 bits is too short");
    check(&["-newkey", "rsa:4104"], "RSA with 4104 bits costs more");
    check(&["-newkey", "ed25519"], "it is of the kind 1.3.101.112");
    on("prime192v1", "the curve is P-192");
    on("secp224r1", "the curve is P-224");
    on("secp256k1", "the curve is secp256k1");
    on("P-521", "the curve is P-521");
    on("sect283k1", "the curve is 1.3.132.0.16");

    let explicit = [
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-pkeyopt",
        "ec_param_enc:explicit",
    ];
    check(&explicit, "explicit parameters");
}

#[test]
fn a_compressed_point_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let key = dir.path().join("key").to_str().unwrap().to_owned();
    let (_, private) = ec("P-256", &[]);
    openssl(
        &["ec", "-conv_form", "compressed", "-out", &key],
        private.as_bytes(),
    );
    let (der, _) = openssl_request(&["-key", &key], &[]);
    assert_eq!(read_request(&der), Err(CsrError::RefusedKey(KeyProblem::Point)));
}

#[test]
fn broken_signatures_are_refused_by_name() {
    let check = |key: &[&str], hash: &str, expected: &str| {
        let (der, _) = openssl_request(key, &[hash]);
        let expected = CsrError::RefusedSignature {
            algorithm: expected.to_owned(),
        };
        assert_eq!(read_request(&der), Err(expected));
    };
    let p256 = curve("P-256");
    let p256 = p256.each_ref().map(String::as_str);
    check(&["-newkey", "rsa:2048"], "-md5", "MD5");
    check(&["-newkey", "rsa:2048"], "-sha1", "SHA-1");
    check(&p256, "-sha1", "SHA-1");
    check(&p256, "-sha224", "SHA-224");
    check(&p256, "-sha512", "ECDSA with SHA-512");
}

#[test]
fn a_request_for_somebody_elses_key_is_refused() {
    let (mut der, _) = ec("P-256", &[]);
    let (other, _) = ec("P-256", &[]);
    // The other's key in this one's place: both are in the same position of requests of equal shape.
    let (mine, theirs) = (
        read_request(&der).unwrap().spki_der,
        read_request(&other).unwrap().spki_der,
    );
    let at = der.windows(mine.len()).position(|part| part == mine).unwrap();
    der[at..at + mine.len()].copy_from_slice(&theirs);
    assert_eq!(read_request(&der), Err(CsrError::WrongSignature));
}

#[test]
fn what_only_the_gateway_decides_can_not_be_asked_for() {
    let check = |more: &[&str], expected: Option<Asked>| {
        let read = read_request(&ec("P-256", more).0).map(|request| request.algorithm);
        let expected = expected.map_or(Ok(KeyAlgorithm::EcP256), |what| Err(CsrError::AsksFor { what }));
        assert_eq!(read, expected, "{more:?}");
    };
    let subject = |subject: &str, expected| check(&["-subj", subject], expected);
    let extension = |extension: &str, expected| check(&["-addext", extension], expected);
    subject("/CN=pump", Some(Asked::CommonName));
    subject(
        "/serialNumber=1/CN=00000000-0000-0000-0000-000000000001",
        Some(Asked::CommonName),
    );
    subject("/", None);
    subject("/serialNumber=SN-1", None);
    subject("/C=US/O=Maker/OU=Pumps/serialNumber=SN-1", None);
    extension("subjectAltName=DNS:gateway.example", Some(Asked::AlternativeName));
    extension(
        "subjectAltName=URI:urn:uuid:00000000-0000-0000-0000-000000000001",
        Some(Asked::AlternativeName),
    );
    extension("basicConstraints=critical,CA:TRUE", Some(Asked::Authority));
    extension("basicConstraints=CA:FALSE", None);
    extension("extendedKeyUsage=serverAuth", Some(Asked::ExtendedKeyUsage));
    extension(
        "extendedKeyUsage=clientAuth,serverAuth",
        Some(Asked::ExtendedKeyUsage),
    );
    extension(
        "extendedKeyUsage=anyExtendedKeyUsage",
        Some(Asked::ExtendedKeyUsage),
    );
    extension("extendedKeyUsage=clientAuth", None);
    extension("keyUsage=keyCertSign", Some(Asked::SigningOthers));
    extension("keyUsage=digitalSignature,cRLSign", Some(Asked::SigningOthers));
    extension("keyUsage=digitalSignature", None);
    extension("1.2.3.4=ASN1:UTF8String:harmless", None);
    // A list of purposes that is not one.
    let error = read_request(&ec("P-256", &["-addext", "extendedKeyUsage=DER:0401ff"]).0).unwrap_err();
    assert!(matches!(error, CsrError::Malformed { .. }));
}

#[test]
fn the_reason_says_what_to_do() {
    let error = CsrError::AsksFor {
        what: Asked::CommonName,
    };
    assert_eq!(
        error.to_string(),
        "the request asks for a common name (CN) in its subject; leave it out, the gateway decides it"
    );
    let error = CsrError::RefusedKey(KeyProblem::RsaTooShort { bits: 1024 });
    assert_eq!(
        error.to_string(),
        "the key in the request is refused: RSA with 1024 bits is too short; use EC P-256 (or P-384, or RSA with 2048 to 4096 bits)"
    );
}

#[test]
fn a_challenge_password_is_tolerated() {
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("cnf");
    std::fs::write(&config, "[req]\nprompt=no\ndistinguished_name=dn\nattributes=at\n[dn]\nserialNumber=SN-1\n[at]\nchallengePassword=binding\n").unwrap();
    let (der, _) = ec("P-256", &["-config", config.to_str().unwrap()]);
    assert!(der.windows(7).any(|part| part == b"binding"));
    assert!(read_request(&der).is_ok());
}

proptest! {
    #[test]
    fn garbage_is_an_error_and_never_a_panic(body in proptest::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(read_request(&body).is_err());
    }

    #[test]
    fn no_flipped_bit_of_what_was_signed_survives(at in any::<proptest::sample::Index>(), bit in 0_u8..8) {
        static REQUEST: std::sync::LazyLock<Vec<u8>> = std::sync::LazyLock::new(|| ec("P-256", &[]).0);
        let mut der = REQUEST.clone();
        let (_, request) = X509CertificationRequest::from_der(&REQUEST).unwrap();
        let signed = request.certification_request_info.raw;
        let start = der.windows(signed.len()).position(|part| part == signed).unwrap();
        der[start + at.index(signed.len())] ^= 1 << bit;
        prop_assert!(read_request(&der).is_err());
    }
}
