//! Package URLs (`pkg:type/namespace/name@version?qualifiers#subpath`), as far as matching needs them.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A package URL. Names compare without regard to case: of the registries that distinguish it, none lets two packages
/// differ in nothing else that matters here.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Purl {
    /// The kind of registry: `nuget`, `npm`, `deb`; in lower case.
    pub kind: String,
    /// A group or an owner within the registry.
    pub namespace: Option<String>,
    pub name: String,
    pub version: Option<String>,
    text: String,
}

/// Not a package URL.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{given}` is not a package URL: {why}")]
pub struct PurlError {
    given: String,
    why: &'static str,
}

impl Purl {
    /// The longest URL that is read.
    pub const MAX: usize = 1_000;

    /// The URL as it was given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether both name one package, of whichever version.
    #[must_use]
    pub fn same_package(&self, other: &Self) -> bool {
        let fold = |text: &Option<String>| text.as_deref().unwrap_or_default().to_lowercase();
        self.kind == other.kind
            && self.name.to_lowercase() == other.name.to_lowercase()
            && fold(&self.namespace) == fold(&other.namespace)
    }
}

impl FromStr for Purl {
    type Err = PurlError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = |why| PurlError {
            given: crate::read::clip(text, 120),
            why,
        };
        if text.len() > Self::MAX {
            return Err(error("it is longer than 1000 bytes"));
        }
        let rest = text
            .strip_prefix("pkg:")
            .ok_or_else(|| error("it does not begin with `pkg:`"))?;
        let rest = rest.split('#').next().unwrap_or_default();
        let rest = rest.split('?').next().unwrap_or_default().trim_matches('/');
        let (kind, rest) = rest.split_once('/').ok_or_else(|| error("it has no name"))?;
        // The version's `@` comes after the last slash; an npm scope may begin with one that is not escaped.
        let (path, version) = match (rest.rfind('@'), rest.rfind('/')) {
            (Some(at), slash) if at > slash.map_or(0, |slash| slash + 1) => {
                let (path, version) = rest.split_at(at);
                (
                    path,
                    version.strip_prefix('@').filter(|version| !version.is_empty()),
                )
            }
            _ => (rest, None),
        };
        let (namespace, name) = match path.trim_end_matches('/').rsplit_once('/') {
            Some((namespace, name)) => (Some(namespace), name),
            None => (None, path),
        };
        let plain = |field: &str| percent_decode(field).ok_or_else(|| error("it is not escaped correctly"));
        let is_kind = |kind: &str| {
            kind.starts_with(|c: char| c.is_ascii_alphabetic())
                && kind
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'+' | b'-'))
        };
        if !is_kind(kind) || name.is_empty() {
            return Err(error("its type or its name is missing"));
        }
        Ok(Self {
            kind: kind.to_ascii_lowercase(),
            namespace: namespace.map(plain).transpose()?,
            name: plain(name)?,
            version: version.map(plain).transpose()?,
            text: text.to_owned(),
        })
    }
}

/// Decodes `%2b`; `None` when an escape is cut off or what comes out is not UTF-8.
pub(super) fn percent_decode(text: &str) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let mut digit = || bytes.next().and_then(|byte| char::from(byte).to_digit(16));
            out.push(u8::try_from(digit()? * 16 + digit()?).ok()?);
        } else {
            out.push(byte);
        }
    }
    String::from_utf8(out).ok()
}

impl TryFrom<String> for Purl {
    type Error = PurlError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Purl> for String {
    fn from(purl: Purl) -> Self {
        purl.text
    }
}

impl fmt::Display for Purl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_read() {
        let check = |text: &str, expected: (&str, Option<&str>, &str, Option<&str>)| {
            let purl: Purl = text.parse().unwrap();
            let read = (
                purl.kind.as_str(),
                purl.namespace.as_deref(),
                purl.name.as_str(),
                purl.version.as_deref(),
            );
            assert_eq!(read, expected);
            assert_eq!(purl.to_string(), text);
        };
        check(
            "pkg:nuget/log4net@2.0.8",
            ("nuget", None, "log4net", Some("2.0.8")),
        );
        check(
            "pkg:github/wolfssl/wolfssl",
            ("github", Some("wolfssl"), "wolfssl", None),
        );
        check(
            "pkg:npm/%40angular/core@17.0.0?x=1#y",
            ("npm", Some("@angular"), "core", Some("17.0.0")),
        );
        check("pkg:npm/@angular/core", ("npm", Some("@angular"), "core", None));
        check(
            "pkg:deb/debian/curl@7.50.3-1%2bdeb9u1",
            ("deb", Some("debian"), "curl", Some("7.50.3-1+deb9u1")),
        );
        check("pkg:generic/a@", ("generic", None, "a", None));
    }

    #[test]
    fn what_is_no_url_is_refused() {
        for text in [
            "",
            "log4net",
            "pkg:",
            "pkg:nuget",
            "pkg:nuget/",
            "pkg:/a",
            "pkg:n_t/a",
            "pkg:nuget/a%4",
            "pkg:nuget/%ff",
        ] {
            assert!(text.parse::<Purl>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_package_is_the_same_in_any_version_and_case() {
        let same =
            |one: &str, other: &str| one.parse::<Purl>().unwrap().same_package(&other.parse().unwrap());
        assert!(same("pkg:nuget/jQuery@3.1.1", "pkg:nuget/jquery@3.5.0"));
        assert!(!same("pkg:nuget/jQuery", "pkg:npm/jquery"));
        assert!(!same("pkg:github/a/c", "pkg:github/b/c"));
    }
}
