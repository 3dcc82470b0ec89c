//! The list of expected pumps: importing a spreadsheet, all of it or nothing.

use std::collections::{HashMap, HashSet};

use fleet::{
    access::Permission,
    audit::Action,
    event::EventKind,
    id::{CareAreaId, ExpectedPumpId, LocationId, ModelId},
    inventory::{self, ExpectedPump, ExpectedRow, ImportAction, ImportPlan, LineProblem, plan_import},
    text::{AssetTag, Name, SerialNumber},
};
use serde_json::json;
use store::Db;

use super::{CommandError, change::Change, place};
use crate::{
    app::{Actor, App},
    deed::Deed,
};

/// By this a line of a file is known to be about a pump on the list.
type Key = (Name, Name, SerialNumber);

fn key(row: &ExpectedRow) -> Key {
    (row.manufacturer.clone(), row.model.clone(), row.serial.clone())
}

/// Says what importing a file would do, and does nothing.
///
/// # Errors
/// [`CommandError::Csv`] with every problem of the file.
pub fn import_preview(app: &App, file: &[u8]) -> Result<ImportPlan, CommandError> {
    let rows = inventory::parse(file).map_err(CommandError::Csv)?;
    let list = app.store.read(|db| db.expected_rows())?;
    List::new(list).plan(rows)
}

/// Imports a file. Manufacturers, models, care areas and locations that it names come into being with it.
///
/// # Errors
/// [`CommandError::Csv`] with every problem of the file; nothing is imported then.
pub fn import(app: &App, actor: &Actor, file: &[u8]) -> Result<ImportPlan, CommandError> {
    let rows = inventory::parse(file).map_err(CommandError::Csv)?;
    let change = Change::by(actor, app, Permission::ExpectedEdit);
    change.commit(|db| {
        let plan = List::new(db.expected_rows()?).plan(rows)?;
        let mut names = Names::new(&change);
        let mut pumps = Vec::new();
        for (action, row) in &plan.lines {
            match action {
                ImportAction::Keep => {}
                // A pump that is listed already keeps its id, and since when it is listed.
                ImportAction::Add | ImportAction::Change => pumps.push(names.expected_pump(db, row)?),
            }
        }
        if !pumps.is_empty() {
            db.expected_upsert(&pumps)?;
            let (added, changed) = (plan.count(ImportAction::Add), plan.count(ImportAction::Change));
            let what = format_args!("expected pumps imported: {added} added, {changed} changed");
            change.tell(db, EventKind::ListImported, None, what)?;
            for deed in imported(&plan) {
                change.record(db, deed)?;
            }
        }
        Ok(plan)
    })
}

/// So many lines of a list share an entry of the audit trail: its lines stay readable.
const PER_ENTRY: usize = 500;

fn imported(plan: &ImportPlan) -> Vec<Deed> {
    let lines: Vec<_> = plan
        .lines
        .iter()
        .filter_map(|(action, row)| {
            let what = match action {
                ImportAction::Keep => return None,
                ImportAction::Add => "added",
                ImportAction::Change => "changed",
            };
            Some(json!([what, row.manufacturer, row.model, row.serial]))
        })
        .collect();
    let deed = |some: &[serde_json::Value]| {
        Deed::of(Action::ExpectedImported, "expected", "list").after(json!({ "pumps": some }))
    };
    lines.chunks(PER_ENTRY).map(deed).collect()
}

/// Takes a pump off the list. Its record, if it enrolled, stays.
///
/// # Errors
/// [`store::StoreError::NotFound`].
pub fn remove(app: &App, actor: &Actor, id: ExpectedPumpId) -> Result<(), CommandError> {
    let change = Change::by(actor, app, Permission::ExpectedEdit);
    change.commit(|db| {
        db.expected_remove(id)?;
        change.record(db, Deed::of(Action::ExpectedRemoved, "expected", id))?;
        change.tell(
            db,
            EventKind::ListShortened,
            None,
            format_args!("expected pump {id} taken off the list"),
        )
    })
}

