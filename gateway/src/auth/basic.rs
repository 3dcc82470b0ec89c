//! A name and a password in an `Authorization` header (RFC 7617). Accepted in one place only: where a token is made.

use std::fmt;

use base64::{Engine, engine::general_purpose::STANDARD};
use fleet::text::Name;
use secrecy::{SecretString, zeroize::Zeroizing};

use super::password;

/// Who says to be whom, unproved.
pub struct Credentials {
    /// The account's name.
    pub name: Name,
    /// The password as it was typed.
    pub password: SecretString,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// Four bytes a character is the widest that UTF-8 gets.
const MAX_DECODED: usize = 4 * (Name::MAX + password::MAX) + 1;

/// Reads the header's value. Nothing comes of any other scheme, of a name that no account can have, or of a
/// password that is longer than any we store: the caller can not tell these apart, and so neither can a guesser.
#[must_use]
pub fn read(header: &str) -> Option<Credentials> {
    let encoded = scheme(header, "Basic")?;
    if encoded.len() > MAX_DECODED.div_ceil(3) * 4 {
        return None;
    }
    let decoded = Zeroizing::new(STANDARD.decode(encoded).ok()?);
    let (name, password) = std::str::from_utf8(&decoded).ok()?.split_once(':')?;
    if password.chars().count() > password::MAX {
        return None;
    }
    Some(Credentials {
        name: Name::new(name).ok()?,
        password: SecretString::from(password),
    })
}

/// What follows the name of an authentication scheme, which is written in any case (RFC 9110, section 11.1).
pub(super) fn scheme<'a>(header: &'a str, name: &str) -> Option<&'a str> {
    let (scheme, rest) = header.split_once(' ')?;
    scheme.eq_ignore_ascii_case(name).then(|| rest.trim())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use secrecy::ExposeSecret;

    use super::*;

    fn header(text: &str) -> String {
        format!("Basic {}", STANDARD.encode(text))
    }

    #[test]
    fn a_name_ends_at_the_first_colon() {
        let check = |text: &str, expected: Option<(&str, &str)>| {
            let read = read(&header(text));
            let got = read
                .as_ref()
                .map(|c| (c.name.as_str(), c.password.expose_secret()));
            assert_eq!(got, expected, "{text}");
        };
        check("admin:secret", Some(("admin", "secret")));
        check("admin:pass:word", Some(("admin", "pass:word")));
        check("Zoë:p\u{e4}ss 💉", Some(("Zoë", "p\u{e4}ss 💉")));
        check("admin:", Some(("admin", "")));
        check("admin", None);
        check(":secret", None);
        check("ad\u{7}min:secret", None);
        check(&format!("admin:{}", "x".repeat(password::MAX + 1)), None);
    }

    #[test]
    fn what_is_debugged_holds_no_password() {
        let credentials = read(&header("admin:hunter2hunter2")).unwrap();
        assert!(!format!("{credentials:?}").contains("hunter2"));
    }

    proptest! {
        #[test]
        fn nothing_panics(header in "(?i:basic )?\\PC{0,80}") {
            let _ = read(&header);
        }
    }
}
