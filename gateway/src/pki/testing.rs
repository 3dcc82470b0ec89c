//! A small installation for tests, and OpenSSL as the second opinion on everything it makes.

use std::{
    ffi::OsStr,
    io::Write,
    path::Path,
    process::{Command, Output, Stdio},
    sync::Arc,
};

use chrono::DateTime;
use fleet::{Timestamp, id::PumpId};
use rcgen::{
    CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose,
    SanType,
};
use rustls_pki_types::PrivatePkcs8KeyDer;
use uuid::Uuid;

use super::{
    csr::{VerifiedRequest, read_request},
    issue::{
        Generation, Installation, Issued, Issuer, Subordinate, issue_pump, issue_server, make_ca, make_root,
    },
    key::{CaKey, FileKey},
    profile::Profiles,
};

/// The present of every test: 15 January 2027, 08:00:00 UTC.
pub(crate) const NOW: Timestamp = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
/// Where the revocation list is said to be.
pub(crate) const CRL_URL: &str = "http://gateway.example:8444/crl/d1.crl";

/// The n-th pump.
pub(crate) fn pump(n: u128) -> PumpId {
    PumpId::from_uuid(Uuid::from_u128(n))
}

/// A root and one authority of each kind, made now.
pub(crate) struct World {
    pub(crate) profiles: Profiles,
    pub(crate) root: Issued,
    pub(crate) root_key: Arc<dyn CaKey>,
    pub(crate) device: Issued,
    pub(crate) device_key: Arc<dyn CaKey>,
    pub(crate) server: Issued,
    pub(crate) server_key: Arc<dyn CaKey>,
}

impl World {
    pub(crate) fn new() -> Self {
        let profiles = Profiles::embedded().unwrap();
        let (root_key, device_key, server_key) = (ca_key(), ca_key(), ca_key());
        let installation = Installation::new("County General").unwrap();
        let first = Generation {
            installation: &installation,
            number: 1,
        };
        let root = make_root(&profiles, first, &root_key, NOW, [1; 16]).unwrap();
        let issuer = Issuer::new(&root.der, Arc::clone(&root_key)).unwrap();
        let make = |which, key: &Arc<dyn CaKey>, serial| {
            make_ca(&profiles, which, first, &issuer, key.public_key(), NOW, serial).unwrap()
        };
        Self {
            device: make(Subordinate::Device, &device_key, [2; 16]),
            server: make(Subordinate::Server, &server_key, [3; 16]),
            root,
            root_key,
            device_key,
            server_key,
            profiles,
        }
    }

    pub(crate) fn root_issuer(&self) -> Issuer {
        Issuer::new(&self.root.der, Arc::clone(&self.root_key)).unwrap()
    }

    pub(crate) fn device_issuer(&self) -> Issuer {
        Issuer::new(&self.device.der, Arc::clone(&self.device_key)).unwrap()
    }

    pub(crate) fn server_issuer(&self) -> Issuer {
        Issuer::new(&self.server.der, Arc::clone(&self.server_key)).unwrap()
    }

    /// A certificate for the n-th pump and its new private key (PKCS#8, DER).
    pub(crate) fn pump(&self, n: u8) -> (Issued, Vec<u8>) {
        let pair = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        let request = read_request(params.serialize_request(&pair).unwrap().der()).unwrap();
        (self.issue(n, &request), pair.serialize_der())
    }

    /// A certificate for the n-th pump over the key of a request.
    pub(crate) fn issue(&self, n: u8, request: &VerifiedRequest) -> Issued {
        let pump = pump(n.into());
        issue_pump(
            &self.profiles,
            &self.device_issuer(),
            pump,
            request,
            CRL_URL,
            NOW,
            [n; 16],
        )
        .unwrap()
    }

    /// A server's certificate for localhost, and its key.
    pub(crate) fn server(&self, serial: u8) -> (Issued, Arc<FileKey>, Vec<u8>) {
        let pair = KeyPair::generate().unwrap();
        let der = pair.serialize_der();
        let key = file_key(&der);
        let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
        let ca = self.server_issuer();
        let issued = issue_server(
            &self.profiles,
            &ca,
            &names,
            key.public_key(),
            "",
            NOW,
            [serial; 16],
        )
        .unwrap();
        (issued, key, der)
    }

