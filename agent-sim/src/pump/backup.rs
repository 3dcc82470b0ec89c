//! A pump whose memory is put back to what it was: keys, journal, firmware, all of it.

use std::{fs, io, path::Path};

use super::{BOOT, Pump};
use crate::outbox::Outbox;

/// Where the copy lies, inside the pump's directory.
const BACKUP: &str = "backup";

impl Pump {
    /// Somebody takes a copy of the pump's memory.
    pub(super) fn back_up(&mut self) {
        let dir = self.dir.file("");
        let copy = || -> io::Result<()> {
            remove(&dir.join(BACKUP))?;
            copy_all(&dir, &dir.join(BACKUP))
        };
        if let Err(error) = copy() {
            self.trouble(&format_args!("could not copy {}: {error}", dir.display()));
        }
    }

    /// Somebody puts the copy back. The pump starts with what it knew then.
    pub(super) fn restore(&mut self) {
        let dir = self.dir.file("");
        let put_back = || -> io::Result<()> {
            let backup = fs::canonicalize(dir.join(BACKUP))?;
            for entry in fs::read_dir(&dir)? {
                let path = entry?.path();
                if path.file_name().is_some_and(|name| name != BACKUP) {
                    remove(&path)?;
                }
            }
            copy_all(&backup, &dir)
        };
        if let Err(error) = put_back() {
            return self.trouble(&format_args!("could not put back {}: {error}", dir.display()));
        }
        match Outbox::open(self.dir.file("journal")) {
            Ok(outbox) => self.outbox = outbox,
            Err(error) => self.trouble(&error),
        }
        self.cut_until = self.cut_until.max(Some(tokio::time::Instant::now() + BOOT));
        self.start_firmware();
        self.report_inventory();
    }
}

fn remove(path: &Path) -> io::Result<()> {
    let removed = if path.is_dir() {
        fs::remove_dir_all(path)
    } else {
        fs::remove_file(path)
    };
    match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Files keep their modes. A backup holds no backup.
fn copy_all(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_name() == BACKUP {
            continue;
        }
        if entry.file_type()?.is_dir() {
            copy_all(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_holds_everything_but_copies() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("firmware")).unwrap();
        fs::write(dir.path().join("firmware/state"), "1").unwrap();
        fs::write(dir.path().join("journal"), "2").unwrap();
        copy_all(dir.path(), &dir.path().join(BACKUP)).unwrap();
        copy_all(dir.path(), &dir.path().join(BACKUP)).unwrap();
        let read = |name: &str| fs::read_to_string(dir.path().join(BACKUP).join(name)).unwrap();
        assert_eq!(
            (read("firmware/state"), read("journal")),
            ("1".to_owned(), "2".to_owned())
        );
        assert!(!dir.path().join(BACKUP).join(BACKUP).exists());
    }
}