/// The list as it stands.
struct List {
    by_key: HashMap<Key, ExpectedRow>,
}

impl List {
    fn new(rows: Vec<(ExpectedPumpId, ExpectedRow)>) -> Self {
        Self {
            by_key: rows.into_iter().map(|(_, row)| (key(&row), row)).collect(),
        }
    }

    fn plan(&self, rows: Vec<ExpectedRow>) -> Result<ImportPlan, CommandError> {
        let clashes = self.tag_clashes(&rows);
        if !clashes.is_empty() {
            return Err(CommandError::Csv(clashes));
        }
        Ok(plan_import(rows, |row| self.by_key.get(&key(row))))
    }

    /// Lines that give a pump the tag of another, which the file does not mention.
    fn tag_clashes(&self, rows: &[ExpectedRow]) -> Vec<LineProblem> {
        let mentioned: HashSet<Key> = rows.iter().map(key).collect();
        let taken: HashMap<&AssetTag, &SerialNumber> = self
            .by_key
            .iter()
            .filter(|(key, _)| !mentioned.contains(key))
            .filter_map(|(_, row)| Some((row.asset_tag.as_ref()?, &row.serial)))
            .collect();
        rows.iter()
            .filter_map(|row| {
                let holder = taken.get(row.asset_tag.as_ref()?)?;
                Some(LineProblem {
                    line: row.line,
                    column: Some("asset_tag"),
                    problem: format!("is the tag of serial number {holder} on the list"),
                })
            })
            .take(inventory::MAX_PROBLEMS)
            .collect()
    }
}

/// The identifiers of names, each asked of the database once.
struct Names<'a> {
    change: &'a Change<'a>,
    models: HashMap<(Name, Name), ModelId>,
    care_areas: HashMap<Name, CareAreaId>,
    locations: HashMap<(Option<CareAreaId>, Name), LocationId>,
}

impl<'a> Names<'a> {
    fn new(change: &'a Change<'a>) -> Self {
        Self {
            change,
            models: HashMap::new(),
            care_areas: HashMap::new(),
            locations: HashMap::new(),
        }
    }

    fn expected_pump(&mut self, db: &mut Db<'_>, row: &ExpectedRow) -> Result<ExpectedPump, CommandError> {
        let care_area = match &row.care_area {
            Some(name) => Some(self.care_area(db, name)?),
            None => None,
        };
        let location = match &row.location {
            Some(name) => Some(self.location(db, care_area, name)?),
            None => None,
        };
        Ok(ExpectedPump {
            id: self.change.id(ExpectedPumpId::from_uuid),
            serial: row.serial.clone(),
            model: self.model(db, &row.manufacturer, &row.model)?,
            asset_tag: row.asset_tag.clone(),
            udi: row.udi.clone(),
            hardware_id: row.hardware_id.clone(),
            macs: row.macs.clone(),
            care_area,
            location,
            listed_at: self.change.now,
        })
    }

    fn model(&mut self, db: &mut Db<'_>, maker: &Name, model: &Name) -> Result<ModelId, CommandError> {
        let key = (maker.clone(), model.clone());
        if let Some(id) = self.models.get(&key) {
            return Ok(*id);
        }
        let id = place::model_ensure(self.change, db, maker, model)?;
        self.models.insert(key, id);
        Ok(id)
    }

    fn care_area(&mut self, db: &mut Db<'_>, name: &Name) -> Result<CareAreaId, CommandError> {
        if let Some(id) = self.care_areas.get(name) {
            return Ok(*id);
        }
        let id = place::care_area_ensure(self.change, db, name)?;
        self.care_areas.insert(name.clone(), id);
        Ok(id)
    }

    fn location(
        &mut self,
        db: &mut Db<'_>,
        within: Option<CareAreaId>,
        name: &Name,
    ) -> Result<LocationId, CommandError> {
        let key = (within, name.clone());
        if let Some(id) = self.locations.get(&key) {
            return Ok(*id);
        }
        let id = place::location_ensure(self.change, db, within, name)?;
        self.locations.insert(key, id);
        Ok(id)
    }
}
