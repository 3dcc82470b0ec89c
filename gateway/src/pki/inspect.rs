//! What a certificate says that somebody presents. Nothing is believed here: the chain is checked by [`super::tls`],
//! the registry by the gate.

use chrono::DateTime;
use fleet::{
    Timestamp,
    certificate::{Fingerprint, PresentedCertificate},
    id::PumpId,
    text::SerialNumber,
};
use sha2::{Digest, Sha256};
use thiserror::Error;
use x509_parser::{
    certificate::X509Certificate,
    extensions::{ExtendedKeyUsage, GeneralName},
    oid_registry::OID_X509_SERIALNUMBER,
    prelude::FromDer,
    time::ASN1Time,
    x509::X509Version,
};

/// Why a certificate can not be used at all.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum InspectError {
    /// Not one X.509 certificate, or one that contradicts itself.
    #[error("the certificate can not be read ({what}); present an X.509 certificate in DER")]
    Malformed { what: &'static str },
    /// Versions 1 and 2 know no extensions.
    #[error("the certificate is of X.509 version {found}; version 3 is needed")]
    Version { found: u32 },
    /// A factory certificate without the one thing it is asked for.
    #[error(
        "the factory certificate does not name a serial number once in its subject (IEEE 802.1AR, section 8.6)"
    )]
    NoSerialNumber,
}

/// SHA-256 of a whole certificate: the key of the registry.
pub fn fingerprint(der: &[u8]) -> Fingerprint {
    Fingerprint::from_digest(Sha256::digest(der).into())
}

/// What a peer's certificate says, for [`fleet::certificate::admit`].
///
/// Strict where two readers could disagree: a subject with two common names names nobody, an alternative name next to
/// the pump's URN names nobody, and a UUID counts only in the spelling that we issue (an external broker compares text).
///
/// # Errors
/// [`InspectError`] when it is not one well-formed certificate of version 3.
pub fn presented(der: &[u8]) -> Result<PresentedCertificate, InspectError> {
    let certificate = parse(der)?;
    let mut names = certificate.subject().iter_common_name();
    let subject_pump = match (names.next(), names.next()) {
        (Some(name), None) => name.as_str().ok().and_then(pump_id),
        _ => None,
    };
    let alternatives = certificate
        .subject_alternative_name()
        .map_err(|_| malformed("subject alternative name"))?;
    let san_pump = match alternatives.map(|san| san.value.general_names.as_slice()) {
        Some([GeneralName::URI(uri)]) => uri.strip_prefix("urn:uuid:").and_then(pump_id),
        _ => None,
    };
    let usage = certificate
        .extended_key_usage()
        .map_err(|_| malformed("extended key usage"))?;
    let validity = certificate.validity();
    Ok(PresentedCertificate {
        subject_pump,
        san_pump,
        client_auth_only: usage.is_some_and(|usage| is_client_auth_only(usage.value)),
        not_before: timestamp(validity.not_before)?,
        not_after: timestamp(validity.not_after)?,
    })
}

/// The serial number in a manufacturer's device certificate (an `IDevID`'s `serialNumber` attribute, IEEE 802.1AR section 8.6).
///
/// # Errors
/// [`InspectError`] when there is none, more than one, or one that is not a serial number.
pub fn factory_serial(der: &[u8]) -> Result<SerialNumber, InspectError> {
    let certificate = parse(der)?;
    let mut serials = certificate.subject().iter_by_oid(&OID_X509_SERIALNUMBER);
    match (serials.next(), serials.next()) {
        (Some(serial), None) => serial
            .as_str()
            .ok()
            .and_then(|text| SerialNumber::new(text).ok())
            .ok_or(InspectError::NoSerialNumber),
        _ => Err(InspectError::NoSerialNumber),
    }
}

/// The subject for people to read: `O=County General, CN=…`.
///
/// # Errors
/// [`InspectError`] when it is not a certificate of version 3.
pub fn subject(der: &[u8]) -> Result<String, InspectError> {
    Ok(parse(der)?.subject().to_string())
}

/// The end of a certificate's validity.
///
/// # Errors
/// [`InspectError`] when it is not a certificate of version 3.
pub fn not_after(der: &[u8]) -> Result<Timestamp, InspectError> {
    timestamp(parse(der)?.validity().not_after)
}

/// Exactly clientAuth: nothing else, and not "any".
pub(super) fn is_client_auth_only(usage: &ExtendedKeyUsage<'_>) -> bool {
    let ExtendedKeyUsage {
        any,
        server_auth,
        client_auth,
        code_signing,
        email_protection,
        time_stamping,
        ocsp_signing,
        other,
    } = usage;
    *client_auth
        && !(*any || *server_auth || *code_signing || *email_protection || *time_stamping || *ocsp_signing)
        && other.is_empty()
}

pub(super) fn parse(der: &[u8]) -> Result<X509Certificate<'_>, InspectError> {
    let (rest, certificate) = X509Certificate::from_der(der).map_err(|_| malformed("not a certificate"))?;
    if !rest.is_empty() {
        return Err(malformed("something follows it"));
    }
    match certificate.version() {
        X509Version::V3 => Ok(certificate),
        X509Version(other) => Err(InspectError::Version {
            found: other.saturating_add(1),
        }),
    }
}

