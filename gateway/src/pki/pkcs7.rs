//! Certificates in a certs-only PKCS#7: a `SignedData` without signers (RFC 5652, section 5; RFC 7030, section 4.1.3).
//!
//! The envelope has seven fixed parts around the certificates, so it is written here by hand: a message
//! syntax library would be a hundred times the code.

use base64::{Engine, engine::general_purpose::STANDARD};

const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
/// `[0]`, constructed.
const CONTEXT_0: u8 = 0xa0;
/// 1.2.840.113549.1.7.2, signedData.
const SIGNED_DATA: [u8; 11] = [0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02];
/// 1.2.840.113549.1.7.1, data.
const DATA: [u8; 11] = [0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x01];
/// `SignedData` version 1: there are only X.509 certificates in it.
const VERSION_1: [u8; 3] = [0x02, 0x01, 0x01];
/// The line length of base64 in MIME (RFC 2045, section 6.8).
const LINE: usize = 76;

/// The envelope as DER. Certificates that come twice are in it once.
pub fn certs_only<C: AsRef<[u8]>>(certificates: impl IntoIterator<Item = C>) -> Vec<u8> {
    let mut certificates: Vec<Vec<u8>> = certificates
        .into_iter()
        .map(|der| der.as_ref().to_vec())
        .collect();
    // DER orders a SET OF by the encoding of its elements (X.690, section 11.6).
    certificates.sort();
    certificates.dedup();
    let signed_data = tlv(
        SEQUENCE,
        &[
            &VERSION_1[..],
            &tlv(SET, &[]),
            &tlv(SEQUENCE, &[&DATA]),
            &tlv(CONTEXT_0, &[&certificates.concat()]),
            &tlv(SET, &[]),
        ],
    );
    tlv(SEQUENCE, &[&SIGNED_DATA, &tlv(CONTEXT_0, &[&signed_data])])
}

/// The envelope as the body of an EST answer: base64 in lines that end in CRLF.
pub fn certs_only_base64<C: AsRef<[u8]>>(certificates: impl IntoIterator<Item = C>) -> String {
    let encoded = STANDARD.encode(certs_only(certificates));
    let mut body = String::with_capacity(encoded.len() + encoded.len() / LINE * 2 + 2);
    let mut rest = encoded.as_str();
    while !rest.is_empty() {
        // Base64 is ASCII: every offset is a character boundary.
        let (line, tail) = rest.split_at_checked(LINE).unwrap_or((rest, ""));
        body.push_str(line);
        body.push_str("\r\n");
        rest = tail;
    }
    body
}

fn tlv(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let mut out = vec![tag];
    let length = content.len().to_be_bytes();
    let significant: Vec<u8> = length.into_iter().skip_while(|byte| *byte == 0).collect();
    if content.len() >= 0x80 {
        // The long form: first how many bytes the length has, of which there are at most eight.
        out.push(significant.iter().fold(0x80, |count, _| count + 1));
    } else if significant.is_empty() {
        out.push(0);
    }
    out.extend(significant);
    out.extend(content);
    out
}

#[cfg(test)]
mod tests {
    use super::{
        super::testing::{World, openssl},
        *,
    };

    #[test]
    fn lengths_are_written_the_shortest_way() {
        let check = |length: usize, expected: &[u8]| {
            let written = tlv(0x04, &[&vec![0; length]]);
            assert_eq!(&written[1..written.len() - length], expected, "{length}");
        };
        check(0, &[0]);
        check(127, &[127]);
        check(128, &[0x81, 128]);
        check(255, &[0x81, 255]);
        check(256, &[0x82, 1, 0]);
        check(65_536, &[0x83, 1, 0, 0]);
    }

    #[test]
    fn openssl_reads_every_certificate_out_of_the_envelope() {
        let world = World::new();
        let all = [
            &world.root.der,
            &world.device.der,
            &world.server.der,
            &world.root.der,
        ];
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("p7.der");
        std::fs::write(&file, certs_only(all)).unwrap();
        let text = openssl(
            &[
                "pkcs7",
                "-inform",
                "DER",
                "-print_certs",
                "-in",
                file.to_str().unwrap(),
            ],
            b"",
        );
        assert_eq!(text.matches("-----BEGIN CERTIFICATE-----").count(), 3);
        for name in ["Root R1", "Device CA D1", "Server CA S1"] {
            assert!(
                text.contains(&format!("CN = Infusion pump gateway {name}")),
                "{text}"
            );
        }

        let body = certs_only_base64([&world.device.der]);
        assert!(body.lines().all(|line| line.len() <= LINE) && body.ends_with("\r\n"));
        let pem = format!("-----BEGIN PKCS7-----\n{body}-----END PKCS7-----\n");
        let text = openssl(&["pkcs7", "-print_certs"], pem.as_bytes());
        assert_eq!(text.matches("-----BEGIN CERTIFICATE-----").count(), 1);
    }
}
