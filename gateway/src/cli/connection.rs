//! How the command line finds the gateway, trusts it, and is known to it.

use std::{
    env, fs, io,
    io::Write,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use clap::Args;
use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};

use super::error::Cause;

/// Where a gateway keeps everything, unless it is told otherwise.
pub const DATA_DIR: &str = "/var/lib/pump-gateway";

/// Options of every command that talks to the gateway.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Connection")]
pub struct ConnectionArgs {
    /// Address of the gateway's staff listener
    #[arg(
        long,
        global = true,
        env = "GATEWAY_URL",
        value_name = "URL",
        default_value = "https://127.0.0.1:8443"
    )]
    pub url: Url,
    /// PEM file with the root certificate the gateway is trusted by [default: root.pem in the data directory, otherwise
    /// what this machine trusts]
    #[arg(long, global = true, env = "GATEWAY_CA", value_name = "FILE")]
    pub ca: Option<PathBuf>,
    /// File with the API token, readable by you alone [default: ~/.config/pump-gateway/token]; `GATEWAY_TOKEN` comes first
    #[arg(long, global = true, env = "GATEWAY_TOKEN_FILE", value_name = "FILE")]
    pub token_file: Option<PathBuf>,
}

impl ConnectionArgs {
    /// The roots to trust, in PEM; nothing when this machine's own are to be used.
    ///
    /// # Errors
    /// [`Cause::File`] when a file that was named can not be read.
    pub fn roots(&self) -> Result<Option<Vec<u8>>, Cause> {
        let Some(path) = &self.ca else {
            let data_dir =
                env::var_os("GATEWAY_DATA_DIR").map_or_else(|| PathBuf::from(DATA_DIR), PathBuf::from);
            return Ok(fs::read(data_dir.join("root.pem")).ok());
        };
        fs::read(path).map(Some).map_err(|source| Cause::File {
            action: "read",
            path: path.clone(),
            source,
        })
    }

    /// The token: from the environment, from the file that was named, or from the usual file; nothing when there is none.
    ///
    /// # Errors
    /// [`Cause::TokenFile`] when a file holds no usable token or others can read it, [`Cause::File`] when one that was named is not there.
    pub fn token(&self) -> Result<Option<SecretString>, Cause> {
        if let Some(token) = env::var("GATEWAY_TOKEN")
            .ok()
            .filter(|token| !token.trim().is_empty())
        {
            return Ok(Some(SecretString::from(token.trim())));
        }
        match &self.token_file {
            Some(path) => read_token(path)?.map(Some).ok_or_else(|| Cause::File {
                action: "read",
                path: path.clone(),
                source: io::ErrorKind::NotFound.into(),
            }),
            None => match usual_token_file() {
                Some(path) => read_token(&path),
                None => Ok(None),
            },
        }
    }

    /// Where a token is saved.
    ///
    /// # Errors
    /// [`Cause::Usage`] when there is no home directory and no file was named.
    pub fn token_file_to_write(&self) -> Result<PathBuf, Cause> {
        self.token_file
            .clone()
            .or_else(usual_token_file)
            .ok_or_else(|| Cause::Usage {
                why: "this user has no home directory to save the token in".to_owned(),
                remedy: "name a file with --token-file",
            })
    }
}

fn usual_token_file() -> Option<PathBuf> {
    let config = env::var_os("XDG_CONFIG_HOME")
        .map(PathBuf::from)
        .filter(|path| path.is_absolute())
        .or_else(|| env::home_dir().map(|home| home.join(".config")))?;
    Some(config.join("pump-gateway").join("token"))
}

/// Reads a token; nothing when there is no file.
fn read_token(path: &Path) -> Result<Option<SecretString>, Cause> {
    let unusable = |why: String| Cause::TokenFile {
        path: path.to_owned(),
        why,
    };
    let failed = |source: io::Error| Cause::File {
        action: "read",
        path: path.to_owned(),
        source,
    };
    let file = match fs::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    // The mode of the file that is open, not of whatever the path names a moment later.
    let mode = file.metadata().map_err(failed)?.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(unusable(format!("can be read by other users (mode {mode:04o})")));
    }
    let text = io::read_to_string(file).map_err(failed)?;
    match text.trim() {
        "" => Err(unusable("is empty".to_owned())),
        token => Ok(Some(SecretString::from(token))),
    }
}

/// Saves a token where only this user can read it. An older one is replaced in one step.
///
/// # Errors
/// [`Cause::File`] when the file can not be written.
pub fn save_token(path: &Path, token: &SecretString) -> Result<(), Cause> {
    if let Some(directory) = path
        .parent()
        .filter(|directory| !directory.as_os_str().is_empty())
    {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(directory)
            .map_err(|source| Cause::File {
                action: "made",
                path: directory.to_owned(),
                source,
            })?;
    }
    write_private(path, format!("{}\n", token.expose_secret()).as_bytes())
}

/// Writes a file that only this user can read, whole or not at all.
///
/// # Errors
/// [`Cause::File`] when it can not be written.
pub fn write_private(path: &Path, content: &[u8]) -> Result<(), Cause> {
    let mut partial = path.as_os_str().to_owned();
    partial.push(format!(".{}.part", std::process::id()));
    let partial = PathBuf::from(partial);
    let written = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&partial)
        .and_then(|mut file| file.write_all(content).and_then(|()| file.sync_all()))
        .and_then(|()| fs::rename(&partial, path));
    written.map_err(|source| {
        let _ = fs::remove_file(&partial);
        Cause::File {
            action: "written",
            path: path.to_owned(),
            source,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_saved_token_reads_back_and_is_private() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("pump-gateway").join("token");
        for token in ["first", "second"] {
            save_token(&path, &SecretString::from(token)).unwrap();
            assert_eq!(read_token(&path).unwrap().unwrap().expose_secret(), token);
        }
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&path), 0o600);
        assert_eq!(mode(path.parent().unwrap()), 0o700);
        assert_eq!(
            fs::read_dir(path.parent().unwrap()).unwrap().count(),
            1,
            "nothing is left behind"
        );
    }

    #[test]
    fn a_token_that_others_can_read_is_refused() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("token");
        save_token(&path, &SecretString::from("secret-token")).unwrap();
        for mode in [0o640, 0o604, 0o660] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let error = read_token(&path).unwrap_err();
            assert!(matches!(error, Cause::TokenFile { .. }), "{error:?}");
            assert!(!format!("{error} {error:?}").contains("secret-token"));
        }
    }

    #[test]
    fn an_absent_file_is_no_token_and_an_empty_one_an_error() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("token");
        assert!(read_token(&path).unwrap().is_none());
        write_private(&path, b" \n").unwrap();
        assert!(matches!(read_token(&path), Err(Cause::TokenFile { .. })));
    }
}
