//! `gateway token …`: what this program is known by.

use fleet::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};

use super::{
    args::{IssueArgs, TokenCommand},
    client::Call,
    connection::{ConnectionArgs, save_token},
    error::{Attempt, Cause, CliError},
    passphrase::password,
    session::{Session, given, read},
    table::{Cell, Row},
    time::Times,
};

/// Does what was asked about tokens.
///
/// # Errors
/// [`CliError`], with what was attempted.
pub async fn run(
    session: &mut Session<'_>,
    command: TokenCommand,
    connection: &ConnectionArgs,
) -> Result<(), CliError> {
    match command {
        TokenCommand::Issue(args) => issue(session, &args, connection)
            .await
            .attempt(format!("get a token for {}", args.name)),
        TokenCommand::List => session
            .list_whole::<TokenRow>(Call::get(["tokens"]))
            .await
            .attempt("list your tokens"),
        TokenCommand::Revoke { token } => revoke(session, &token)
            .await
            .attempt(format!("revoke the token {token}")),
    }
}

#[derive(Deserialize)]
struct Issued {
    #[serde(deserialize_with = "secret")]
    token: SecretString,
    expires_at: Timestamp,
}

fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SecretString, D::Error> {
    String::deserialize(deserializer).map(SecretString::from)
}

async fn issue(
    session: &mut Session<'_>,
    args: &IssueArgs,
    connection: &ConnectionArgs,
) -> Result<(), Cause> {
    let name = args.name.as_str();
    let path = args.save.then(|| connection.token_file_to_write()).transpose()?;
    let old = password(&format!("Password of {name}"), "GATEWAY_PASSWORD", false)?;
    let call = |new: Option<&SecretString>| {
        let body = given([
            ("label", Some(json!(args.label))),
            ("valid_days", args.valid_days.map(|days| json!(days))),
            ("new_password", new.map(|new| json!(new.expose_secret()))),
        ]);
        Call::post(["tokens"]).by_password(name, &old).json(body)
    };
    let document = match session.client.json(&call(None)).await {
        Err(Cause::Refused(problem)) if problem.code == "password_change_required" => {
            session
                .output
                .note("The one-time password must be replaced now.")?;
            let new = password(&format!("New password of {name}"), "GATEWAY_NEW_PASSWORD", true)?;
            session.client.json(&call(Some(&new))).await?
        }
        answer => answer?,
    };
    let Some(path) = path else {
        return print(session, document);
    };
    let issued: Issued = read(document)?;
    save_token(&path, &issued.token)?;
    let until = session.times.exact(issued.expires_at);
    let words = format!("Saved to {}; good until {until}.", path.display());
    Ok(session.output.note(&words)?)
}

/// The one time that a token is seen. It stands alone on standard output, so that it can be piped.
fn print(session: &mut Session<'_>, document: Value) -> Result<(), Cause> {
    if session.output.json {
        return Ok(session.output.document(&document)?);
    }
    let issued: Issued = read(document)?;
    session.output.line(issued.token.expose_secret())?;
    let until = session.times.exact(issued.expires_at);
    Ok(session
        .output
        .note(&format!("Good until {until}. The token is shown only now."))?)
}

/// A token on record.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct TokenRow {
    id: String,
    label: String,
    created_at: Option<Timestamp>,
    expires_at: Option<Timestamp>,
    revoked_at: Option<Timestamp>,
}

impl Row for TokenRow {
    const NONE: &'static str = "no tokens";
    const COLUMNS: &'static [&'static str] = &["LABEL", "MADE", "GOOD UNTIL", "REVOKED", "ID"];

    fn cells(&self, times: &Times) -> Vec<Cell> {
        vec![
            Cell::from(&self.label),
            Cell::time(self.created_at, times),
            Cell::deadline(self.expires_at, times),
            Cell::time(self.revoked_at, times),
            Cell::from(&self.id),
        ]
    }
}

async fn revoke(session: &mut Session<'_>, name: &str) -> Result<(), Cause> {
    let mut tokens: Vec<TokenRow> = session.all_read(Call::get(["tokens"])).await?;
    tokens.retain(|token| token.id == name || (token.label == name && token.revoked_at.is_none()));
    let token = session.only(name, "token", tokens)?;
    session
        .act(
            &Call::delete(["tokens", &token.id]),
            &format!("Token {} opens nothing any more.", token.label),
        )
        .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_read_and_never_shown_by_debug() {
        let issued: Issued =
            read(json!({"id": "x", "token": "secret-token", "expires_at": "2027-01-15T08:00:00Z"})).unwrap();
        assert!(!format!("{:?}", issued.token).contains("secret-token"));
        let times = Times {
            now: issued.expires_at,
            zone: None,
        };
        assert_eq!(TokenRow::default().cells(&times).len(), TokenRow::COLUMNS.len());
    }
}
