//! `gateway token …`: what programs are known by.

use fleet::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer};
use serde_json::json;

use super::{
    args::{IssueArgs, TokenCommand},
    client::Call,
    error::{Attempt, Cause, CliError},
    session::{Session, given, read},
    table::{Cell, Row},
    time::Times,
};

/// Does what was asked about tokens.
///
/// # Errors
/// [`CliError`], with what was attempted.
pub async fn run(session: &mut Session<'_>, command: TokenCommand) -> Result<(), CliError> {
    match command {
        TokenCommand::Issue(args) => issue(session, &args)
            .await
            .attempt(format!("make the token {}", args.label)),
        TokenCommand::List { all } => {
            let call = if all {
                Call::get(["tokens", "all"])
            } else {
                Call::get(["tokens"])
            };
            session.list_whole::<TokenRow>(call).await.attempt("list tokens")
        }
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

/// The one time that a token is seen. It stands alone on standard output, so that it can be piped.
async fn issue(session: &mut Session<'_>, args: &IssueArgs) -> Result<(), Cause> {
    let body = given([
        ("label", Some(json!(args.label))),
        ("scopes", Some(json!(args.scopes))),
        ("valid_days", args.valid_days.map(|days| json!(days))),
    ]);
    let document = session.client.json(&Call::post(["tokens"]).json(body)).await?;
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
    scopes: Vec<String>,
    created_at: Option<Timestamp>,
    expires_at: Option<Timestamp>,
    revoked_at: Option<Timestamp>,
}

impl Row for TokenRow {
    const NONE: &'static str = "no tokens";
    const COLUMNS: &'static [&'static str] = &["LABEL", "SCOPES", "MADE", "GOOD UNTIL", "REVOKED", "ID"];

    fn cells(&self, times: &Times) -> Vec<Cell> {
        vec![
            Cell::from(&self.label),
            Cell::from(self.scopes.join(" ")),
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
    let token = match (tokens.is_empty(), uuid::Uuid::parse_str(name)) {
        // Perhaps somebody else's, for those who may.
        (true, Ok(id)) => TokenRow {
            id: id.to_string(),
            label: id.to_string(),
            ..TokenRow::default()
        },
        _ => session.only(name, "token", tokens)?,
    };
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
