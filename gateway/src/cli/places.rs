//! `gateway expected|discrepancies|area|location|manufacturer …`: what the hospital has, where, and from whom.

use fleet::Timestamp;
use serde::Deserialize;
use serde_json::json;

use super::{
    args::{AreaCommand, ExpectedCommand, LocationCommand, ManufacturerCommand},
    client::Call,
    error::{Attempt, Cause, CliError},
    floors,
    session::{Session, given},
    table::{Cell, Row, Tone},
    time::Times,
};

/// A care area, a location or a manufacturer: each has a name.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Place {
    id: String,
    name: String,
    care_area: Option<String>,
    email: Option<String>,
    phone: Option<String>,
    web: Option<String>,
}

/// Makes a row type that reads a [`Place`] and shows some of it.
macro_rules! place_rows {
    ($($name:ident($none:literal): $($column:literal = $field:ident),+;)+) => {$(
        #[derive(Debug, Default, Deserialize)]
        #[serde(transparent)]
        struct $name(Place);

        impl Row for $name {
            const NONE: &'static str = $none;
            const COLUMNS: &'static [&'static str] = &[$($column),+];

            fn cells(&self, _: &Times) -> Vec<Cell> {
                vec![$(self.0.$field()),+]
            }
        }
    )+};
}

place_rows! {
    Area("no care areas"): "CARE AREA" = name;
    Location("no locations"): "LOCATION" = name, "CARE AREA" = care_area;
    Manufacturer("no manufacturers"): "MANUFACTURER" = name, "E-MAIL" = email, "TELEPHONE" = phone, "WEB PAGE" = web;
}

impl Place {
    fn name(&self) -> Cell {
        Cell::from(&self.name)
    }

    fn care_area(&self) -> Cell {
        self.care_area.as_ref().into()
    }

    fn email(&self) -> Cell {
        self.email.as_ref().into()
    }

    fn phone(&self) -> Cell {
        self.phone.as_ref().into()
    }

    fn web(&self) -> Cell {
        self.web.as_ref().into()
    }

    fn is_called(&self, name: &str) -> bool {
        self.id == name || self.name.eq_ignore_ascii_case(name)
    }
}

/// Does what was asked about care areas.
///
/// # Errors
/// [`CliError`], with what was attempted on which area.
pub async fn area(session: &mut Session<'_>, command: AreaCommand) -> Result<(), CliError> {
    match command {
        AreaCommand::List => session
            .list_whole::<Area>(Call::get(["care-areas"]))
            .await
            .attempt("list care areas"),
        AreaCommand::Add { name } => {
            let call = Call::post(["care-areas"]).json(json!({"name": name}));
            let done = format!("Care area {name} added.");
            session
                .act(&call, &done)
                .await
                .attempt(format!("add the care area {name}"))
        }
        AreaCommand::Rename { area, name } => rename(session, &area, name.as_str())
            .await
            .attempt(format!("rename the care area {area}")),
        AreaCommand::Floor { area, model, keep } => floors::set(session, &area, &model, keep)
            .await
            .attempt(format!("set the floor of {area} for {model}")),
        AreaCommand::Floors => floors::list(session).await.attempt("list ward floors"),
    }
}

/// The id of the care area that a person named.
///
/// # Errors
/// [`Cause::NotFound`], or [`Cause::Ambiguous`].
pub async fn care_area_id(session: &Session<'_>, name: &str) -> Result<String, Cause> {
    let mut areas: Vec<Area> = session.all_read(Call::get(["care-areas"])).await?;
    areas.retain(|area| area.0.is_called(name));
    session.only(name, "care area", areas).map(|area| area.0.id)
}

async fn rename(session: &mut Session<'_>, old: &str, new: &str) -> Result<(), Cause> {
    let id = care_area_id(session, old).await?;
    let call = Call::patch(["care-areas", &id]).json(json!({"name": new}));
    session
        .act(&call, &format!("{old} is called {new} from now on."))
        .await
}

/// Does what was asked about locations.
///
/// # Errors
/// [`CliError`], with what was attempted on which location.
pub async fn location(session: &mut Session<'_>, command: LocationCommand) -> Result<(), CliError> {
    match command {
        LocationCommand::List => session
            .list_whole::<Location>(Call::get(["locations"]))
            .await
            .attempt("list locations"),
        LocationCommand::Add { name, care_area } => {
            let body = given([
                ("name", Some(json!(name))),
                ("care_area", care_area.map(|area| json!(area))),
            ]);
            let done = format!("Location {name} added.");
            session
                .act(&Call::post(["locations"]).json(body), &done)
                .await
                .attempt(format!("add the location {name}"))
        }
    }
}

/// Does what was asked about manufacturers.
///
/// # Errors
/// [`CliError`], with what was attempted on which manufacturer.
pub async fn manufacturer(session: &mut Session<'_>, command: ManufacturerCommand) -> Result<(), CliError> {
    match command {
        ManufacturerCommand::List => session
            .list_whole::<Manufacturer>(Call::get(["manufacturers"]))
            .await
            .attempt("list manufacturers"),
        ManufacturerCommand::Contact {
            manufacturer,
            email,
            phone,
            web,
        } => {
            let body = given([
                ("email", email.map(|contact| json!(contact))),
                ("phone", phone.map(|contact| json!(contact))),
                ("web", web.map(|contact| json!(contact))),
            ]);
            contact(session, &manufacturer, body)
                .await
                .attempt(format!("note how to reach {manufacturer}"))
        }
    }
}