    /// What somebody with the stolen key of the Device CA would make, and its key (PKCS#8, DER).
    pub(crate) fn forge(&self, params: &CertificateParams) -> (Vec<u8>, Vec<u8>) {
        let pair = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&pair, self.device_issuer().inner()).unwrap();
        (certificate.der().to_vec(), pair.serialize_der())
    }
}

/// A pump's certificate as we would make it, for a test to spoil.
pub(crate) fn forged_params(pump: PumpId) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params
        .distinguished_name
        .push(DnType::CommonName, pump.to_string());
    params.not_before = rcgen::date_time_ymd(2027, 1, 1);
    params.not_after = rcgen::date_time_ymd(2027, 3, 1);
    params.subject_alt_names = vec![SanType::URI(format!("urn:uuid:{pump}").try_into().unwrap())];
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    params.is_ca = IsCa::ExplicitNoCa;
    params.use_authority_key_identifier_extension = true;
    params
}

pub(crate) fn ca_key() -> Arc<dyn CaKey> {
    file_key(&KeyPair::generate().unwrap().serialize_der())
}

pub(crate) fn file_key(pkcs8: &[u8]) -> Arc<FileKey> {
    Arc::new(FileKey::from_pkcs8(&PrivatePkcs8KeyDer::from(pkcs8), Path::new("memory")).unwrap())
}

/// PEM of a block.
pub(crate) fn pem_of(tag: &str, der: &[u8]) -> String {
    pem::encode_config(
        &pem::Pem::new(tag, der),
        pem::EncodeConfig::new().set_line_ending(pem::LineEnding::LF),
    )
}

/// A request by OpenSSL, in DER, and its private key in PEM. `key` and `more` are options of `openssl req`.
pub(crate) fn openssl_request(key: &[&str], more: &[&str]) -> (Vec<u8>, String) {
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    let (keyout, out, config) = (file("key"), file("csr"), file("cnf"));
    std::fs::write(&config, "[req]\ndistinguished_name=dn\n[dn]\n").unwrap();
    let fixed = [
        "req", "-new", "-nodes", "-config", &config, "-keyout", &keyout, "-out", &out,
    ];
    let given = more.iter().any(|option| matches!(*option, "-subj" | "-config"));
    let subject: &[&str] = if given { &[] } else { &["-subj", "/"] };
    openssl(
        &[&fixed[..], &["-outform", "DER"], subject, key, more].concat(),
        b"",
    );
    // With `-key` there was one before, and none is written.
    (
        std::fs::read(out).unwrap(),
        std::fs::read_to_string(keyout).unwrap_or_default(),
    )
}

/// Options for a key of the named curve.
pub(crate) fn curve(name: &str) -> [String; 4] {
    ["-newkey", "ec", "-pkeyopt", &format!("ec_paramgen_curve:{name}")].map(str::to_owned)
}

/// What `openssl` prints. It must succeed.
pub(crate) fn openssl<S: AsRef<OsStr>>(args: &[S], stdin: &[u8]) -> String {
    let output = run(args, stdin);
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "openssl failed: {told}");
    String::from_utf8(output.stdout).unwrap()
}

/// What `openssl` complains. It must fail.
pub(crate) fn openssl_fails<S: AsRef<OsStr>>(args: &[S]) -> String {
    let output = run(args, b"");
    assert!(!output.status.success(), "openssl succeeded");
    String::from_utf8(output.stderr).unwrap()
}

fn run<S: AsRef<OsStr>>(args: &[S], stdin: &[u8]) -> Output {
    let mut child = Command::new("openssl")
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the openssl command is installed");
    // It may end without reading: then the pipe is closed.
    let _ = child.stdin.take().unwrap().write_all(stdin);
    child.wait_with_output().unwrap()
}
