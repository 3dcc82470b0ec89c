//! Passwords that were in a breach: a file that the hospital brings, never a question to anybody outside.
//!
//! The form is the one in which Pwned Passwords is downloaded "ordered by hash": a line is the SHA-1 of a password in 40
//! hexadecimal digits, a colon and a count, and the lines are in order. The file has tens of gigabytes, so it is searched by
//! halving: some forty short reads.

use std::{
    fs::File,
    io::{BufRead, BufReader, Seek, SeekFrom},
    path::{Path, PathBuf},
};

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use secrecy::{ExposeSecret, SecretString};
use thiserror::Error;

/// Hexadecimal digits of a SHA-1.
const DIGITS: usize = 40;
/// No line is longer, in bytes.
const LINE_MAX: u64 = 80;
/// So many places of the file are looked at when it is opened.
const SAMPLES: u64 = 64;

/// What is wrong with the file.
#[derive(Debug, Error)]
pub enum BreachedProblem {
    /// It could not be read.
    #[error("reading the list of breached passwords {}: {source}", .path.display())]
    Io { path: PathBuf, source: std::io::Error },
    /// A line that is none.
    #[error(
        "{} is no list of breached passwords: near byte {at} there is no line of 40 hexadecimal digits, a colon and a count",
        .path.display()
    )]
    NotAList { path: PathBuf, at: u64 },
    /// It can not be searched.
    #[error("{} is not ordered by hash: see near byte {at}; download it in that order", .path.display())]
    NotInOrder { path: PathBuf, at: u64 },
}

/// A list that was looked at and found fit.
#[derive(Debug)]
pub struct BreachedPasswords {
    path: PathBuf,
}

/// A line: where it begins, where the next one does, and its hash.
struct Line {
    next: u64,
    hash: String,
}

impl BreachedPasswords {
    /// Opens a list, and looks at some places of it.
    ///
    /// # Errors
    /// [`BreachedProblem`].
    pub fn open(path: &Path) -> Result<Self, BreachedProblem> {
        let list = Self {
            path: path.to_owned(),
        };
        let (mut reader, length) = list.reader()?;
        if length == 0 {
            return Err(list.not_a_list(0));
        }
        let mut before = String::new();
        for sample in 0..SAMPLES {
            let at = length / SAMPLES * sample;
            if let Some(line) = list.line_behind(&mut reader, at)? {
                if line.hash < before {
                    return Err(BreachedProblem::NotInOrder { path: list.path, at });
                }
                before = line.hash;
            }
        }
        Ok(list)
    }

    /// Whether a password is in the list.
    ///
    /// # Errors
    /// [`BreachedProblem`] when the file changed or can not be read any more.
    pub fn contains(&self, password: &SecretString) -> Result<bool, BreachedProblem> {
        let hash = digest(&SHA1_FOR_LEGACY_USE_ONLY, password.expose_secret().as_bytes());
        let wanted = hex::encode_upper(hash);
        let (mut reader, length) = self.reader()?;
        // The first line that is not below the wanted one begins in low..high, or there is none.
        let (mut low, mut high) = (0, length);
        while low < high {
            let middle = low + (high - low) / 2;
            match self.line_behind(&mut reader, middle)? {
                Some(line) if line.hash == wanted => return Ok(true),
                Some(line) if line.hash < wanted => low = line.next.max(middle + 1),
                Some(_) | None => high = middle,
            }
        }
        Ok(false)
    }

    fn reader(&self) -> Result<(BufReader<File>, u64), BreachedProblem> {
        let file = File::open(&self.path).map_err(|source| self.io(source))?;
        let length = file.metadata().map_err(|source| self.io(source))?.len();
        Ok((BufReader::with_capacity(256, file), length))
    }

