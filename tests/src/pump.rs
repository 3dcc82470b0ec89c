//! A pump made of stock tools: its key by openssl, its certificate by EST with curl.

use std::path::{Path, PathBuf};

use base64::{Engine as _, engine::general_purpose::STANDARD};

use crate::{Hospital, Output, run, run_with_input};

/// A private key and a request for a certificate.
#[derive(Debug, Clone)]
pub struct Key {
    pub key_file: PathBuf,
    pub csr_file: PathBuf,
}

/// A pump with a certificate.
#[derive(Debug, Clone)]
pub struct Enrolled {
    pub id: String,
    pub serial: String,
    pub key_file: PathBuf,
    pub certificate_file: PathBuf,
}

/// Why a certificate was not issued: HTTP status and the text for the pump.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotIssued {
    pub status: u16,
    pub text: String,
}

impl Key {
    /// A P-256 key and an empty request.
    #[must_use]
    pub fn p256(dir: &Path, name: &str) -> Self {
        Self::made_by(
            dir,
            name,
            &["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"],
            "/",
        )
    }

    /// Whatever `openssl req` can make.
    #[must_use]
    pub fn made_by(dir: &Path, name: &str, options: &[&str], subject: &str) -> Self {
        let name: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
        let unique = uuid::Uuid::new_v4().simple();
        let key_file = dir.join(format!("{name}-{unique}.key"));
        let csr_file = dir.join(format!("{name}-{unique}.csr"));
        let mut arguments = vec!["req", "-new", "-nodes", "-subj", subject];
        arguments.extend(options);
        arguments.extend([
            "-keyout",
            key_file.to_str().unwrap(),
            "-out",
            csr_file.to_str().unwrap(),
        ]);
        let _ = run("openssl", arguments).ok();
        Self { key_file, csr_file }
    }

    /// Asks for a first certificate with a token.
    ///
    /// # Errors
    /// The gateway's refusal.
    pub fn enrol(&self, hospital: &Hospital, serial: &str, token: &str) -> Result<Enrolled, NotIssued> {
        let credentials = format!("{serial}:{token}");
        self.ask(hospital, "simpleenroll", serial, &["--user", &credentials])
    }

    /// Asks for the next certificate with the one that `pump` has.
    ///
    /// # Errors
    /// The gateway's refusal.
    pub fn renew(&self, hospital: &Hospital, pump: &Enrolled) -> Result<Enrolled, NotIssued> {
        let (certificate, key) = (
            pump.certificate_file.to_str().unwrap(),
            pump.key_file.to_str().unwrap(),
        );
        self.ask(
            hospital,
            "simplereenroll",
            &pump.serial,
            &["--cert", certificate, "--key", key],
        )
    }

    /// One EST exchange with curl, read with openssl.
    ///
    /// # Errors
    /// The gateway's refusal.
    pub fn ask(
        &self,
        hospital: &Hospital,
        operation: &str,
        serial: &str,
        options: &[&str],
    ) -> Result<Enrolled, NotIssued> {
        let der = run(
            "openssl",
            ["req", "-in", self.csr_file.to_str().unwrap(), "-outform", "DER"],
        )
        .ok()
        .stdout;
        let answer = est(hospital, operation, options, STANDARD.encode(der).as_bytes());
        let text = answer.text();
        let (body, status) = text.rsplit_once('\n').expect("body and status");
        let status = status.parse().expect("a status");
        if status != 200 {
            return Err(NotIssued {
                status,
                text: body.trim().to_owned(),
            });
        }
        let p7 = STANDARD
            .decode(body.split_whitespace().collect::<String>())
            .expect("base64");
        let pem = run_with_input("openssl", ["pkcs7", "-inform", "DER", "-print_certs"], &p7)
            .ok()
            .text();
        let certificate_file = self
            .csr_file
            .with_extension(format!("{}.pem", uuid::Uuid::new_v4().simple()));
        std::fs::write(&certificate_file, pem).unwrap();
        let subject = run(
            "openssl",
            [
                "x509",
                "-noout",
                "-subject",
                "-nameopt",
                "multiline",
                "-in",
                certificate_file.to_str().unwrap(),
            ],
        )
        .ok()
        .text();
        let id = subject
            .lines()
            .find_map(|line| line.trim().strip_prefix("commonName"))
            .expect("a common name");
        let id = id.trim_start_matches([' ', '=']).to_owned();
        Ok(Enrolled {
            id,
            serial: serial.to_owned(),
            key_file: self.key_file.clone(),
            certificate_file,
        })
    }
}

/// An EST request by curl. The last line of the output is the HTTP status.
#[must_use]
pub fn est(hospital: &Hospital, operation: &str, options: &[&str], body: &[u8]) -> Output {
    let url = format!(
        "https://{}/.well-known/est/{operation}",
        hospital.addresses().bulk
    );
    let root = hospital.root_file();
    let mut arguments = vec![
        "--silent",
        "--show-error",
        "--cacert",
        root.to_str().unwrap(),
        "--write-out",
        "\n%{http_code}",
    ];
    if !body.is_empty() {
        arguments.extend([
            "--header",
            "Content-Type: application/pkcs10",
            "--data-binary",
            "@-",
        ]);
    }
    arguments.extend(options);
    arguments.push(&url);
    run_with_input("curl", arguments, body)
}

impl Enrolled {
    /// Options by which `mosquitto_pub` and `mosquitto_sub` connect as this pump.
    #[must_use]
    pub fn mosquitto(&self, hospital: &Hospital, version: &str) -> Vec<String> {
        let mqtt = hospital.addresses().mqtt;
        [
            "-h",
            "127.0.0.1",
            "-p",
            &mqtt.port().to_string(),
            "-V",
            version,
            "--cafile",
            hospital.root_file().to_str().unwrap(),
            "--cert",
            self.certificate_file.to_str().unwrap(),
            "--key",
            self.key_file.to_str().unwrap(),
            "-i",
            &self.id,
        ]
        .map(str::to_owned)
        .to_vec()
    }

    /// A topic of this pump.
    #[must_use]
    pub fn topic(&self, rest: &str) -> String {
        format!("pumps/{}/{rest}", self.id)
    }

    /// The certificate's SHA-256 fingerprint, in hexadecimal.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let file = self.certificate_file.to_str().unwrap();
        let line = run(
            "openssl",
            ["x509", "-noout", "-fingerprint", "-sha256", "-in", file],
        )
        .ok()
        .text();
        line.trim()
            .split_once('=')
            .unwrap()
            .1
            .replace(':', "")
            .to_lowercase()
    }
}
