//! `gateway ca …`: the gateway's own certificate authorities.

use std::path::Path;

use fleet::{Timestamp, certificate::AuthorityKind};
use serde::Deserialize;
use serde_json::json;

use super::{
    args::{AuthorityName, CaCommand, ExportKind},
    client::Call,
    error::{Attempt, Cause, CliError},
    session::Session,
    table::{Cell, Row, Tone},
    time::Times,
};

/// Does what was asked about the authorities.
///
/// # Errors
/// [`CliError`], with what was attempted on which authority.
pub async fn run(session: &mut Session<'_>, command: CaCommand) -> Result<(), CliError> {
    match command {
        CaCommand::Status => session
            .list_whole::<Authority>(Call::get(["authorities"]))
            .await
            .attempt("show the certificate authorities"),
        CaCommand::Rotate { kind } => {
            let call = Call::post(["authorities", "rotate"]).json(json!({"kind": kind.as_str()}));
            let done = format!(
                "A new {} authority issues from now on; the old one stays trusted. See `gateway ca status`.",
                kind.as_str()
            );
            let what = format!("rotate the {} authority", kind.as_str());
            session.act(&call, &done).await.attempt(what)
        }
        CaCommand::Retire { authority, cut_off } => retire(session, authority, cut_off)
            .await
            .attempt(format!("retire authority {authority}")),
        CaCommand::Export { kind, output } => export(session, kind, output.as_deref())
            .await
            .attempt("export certificates of the authorities"),
    }
}

/// One generation of one kind.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Authority {
    id: String,
    kind: String,
    generation: i32,
    state: String,
    subject: String,
    not_after: Option<Timestamp>,
    live_certificates: Option<u64>,
    fingerprint: String,
    pem: String,
}

impl Authority {
    fn is(&self, name: AuthorityName) -> bool {
        self.kind == name.kind.as_str() && self.generation == name.generation
    }

    /// Whether pumps and people still trust it, and it is of a kind that is meant.
    fn is_exported(&self, wanted: ExportKind) -> bool {
        let kind = AuthorityKind::from_word(&self.kind);
        self.state != "retired" && kind.is_some_and(|kind| wanted.includes(kind))
    }
}

impl Row for Authority {
    const NONE: &'static str = "no certificate authorities";
    const COLUMNS: &'static [&'static str] = &[
        "AUTHORITY",
        "STATE",
        "SUBJECT",
        "UNTIL",
        "LIVE CERTIFICATES",
        "FINGERPRINT",
    ];

    fn cells(&self, times: &Times) -> Vec<Cell> {
        let tone = if self.state == "active" {
            Tone::Good
        } else {
            Tone::Plain
        };
        vec![
            Cell::from(format!("{}-{}", self.kind, self.generation)),
            Cell::toned(&self.state, tone),
            Cell::from(&self.subject),
            Cell::deadline(self.not_after, times),
            self.live_certificates.map(|count| count.to_string()).into(),
            // Enough to compare with `openssl x509 -fingerprint -sha256` at a glance; --json has all of it.
            Cell::from(self.fingerprint.chars().take(16).collect::<String>()),
        ]
    }
}

/// What a retirement did.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Retired {
    certificates_cut_off: u64,
}

async fn retire(session: &mut Session<'_>, name: AuthorityName, cut_off: bool) -> Result<(), Cause> {
    let mut found: Vec<Authority> = session.all_read(Call::get(["authorities"])).await?;
    found.retain(|authority| authority.is(name));
    let authority = session.only(&name.to_string(), "authority", found)?;
    let call = Call::post(["authorities", &authority.id, "retire"]).json(json!({"cut_off": cut_off}));
    session
        .show(&call, |output, _, retired: &Retired| {
            output.line(&match retired.certificates_cut_off {
                0 => format!("Authority {name} is trusted no longer. Nothing hung on it."),
                count => format!("Authority {name} is trusted no longer. {count} certificates were cut off."),
            })
        })
        .await
}

async fn export(session: &mut Session<'_>, kind: ExportKind, path: Option<&Path>) -> Result<(), Cause> {
    let mut found: Vec<Authority> = session.all_read(Call::get(["authorities"])).await?;
    found.retain(|authority| authority.is_exported(kind));
    if session.output.json {
        let pem: Vec<_> = found.iter().map(|authority| &authority.pem).collect();
        return Ok(session.output.document(&json!(pem))?);
    }
    let mut bundle = String::new();
    for authority in &found {
        bundle.push_str(authority.pem.trim_end());
        bundle.push('\n');
    }
    match path {
        None => Ok(session.output.bytes(bundle.as_bytes())?),
        Some(path) => {
            std::fs::write(path, bundle).map_err(|source| Cause::File {
                action: "written",
                path: path.to_owned(),
                source,
            })?;
            Ok(session.output.note(&format!(
                "{} certificates written to {}.",
                found.len(),
                path.display()
            ))?)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn authority(kind: &str, generation: i32, state: &str) -> Authority {
        Authority {
            kind: kind.to_owned(),
            generation,
            state: state.to_owned(),
            ..Authority::default()
        }
    }

    #[test]
    fn what_is_retired_is_not_exported() {
        assert!(authority("device", 2, "active").is_exported(ExportKind::Device));
        assert!(authority("device", 1, "trusted").is_exported(ExportKind::All));
        assert!(!authority("device", 1, "retired").is_exported(ExportKind::All));
        assert!(!authority("device", 2, "active").is_exported(ExportKind::Root));
    }

    #[test]
    fn a_generation_is_named_as_status_shows_it() {
        let times = Times {
            now: chrono::DateTime::UNIX_EPOCH,
            zone: None,
        };
        let device = authority("device", 2, "active");
        let cells = device.cells(&times);
        assert_eq!(cells.len(), Authority::COLUMNS.len());
        assert_eq!(cells.first(), Some(&Cell::from("device-2")));
        assert!(device.is("device-2".parse().unwrap()));
        assert!(!device.is("device-1".parse().unwrap()) && !device.is("server-2".parse().unwrap()));
    }
}