pub(super) fn timestamp(time: ASN1Time) -> Result<Timestamp, InspectError> {
    DateTime::from_timestamp(time.timestamp(), 0).ok_or_else(|| malformed("validity"))
}

const fn malformed(what: &'static str) -> InspectError {
    InspectError::Malformed { what }
}

fn pump_id(text: &str) -> Option<PumpId> {
    text.parse::<PumpId>()
        .ok()
        .filter(|pump| pump.to_string() == text)
}

#[cfg(test)]
mod tests {
    use rcgen::{CustomExtension, DnType, ExtendedKeyUsagePurpose as Eku, SanType};

    use super::{
        super::testing::{World, forged_params, pump},
        *,
    };

    #[test]
    fn a_pumps_certificate_says_who_it_is() {
        let world = World::new();
        let (issued, _) = world.pump(1);
        let presented = presented(&issued.der).unwrap();
        assert_eq!(presented.subject_pump, Some(pump(1)));
        assert_eq!(presented.san_pump, Some(pump(1)));
        assert!(presented.client_auth_only);
        assert_eq!(
            (presented.not_before, presented.not_after),
            (issued.not_before, issued.not_after)
        );
        assert_eq!(not_after(&issued.der), Ok(issued.not_after));
        assert_eq!(fingerprint(&issued.der), issued.fingerprint);
        assert_eq!(
            subject(&world.device.der).unwrap(),
            "O=County General, CN=Infusion pump gateway Device CA D1"
        );
    }

    #[test]
    fn a_name_that_two_readers_could_read_differently_names_nobody() {
        let world = World::new();
        let check = |change: fn(&mut rcgen::CertificateParams), subject: bool, san: bool, client: bool| {
            let mut params = forged_params(pump(1));
            change(&mut params);
            let (der, _) = world.forge(&params);
            let read = presented(&der).unwrap();
            assert_eq!(
                (
                    read.subject_pump.is_some(),
                    read.san_pump.is_some(),
                    read.client_auth_only
                ),
                (subject, san, client)
            );
        };
        check(|_| (), true, true, true);
        check(
            |p| p.distinguished_name.push(DnType::CommonName, "pump"),
            false,
            true,
            true,
        );
        check(
            |p| {
                p.distinguished_name
                    .push(DnType::CommonName, pump(1).to_string().replace('-', ""));
            },
            false,
            true,
            true,
        );
        check(
            |p| {
                assert!(p.distinguished_name.remove(DnType::CommonName));
            },
            false,
            true,
            true,
        );
        check(|p| p.subject_alt_names.clear(), true, false, true);
        check(
            |p| {
                p.subject_alt_names
                    .push(SanType::DnsName("pump.example".try_into().unwrap()));
            },
            true,
            false,
            true,
        );
        check(
            |p| p.subject_alt_names = vec![SanType::URI("urn:uuid:no".try_into().unwrap())],
            true,
            false,
            true,
        );
        check(|p| p.extended_key_usages.clear(), true, true, false);
        check(
            |p| p.extended_key_usages = vec![Eku::ServerAuth],
            true,
            true,
            false,
        );
        check(|p| p.extended_key_usages.push(Eku::ServerAuth), true, true, false);
        check(|p| p.extended_key_usages = vec![Eku::Any], true, true, false);
        check(
            |p| p.extended_key_usages.push(Eku::Other(vec![1, 2, 3])),
            true,
            true,
            false,
        );
    }

    #[test]
    fn what_is_not_one_certificate_is_refused() {
        let world = World::new();
        let mut der = world.pump(1).0.der;
        assert!(matches!(presented(b"pump"), Err(InspectError::Malformed { .. })));
        assert!(matches!(
            presented(&der[..der.len() - 1]),
            Err(InspectError::Malformed { .. })
        ));
        der.push(0);
        assert!(matches!(presented(&der), Err(InspectError::Malformed { .. })));

        // Two extensions of one kind: which one counts?
        let mut params = forged_params(pump(1));
        let server_auth = [0x30, 0x0a, 0x06, 0x08, 0x2b, 6, 1, 5, 5, 7, 3, 1];
        params.custom_extensions.push(CustomExtension::from_oid_content(
            &[2, 5, 29, 37],
            server_auth.to_vec(),
        ));
        assert!(matches!(
            presented(&world.forge(&params).0),
            Err(InspectError::Malformed { .. })
        ));
    }

    #[test]
    fn a_factory_certificate_names_one_serial_number() {
        let world = World::new();
        let check = |change: fn(&mut rcgen::DistinguishedName), expected: Option<&str>| {
            let mut params = forged_params(pump(1));
            params.not_before = rcgen::date_time_ymd(2020, 1, 1);
            change(&mut params.distinguished_name);
            let read = factory_serial(&world.forge(&params).0);
            assert_eq!(read.as_ref().ok().map(SerialNumber::as_str), expected);
        };
        check(|_| (), None);
        check(
            |dn| dn.push(DnType::CustomDnType(vec![2, 5, 4, 5]), "SN 42"),
            Some("SN 42"),
        );
        check(|dn| dn.push(DnType::CustomDnType(vec![2, 5, 4, 5]), ""), None);
        check(
            |dn| dn.push(DnType::CustomDnType(vec![2, 5, 4, 5]), "A\u{202E}B"),
            None,
        );
    }
}
