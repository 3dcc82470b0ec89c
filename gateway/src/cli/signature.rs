//! `gateway signature …`

use fleet::signature::{Meaning, SubjectKind};
use secrecy::ExposeSecret;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    args::{SignatureCommand, SubjectArgs},
    client::Call,
    error::{Attempt, Cause, CliError},
    hold,
    passphrase::password,
    places, release, rollout,
    session::{Session, given},
    table::{Cell, Row, Tone},
    time::Times,
    wave,
};

/// A signature or a refusal on record.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct SignatureRow {
    id: String,
    label: String,
    printed_name: String,
    role: String,
    signed_at: String,
    kind: String,
    subject: String,
    valid: bool,
    void: Option<String>,
}

impl Row for SignatureRow {
    const NONE: &'static str = "no signatures";
    const COLUMNS: &'static [&'static str] = &["SIGNED", "WHO", "ROLE", "MEANING", "OF", "STANDS", "ID"];

    fn cells(&self, _: &Times) -> Vec<Cell> {
        let stands = match (&self.void, self.valid) {
            (_, true) => Cell::toned("yes", Tone::Good),
            (Some(void), false) => Cell::toned(void.clone(), Tone::Attention),
            (None, false) => Cell::toned("no", Tone::Attention),
        };
        vec![
            Cell::from(&self.signed_at),
            Cell::from(&self.printed_name),
            Cell::from(&self.role),
            Cell::from(&self.label),
            Cell::from(format!("{} {}", self.kind, self.subject)),
            stands,
            Cell::from(&self.id),
        ]
    }
}

/// Does what was asked about signatures.
///
/// # Errors
/// [`CliError`], with what was attempted.
pub async fn run(session: &mut Session<'_>, command: SignatureCommand) -> Result<(), CliError> {
    match command {
        SignatureCommand::List { subject } => session
            .list_whole::<SignatureRow>(Call::get(["signatures"]).query_if("subject", subject))
            .await
            .attempt("list signatures"),
        SignatureCommand::Show { signature } => {
            let call = Call::get(["signatures".to_owned(), signature.to_string()]);
            session
                .show(&call, |output, _, whole: &Value| document(output, whole))
                .await
                .attempt("look at the signature")
        }
        SignatureCommand::Preview { subject, meaning } => preview(session, &subject, meaning)
            .await
            .attempt(format!("look at {}", subject.id)),
        SignatureCommand::Sign {
            subject,
            meaning,
            care_area,
            comment,
            yes,
        } => {
            let wanted = Wanted {
                subject: &subject,
                meaning,
                care_area: care_area.as_deref(),
            };
            let comment = comment.map(|comment| json!(comment));
            sign(session, &wanted, comment, yes)
                .await
                .attempt(format!("sign {}", subject.id))
        }
        SignatureCommand::NotNow {
            subject,
            meaning,
            care_area,
            reason,
        } => {
            let wanted = Wanted {
                subject: &subject,
                meaning,
                care_area: care_area.as_deref(),
            };
            not_now(session, &wanted, json!(reason))
                .await
                .attempt(format!("say not now of {}", subject.id))
        }
    }
}

/// What somebody means to say of what.
struct Wanted<'a> {
    subject: &'a SubjectArgs,
    meaning: Meaning,
    /// For which care area, where it belongs to several.
    care_area: Option<&'a str>,
}

impl Wanted<'_> {
    async fn care_area(&self, session: &Session<'_>) -> Result<Option<Value>, Cause> {
        match self.care_area {
            Some(name) => places::care_area_id(session, name)
                .await
                .map(|id| Some(json!(id))),
            None => Ok(None),
        }
    }
}

/// A whole document as it is: for what a person reads line by line before signing.
fn document(output: &mut super::output::Output, value: &Value) -> std::io::Result<()> {
    output.document(value)
}

/// The subject as it is now, as whoever says this of it is shown it.
async fn shown(
    session: &Session<'_>,
    subject: &SubjectArgs,
    meaning: Option<Meaning>,
) -> Result<Value, Cause> {
    let id = match subject.kind {
        SubjectKind::Pump => session.pump(&subject.id).await?.id,
        SubjectKind::Rollout => rollout::named(session, &subject.id).await?.id,
        SubjectKind::Wave => wave::id(session, &subject.id).await?,
        SubjectKind::TrustRoot => release::repository_id(session, &subject.id).await?,
        SubjectKind::Hold => hold::id(session, &subject.id).await?,
        SubjectKind::BreakGlass => subject.id.clone(),
    };
    let call = Call::get(["signatures", "subjects", subject.kind.as_str(), &id])
        .query_if("meaning", meaning.map(Meaning::as_str));
    session.client.json(&call).await
}

async fn preview(
    session: &mut Session<'_>,
    subject: &SubjectArgs,
    meaning: Option<Meaning>,
) -> Result<(), Cause> {
    let shown = shown(session, subject, meaning).await?;
    Ok(session.output.document(&shown)?)
}

/// What is sent back of what was shown.
fn as_shown(shown: &Value) -> [(&'static str, Option<Value>); 4] {
    ["kind", "id", "version", "content_hash"].map(|member| (member, shown.get(member).cloned()))
}

async fn sign(
    session: &mut Session<'_>,
    wanted: &Wanted<'_>,
    comment: Option<Value>,
    yes: bool,
) -> Result<(), Cause> {
    let care_area = wanted.care_area(session).await?;
    let shown = shown(session, wanted.subject, Some(wanted.meaning)).await?;
    if !session.output.json {
        let content = shown.get("content").cloned().unwrap_or_default();
        session.output.document(&content)?;
    }
    session.output.confirm(yes, "Is this what you sign?")?;
    let first = shown.get("takes") == Some(&json!("password_and_second"));
    let variable = |name: &'static str| std::env::var_os(name).is_some();
    let pin = || password("Your PIN", "GATEWAY_PIN", false);
    let mut factors = json!({});
    if first || (variable("GATEWAY_PASSWORD") && !variable("GATEWAY_PIN")) {
        let known = password("Your password", "GATEWAY_PASSWORD", false)?;
        put(&mut factors, "password", known.expose_secret());
    }
    if first && variable("GATEWAY_TOTP") {
        let code = password("Code of the authenticator", "GATEWAY_TOTP", false)?;
        put(&mut factors, "totp", code.expose_secret());
    } else if first || factors == json!({}) {
        put(&mut factors, "pin", pin()?.expose_secret());
    }
    let [kind, id, version, hash] = as_shown(&shown);
    let body = given([
        kind,
        id,
        version,
        hash,
        ("meaning", Some(json!(wanted.meaning))),
        ("care_area", care_area),
        ("comment", comment),
        ("factors", Some(factors)),
    ]);
    session
        .act(&Call::post(["signatures"]).json(body), "Signed.")
        .await
}

fn put(object: &mut Value, member: &str, text: &str) {
    if let Some(map) = object.as_object_mut() {
        map.insert(member.to_owned(), json!(text));
    }
}

async fn not_now(session: &mut Session<'_>, wanted: &Wanted<'_>, reason: Value) -> Result<(), Cause> {
    let care_area = wanted.care_area(session).await?;
    let shown = shown(session, wanted.subject, Some(wanted.meaning)).await?;
    let [kind, id, version, hash] = as_shown(&shown);
    let body = given([
        kind,
        id,
        version,
        hash,
        ("meaning", Some(json!(wanted.meaning))),
        ("care_area", care_area),
        ("reason", Some(reason)),
    ]);
    session
        .act(
            &Call::post(["signatures", "not-now"]).json(body),
            "On record: not now.",
        )
        .await
}
