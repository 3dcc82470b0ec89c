//! `gateway person …`, `gateway device …`, `gateway glass …`, `gateway roles`.

use fleet::Timestamp;
use secrecy::ExposeSecret;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    args::{AddPersonArgs, DeviceCommand, GlassCommand, PersonCommand},
    client::Call,
    connection::{ConnectionArgs, save_token},
    error::{Attempt, Cause, CliError},
    passphrase::password,
    session::{Session, given},
    table::{Cell, Row, Tone},
    time::Times,
};

/// A person on record.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct PersonRow {
    id: String,
    row_version: Option<i64>,
    name: String,
    printed_name: String,
    roles: Vec<RoleOf>,
    disabled_at: Option<Timestamp>,
    must_change_password: bool,
    has_authenticator: bool,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct RoleOf {
    role: String,
    everywhere: bool,
}

impl PersonRow {
    fn roles(&self) -> String {
        let one = |role: &RoleOf| {
            let own = if role.everywhere { "" } else { " (own areas)" };
            format!("{}{own}", role.role)
        };
        self.roles.iter().map(one).collect::<Vec<_>>().join(", ")
    }

    fn state(&self) -> Cell {
        if self.disabled_at.is_some() {
            Cell::toned("closed", Tone::Attention)
        } else if self.must_change_password {
            Cell::toned("not signed in yet", Tone::Plain)
        } else {
            Cell::from("open")
        }
    }
}

impl Row for PersonRow {
    const NONE: &'static str = "no people";
    const COLUMNS: &'static [&'static str] = &["NAME", "PRINTED NAME", "ROLES", "ACCOUNT", "AUTHENTICATOR"];

    fn cells(&self, _: &Times) -> Vec<Cell> {
        vec![
            Cell::from(&self.name),
            Cell::from(&self.printed_name),
            Cell::from(self.roles()),
            self.state(),
            Cell::from(if self.has_authenticator { "yes" } else { "no" }),
        ]
    }
}

/// Does what was asked about people.
///
/// # Errors
/// [`CliError`], with what was attempted.
pub async fn run(session: &mut Session<'_>, command: PersonCommand) -> Result<(), CliError> {
    match command {
        PersonCommand::List => session
            .list_whole::<PersonRow>(Call::get(["people"]))
            .await
            .attempt("list people"),
        PersonCommand::Show { person } => show(session, &person).await.attempt(format!("look at {person}")),
        PersonCommand::Add(args) => add(session, &args).await.attempt(format!("add {}", args.name)),
        PersonCommand::Rename { person, printed_name } => edit(
            session,
            &person,
            |id| Call::patch(["people", id]),
            json!({ "printed_name": printed_name }),
        )
        .await
        .attempt(format!("rename {person}")),
        PersonCommand::Roles {
            person,
            roles,
            reason,
        } => set_roles(session, &person, &roles, json!(reason))
            .await
            .attempt(format!("change the roles of {person}")),
        PersonCommand::Disable { person, reason } => edit(
            session,
            &person,
            |id| Call::post(["people", id, "disable"]),
            json!({ "reason": reason }),
        )
        .await
        .attempt(format!("close the account of {person}")),
        PersonCommand::Enable { person, reason } => edit(
            session,
            &person,
            |id| Call::post(["people", id, "enable"]),
            json!({ "reason": reason }),
        )
        .await
        .attempt(format!("open the account of {person}")),
        PersonCommand::Reset { person, reason } => edit(
            session,
            &person,
            |id| Call::post(["people", id, "reset"]),
            json!({ "reason": reason }),
        )
        .await
        .attempt(format!("give {person} a one-time password")),
        PersonCommand::SignOut { person } => edit(
            session,
            &person,
            |id| Call::post(["people", id, "sign-out"]),
            Value::Null,
        )
        .await
        .attempt(format!("sign {person} out")),
    }
}

/// The account of a person.
///
/// # Errors
/// [`Cause::NotFound`], or what the gateway says to whoever may not see accounts.
pub async fn id(session: &Session<'_>, name: &str) -> Result<String, Cause> {
    Ok(find(session, name).await?.id)
}

async fn find(session: &Session<'_>, name: &str) -> Result<PersonRow, Cause> {
    let mut people: Vec<PersonRow> = session.all_read(Call::get(["people"])).await?;
    people.retain(|person| person.id == name || person.name.to_lowercase() == name.to_lowercase());
    session.only(name, "person", people)
}

async fn show(session: &mut Session<'_>, name: &str) -> Result<(), Cause> {
    let id = find(session, name).await?.id;
    session
        .show(&Call::get(["people", &id]), |output, _, person: &PersonRow| {
            output.sheet([
                ("name", Cell::from(&person.name)),
                ("printed name", Cell::from(&person.printed_name)),
                ("roles", Cell::from(person.roles())),
                ("account", person.state()),
                ("id", Cell::from(&person.id)),
            ])
        })
        .await
}

