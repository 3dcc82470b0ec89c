//! `gateway init`: a data directory, a database, the certificate authorities, and one administrator.
//!
//! Everything is made in a directory beside the final one, which takes its name when all of it is there:
//! an interrupted set-up leaves nothing that looks finished. No secret has a default; the one password is shown once.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use chrono_tz::Tz;
use fleet::{
    Timestamp,
    access::{CareAreas, Grant, Role},
    audit::Action,
    id::AccountId,
    text::{Name, TextError},
};
use secrecy::{ExposeSecret, SecretString};
use store::{AccountRecord, DatabaseUrl, Db, Store, StoreError};
use thiserror::Error;

use crate::{
    app::Actor,
    auth::password,
    cli::{InitArgs, passphrase, report_init},
    clock::Clock,
    config::{self, Config, ConfigError, Listen},
    deed::Deed,
    fresh,
    pki::{
        authorities::{Authorities, AuthorityProblem},
        key::KdfCost,
    },
    serve::{self, StartError},
};

/// The name of the first account.
pub const ADMINISTRATOR: &str = "admin";
/// The configuration file in the data directory.
pub const CONFIG_FILE: &str = "gateway.toml";
/// The root certificate in the data directory, for pumps, browsers and programs.
pub const ROOT_FILE: &str = "root.pem";

/// What to set up.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Must not exist yet, or be empty.
    pub data_dir: PathBuf,
    /// The hospital's name.
    pub hospital: Name,
    /// DNS names and IP addresses for the server certificate.
    pub server_names: Vec<String>,
    /// Where to listen.
    pub listen: Listen,
    /// Another database than the embedded one.
    pub database: Option<DatabaseUrl>,
    /// The zone of the clocks on the hospital's walls.
    pub time_zone: Tz,
    /// How dear it is to guess the passphrase of a stolen key file.
    pub kdf: KdfCost,
}

/// What was set up.
#[derive(Debug)]
pub struct Established {
    /// The configuration file to serve with.
    pub config_file: PathBuf,
    /// The root certificate.
    pub root_file: PathBuf,
    /// The name of the administrator.
    pub administrator: Name,
    /// Good for the first login only, where it must be changed.
    pub one_time_password: SecretString,
}

