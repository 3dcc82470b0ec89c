//! `gateway login`, `gateway logout`, `gateway me …`: this program as a person.

use fleet::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    args::{LoginArgs, MeCommand},
    client::Call,
    connection::{ConnectionArgs, save_token},
    error::{Attempt, Cause, CliError},
    passphrase::password,
    session::{Session, given, read},
    table::{Cell, Row},
    time::Times,
};

/// Signs in, and keeps the session where this program looks for it.
///
/// # Errors
/// [`CliError`], with what was attempted.
pub async fn login(
    session: &mut Session<'_>,
    args: &LoginArgs,
    connection: &ConnectionArgs,
) -> Result<(), CliError> {
    begin(session, args, connection)
        .await
        .attempt(format!("sign in as {}", args.name))
}

async fn begin(
    session: &mut Session<'_>,
    args: &LoginArgs,
    connection: &ConnectionArgs,
) -> Result<(), Cause> {
    let name = args.name.as_str();
    let path = connection.token_file_to_write()?;
    let known = password(&format!("Password of {name}"), "GATEWAY_PASSWORD", false)?;
    let (mut totp, mut new) = (None, None);
    let document = loop {
        let text =
            |secret: &Option<SecretString>| secret.as_ref().map(|secret| json!(secret.expose_secret()));
        let body = given([
            ("name", Some(json!(name))),
            ("password", Some(json!(known.expose_secret()))),
            ("totp", text(&totp)),
            ("new_password", text(&new)),
        ]);
        let answer = session
            .client
            .json(&Call::post(["sessions"]).by_anybody().json(body))
            .await;
        match answer {
            Err(Cause::Refused(problem)) if problem.code == "second_factor_required" && totp.is_none() => {
                totp = Some(password("Code of the authenticator", "GATEWAY_TOTP", false)?);
            }
            Err(Cause::Refused(problem)) if problem.code == "password_change_required" && new.is_none() => {
                session
                    .output
                    .note("The one-time password must be replaced now.")?;
                let question = format!("New password of {name}");
                new = Some(password(&question, "GATEWAY_NEW_PASSWORD", true)?);
            }
            answer => break answer?,
        }
    };
    keep(session, &path, document)
}

/// What of a new session is read.
#[derive(Deserialize)]
struct Begun {
    token: String,
    printed_name: String,
    session: BegunSession,
}

#[derive(Deserialize)]
struct BegunSession {
    expires_at: Timestamp,
    idle_seconds: i64,
}

fn keep(session: &mut Session<'_>, path: &std::path::Path, document: Value) -> Result<(), Cause> {
    let begun: Begun = read(document.clone())?;
    save_token(path, &SecretString::from(begun.token))?;
    if session.output.json {
        // The secret is in the file; a document may end in a log.
        let mut document = document;
        if let Some(token) = document.get_mut("token") {
            *token = Value::Null;
        }
        return Ok(session.output.document(&document)?);
    }
    let until = session.times.exact(begun.session.expires_at);
    Ok(session.output.note(&format!(
        "Signed in as {}; until {until}, or until nothing was done for {} minutes.",
        begun.printed_name,
        begun.session.idle_seconds / 60
    ))?)
}

/// Signs out: the session ends at the gateway, and the file goes.
///
/// # Errors
/// [`CliError`], with what was attempted.
pub async fn logout(session: &mut Session<'_>, connection: &ConnectionArgs) -> Result<(), CliError> {
    let path = connection.token_file_to_write().attempt("sign out")?;
    session
        .act(&Call::delete(["sessions", "current"]), "Signed out.")
        .await
        .attempt("sign out")?;
    match std::fs::remove_file(&path) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(source) => Err(Cause::File {
            action: "removed",
            path,
            source,
        })
        .attempt("sign out"),
    }
}

/// A session of one's own.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct SessionRow {
    id: String,
    current: bool,
    authenticated_at: Option<Timestamp>,
    last_seen_at: Option<Timestamp>,
    expires_at: Option<Timestamp>,
    address: Option<String>,
    agent: Option<String>,
}

