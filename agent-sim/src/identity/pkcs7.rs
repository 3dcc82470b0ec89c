//! Reads the certificates out of a certs-only PKCS #7 (RFC 5652 `SignedData` without signers), as EST answers with (RFC 7030, section 4.1.3).
//!
//! A walk over five levels of DER; nothing is verified here. What may be believed is decided by the TLS channel it came through.

use base64::{Engine, prelude::BASE64_STANDARD};
use rustls_pki_types::CertificateDer;
use thiserror::Error;

/// An answer that is no certs-only PKCS #7.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Pkcs7Error {
    /// Not base64.
    #[error("the answer is not base64")]
    Base64,
    /// Not DER, or not of this structure.
    #[error("the answer is not a PKCS #7 of certificates: {0} is missing or malformed")]
    Structure(&'static str),
    /// Well-formed and empty.
    #[error("the PKCS #7 holds no certificate")]
    Empty,
}

const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const INTEGER: u8 = 0x02;
const OBJECT_IDENTIFIER: u8 = 0x06;
/// `[0]`, constructed.
const CONTEXT_0: u8 = 0xA0;
/// 1.2.840.113549.1.7.2.
const SIGNED_DATA: &[u8] = &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x07, 0x02];

/// Reads an EST answer: base64 with any white space, DER inside.
///
/// # Errors
/// [`Pkcs7Error`] that names the first part that does not fit.
pub fn certificates(base64: &[u8]) -> Result<Vec<CertificateDer<'static>>, Pkcs7Error> {
    let packed: Vec<u8> = base64
        .iter()
        .copied()
        .filter(|byte| !byte.is_ascii_whitespace())
        .collect();
    let der = BASE64_STANDARD.decode(packed).map_err(|_| Pkcs7Error::Base64)?;

    let mut outer = Der(&der);
    let mut content_info = outer.enter(SEQUENCE, "ContentInfo")?;
    if content_info.enter(OBJECT_IDENTIFIER, "contentType")?.0 != SIGNED_DATA {
        return Err(Pkcs7Error::Structure("contentType signedData"));
    }
    let mut content = content_info.enter(CONTEXT_0, "content")?;
    let mut signed_data = content.enter(SEQUENCE, "SignedData")?;
    signed_data.enter(INTEGER, "version")?;
    signed_data.enter(SET, "digestAlgorithms")?;
    signed_data.enter(SEQUENCE, "encapContentInfo")?;
    let mut set = signed_data
        .enter(CONTEXT_0, "certificates")
        .map_err(|_| Pkcs7Error::Empty)?;

    let mut found = Vec::new();
    while !set.0.is_empty() {
        found.push(CertificateDer::from(set.whole(SEQUENCE, "Certificate")?.to_vec()));
    }
    if found.is_empty() {
        return Err(Pkcs7Error::Empty);
    }
    Ok(found)
}

/// What is left to read.
struct Der<'a>(&'a [u8]);

impl<'a> Der<'a> {
    /// Takes one element of this tag and gives its contents.
    fn enter(&mut self, tag: u8, what: &'static str) -> Result<Self, Pkcs7Error> {
        self.element(tag)
            .map(|(_, contents)| Self(contents))
            .ok_or(Pkcs7Error::Structure(what))
    }

    /// Takes one element of this tag and gives all of it.
    fn whole(&mut self, tag: u8, what: &'static str) -> Result<&'a [u8], Pkcs7Error> {
        self.element(tag)
            .map(|(whole, _)| whole)
            .ok_or(Pkcs7Error::Structure(what))
    }

    fn element(&mut self, tag: u8) -> Option<(&'a [u8], &'a [u8])> {
        let (found, after_tag) = self.0.split_first()?;
        let (first, after_first) = after_tag.split_first()?;
        let (length, header) = match first {
            0..=0x7F => (usize::from(*first), 2),
            // Up to four bytes of length; 0x80 (indefinite) is BER, not DER.
            0x81..=0x84 => {
                let count = usize::from(first & 0x7F);
                let bytes = after_first.get(..count)?;
                let length = bytes.iter().fold(0, |sum, byte| (sum << 8) | usize::from(*byte));
                (length, 2 + count)
            }
            _ => return None,
        };
        if *found != tag {
            return None;
        }
        let (whole, rest) = self.0.split_at_checked(header.checked_add(length)?)?;
        self.0 = rest;
        Some((whole, whole.get(header..)?))
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use proptest::prelude::*;

    use super::*;

    /// Two certificates, and the PKCS #7 that openssl makes of them.
    fn made_by_openssl() -> (Vec<CertificateDer<'static>>, Vec<u8>) {
        let dir = tempfile::tempdir().unwrap();
        let certificates: Vec<_> = (0..2)
            .map(|_| {
                let key = super::super::new_key().unwrap();
                let params = rcgen::CertificateParams::default();
                params.self_signed(&key).unwrap()
            })
            .collect();
        let mut command = Command::new("openssl");
        command
            .current_dir(&dir)
            .args(["crl2pkcs7", "-nocrl", "-outform", "DER", "-out", "all.p7"]);
        for (index, certificate) in certificates.iter().enumerate() {
            let name = format!("{index}.pem");
            std::fs::write(dir.path().join(&name), certificate.pem()).unwrap();
            command.args(["-certfile", &name]);
        }
        assert!(command.status().unwrap().success());
        let der = std::fs::read(dir.path().join("all.p7")).unwrap();
        (certificates.iter().map(|c| c.der().clone()).collect(), der)
    }

    #[test]
    fn what_openssl_packs_is_read_back() {
        let (packed, der) = made_by_openssl();
        let base64 = BASE64_STANDARD.encode(&der);
        assert_eq!(certificates(base64.as_bytes()).unwrap(), packed);
        let lines: Vec<&str> = base64
            .as_bytes()
            .chunks(64)
            .map(|c| std::str::from_utf8(c).unwrap())
            .collect();
        assert_eq!(certificates(lines.join("\r\n").as_bytes()).unwrap(), packed);
        // Cut anywhere, it is refused and nothing panics.
        for end in 0..der.len() {
            assert!(
                certificates(BASE64_STANDARD.encode(&der[..end]).as_bytes()).is_err(),
                "{end}"
            );
        }
    }

    #[test]
    fn other_things_are_named() {
        let check = |body: &[u8], expected| assert_eq!(certificates(body), Err(expected));
        check(b"<html>", Pkcs7Error::Base64);
        check(b"", Pkcs7Error::Structure("ContentInfo"));
        check(b"MAA=", Pkcs7Error::Structure("contentType"));
        // SignedData without certificates.
        let empty = [
            0x30, 0x23, 0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x07, 0x02, 0xA0, 0x16, 0x30,
            0x14, 0x02, 0x01, 0x01, 0x31, 0x00, 0x30, 0x0B, 0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D,
            0x01, 0x07, 0x01, 0x31, 0x00,
        ];
        check(BASE64_STANDARD.encode(empty).as_bytes(), Pkcs7Error::Empty);
    }

    proptest! {
        #[test]
        fn nothing_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = certificates(BASE64_STANDARD.encode(&bytes).as_bytes());
            let _ = certificates(&bytes);
        }
    }
}
