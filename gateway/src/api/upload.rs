//! A body that may be large, on its way to disk.

use std::{io, path::PathBuf};

use actix_web::web::Payload;
use futures_util::StreamExt as _;
use tempfile::NamedTempFile;
use tokio::io::AsyncWriteExt as _;

use super::{
    Api,
    problem::{Problem, ProblemCode},
    refusal,
};
use crate::{app::App, command::CommandError};

/// Takes a body into a file that goes when it is dropped. `may` is asked before anything is taken in: nobody fills the disk who may
/// not import.
///
/// # Errors
/// What `may` says; a problem when the body is longer than `most` bytes, or breaks off.
pub(super) async fn spool(
    api: &Api,
    mut payload: Payload,
    most: u64,
    may: impl FnOnce(&App) -> Result<(), CommandError> + Send + 'static,
) -> Result<NamedTempFile, Problem> {
    let scratch: PathBuf = api.0.app.firmware_dir.join(".upload");
    let file = api
        .run(move |app| {
            may(app)?;
            std::fs::create_dir_all(&scratch)
                .and_then(|()| NamedTempFile::new_in(&scratch))
                .map_err(|error| refusal::internal(&error))
        })
        .await?;
    let failed = |error: io::Error| refusal::internal(&error);
    let mut writer = tokio::fs::File::from_std(file.reopen().map_err(failed)?);
    let mut length = 0_u64;
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|error| Problem::new(ProblemCode::MalformedBody, error.to_string()))?;
        length += u64::try_from(chunk.len()).unwrap_or(u64::MAX);
        if length > most {
            let detail = format!("at most {most} bytes are read");
            return Err(Problem::new(ProblemCode::PayloadTooLarge, detail));
        }
        writer.write_all(&chunk).await.map_err(failed)?;
    }
    writer.flush().await.map_err(failed)?;
    Ok(file)
}
