//! What every command that talks to the gateway does alike: read, list, show, and find a pump by what is written on it.

use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    args::PageArgs,
    client::{Call, Client},
    error::Cause,
    output::Output,
    table::{self, Cell, Row},
    time::Times,
};

/// How many items are asked for at once when all are wanted.
const PAGE: u32 = 500;

/// A command under way.
pub struct Session<'a> {
    pub client: Client,
    pub output: &'a mut Output,
    pub times: Times,
}

/// A pump that a person named.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct PumpRef {
    pub id: String,
    pub row_version: Option<i64>,
    pub serial: String,
    pub manufacturer: Option<String>,
    pub model: Option<String>,
    pub asset_tag: Option<String>,
    pub care_area: Option<String>,
}

impl PumpRef {
    /// The name by which people know it.
    #[must_use]
    pub fn name(&self) -> &str {
        self.asset_tag.as_deref().unwrap_or(&self.serial)
    }
}

impl Row for PumpRef {
    const NONE: &'static str = "no pumps";
    const COLUMNS: &'static [&'static str] =
        &["ASSET TAG", "SERIAL", "MANUFACTURER", "MODEL", "CARE AREA", "ID"];

    fn cells(&self, _: &Times) -> Vec<Cell> {
        vec![
            self.asset_tag.as_ref().into(),
            Cell::from(&self.serial),
            self.manufacturer.as_ref().into(),
            self.model.as_ref().into(),
            self.care_area.as_ref().into(),
            Cell::from(&self.id),
        ]
    }
}

impl Session<'_> {
    /// Makes a call and reads its answer.
    ///
    /// # Errors
    /// [`Cause`], as [`Client::json`] says.
    pub async fn fetch<T: DeserializeOwned>(&self, call: &Call) -> Result<T, Cause> {
        read(self.client.json(call).await?)
    }

    /// Makes a call, and prints its document or what `people` makes of it.
    ///
    /// # Errors
    /// [`Cause`], as [`Client::json`] says, or when it can not be printed.
    pub async fn show<T: DeserializeOwned>(
        &mut self,
        call: &Call,
        people: impl FnOnce(&mut Output, &Times, &T) -> std::io::Result<()>,
    ) -> Result<(), Cause> {
        let document = self.client.json(call).await?;
        if self.output.json {
            // An answer without a body (204) is still one document.
            return Ok(self.output.document(&document)?);
        }
        let thing = read(document)?;
        Ok(people(self.output, &self.times, &thing)?)
    }

    /// Makes a call, and prints its document or one line.
    ///
    /// # Errors
    /// As [`Session::show`].
    pub async fn act(&mut self, call: &Call, done: &str) -> Result<(), Cause> {
        self.show(call, |output, _, _: &Value| output.line(done)).await
    }

    /// Prints a list. All of it, following the cursors; or, with a limit, one page just as the API gives it.
    ///
    /// # Errors
    /// As [`Session::show`].
    pub async fn list<R: Row>(&mut self, call: Call, page: &PageArgs) -> Result<(), Cause> {
        let (items, next) = match page.limit {
            None => (self.all_after(call, page.after.clone()).await?, None),
            Some(limit) => {
                let call = call.query("limit", limit).query_if("after", page.after.as_ref());
                let document = self.client.json(&call).await?;
                if self.output.json {
                    return Ok(self.output.document(&document)?);
                }
                split(document)?
            }
        };
        if self.output.json {
            return Ok(self.output.document(&Value::Array(items))?);
        }
        self.rows::<R>(items)?;
        if let Some(next) = next {
            self.output.note(&format!("There are more: --after {next}"))?;
        }
        Ok(())
    }

    /// Prints a list that comes whole.
    ///
    /// # Errors
    /// As [`Session::show`].
    pub async fn list_whole<R: Row>(&mut self, call: Call) -> Result<(), Cause> {
        self.list::<R>(call, &PageArgs::default()).await
    }

    /// Prints items as a table, or says that there are none.
    ///
    /// # Errors
    /// [`Cause::Unreadable`], or [`Cause::Output`].
    pub fn rows<R: Row>(&mut self, items: Vec<Value>) -> Result<(), Cause> {
        if items.is_empty() {
            return Ok(self.output.note(&format!("There are {}.", R::NONE))?);
        }
        let rows: Vec<R> = items.into_iter().map(read).collect::<Result<_, _>>()?;
        let cells = rows.iter().map(|row| row.cells(&self.times)).collect();
        Ok(self.output.table(R::COLUMNS, cells)?)
    }

    /// Every item of a list, following its cursors.
    ///
    /// # Errors
    /// [`Cause`], as [`Client::json`] says.
    pub async fn all(&self, call: Call) -> Result<Vec<Value>, Cause> {
        self.all_after(call, None).await
    }

    async fn all_after(&self, call: Call, mut after: Option<String>) -> Result<Vec<Value>, Cause> {
        let mut items = Vec::new();
        loop {
            let page = match &after {
                None => call.clone(),
                Some(cursor) => call.clone().query("after", cursor).query("limit", PAGE),
            };
            let (more, next) = split(self.client.json(&page).await?)?;
            items.extend(more);
            // A cursor that does not move would go round for ever.
            if next.is_none() || next == after {
                return Ok(items);
            }
            after = next;
        }
    }

    /// Every item of a list, read.
    ///
    /// # Errors
    /// [`Cause`], as [`Client::json`] says.
    pub async fn all_read<T: DeserializeOwned>(&self, call: Call) -> Result<Vec<T>, Cause> {
        self.all(call).await?.into_iter().map(read).collect()
    }

    /// Finds the pump that a person means by its asset tag, serial number, scanned UDI or id.
    ///
    /// # Errors
    /// [`Cause::NotFound`], or [`Cause::Ambiguous`] with the candidates: a serial number is unique within a model only.
    pub async fn pump(&self, name: &str) -> Result<PumpRef, Cause> {
        if let Ok(id) = Uuid::parse_str(name) {
            return self.fetch(&Call::get(["pumps".to_owned(), id.to_string()])).await;
        }
        let found = self
            .all_read(Call::get(["pumps", "find"]).query("q", name))
            .await?;
        self.only(name, "pump", found)
    }

    /// The one thing that a name fits.
    ///
    /// # Errors
    /// [`Cause::NotFound`] or [`Cause::Ambiguous`].
    pub fn only<R: Row>(&self, name: &str, what: &'static str, mut found: Vec<R>) -> Result<R, Cause> {
        match (found.pop(), found.is_empty()) {
            (None, _) => Err(Cause::NotFound {
                what,
                name: name.to_owned(),
            }),
            (Some(one), true) => Ok(one),
            (Some(last), false) => {
                found.push(last);
                let rows = found.iter().map(|row| row.cells(&self.times));
                Err(Cause::Ambiguous {
                    name: name.to_owned(),
                    candidates: table::render(R::COLUMNS, rows, self.output.look),
                })
            }
        }
    }
}

