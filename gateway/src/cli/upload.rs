//! A repository on its way to the gateway: a directory is packed while it is sent, an archive goes as it is. Neither is ever
//! held in memory as a whole.

use std::{
    fs::{self, File},
    io::{self, IsTerminal, Write},
    path::{Path, PathBuf},
    pin::Pin,
    task::{Context, Poll},
};

use actix_web::web::Bytes;
use http_body::{Body, Frame, SizeHint};
use indicatif::{ProgressBar, ProgressStyle};
use tokio::sync::mpsc::{Receiver, Sender, channel};

use super::error::Cause;

/// What of a repository is sent. Beside them may lie what is nobody's business, such as keys.
const PARTS: [&str; 2] = ["metadata", "targets"];
/// Bytes that are read at once.
const PIECE: usize = 256 * 1024;
/// Pieces that may wait to be sent.
const AHEAD: usize = 4;

/// The body of a request, piece by piece.
#[derive(Debug)]
pub struct Upload {
    pieces: Receiver<io::Result<Bytes>>,
    /// How many bytes will come, where that is known before they are packed.
    length: Option<u64>,
    progress: ProgressBar,
}

impl Upload {
    /// Opens what is to be sent, and begins to read it on a thread that may wait.
    ///
    /// # Errors
    /// [`Cause::File`], or [`Cause::Content`] when a directory is no repository.
    pub fn open(path: &Path) -> Result<Self, Cause> {
        let failed = |source| Cause::File {
            action: "read",
            path: path.to_owned(),
            source,
        };
        let found = fs::metadata(path).map_err(failed)?;
        let (sender, pieces) = channel(AHEAD);
        if found.is_dir() {
            if !path.join("metadata").is_dir() {
                return Err(Cause::Content {
                    path: path.to_owned(),
                    why: "it holds no repository: there is no directory `metadata` in it".to_owned(),
                });
            }
            let total = PARTS.iter().map(|part| bytes_below(&path.join(part))).sum();
            let directory = path.to_owned();
            tokio::task::spawn_blocking(move || pack(&directory, Pieces::new(sender)));
            return Ok(Self {
                pieces,
                length: None,
                progress: bar(total),
            });
        }
        let file = File::open(path).map_err(failed)?;
        let length = found.is_file().then_some(found.len());
        tokio::task::spawn_blocking(move || copy(file, Pieces::new(sender)));
        Ok(Self {
            pieces,
            length,
            progress: bar(found.len()),
        })
    }
}

impl Upload {
    /// Opens documents that are to be sent: a file as it is, the JSON files of a directory packed.
    ///
    /// # Errors
    /// [`Cause::File`], or [`Cause::Content`] when a directory has none.
    pub fn documents(path: &Path) -> Result<Self, Cause> {
        let failed = |source| Cause::File {
            action: "read",
            path: path.to_owned(),
            source,
        };
        if !fs::metadata(path).map_err(failed)?.is_dir() {
            return Self::open(path);
        }
        let mut files = Vec::new();
        documents_below(path, &mut files).map_err(failed)?;
        files.sort();
        if files.is_empty() {
            return Err(Cause::Content {
                path: path.to_owned(),
                why: "it holds no document: there is no `*.json` in it".to_owned(),
            });
        }
        let lengths = files.iter().flat_map(fs::metadata).map(|found| found.len());
        let total = lengths.sum();
        let (sender, pieces) = channel(AHEAD);
        let directory = path.to_owned();
        tokio::task::spawn_blocking(move || {
            let mut pieces = Pieces::new(sender);
            let packed = (|| {
                let mut archive = tar::Builder::new(&mut pieces);
                archive.mode(tar::HeaderMode::Deterministic);
                for file in &files {
                    archive.append_path_with_name(file, file.strip_prefix(&directory).unwrap_or(file))?;
                }
                archive.finish()
            })();
            pieces.end(packed);
        });
        Ok(Self {
            pieces,
            length: None,
            progress: bar(total),
        })
    }
}

fn documents_below(directory: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let (path, kind) = (entry.path(), entry.file_type()?);
        if kind.is_dir() {
            documents_below(&path, files)?;
        } else if kind.is_file()
            && path
                .extension()
                .is_some_and(|ending| ending.eq_ignore_ascii_case("json"))
        {
            files.push(path);
        }
    }
    Ok(())
}

impl Body for Upload {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let upload = self.get_mut();
        upload.pieces.poll_recv(context).map(|piece| {
            match &piece {
                Some(Ok(bytes)) => upload
                    .progress
                    .inc(u64::try_from(bytes.len()).unwrap_or_default()),
                // What comes now is the gateway's part.
                Some(Err(_)) | None => upload.progress.finish_and_clear(),
            }
            piece.map(|piece| piece.map(Frame::data))
        })
    }

    fn size_hint(&self) -> SizeHint {
        self.length.map(SizeHint::with_exact).unwrap_or_default()
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        self.progress.finish_and_clear();
    }
}

