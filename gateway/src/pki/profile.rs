//! Certificate profiles: what each kind of certificate looks like, as data that an auditor can read.
//!
//! The file is `certs/profiles.toml`, built into the binary. What would make a certificate dangerous
//! (a pump's certificate that can sign, an authority without a path length) is refused when the file is read,
//! so that a slip in the data never becomes a certificate.

use chrono::TimeDelta;
use serde::Deserialize;
use thiserror::Error;

const EMBEDDED: &str = include_str!("../../../certs/profiles.toml");

/// What a key may be used for (RFC 5280, section 4.2.1.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyUsage {
    DigitalSignature,
    KeyCertSign,
    CrlSign,
}

/// What for, once more and closer (RFC 5280, section 4.2.1.12).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExtendedKeyUsage {
    ClientAuth,
    ServerAuth,
}

/// A certificate that signs others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthorityProfile {
    common_name: String,
    /// How long it is valid, from the moment it is made.
    pub life: TimeDelta,
    /// How long it issues before the next generation takes over; at most `life`.
    pub issues_for: TimeDelta,
    /// How far before that moment its validity begins.
    pub backdate: TimeDelta,
    /// How many authorities may follow below it.
    pub path_length: u8,
    /// `key_cert_sign` and `crl_sign`.
    pub key_usages: Vec<KeyUsage>,
    /// What it may sign certificates for; empty for the root.
    pub extended_key_usages: Vec<ExtendedKeyUsage>,
}

impl AuthorityProfile {
    /// The subject's common name for a generation, counted from 1.
    pub fn common_name(&self, generation: i32) -> String {
        self.common_name.replace("{generation}", &generation.to_string())
    }
}

/// A certificate that signs nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeafProfile {
    /// The subject's common name. A pump's is its id, and is not taken from here.
    pub common_name: String,
    /// How long it is valid, from the moment it is made.
    pub life: TimeDelta,
    /// How far before that moment its validity begins.
    pub backdate: TimeDelta,
    /// `digital_signature`.
    pub key_usages: Vec<KeyUsage>,
    /// Exactly one.
    pub extended_key_usages: Vec<ExtendedKeyUsage>,
    /// Whether the certificate says where its revocation list is.
    pub crl_distribution_point: bool,
}

/// Every profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profiles {
    pub root: AuthorityProfile,
    pub device_ca: AuthorityProfile,
    pub server_ca: AuthorityProfile,
    pub pump: LeafProfile,
    pub server: LeafProfile,
}

/// The profiles can not be used. The gateway does not start with them.
#[derive(Debug, Error)]
pub enum ProfileError {
    /// Not TOML, a key is missing, or one is unknown.
    #[error("reading certificate profiles (certs/profiles.toml) failed: {0}")]
    Unreadable(#[from] toml::de::Error),
    /// A value would make a dangerous or useless certificate.
    #[error("certificate profile [{profile}] in certs/profiles.toml: `{key}` must be {expected}")]
    Invalid {
        profile: &'static str,
        key: &'static str,
        expected: &'static str,
    },
}

impl Profiles {
    /// The profiles that this gateway was built with.
    ///
    /// # Errors
    /// [`ProfileError`] when the file in the source tree was edited into something dangerous; a test guards it.
    pub fn embedded() -> Result<Self, ProfileError> {
        Self::parse(EMBEDDED)
    }