/// `nurse:MICU,4 West` as the API takes it: care areas by their ids.
async fn roles(session: &Session<'_>, given: &[String]) -> Result<Value, Cause> {
    #[derive(Deserialize)]
    struct Area {
        id: String,
        name: String,
    }
    let areas: Vec<Area> = session.all_read(Call::get(["care-areas"])).await?;
    let one = |text: &String| match text.split_once(':') {
        None => Ok(json!({ "role": text, "everywhere": true })),
        Some((role, names)) => {
            let ids: Result<Vec<_>, Cause> = names
                .split(',')
                .map(|name| {
                    let area = areas.iter().find(|area| area.name == name.trim());
                    area.map(|area| area.id.clone()).ok_or_else(|| Cause::NotFound {
                        what: "care area",
                        name: name.trim().to_owned(),
                    })
                })
                .collect();
            Ok(json!({ "role": role, "care_areas": ids? }))
        }
    };
    Ok(Value::Array(given.iter().map(one).collect::<Result<_, Cause>>()?))
}

async fn add(session: &mut Session<'_>, args: &AddPersonArgs) -> Result<(), Cause> {
    let body = json!({
        "name": args.name,
        "printed_name": args.printed_name,
        "roles": roles(session, &args.roles).await?,
    });
    let answer = session.client.json(&Call::post(["people"]).json(body)).await?;
    told(session, &answer)
}

/// A one-time password stands alone on standard output.
fn told(session: &mut Session<'_>, answer: &Value) -> Result<(), Cause> {
    if session.output.json {
        return Ok(session.output.document(answer)?);
    }
    match answer.get("one_time_password").and_then(Value::as_str) {
        Some(password) => {
            session.output.line(password)?;
            Ok(session
                .output
                .note("This one-time password is shown only now; the first sign-in replaces it.")?)
        }
        None => Ok(session.output.note("Done.")?),
    }
}

async fn set_roles(
    session: &mut Session<'_>,
    name: &str,
    given: &[String],
    reason: Value,
) -> Result<(), Cause> {
    let roles = roles(session, given).await?;
    let body = json!({ "roles": roles, "reason": reason });
    edit(session, name, |id| Call::put(["people", id, "roles"]), body).await
}

async fn edit(
    session: &mut Session<'_>,
    name: &str,
    call: impl FnOnce(&str) -> Call,
    body: Value,
) -> Result<(), Cause> {
    let person = find(session, name).await?;
    let mut call = call(&person.id).if_match(person.row_version);
    if !body.is_null() {
        call = call.json(body);
    }
    let answer = session.client.json(&call).await?;
    told(session, &answer)
}

/// A device on record.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct DeviceRow {
    id: String,
    name: String,
    idle_seconds: i64,
    registered_at: Option<Timestamp>,
}

impl Row for DeviceRow {
    const NONE: &'static str = "no registered devices";
    const COLUMNS: &'static [&'static str] = &["NAME", "SIGNS OUT AFTER", "REGISTERED", "ID"];

    fn cells(&self, times: &Times) -> Vec<Cell> {
        vec![
            Cell::from(&self.name),
            Cell::from(format!("{} s", self.idle_seconds)),
            Cell::time(self.registered_at, times),
            Cell::from(&self.id),
        ]
    }
}

/// Does what was asked about devices.
///
/// # Errors
/// [`CliError`], with what was attempted.
pub async fn device(session: &mut Session<'_>, command: DeviceCommand) -> Result<(), CliError> {
    match command {
        DeviceCommand::List => session
            .list_whole::<DeviceRow>(Call::get(["devices"]))
            .await
            .attempt("list devices"),
        DeviceCommand::Register {
            name,
            area,
            idle_seconds,
        } => register(
            session,
            &name,
            area.as_ref().map(|area| area.as_str()),
            idle_seconds,
        )
        .await
        .attempt(format!("register {name}")),
        DeviceCommand::Remove { device } => {
            remove(session, &device).await.attempt(format!("remove {device}"))
        }
    }
}

async fn register(
    session: &mut Session<'_>,
    name: &fleet::text::Name,
    area: Option<&str>,
    idle_seconds: Option<u32>,
) -> Result<(), Cause> {
    let area = match area {
        None => None,
        Some(area) => {
            let areas = session.all(Call::get(["care-areas"])).await?;
            let found = areas
                .into_iter()
                .find(|one| one.get("name") == Some(&json!(area)));
            let found = found.ok_or_else(|| Cause::NotFound {
                what: "care area",
                name: area.to_owned(),
            })?;
            found.get("id").cloned()
        }
    };
    let body = given([
        ("name", Some(json!(name))),
        ("care_area", area),
        ("idle_seconds", idle_seconds.map(|seconds| json!(seconds))),
    ]);
    let answer = session.client.json(&Call::post(["devices"]).json(body)).await?;
    if session.output.json {
        return Ok(session.output.document(&answer)?);
    }
    let secret = answer.get("secret").and_then(Value::as_str).unwrap_or_default();
    session.output.line(secret)?;
    Ok(session
        .output
        .note("This secret is shown only now; it is kept on the device and sent at sign-in.")?)
}