async fn contact(session: &mut Session<'_>, name: &str, body: serde_json::Value) -> Result<(), Cause> {
    let mut makers: Vec<Manufacturer> = session.all_read(Call::get(["manufacturers"])).await?;
    makers.retain(|maker| maker.0.is_called(name));
    let Manufacturer(maker) = session.only(name, "manufacturer", makers)?;
    let call = Call::patch(["manufacturers", &maker.id]).json(body);
    session
        .act(&call, &format!("Noted how to reach {}.", maker.name))
        .await
}

/// A pump that the hospital expects to see.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Expected {
    id: String,
    serial: String,
    manufacturer: Option<String>,
    model: Option<String>,
    asset_tag: Option<String>,
    care_area: Option<String>,
    location: Option<String>,
    listed_at: Option<Timestamp>,
}

impl Row for Expected {
    const NONE: &'static str = "no pumps on the list";
    const COLUMNS: &'static [&'static str] = &[
        "ASSET TAG",
        "SERIAL",
        "MANUFACTURER",
        "MODEL",
        "CARE AREA",
        "LOCATION",
        "LISTED",
    ];

    fn cells(&self, times: &Times) -> Vec<Cell> {
        vec![
            self.asset_tag.as_ref().into(),
            Cell::from(&self.serial),
            self.manufacturer.as_ref().into(),
            self.model.as_ref().into(),
            self.care_area.as_ref().into(),
            self.location.as_ref().into(),
            Cell::time(self.listed_at, times),
        ]
    }
}

/// A column that a CSV file may have.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Column {
    name: String,
    required: bool,
    also: Vec<String>,
    meaning: String,
}

impl Row for Column {
    const NONE: &'static str = "no columns";
    const COLUMNS: &'static [&'static str] = &["COLUMN", "NEEDED", "MEANING", "ALSO UNDERSTOOD"];

    fn cells(&self, _: &Times) -> Vec<Cell> {
        let needed = if self.required { "yes" } else { "" };
        vec![
            Cell::from(&self.name),
            Cell::from(needed),
            Cell::from(&self.meaning),
            Cell::from(self.also.join(", ")),
        ]
    }
}

/// Does what was asked about expected pumps.
///
/// # Errors
/// [`CliError`], with what was attempted on which of them.
pub async fn expected(session: &mut Session<'_>, command: ExpectedCommand) -> Result<(), CliError> {
    match command {
        ExpectedCommand::List { page } => session
            .list::<Expected>(Call::get(["expected"]), &page)
            .await
            .attempt("list expected pumps"),
        ExpectedCommand::Remove { expected } => remove(session, &expected)
            .await
            .attempt(format!("take {expected} off the list of expected pumps")),
        ExpectedCommand::Columns => session
            .list_whole::<Column>(Call::get(["expected", "columns"]))
            .await
            .attempt("list the columns of a CSV file"),
    }
}

async fn remove(session: &mut Session<'_>, name: &str) -> Result<(), Cause> {
    let mut listed: Vec<Expected> = session.all_read(Call::get(["expected"])).await?;
    listed.retain(|pump| pump.id == name || pump.serial == name || pump.asset_tag.as_deref() == Some(name));
    let pump = session.only(name, "pump on the list called", listed)?;
    let done = format!("{} is expected no longer.", pump.serial);
    session.act(&Call::delete(["expected", &pump.id]), &done).await
}

/// A disagreement between the list and the fleet.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Discrepancy {
    kind: String,
    summary: String,
    pumps: Vec<Named>,
    expected: Option<Named>,
    since: Option<Timestamp>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Named {
    serial: String,
    asset_tag: Option<String>,
}

impl Row for Discrepancy {
    const NONE: &'static str = "no discrepancies: the list and the fleet agree";
    const COLUMNS: &'static [&'static str] = &["KIND", "WHAT", "PUMPS", "SINCE"];

    fn cells(&self, times: &Times) -> Vec<Cell> {
        let names = self
            .pumps
            .iter()
            .chain(&self.expected)
            .map(|pump| pump.asset_tag.as_ref().unwrap_or(&pump.serial).as_str());
        vec![
            Cell::toned(self.kind.replace('_', " "), Tone::Attention),
            Cell::from(&self.summary),
            Cell::from(names.collect::<Vec<_>>().join(", ")),
            Cell::time(self.since, times),
        ]
    }
}

/// Lists where the list of expected pumps and the fleet disagree.
///
/// # Errors
/// [`CliError`].
pub async fn discrepancies(session: &mut Session<'_>) -> Result<(), CliError> {
    session
        .list_whole::<Discrepancy>(Call::get(["discrepancies"]))
        .await
        .attempt("compare the list with the fleet")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_has_as_many_cells_as_headings() {
        fn check<R: Row + Default>() {
            let times = Times {
                now: chrono::DateTime::UNIX_EPOCH,
                zone: None,
            };
            assert_eq!(R::default().cells(&times).len(), R::COLUMNS.len(), "{}", R::NONE);
        }
        check::<Area>();
        check::<Location>();
        check::<Manufacturer>();
        check::<Expected>();
        check::<Column>();
        check::<Discrepancy>();
    }

    #[test]
    fn a_place_is_known_by_its_name_or_id() {
        let place = Place {
            id: "id".to_owned(),
            name: "4 West".to_owned(),
            ..Place::default()
        };
        assert!(place.is_called("id") && place.is_called("4 west"));
        assert!(!place.is_called("4"));
    }
}
