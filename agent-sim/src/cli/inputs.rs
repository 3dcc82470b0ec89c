//! What a person hands over at the command line: tokens, and the manufacturers' roots.

use std::{
    collections::HashMap,
    convert::Infallible,
    path::{Path, PathBuf},
    str::FromStr,
};

use super::CliError;

/// The root that a manufacturer's pumps are made with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TufRoot {
    /// None is every one that has no root of its own.
    manufacturer: Option<String>,
    path: PathBuf,
}

impl FromStr for TufRoot {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text.split_once('=') {
            Some((manufacturer, path)) => Self {
                manufacturer: Some(manufacturer.trim().to_owned()),
                path: path.into(),
            },
            None => Self {
                manufacturer: None,
                path: text.into(),
            },
        })
    }
}

impl TufRoot {
    pub(super) fn of(roots: &[Self], manufacturer: &str) -> Option<PathBuf> {
        let named = |root: &&Self| root.manufacturer.as_deref() == Some(manufacturer);
        roots
            .iter()
            .find(named)
            .or_else(|| roots.iter().find(|root| root.manufacturer.is_none()))
            .map(|root| root.path.clone())
    }
}

/// One-time tokens by serial number: `serial,token` per line, or any columns under a header that names `serial` and `token`
/// or `secret`, as `gateway enrol batch` writes. Empty lines and a byte order mark are passed over. An error never shows a token.
pub(super) fn read_tokens(path: &Path, text: &str) -> Result<HashMap<String, String>, CliError> {
    let mut tokens = HashMap::new();
    let mut columns = (0, 1);
    for (number, line) in text.trim_start_matches('\u{FEFF}').lines().enumerate() {
        let line = line.trim();
        let named = |wanted: &[&str]| {
            cells(line)
                .iter()
                .position(|cell| wanted.contains(&cell.as_str()))
        };
        if number == 0
            && let (Some(serial), Some(token)) = (named(&["serial"]), named(&["token", "secret"]))
        {
            columns = (serial, token);
            continue;
        }
        if line.is_empty() {
            continue;
        }
        let problem = |problem| CliError::Tokens {
            path: path.to_owned(),
            line: number + 1,
            problem,
        };
        let mut row = cells(line);
        let mut take = |column: usize| {
            row.get_mut(column)
                .map(std::mem::take)
                .filter(|cell| !cell.is_empty())
        };
        let (Some(serial), Some(token)) = (take(columns.0), take(columns.1)) else {
            return Err(problem("expected a serial number, a comma and a token"));
        };
        if tokens.insert(serial, token).is_some() {
            return Err(problem("this serial number has a token on an earlier line"));
        }
    }
    Ok(tokens)
}

/// The cells of a CSV line. Quotes may hold commas, and doubled quotes.
fn cells(line: &str) -> Vec<String> {
    let mut cells = vec![String::new()];
    let mut quoted = false;
    let mut characters = line.chars().peekable();
    while let Some(character) = characters.next() {
        match (character, cells.last_mut()) {
            ('"', Some(cell)) if quoted && characters.peek() == Some(&'"') => {
                characters.next();
                cell.push('"');
            }
            ('"', _) => quoted = !quoted,
            (',', _) if !quoted => cells.push(String::new()),
            (other, Some(cell)) => cell.push(other),
            (_, None) => {}
        }
    }
    cells.iter().map(|cell| cell.trim().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_read_and_mistakes_named_without_showing_one() {
        let path = Path::new("tokens.csv");
        let read = read_tokens(path, "\u{FEFF}serial,token\r\nAX1,abc\r\n\r\n\"AX2\",\"d,e\"\r\n").unwrap();
        assert_eq!(read.get("AX1").map(String::as_str), Some("abc"));
        assert_eq!(read.get("AX2").map(String::as_str), Some("d,e"));
        // As the gateway writes them.
        let batch = "serial,manufacturer,model,secret,expires_at\nAX1,Arden,\"AX-1, LVP\",C9Z0-PE78,2026-11-25T07:54:25Z\n";
        let read = read_tokens(path, batch).unwrap();
        assert_eq!(read.get("AX1").map(String::as_str), Some("C9Z0-PE78"));
        let check = |text: &str, expected: &str| {
            assert_eq!(read_tokens(path, text).unwrap_err().to_string(), expected);
        };
        check(
            "AX1,abc\nAX2;secret",
            "tokens.csv line 2: expected a serial number, a comma and a token",
        );
        check(
            "AX1,abc\nAX1,secret",
            "tokens.csv line 2: this serial number has a token on an earlier line",
        );
    }

    #[test]
    fn a_root_is_for_one_manufacturer_or_for_all_others() {
        let roots = ["all.json", "Arden Medical=arden.json"].map(|text| text.parse::<TufRoot>().unwrap());
        let check = |manufacturer: &str, file: &str| {
            assert_eq!(
                TufRoot::of(&roots, manufacturer),
                Some(file.into()),
                "{manufacturer}"
            );
        };
        check("Arden Medical", "arden.json");
        check("Nordvik Infusion", "all.json");
        assert_eq!(TufRoot::of(&roots[1..], "Nordvik Infusion"), None);
    }
}
