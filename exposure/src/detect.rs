//! Which kind of document a file is, by its own fields and not by its name.

use std::{fmt, io::Read};

use serde::{
    Deserializer,
    de::{DeserializeSeed, IgnoredAny, MapAccess, Visitor},
};

use crate::{
    feed::FeedKind,
    read::{self, Fault, Limits, Refused},
};

/// What a file can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DocumentKind {
    /// A feed, for one of the readers in [`crate::feed`].
    Feed(FeedKind),
    /// A component list, for [`crate::sbom::read`].
    ComponentList,
}

/// A field that only one kind of document has at its top.
const MARKS: [(&str, DocumentKind); 5] = [
    ("document", DocumentKind::Feed(FeedKind::Csaf)),
    ("catalogVersion", DocumentKind::Feed(FeedKind::Kev)),
    ("resultsPerPage", DocumentKind::Feed(FeedKind::Nvd)),
    ("bomFormat", DocumentKind::ComponentList),
    ("spdxVersion", DocumentKind::ComponentList),
];

impl DocumentKind {
    /// The limits for this kind.
    #[must_use]
    pub const fn limits(self) -> Limits {
        match self {
            Self::Feed(FeedKind::Csaf) => Limits::CSAF,
            Self::Feed(FeedKind::Nvd) => Limits::NVD,
            Self::Feed(FeedKind::Kev) => Limits::KEV,
            Self::ComponentList => Limits::SBOM,
        }
    }
}

/// Finds out what a file is. The reader that fits then checks everything else.
///
/// # Errors
/// [`Refused`] when it is no JSON object, is of no known kind, or bears the marks of two.
pub fn detect(name: &str, reader: impl Read, limits: Limits) -> Result<DocumentKind, Refused> {
    let refuse = |fault| Refused::new(name, "a document about vulnerabilities or components", fault);
    let found = read::json(reader, limits, Marks).map_err(refuse)?;
    match found.as_slice() {
        [(_, kind)] => Ok(*kind),
        [] => Err(refuse(Fault::Unsupported {
            what: "its kind",
            found: "unknown".to_owned(),
            supported: "CSAF 2.0, NVD API 2.0, CISA KEV, CycloneDX and SPDX, all in JSON,",
        })),
        [(one, _), (other, _), ..] => Err(refuse(Fault::Contradicts {
            detail: format!(
                "it has both `{one}` and `{other}`, which are fields of different kinds of documents"
            ),
        })),
    }
}

struct Marks;

impl<'de> DeserializeSeed<'de> for Marks {
    type Value = Vec<(&'static str, DocumentKind)>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Marks {
    type Value = Vec<(&'static str, DocumentKind)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut found: Self::Value = Vec::new();
        while let Some(key) = map.next_key::<String>()? {
            map.next_value::<IgnoredAny>()?;
            let mark = MARKS.iter().find(|(mark, _)| *mark == key);
            if let Some(mark) = mark.filter(|mark| !found.contains(mark)) {
                found.push(*mark);
            }
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_known_by_its_fields() {
        let check = |text: &str, expected: Result<DocumentKind, &str>| {
            let found = detect("f", text.as_bytes(), Limits::NVD).map_err(|error| error.fault.to_string());
            assert_eq!(found, expected.map_err(str::to_owned), "{text}");
        };
        check(
            r#"{"document":{},"vulnerabilities":[]}"#,
            Ok(DocumentKind::Feed(FeedKind::Csaf)),
        );
        check(
            r#"{"vulnerabilities":[{"cve":{}}],"resultsPerPage":1}"#,
            Ok(DocumentKind::Feed(FeedKind::Nvd)),
        );
        check(r#"{"catalogVersion":"1"}"#, Ok(DocumentKind::Feed(FeedKind::Kev)));
        check(r#"{"bomFormat":"CycloneDX"}"#, Ok(DocumentKind::ComponentList));
        check(r#"{"spdxVersion":"SPDX-2.3"}"#, Ok(DocumentKind::ComponentList));
        check(
            r#"{"x":{"document":{}}}"#,
            Err(
                "its kind is unknown, and CSAF 2.0, NVD API 2.0, CISA KEV, CycloneDX and SPDX, all in JSON, can be read",
            ),
        );
        check(
            r#"{"document":{},"bomFormat":1}"#,
            Err(
                "it has both `document` and `bomFormat`, which are fields of different kinds of documents; ask its publisher for a corrected one",
            ),
        );
        check(
            "[]",
            Err("the whole document (line 1) does not fit: invalid type: sequence, expected an object"),
        );
    }
}