async fn remove(session: &mut Session<'_>, name: &str) -> Result<(), Cause> {
    let mut devices: Vec<DeviceRow> = session.all_read(Call::get(["devices"])).await?;
    devices.retain(|device| device.id == name || device.name == name);
    let device = session.only(name, "device", devices)?;
    session
        .act(
            &Call::delete(["devices", &device.id]),
            "It is registered no longer.",
        )
        .await
}

/// A use of break-glass.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct GlassRow {
    id: String,
    printed_name: String,
    since: Option<Timestamp>,
    over_at: Option<Timestamp>,
    reason: String,
    reviewed_by: Option<String>,
}

impl Row for GlassRow {
    const NONE: &'static str = "no uses of break-glass";
    const COLUMNS: &'static [&'static str] = &["WHO", "SINCE", "UNTIL", "WHY", "REVIEWED BY", "ID"];

    fn cells(&self, times: &Times) -> Vec<Cell> {
        let reviewed = match &self.reviewed_by {
            Some(name) => Cell::from(name),
            None => Cell::toned("not yet", Tone::Attention),
        };
        vec![
            Cell::from(&self.printed_name),
            Cell::time(self.since, times),
            Cell::time(self.over_at, times),
            Cell::from(&self.reason),
            reviewed,
            Cell::from(&self.id),
        ]
    }
}

/// Does what was asked about break-glass.
///
/// # Errors
/// [`CliError`], with what was attempted.
pub async fn glass(
    session: &mut Session<'_>,
    command: GlassCommand,
    connection: &ConnectionArgs,
) -> Result<(), CliError> {
    match command {
        GlassCommand::List => session
            .list_whole::<GlassRow>(Call::get(["break-glass"]))
            .await
            .attempt("list uses of break-glass"),
        GlassCommand::Break { reason } => {
            let ask = async {
                let known = password("Your password", "GATEWAY_PASSWORD", false)?;
                let body = json!({ "reason": reason, "password": known.expose_secret() });
                let call = Call::post(["break-glass"]).json(body);
                another_secret(
                    session,
                    connection,
                    &call,
                    "The glass is broken: you see every pump and may hold it. It is reviewed afterwards.",
                )
                .await
            };
            ask.await.attempt("break the glass")
        }
        GlassCommand::End => another_secret(
            session,
            connection,
            &Call::delete(["break-glass"]),
            "Break-glass is over.",
        )
        .await
        .attempt("end break-glass"),
    }
}

/// The session's secret changes with its rights.
async fn another_secret(
    session: &mut Session<'_>,
    connection: &ConnectionArgs,
    call: &Call,
    done: &str,
) -> Result<(), Cause> {
    let path = connection.token_file_to_write()?;
    let answer = session.client.json(call).await?;
    let secret = answer.get("token").and_then(Value::as_str).unwrap_or_default();
    save_token(&path, &secrecy::SecretString::from(secret))?;
    Ok(session.output.note(done)?)
}

/// A row of the table of roles.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct RoleRow {
    permission: String,
    roles: Vec<Scope>,
    break_glass: bool,
    programs: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Scope {
    role: String,
    scope: String,
}

impl Row for RoleRow {
    const NONE: &'static str = "no permissions";
    const COLUMNS: &'static [&'static str] = &["PERMISSION", "ROLES", "BREAK-GLASS", "PROGRAMS"];

    fn cells(&self, _: &Times) -> Vec<Cell> {
        let one = |scope: &Scope| {
            let own = if scope.scope == "own_care_areas" {
                " (own areas)"
            } else {
                ""
            };
            format!("{}{own}", scope.role)
        };
        let yes = |is: bool| Cell::from(if is { "yes" } else { "" });
        vec![
            Cell::from(&self.permission),
            Cell::from(self.roles.iter().map(one).collect::<Vec<_>>().join(", ")),
            yes(self.break_glass),
            yes(self.programs),
        ]
    }
}

/// Prints the table of roles.
///
/// # Errors
/// [`CliError`], with what was attempted.
pub async fn role_table(session: &mut Session<'_>) -> Result<(), CliError> {
    session
        .list_whole::<RoleRow>(Call::get(["roles"]))
        .await
        .attempt("show the table of roles")
}
