//! To a file: a line of JSON for each entry, in the form of the export. A file that was rotated away is begun anew.

use std::{
    fs::{File, Metadata, OpenOptions},
    io::{self, Write},
    os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use super::{ForwardError, Outgoing, Way};

pub(super) struct ToFile {
    path: PathBuf,
    open: Option<File>,
}

impl ToFile {
    pub(super) const fn new(path: PathBuf) -> Self {
        Self { path, open: None }
    }
}

impl Way for ToFile {
    fn name(&self) -> &'static str {
        "file"
    }

    async fn send(&mut self, entries: &[Outgoing]) -> Result<(), ForwardError> {
        let mut text = String::new();
        for entry in entries {
            // Only a row that was altered has a line feed in it. It would begin a line that nobody recorded.
            text.extend(
                entry
                    .text
                    .chars()
                    .map(|c| if c.is_control() { '\u{fffd}' } else { c }),
            );
            text.push('\n');
        }
        // Where writing fails, the file is opened anew, which mends a line that was torn.
        let (open, path) = (self.open.take(), self.path.clone());
        let written = tokio::task::spawn_blocking(move || append(open, &path, text.as_bytes())).await;
        let file = written
            .map_err(io::Error::other)
            .and_then(|written| written)
            .map_err(ForwardError::io(format!("writing {}", self.path.display())))?;
        self.open = Some(file);
        Ok(())
    }
}

/// Writes to the file that has the name now, which is another one than before where it was rotated.
fn append(open: Option<File>, path: &Path, text: &[u8]) -> io::Result<File> {
    let mut file = match open {
        Some(file) if has_the_name(&file, path)? => file,
        Some(_) | None => open_at_the_end(path)?,
    };
    file.write_all(text)?;
    file.sync_data()?;
    Ok(file)
}

fn has_the_name(file: &File, path: &Path) -> io::Result<bool> {
    let which = |metadata: &Metadata| (metadata.dev(), metadata.ino());
    match std::fs::metadata(path) {
        Ok(named) => Ok(which(&named) == which(&file.metadata()?)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

fn open_at_the_end(path: &Path) -> io::Result<File> {
    let mut file = OpenOptions::new()
        .create(true)
        .read(true)
        .append(true)
        .mode(0o600)
        .open(path)?;
    let length = file.metadata()?.len();
    if let Some(last) = length.checked_sub(1) {
        // A line that a loss of power or a full disk tore would swallow the one that is written behind it.
        let mut byte = [0];
        file.read_exact_at(&mut byte, last)?;
        if byte != *b"\n" {
            file.write_all(b"\n")?;
        }
    } else if let Some(Ok(directory)) = path.parent().map(File::open) {
        // A new file is only there for certain when its directory says so.
        directory.sync_all()?;
    }
    Ok(file)
}