impl Row for SessionRow {
    const NONE: &'static str = "no sessions";
    const COLUMNS: &'static [&'static str] =
        &["", "SIGNED IN", "LAST SEEN", "ENDS", "ADDRESS", "PROGRAM", "ID"];

    fn cells(&self, times: &Times) -> Vec<Cell> {
        vec![
            Cell::from(if self.current { "this one" } else { "" }),
            Cell::time(self.authenticated_at, times),
            Cell::time(self.last_seen_at, times),
            Cell::time(self.expires_at, times),
            self.address.as_ref().into(),
            self.agent.as_ref().into(),
            Cell::from(&self.id),
        ]
    }
}

/// Who one is signed in as.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Me {
    name: String,
    roles: Vec<String>,
    rights: Vec<Right>,
    has_authenticator: bool,
    has_pin: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Right {
    permission: String,
    everywhere: bool,
}

/// Does what was asked about oneself.
///
/// # Errors
/// [`CliError`], with what was attempted.
pub async fn me(
    session: &mut Session<'_>,
    command: MeCommand,
    connection: &ConnectionArgs,
) -> Result<(), CliError> {
    match command {
        MeCommand::Show => show(session).await.attempt("say who you are"),
        MeCommand::Password => change_password(session, connection)
            .await
            .attempt("change your password"),
        MeCommand::Authenticator => authenticator(session).await.attempt("set an authenticator up"),
        MeCommand::Pin => pin(session).await.attempt("set your PIN"),
        MeCommand::Sessions => session
            .list_whole::<SessionRow>(Call::get(["sessions"]))
            .await
            .attempt("list your sessions"),
        MeCommand::SignOut { session: id } => session
            .act(&Call::delete(["sessions", &id]), "The session has ended.")
            .await
            .attempt("end the session"),
    }
}

async fn show(session: &mut Session<'_>) -> Result<(), Cause> {
    session
        .show(&Call::get(["me"]), |output, _, me: &Me| {
            let yes = |has: bool| Cell::from(if has { "yes" } else { "no" });
            let rights: Vec<_> = me
                .rights
                .iter()
                .map(|right| {
                    let own = if right.everywhere { "" } else { " (own care areas)" };
                    format!("{}{own}", right.permission)
                })
                .collect();
            output.sheet([
                ("name", Cell::from(&me.name)),
                ("roles", Cell::from(me.roles.join(", "))),
                ("authenticator", yes(me.has_authenticator)),
                ("signing PIN", yes(me.has_pin)),
                ("rights", Cell::from(rights.join(", "))),
            ])
        })
        .await
}

/// The session's secret changes with the password.
async fn change_password(session: &mut Session<'_>, connection: &ConnectionArgs) -> Result<(), Cause> {
    let path = connection.token_file_to_write()?;
    let old = password("Your password", "GATEWAY_PASSWORD", false)?;
    let new = password("New password", "GATEWAY_NEW_PASSWORD", true)?;
    let body = json!({ "password": old.expose_secret(), "new_password": new.expose_secret() });
    let answer = session
        .client
        .json(&Call::post(["me", "password"]).json(body))
        .await?;
    let secret = answer.get("token").and_then(Value::as_str).unwrap_or_default();
    save_token(&path, &SecretString::from(secret))?;
    Ok(session
        .output
        .note("Your password is changed. Your other sessions have ended, your tokens are taken back.")?)
}

async fn authenticator(session: &mut Session<'_>) -> Result<(), Cause> {
    let known = password("Your password", "GATEWAY_PASSWORD", false)?;
    let begun = session
        .client
        .json(&Call::post(["me", "totp"]).json(json!({ "password": known.expose_secret() })))
        .await?;
    let text = |member: &str| {
        begun
            .get(member)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    session
        .output
        .note("Give this to your authenticator, as a link or typed in; it is shown only now:")?;
    session.output.line(&text("uri"))?;
    session.output.line(&text("secret"))?;
    let code = password("The code that it shows", "GATEWAY_TOTP", false)?;
    let body = json!({ "ticket": text("ticket"), "totp": code.expose_secret() });
    session
        .client
        .json(&Call::post(["me", "totp", "confirm"]).json(body))
        .await?;
    Ok(session
        .output
        .note("The authenticator is in use from the next sign-in on.")?)
}

async fn pin(session: &mut Session<'_>) -> Result<(), Cause> {
    let known = password("Your password", "GATEWAY_PASSWORD", false)?;
    let pin = password("New PIN", "GATEWAY_PIN", true)?;
    let body = json!({ "password": known.expose_secret(), "pin": pin.expose_secret() });
    session
        .act(&Call::post(["me", "pin"]).json(body), "Your PIN is set.")
        .await
}