    /// Reads and checks profiles.
    ///
    /// # Errors
    /// [`ProfileError`], which names profile, key and what was expected.
    pub fn parse(text: &str) -> Result<Self, ProfileError> {
        let file: File = toml::from_str(text)?;
        Ok(Self {
            root: file.root.check("root", |path_length| path_length >= 2, &[])?,
            device_ca: file.device_ca.check(
                "device_ca",
                |path_length| path_length == 0,
                &[ExtendedKeyUsage::ClientAuth],
            )?,
            server_ca: file.server_ca.check(
                "server_ca",
                |path_length| path_length == 0,
                &[ExtendedKeyUsage::ServerAuth],
            )?,
            pump: file
                .pump
                .check("pump", |name| name == "{pump}", ExtendedKeyUsage::ClientAuth)?,
            server: file.server.check(
                "server",
                |name| !name.contains(['{', '}']),
                ExtendedKeyUsage::ServerAuth,
            )?,
        })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    root: RawAuthority,
    device_ca: RawAuthority,
    server_ca: RawAuthority,
    pump: RawLeaf,
    server: RawLeaf,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawAuthority {
    common_name: String,
    life_days: u32,
    issues_for_days: u32,
    backdate_minutes: u32,
    path_length: u8,
    key_usages: Vec<KeyUsage>,
    extended_key_usages: Vec<ExtendedKeyUsage>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawLeaf {
    common_name: String,
    life_days: u32,
    backdate_minutes: u32,
    key_usages: Vec<KeyUsage>,
    extended_key_usages: Vec<ExtendedKeyUsage>,
    crl_distribution_point: bool,
}

/// The longest life of an authority, in days: 25 years.
const AUTHORITY_DAYS: u32 = 9131;
/// The longest life of a certificate that signs nothing, in days (CA/Browser Forum's old limit; ours are far below).
const LEAF_DAYS: u32 = 398;
/// The longest back-dating, in minutes: a day.
const BACKDATE_MINUTES: u32 = 24 * 60;
/// The upper bound of a common name, in characters (RFC 5280, appendix A), less ten digits for a generation.
const NAME_CHARS: usize = 54;

fn must(
    holds: bool,
    profile: &'static str,
    key: &'static str,
    expected: &'static str,
) -> Result<(), ProfileError> {
    if holds {
        Ok(())
    } else {
        Err(ProfileError::Invalid {
            profile,
            key,
            expected,
        })
    }
}

fn name_fits(name: &str) -> bool {
    !name.trim().is_empty() && name.chars().count() <= NAME_CHARS && !name.chars().any(char::is_control)
}

fn minutes(count: u32) -> TimeDelta {
    TimeDelta::minutes(i64::from(count))
}

fn days(count: u32) -> TimeDelta {
    TimeDelta::days(i64::from(count))
}

impl RawAuthority {
    fn check(
        self,
        profile: &'static str,
        path_length_fits: fn(u8) -> bool,
        extended: &[ExtendedKeyUsage],
    ) -> Result<AuthorityProfile, ProfileError> {
        let must = |holds, key, expected| must(holds, profile, key, expected);
        must(
            name_fits(&self.common_name) && self.common_name.matches("{generation}").count() == 1,
            "common_name",
            "1 to 54 characters with `{generation}` in it once, so that every generation has its own name",
        )?;
        must(
            (1..=AUTHORITY_DAYS).contains(&self.life_days),
            "life_days",
            "1 to 9131 (25 years)",
        )?;
        must(
            (1..=self.life_days).contains(&self.issues_for_days),
            "issues_for_days",
            "at least 1 and at most `life_days`",
        )?;
        must(
            self.backdate_minutes <= BACKDATE_MINUTES,
            "backdate_minutes",
            "at most 1440 (a day)",
        )?;
        must(
            path_length_fits(self.path_length),
            "path_length",
            "2 or more for the root and 0 for an issuing authority",
        )?;
        must(
            self.key_usages == [KeyUsage::KeyCertSign, KeyUsage::CrlSign],
            "key_usages",
            "[\"key_cert_sign\", \"crl_sign\"]",
        )?;
        must(
            self.extended_key_usages == extended,
            "extended_key_usages",
            "empty for the root, [\"client_auth\"] for the Device CA, [\"server_auth\"] for the Server CA",
        )?;
        Ok(AuthorityProfile {
            common_name: self.common_name,
            life: days(self.life_days),
            issues_for: days(self.issues_for_days),
            backdate: minutes(self.backdate_minutes),
            path_length: self.path_length,
            key_usages: self.key_usages,
            extended_key_usages: self.extended_key_usages,
        })
    }
}

impl RawLeaf {
    fn check(
        self,
        profile: &'static str,
        common_name_fits: fn(&str) -> bool,
        extended: ExtendedKeyUsage,
    ) -> Result<LeafProfile, ProfileError> {
        let must = |holds, key, expected| must(holds, profile, key, expected);
        must(
            name_fits(&self.common_name) && common_name_fits(&self.common_name),
            "common_name",
            "`{pump}` for a pump, and 1 to 54 characters without a placeholder for a server",
        )?;
        must((1..=LEAF_DAYS).contains(&self.life_days), "life_days", "1 to 398")?;
        must(
            self.backdate_minutes <= BACKDATE_MINUTES,
            "backdate_minutes",
            "at most 1440 (a day)",
        )?;
        must(
            self.key_usages == [KeyUsage::DigitalSignature],
            "key_usages",
            "[\"digital_signature\"]: such a certificate signs no other",
        )?;
        must(
            self.extended_key_usages == [extended],
            "extended_key_usages",
            "[\"client_auth\"] for a pump, [\"server_auth\"] for a server",
        )?;
        Ok(LeafProfile {
            common_name: self.common_name,
            life: days(self.life_days),
            backdate: minutes(self.backdate_minutes),
            key_usages: self.key_usages,
            extended_key_usages: self.extended_key_usages,
            crl_distribution_point: self.crl_distribution_point,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_profiles_are_what_was_promised() {
        let profiles = Profiles::embedded().unwrap();
        assert_eq!(profiles.root.common_name(3), "Infusion pump gateway Root R3");
        assert_eq!(profiles.root.life, TimeDelta::days(7300));
        assert_eq!(profiles.device_ca.life, TimeDelta::days(1826));
        assert_eq!(profiles.device_ca.issues_for, TimeDelta::days(1096));
        assert_eq!(profiles.pump.life, TimeDelta::days(90));
        assert_eq!(profiles.pump.backdate, TimeDelta::minutes(5));
        assert!(profiles.pump.crl_distribution_point);
        // What is issued on the last day of issuing ends before the issuer does.
        assert!(profiles.device_ca.issues_for + profiles.pump.life < profiles.device_ca.life);
        assert!(profiles.server_ca.issues_for + profiles.server.life < profiles.server_ca.life);
        assert!(profiles.root.issues_for + profiles.device_ca.life <= profiles.root.life);
    }

    #[test]
    fn a_dangerous_profile_is_refused_by_name() {
        let check = |profile: &str, from: &str, to: &str, key: &str| {
            let start = EMBEDDED.find(&format!("[{profile}]")).unwrap();
            let (before, section) = EMBEDDED.split_at(start);
            assert!(section.contains(from), "{from}");
            let error = Profiles::parse(&format!("{before}{}", section.replacen(from, to, 1))).unwrap_err();
            let text = error.to_string();
            assert!(
                text.starts_with(&format!(
                    "certificate profile [{profile}] in certs/profiles.toml: `{key}` must be "
                )),
                "{text}"
            );
        };
        check("root", "path_length = 2", "path_length = 1", "path_length");
        check("root", " R{generation}", "", "common_name");
        check("root", "life_days = 7300", "life_days = 0", "life_days");
        check(
            "root",
            "extended_key_usages = []",
            "extended_key_usages = [\"client_auth\"]",
            "extended_key_usages",
        );
        check("device_ca", "path_length = 0", "path_length = 1", "path_length");
        check(
            "device_ca",
            "[\"client_auth\"]",
            "[\"client_auth\", \"server_auth\"]",
            "extended_key_usages",
        );
        check(
            "device_ca",
            "issues_for_days = 1096",
            "issues_for_days = 1827",
            "issues_for_days",
        );
        check("server_ca", "\"crl_sign\"", "\"digital_signature\"", "key_usages");
        check(
            "pump",
            "[\"digital_signature\"]",
            "[\"digital_signature\", \"key_cert_sign\"]",
            "key_usages",
        );
        check(
            "pump",
            "[\"client_auth\"]",
            "[\"server_auth\"]",
            "extended_key_usages",
        );
        check("pump", "{pump}", "pump", "common_name");
        check(
            "pump",
            "backdate_minutes = 5",
            "backdate_minutes = 1441",
            "backdate_minutes",
        );
        check("server", "gateway", "gateway {pump}", "common_name");
        check("server", "life_days = 90", "life_days = 399", "life_days");
    }

    #[test]
    fn a_misspelt_key_is_not_ignored() {
        let text = EMBEDDED.replacen("path_length", "pathlength", 1);
        assert!(
            Profiles::parse(&text)
                .unwrap_err()
                .to_string()
                .contains("pathlength")
        );
    }
}
