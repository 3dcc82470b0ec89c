//! To a file: a line of JSON for each entry, in the form of the export. A file that was rotated away is begun anew.

use std::{
    fs::{File, OpenOptions},
    io::Write,
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::PathBuf,
};

use fleet::audit::ExportLine;

use super::{ForwardError, Way};

pub(super) struct ToFile {
    path: PathBuf,
    open: Option<File>,
}

impl ToFile {
    pub(super) const fn new(path: PathBuf) -> Self {
        Self { path, open: None }
    }

    /// The file that has the name now: another one than before, where it was rotated.
    fn file(&mut self) -> std::io::Result<&mut File> {
        let same = match (&self.open, std::fs::metadata(&self.path)) {
            (Some(file), Ok(named)) => {
                let held = file.metadata()?;
                (held.dev(), held.ino()) == (named.dev(), named.ino())
            }
            (_, _) => false,
        };
        if !same {
            let file = OpenOptions::new()
                .create(true)
                .append(true)
                .mode(0o600)
                .open(&self.path)?;
            self.open = Some(file);
        }
        self.open
            .as_mut()
            .ok_or_else(|| std::io::Error::other("the file was closed"))
    }

    fn write(&mut self, text: &[u8]) -> std::io::Result<()> {
        let file = self.file()?;
        file.write_all(text)?;
        file.sync_data()
    }
}

impl Way for ToFile {
    fn name(&self) -> &'static str {
        "file"
    }

    async fn send(&mut self, lines: &[ExportLine]) -> Result<(), ForwardError> {
        let text: String = lines.iter().map(|line| line.to_line() + "\n").collect();
        // Half a second of disk at most, and this task does nothing else.
        self.write(text.as_bytes())
            .map_err(ForwardError::io(format!("writing {}", self.path.display())))
    }

    fn uncertain(&self) -> i64 {
        0
    }
}
