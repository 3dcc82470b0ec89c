//! `gateway area floor|floors`: how many pumps a care area keeps in service, whatever is rolled out.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    client::Call,
    error::Cause,
    model, places,
    session::Session,
    table::{Cell, Row},
    time::Times,
};

/// A ward floor, with the names of what it is about.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Floor {
    care_area: String,
    model: String,
    keep: u32,
}

impl Row for Floor {
    const NONE: &'static str = "no ward floors";
    const COLUMNS: &'static [&'static str] = &["CARE AREA", "MODEL", "KEEPS"];

    fn cells(&self, _: &Times) -> Vec<Cell> {
        vec![
            Cell::from(&self.care_area),
            Cell::from(&self.model),
            Cell::from(self.keep.to_string()),
        ]
    }
}

/// Sets a ward floor; 0 takes it away.
///
/// # Errors
/// [`Cause::NotFound`] or [`Cause::Ambiguous`] for a name, and what the gateway says.
pub async fn set(session: &mut Session<'_>, area: &str, model: &str, keep: u32) -> Result<(), Cause> {
    let area_id = places::care_area_id(session, area).await?;
    let model_id = model::model_id(session, model).await?;
    let body = json!({"care_area": area_id, "model": model_id, "keep": keep});
    let done = if keep == 0 {
        format!("{area} has no floor for {model} any more.")
    } else {
        format!("{area} keeps at least {keep} of {model} in service.")
    };
    session.act(&Call::put(["ward-floors"]).json(body), &done).await
}

/// Lists ward floors, the same names as in the other lists.
///
/// # Errors
/// What the gateway says.
pub async fn list(session: &mut Session<'_>) -> Result<(), Cause> {
    #[derive(Deserialize)]
    struct Named {
        id: String,
        name: String,
    }
    let mut floors = session.all(Call::get(["ward-floors"])).await?;
    if session.output.json {
        return Ok(session.output.document(&Value::Array(floors))?);
    }
    let mut names = HashMap::new();
    for path in ["care-areas", "models"] {
        let page: Vec<Named> = session.all_read(Call::get([path])).await?;
        names.extend(page.into_iter().map(|entry| (entry.id, entry.name)));
    }
    for id in floors
        .iter_mut()
        .filter_map(Value::as_object_mut)
        .flat_map(|floor| floor.values_mut())
    {
        if let Some(name) = id.as_str().and_then(|id| names.get(id)) {
            *id = json!(name);
        }
    }
    session.rows::<Floor>(floors)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_has_as_many_cells_as_headings() {
        let times = Times {
            now: chrono::DateTime::UNIX_EPOCH,
            zone: None,
        };
        assert_eq!(Floor::default().cells(&times).len(), Floor::COLUMNS.len());
    }
}