/// Why nothing was set up.
#[derive(Debug, Error)]
pub enum InitError {
    #[error("{} is not empty; a gateway is never set up over another one. Choose another --data-dir, or move it away", .0.display())]
    NotEmpty(PathBuf),
    #[error("the database holds a gateway already; use an empty one")]
    DatabaseInUse,
    #[error("{doing} {}: {source}", .path.display())]
    Io {
        doing: &'static str,
        path: PathBuf,
        source: io::Error,
    },
    #[error("hospital name: {0}")]
    Name(#[from] TextError),
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error("setting up the database: {0}")]
    Store(#[from] StoreError),
    #[error("making the certificate authorities: {0}")]
    Authorities(#[from] AuthorityProblem),
    #[error("making the gateway's own keys: {0}")]
    Keys(#[from] StartError),
    #[error("storing the administrator's password: {0}")]
    Password(#[from] password::HashProblem),
}

fn io_error(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> InitError {
    let path = path.to_owned();
    move |source| InitError::Io { doing, path, source }
}

/// Sets everything up.
///
/// # Errors
/// [`InitError`]; then nothing was set up, and the same call can be made again.
pub fn establish(plan: &Plan, passphrase: &SecretString, now: Timestamp) -> Result<Established, InitError> {
    let data_dir = std::path::absolute(&plan.data_dir).map_err(io_error("finding", &plan.data_dir))?;
    refuse_used(&data_dir)?;
    let staging = staging_dir(&data_dir);
    if staging.exists() {
        fs::remove_dir_all(&staging)
            .map_err(io_error("removing what an interrupted set-up left in", &staging))?;
    }
    private_dir(&staging)?;
    let outcome = fill(plan, passphrase, now, &data_dir, &staging);
    if outcome.is_err() {
        // The error that is on its way up says more than a failure to clean up could.
        let _ = fs::remove_dir_all(&staging);
    }
    outcome
}

fn staging_dir(data_dir: &Path) -> PathBuf {
    let mut name = data_dir.file_name().unwrap_or_default().to_owned();
    name.push(".setting-up");
    data_dir.with_file_name(name)
}

fn refuse_used(data_dir: &Path) -> Result<(), InitError> {
    match fs::read_dir(data_dir) {
        Ok(mut entries) => match entries.next() {
            None => Ok(()),
            Some(_) => Err(InitError::NotEmpty(data_dir.to_owned())),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(source) => Err(io_error("looking into", data_dir)(source)),
    }
}

fn fill(
    plan: &Plan,
    passphrase: &SecretString,
    now: Timestamp,
    data_dir: &Path,
    staging: &Path,
) -> Result<Established, InitError> {
    let text = config::render(
        data_dir,
        &plan.hospital,
        &plan.server_names,
        plan.listen,
        plan.database.as_ref(),
        plan.time_zone,
    );
    let config_file = staging.join(CONFIG_FILE);
    // Reading back what was written checks what the person gave.
    let mut config = Config::parse(&config_file, &text)?;
    write_new(&config_file, text.as_bytes(), 0o600)?;

    staging.clone_into(&mut config.data_dir);
    // The file leaves the password out; this once it is needed.
    config.database.url.clone_from(&plan.database);
    let administrator = Name::new(ADMINISTRATOR)?;
    let one_time_password = fresh::secret::<24>();
    let store = Store::open(&config.database_url())?;
    store.migrate()?;
    if !store.read(|db| db.authority_list())?.is_empty() {
        return Err(InitError::DatabaseInUse);
    }
    let founding = Authorities::found(&config, passphrase, plan.kdf, now)?;
    write_new(&staging.join(ROOT_FILE), founding.root_pem().as_bytes(), 0o644)?;
    let account = AccountRecord {
        id: AccountId::from_uuid(fresh::uuid(now)),
        name: administrator.clone(),
        printed_name: administrator.clone(),
        password_hash: password::hash(&one_time_password)?,
        must_change_password: true,
        totp_sealed: None,
        totp_last_step: None,
        pin_hash: None,
        created_at: now,
        disabled_at: None,
        row_version: 1,
    };
    serve::people(&config, passphrase, plan.kdf)?;
    serve::tickets(&config, passphrase, plan.kdf).map_err(StartError::from)?;
    let set_up = Deed::of(Action::GatewaySetUp, "person", account.id)
        .after(serde_json::json!({ "hospital": plan.hospital, "administrator": account.name }))
        .entry(&Actor::gateway(), now);
    let record = |db: &mut Db<'_>| {
        founding.record(db)?;
        db.account_create(&account)?;
        let grant = Grant {
            role: Role::Administrator,
            care_areas: CareAreas::All,
        };
        db.grant_set(account.id, &[grant])?;
        db.audit_append(set_up.clone()).map(drop)
    };
    if plan.database.is_some() {
        record_and_name(&store, record, staging, data_dir)?;
    } else {
        store.write_durable(record)?;
        // It moves with the directory, and must be closed for that.
        drop(store);
        give_name(staging, data_dir)?;
    }
    Ok(Established {
        config_file: data_dir.join(CONFIG_FILE),
        root_file: data_dir.join(ROOT_FILE),
        administrator,
        one_time_password,
    })
}

/// A database that is elsewhere is not thrown away with the directory. So the directory takes its name inside the one
/// transaction: where it can not, nothing was recorded.
fn record_and_name(
    store: &Store,
    record: impl FnOnce(&mut Db<'_>) -> Result<(), StoreError>,
    staging: &Path,
    data_dir: &Path,
) -> Result<(), InitError> {
    let mut named = Ok(());
    let recorded = store.write_durable(|db| {
        record(db)?;
        named = give_name(staging, data_dir);
        match &named {
            Ok(()) => Ok(()),
            // Only rolls back; the reason is what is returned.
            Err(error) => Err(StoreError::Conflict {
                what: "set up a gateway",
                detail: error.to_string(),
            }),
        }
    });
    if recorded.is_err() && data_dir.join(CONFIG_FILE).exists() {
        // Unless it is certain that nothing was recorded, the keys may be the only ones to what was.
        if store
            .read(|db| db.authority_list())
            .is_ok_and(|list| list.is_empty())
        {
            fs::remove_dir_all(data_dir).map_err(io_error("removing the unfinished", data_dir))?;
        }
    }
    named?;
    Ok(recorded?)
}

/// The last step: what is complete takes its name, for good once this returns.
fn give_name(staging: &Path, data_dir: &Path) -> Result<(), InitError> {
    let flush = |path: &Path| {
        File::open(path)
            .and_then(|dir| dir.sync_all())
            .map_err(io_error("flushing to disk", path))
    };
    flush(staging)?;
    fs::rename(staging, data_dir).map_err(io_error("giving its name to", data_dir))?;
    let flushed = data_dir.parent().map_or(Ok(()), flush);
    if flushed.is_err() {
        // What is not for good is taken back; the error that is on its way up says more.
        let _ = fs::rename(data_dir, staging);
    }
    flushed
}

/// Makes a directory that nobody else can look into, and that was not there before.
fn private_dir(path: &Path) -> Result<(), InitError> {
    if let Some(parent) = path.parent() {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(parent)
            .map_err(io_error("making", parent))?;
    }
    DirBuilder::new()
        .mode(0o700)
        .create(path)
        .map_err(io_error("making", path))
}

fn write_new(path: &Path, content: &[u8], mode: u32) -> Result<(), InitError> {
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(path)
        .and_then(|mut file| {
            file.write_all(content)?;
            file.sync_all()
        });
    written.map_err(io_error("writing", path))
}

/// The command.
///
/// # Errors
/// Whatever kept it from setting up, in words.
pub fn run(args: &InitArgs) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let plan = Plan {
        data_dir: args.data_dir.clone(),
        hospital: Name::new(&args.name)?,
        server_names: if args.server_name.is_empty() {
            vec!["localhost".to_owned(), "127.0.0.1".to_owned()]
        } else {
            args.server_name.clone()
        },
        listen: Listen::default(),
        database: args.database_url.as_deref().map(str::parse).transpose()?,
        time_zone: args.time_zone,
        kdf: KdfCost::STRONG,
    };
    refuse_used(&plan.data_dir)?;
    let passphrase = passphrase(&args.passphrase, true)?;
    let made = establish(&plan, &passphrase, Clock::system().now())?;
    report_init(&made, args.json)?;
    Ok(())
}

impl Established {
    /// What a person is told, once.
    #[must_use]
    pub fn to_text(&self) -> String {
        format!(
            "The gateway is set up.\n\n\
             Administrator       {}\n\
             One-time password   {}   (shown only now; the first login changes it)\n\
             Root certificate    {}   (give it to pumps, browsers and programs)\n\
             Configuration       {}\n\n\
             Start it:           gateway serve --config {}\n\
             Then sign in:       gateway login --name {}\n\n\
             Keep the passphrase and a copy of the data directory in different places: without both, the\n\
             certificate authorities can not be brought back.",
            self.administrator,
            self.one_time_password.expose_secret(),
            self.root_file.display(),
            self.config_file.display(),
            self.config_file.display(),
            self.administrator,
        )
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use chrono::DateTime;

    use super::*;

    /// The database is elsewhere: only a transaction can take back what was recorded there.
    #[test]
    fn a_set_up_that_fails_at_its_last_step_can_be_made_again() {
        let dir = tempfile::tempdir().unwrap();
        let data_dir = dir.path().join("data");
        let plan = Plan {
            data_dir: data_dir.clone(),
            hospital: Name::new("County General").unwrap(),
            server_names: vec!["localhost".to_owned()],
            listen: Listen::default(),
            database: Some(DatabaseUrl::sqlite(dir.path().join("elsewhere.db"))),
            time_zone: Tz::UTC,
            kdf: KdfCost::FOR_TESTS,
        };
        let passphrase = SecretString::from("only for this test");
        let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        // It looks empty, and no directory can take its name.
        fs::create_dir(dir.path().join("empty")).unwrap();
        symlink(dir.path().join("empty"), &data_dir).unwrap();
        let failed = establish(&plan, &passphrase, now).unwrap_err();
        assert!(matches!(failed, InitError::Io { .. }), "{failed}");
        assert!(!staging_dir(&data_dir).exists());

        fs::remove_file(&data_dir).unwrap();
        let made = establish(&plan, &passphrase, now).unwrap();
        assert!(made.config_file.exists() && made.root_file.exists());
        let again = establish(&plan, &passphrase, now).unwrap_err();
        assert!(matches!(again, InitError::NotEmpty(_)), "{again}");
    }

    #[test]
    fn a_directory_that_was_there_before_is_not_made_private_by_wishing() {
        let dir = tempfile::tempdir().unwrap();
        let below = dir.path().join("new").join("data");
        private_dir(&below).unwrap();
        private_dir(&below).unwrap_err();
    }
}