/// A writer whose bytes are sent on in pieces. When nobody takes them any more, writing fails.
struct Pieces {
    sender: Sender<io::Result<Bytes>>,
    piece: Vec<u8>,
}

impl Pieces {
    fn new(sender: Sender<io::Result<Bytes>>) -> Self {
        Self {
            sender,
            piece: Vec::with_capacity(PIECE),
        }
    }

    fn send(&self, piece: io::Result<Bytes>) -> io::Result<()> {
        self.sender
            .blocking_send(piece)
            .map_err(|_| io::ErrorKind::BrokenPipe.into())
    }

    /// Sends what is left, or what went wrong: an archive that only ends early must not look whole.
    fn end(mut self, written: io::Result<()>) {
        let sent = written.and_then(|()| self.flush());
        if let Err(error) = sent {
            // Nobody left to tell is nobody to tell.
            let _ = self.send(Err(error));
        }
    }
}

impl Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let room = PIECE.saturating_sub(self.piece.len());
        let taken = bytes.get(..room).unwrap_or(bytes);
        self.piece.extend_from_slice(taken);
        if self.piece.len() >= PIECE {
            self.flush()?;
        }
        Ok(taken.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.piece.is_empty() {
            return Ok(());
        }
        let piece = std::mem::replace(&mut self.piece, Vec::with_capacity(PIECE));
        self.send(Ok(piece.into()))
    }
}

fn pack(directory: &Path, mut pieces: Pieces) {
    let packed = (|| {
        let mut archive = tar::Builder::new(&mut pieces);
        archive.mode(tar::HeaderMode::Deterministic);
        for part in PARTS {
            let inner = directory.join(part);
            if inner.is_dir() {
                archive.append_dir_all(part, inner)?;
            }
        }
        archive.finish()
    })();
    pieces.end(packed);
}

fn copy(mut file: File, mut pieces: Pieces) {
    let copied = io::copy(&mut file, &mut pieces).map(drop);
    pieces.end(copied);
}

/// About how much will be sent: what can not be read is found when it is packed.
fn bytes_below(directory: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(directory) else {
        return 0;
    };
    let below = |path: PathBuf| match fs::metadata(&path) {
        Ok(found) if found.is_dir() => bytes_below(&path),
        Ok(found) => found.len(),
        Err(_) => 0,
    };
    entries.flatten().map(|entry| below(entry.path())).sum()
}

fn bar(length: u64) -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let template = "sending {wide_bar} {bytes}/{total_bytes} {eta}";
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(length).with_style(style)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All that comes of an upload, or what went wrong.
    async fn sent(path: &Path) -> io::Result<Vec<u8>> {
        let mut upload = Upload::open(path).unwrap();
        let mut all = Vec::new();
        while let Some(piece) = upload.pieces.recv().await {
            all.extend_from_slice(&piece?);
        }
        Ok(all)
    }

    fn repository() -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for (path, length) in [
            ("metadata/1.root.json", 10),
            ("targets/a/b.bin", PIECE * 2 + 1),
            ("keys/root-1.key.pem", 7),
        ] {
            let path = dir.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, vec![7; length]).unwrap();
        }
        dir
    }

    #[tokio::test]
    async fn a_directory_is_packed_and_keys_beside_it_stay() {
        let dir = repository();
        let bytes = sent(dir.path()).await.unwrap();
        let mut archive = tar::Archive::new(bytes.as_slice());
        let files: Vec<_> = archive
            .entries()
            .unwrap()
            .map(|entry| entry.unwrap())
            .filter(|entry| entry.header().entry_type().is_file())
            .map(|entry| (entry.path().unwrap().display().to_string(), entry.size()))
            .collect();
        let expected = [
            ("metadata/1.root.json".to_owned(), 10),
            ("targets/a/b.bin".to_owned(), (PIECE * 2 + 1) as u64),
        ];
        assert_eq!(files, expected);
    }

    #[tokio::test]
    async fn an_archive_goes_as_it_is_and_says_how_long_it_is() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("r.tar");
        let bytes: Vec<u8> = (0..=255).cycle().take(PIECE + 3).collect();
        fs::write(&path, &bytes).unwrap();
        assert_eq!(sent(&path).await.unwrap(), bytes);
        let hint = Upload::open(&path).unwrap().size_hint().exact();
        assert_eq!(hint, Some(bytes.len() as u64));
    }

    #[tokio::test]
    async fn what_breaks_on_the_way_does_not_look_like_an_end() {
        let dir = repository();
        std::os::unix::fs::symlink("nowhere", dir.path().join("targets/lost.bin")).unwrap();
        assert!(sent(dir.path()).await.is_err());
    }

    #[tokio::test]
    async fn what_is_no_repository_is_not_sent() {
        let dir = tempfile::tempdir().unwrap();
        assert!(matches!(Upload::open(dir.path()), Err(Cause::Content { .. })));
        let missing = dir.path().join("missing");
        assert!(matches!(Upload::open(&missing), Err(Cause::File { .. })));
    }
}
