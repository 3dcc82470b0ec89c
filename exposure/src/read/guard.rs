//! A reader that refuses: it watches size, encoding, depth and the length of strings while the bytes pass.

use std::io::{self, Read};

use super::{Fault, Limits};

/// Where in the JSON text the last byte was. Only strings and brackets matter here; the parser checks the rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Inside {
    Structure,
    String,
    Escape,
}

pub(super) struct Guard<R> {
    reader: R,
    limits: Limits,
    offset: u64,
    depth: u32,
    run: u64,
    inside: Inside,
    /// The beginning of a character that the last block cut in two: at most three bytes.
    tail: Vec<u8>,
    fault: Option<Fault>,
}

impl<R: Read> Guard<R> {
    pub(super) fn new(reader: R, limits: Limits) -> Self {
        Self {
            reader,
            limits,
            offset: 0,
            depth: 0,
            run: 0,
            inside: Inside::Structure,
            tail: Vec::new(),
            fault: None,
        }
    }

    /// What was found wrong, if anything was.
    pub(super) fn into_fault(self) -> Option<Fault> {
        self.fault
    }

    fn look(&mut self, block: &[u8]) -> Result<(), Fault> {
        if self.offset == 0 {
            encoding(block)?;
        }
        self.check_utf8(block)?;
        for byte in block {
            self.offset += 1;
            self.step(*byte)?;
        }
        if self.offset > self.limits.bytes {
            return Err(Fault::TooLarge {
                limit: self.limits.bytes,
            });
        }
        Ok(())
    }

    fn step(&mut self, byte: u8) -> Result<(), Fault> {
        self.run += 1;
        let before = self.inside;
        self.inside = match (before, byte) {
            (Inside::String, b'\\') => Inside::Escape,
            (Inside::String, b'"') => Inside::Structure,
            (Inside::Escape | Inside::String, _) | (Inside::Structure, b'"') => Inside::String,
            (Inside::Structure, _) => Inside::Structure,
        };
        let is_sign = before == Inside::Structure && matches!(byte, b'{' | b'}' | b'[' | b']' | b',' | b':');
        match byte {
            b'{' | b'[' if is_sign => self.depth += 1,
            b'}' | b']' if is_sign => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
        // A run is a string, or what stands between two signs: a number, white space.
        if is_sign || (byte == b'"' && before != Inside::Escape) {
            self.run = 0;
        }
        if self.depth > self.limits.depth {
            return Err(Fault::TooDeep {
                limit: self.limits.depth,
                offset: self.offset,
            });
        }
        if self.run > self.limits.string {
            return Err(Fault::TooLong {
                limit: self.limits.string,
                offset: self.offset,
            });
        }
        Ok(())
    }

    fn check_utf8(&mut self, block: &[u8]) -> Result<(), Fault> {
        let base = self.offset - self.tail.len() as u64;
        let joined;
        let bytes = if self.tail.is_empty() {
            block
        } else {
            joined = [std::mem::take(&mut self.tail).as_slice(), block].concat();
            joined.as_slice()
        };
        if let Err(error) = std::str::from_utf8(bytes) {
            let at = error.valid_up_to();
            if error.error_len().is_some() {
                return Err(Fault::NotUtf8 {
                    offset: base + at as u64,
                });
            }
            self.tail = bytes.get(at..).unwrap_or_default().to_vec();
        }
        Ok(())
    }

    /// The end of the file: neither empty nor in the middle of a character.
    fn end(&self) -> Result<(), Fault> {
        match (self.offset, self.tail.is_empty()) {
            (0, _) => Err(Fault::Empty),
            (offset, false) => Err(Fault::NotUtf8 { offset }),
            (_, true) => Ok(()),
        }
    }
}

impl<R: Read> Read for Guard<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.fault.is_some() {
            return Err(io::Error::other("refused"));
        }
        let mut length = self.reader.read(buffer)?;
        // The first bytes tell the encoding: they are handed on together, before the parser can complain about one of them.
        while self.offset == 0 && (1..4).contains(&length) {
            match self.reader.read(buffer.get_mut(length..).unwrap_or_default())? {
                0 => break,
                more => length += more,
            }
        }
        let block = buffer.get(..length).unwrap_or_default();
        let seen = if block.is_empty() {
            self.end()
        } else {
            self.look(block)
        };
        seen.map_err(|fault| {
            self.fault = Some(fault);
            io::Error::other("refused")
        })?;
        Ok(length)
    }
}

/// Names an encoding that is not plain UTF-8 by the first bytes of the file.
fn encoding(head: &[u8]) -> Result<(), Fault> {
    let found = match head {
        [0xEF, 0xBB, 0xBF, ..] => "UTF-8 with a byte order mark",
        [0xFF, 0xFE, 0, 0, ..] | [0, 0, 0xFE, 0xFF, ..] => "UTF-32",
        [0xFE, 0xFF, ..] | [0xFF, 0xFE, ..] | [0, b'{' | b'[', ..] | [b'{' | b'[', 0, ..] => "UTF-16",
        [0x1F, 0x8B, ..] => "a gzip archive (unpack it first)",
        [b'P', b'K', 3, 4, ..] => "a zip archive (unpack it first)",
        _ => return Ok(()),
    };
    Err(Fault::Encoding { found })
}