    /// The first line that begins at or behind a place; nothing when there is none.
    fn line_behind(&self, reader: &mut BufReader<File>, at: u64) -> Result<Option<Line>, BreachedProblem> {
        let mut begins = at;
        if at > 0 {
            // A line begins here if the byte before is a line feed; else behind the next one.
            begins = at - 1;
            reader
                .seek(SeekFrom::Start(begins))
                .map_err(|source| self.io(source))?;
            begins += self.read(reader, begins)?.len() as u64;
        } else {
            reader.rewind().map_err(|source| self.io(source))?;
        }
        let line = self.read(reader, begins)?;
        if line.is_empty() {
            return Ok(None);
        }
        let text = std::str::from_utf8(&line).map_err(|_| self.not_a_list(begins))?;
        let hash = text
            .trim_end()
            .split_once(':')
            .filter(|(hash, count)| {
                hash.len() == DIGITS
                    && hash.bytes().all(|b| b.is_ascii_hexdigit())
                    && !count.is_empty()
                    && count.bytes().all(|b| b.is_ascii_digit())
            })
            .map(|(hash, _)| hash.to_ascii_uppercase())
            .ok_or_else(|| self.not_a_list(begins))?;
        Ok(Some(Line {
            next: begins + line.len() as u64,
            hash,
        }))
    }

    fn read(&self, reader: &mut BufReader<File>, at: u64) -> Result<Vec<u8>, BreachedProblem> {
        let mut line = Vec::new();
        std::io::Read::take(&mut *reader, LINE_MAX)
            .read_until(b'\n', &mut line)
            .map_err(|source| self.io(source))?;
        if line.len() as u64 == LINE_MAX {
            return Err(self.not_a_list(at));
        }
        Ok(line)
    }

    fn io(&self, source: std::io::Error) -> BreachedProblem {
        BreachedProblem::Io {
            path: self.path.clone(),
            source,
        }
    }

    fn not_a_list(&self, at: u64) -> BreachedProblem {
        BreachedProblem::NotAList {
            path: self.path.clone(),
            at,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use super::*;

    fn hash(password: &str) -> String {
        hex::encode_upper(digest(&SHA1_FOR_LEGACY_USE_ONLY, password.as_bytes()))
    }

    fn file(lines: &[String], end: &str) -> tempfile::NamedTempFile {
        let mut text = String::new();
        for line in lines {
            write!(text, "{line}:3{end}").unwrap();
        }
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        file
    }

    #[test]
    fn every_password_of_the_list_is_found_and_no_other() {
        for end in ["\n", "\r\n"] {
            for count in [1, 2, 3, 500] {
                let passwords: Vec<_> = (0..count).map(|n| format!("password {n}")).collect();
                let mut hashes: Vec<_> = passwords.iter().map(|one| hash(one)).collect();
                hashes.sort();
                let file = file(&hashes, end);
                let list = BreachedPasswords::open(file.path()).unwrap();
                for password in &passwords {
                    assert!(
                        list.contains(&SecretString::from(password.as_str())).unwrap(),
                        "{password}"
                    );
                }
                for n in 0..200 {
                    let other = SecretString::from(format!("another {n}"));
                    assert!(!list.contains(&other).unwrap());
                }
            }
        }
    }

    #[test]
    fn what_is_no_list_is_refused_when_it_is_opened() {
        let check = |content: &[u8], expected: &str| {
            let file = tempfile::NamedTempFile::new().unwrap();
            std::fs::write(file.path(), content).unwrap();
            let error = BreachedPasswords::open(file.path()).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        };
        check(b"", "no list");
        check(b"password\n", "no list");
        check(&[0xFF; 4096], "no list");
        check(&vec![b'A'; 1 << 20], "no list");
        let mut hashes: Vec<_> = (0..200).map(|n| hash(&n.to_string())).collect();
        hashes.sort();
        hashes.reverse();
        let unordered = file(&hashes, "\n");
        let error = BreachedPasswords::open(unordered.path()).unwrap_err();
        assert!(matches!(error, BreachedProblem::NotInOrder { .. }), "{error}");
        assert!(BreachedPasswords::open(Path::new("/nowhere/at/all")).is_err());
    }
}