/// Reads a JSON value as what it should be.
///
/// # Errors
/// [`Cause::Unreadable`].
pub fn read<T: DeserializeOwned>(value: Value) -> Result<T, Cause> {
    serde_json::from_value(value).map_err(|error| Cause::Unreadable(error.to_string()))
}

/// The items of a list and the cursor to what follows; a list that comes whole may be a bare array.
fn split(document: Value) -> Result<(Vec<Value>, Option<String>), Cause> {
    #[derive(Deserialize)]
    struct Page {
        items: Vec<Value>,
        next: Option<String>,
    }
    match document {
        Value::Array(items) => Ok((items, None)),
        other => read::<Page>(other).map(|page| (page.items, page.next)),
    }
}

/// A JSON object of those members that are given.
#[must_use]
pub fn given<const N: usize>(members: [(&str, Option<Value>); N]) -> Value {
    let mut object = json!({});
    if let Some(map) = object.as_object_mut() {
        for (name, value) in members {
            if let Some(value) = value {
                map.insert(name.to_owned(), value);
            }
        }
    }
    object
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::output::tests::captured;

    const NOW: fleet::Timestamp = chrono::DateTime::from_timestamp(1_800_000_000, 0).unwrap();

    fn with_session(json: bool, test: impl FnOnce(&mut Session<'_>)) -> (String, String) {
        let (mut output, out, err) = captured(json);
        let client = Client::new("https://gw".parse().unwrap(), None, None).unwrap();
        test(&mut Session {
            client,
            output: &mut output,
            times: Times {
                now: NOW,
                zone: chrono::FixedOffset::east_opt(0),
            },
        });
        (out.text(), err.text())
    }

    fn pump(tag: &str, model: &str) -> Value {
        json!({"id": "8f1b1e1e-0000-7000-8000-000000000001", "serial": "42", "asset_tag": tag, "model": model, "new_member": 1})
    }

    #[test]
    fn a_name_that_fits_several_lists_them_with_their_models() {
        with_session(false, |session| {
            let found = vec![
                read(pump("BM-1", "Volumat")).unwrap(),
                read(pump("BM-2", "Syramed")).unwrap(),
            ];
            let cause = session.only::<PumpRef>("42", "pump", found).unwrap_err();
            let Cause::Ambiguous { candidates, .. } = &cause else {
                panic!("{cause:?}");
            };
            assert!(
                candidates.contains("Volumat") && candidates.contains("Syramed"),
                "{candidates}"
            );
            assert_eq!(cause.exit_code(), crate::cli::exit::ExitCode::Conflict);
            let one = session.only::<PumpRef>("42", "pump", vec![read(pump("BM-1", "V")).unwrap()]);
            assert_eq!(one.unwrap().name(), "BM-1");
            assert!(matches!(
                session.only::<PumpRef>("42", "pump", vec![]),
                Err(Cause::NotFound { .. })
            ));
        });
    }

    #[test]
    fn lists_are_read_with_a_cursor_or_bare() {
        let (items, next) = split(json!({"items": [1, 2], "next": "c"})).unwrap();
        assert_eq!((items.len(), next.as_deref()), (2, Some("c")));
        assert_eq!(split(json!([1])).unwrap(), (vec![json!(1)], None));
        assert!(matches!(split(json!({"pumps": []})), Err(Cause::Unreadable(_))));
    }

    #[test]
    fn an_empty_list_says_so_and_leaves_standard_output_alone() {
        let (out, err) = with_session(false, |session| session.rows::<PumpRef>(vec![]).unwrap());
        assert_eq!((out.as_str(), err.as_str()), ("", "There are no pumps.\n"));
    }

    #[test]
    fn only_what_is_given_is_sent() {
        assert_eq!(given([("a", Some(json!(1))), ("b", None)]), json!({"a": 1}));
    }
}
