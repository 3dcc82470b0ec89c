//! Everything that was published and carried in, in memory: read from the record once, then replaced as a whole by each import that
//! committed. Whoever holds it is the only one that imports or judges.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ::exposure::{Advisory, matching::Index};
use store::StoreError;

use super::corrupt;
use crate::app::App;

/// Everything that was published. Clones are the same.
#[derive(Debug, Clone, Default)]
pub struct Catalogue(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    index: Index,
    is_loaded: bool,
}

/// The catalogue, held by one.
pub(crate) struct Held<'a>(MutexGuard<'a, State>);

impl Catalogue {
    /// Waits for whoever has it, and reads it in where that was not done yet. Never to be called within a transaction.
    pub(crate) fn hold(&self, app: &App) -> Result<Held<'_>, StoreError> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !state.is_loaded {
            let records = app.store.read(|db| db.advisory_list())?;
            let read = |body: &str| {
                serde_json::from_str::<Advisory>(body).map_err(|error| corrupt("read an advisory", error))
            };
            let all = records
                .iter()
                .map(|record| read(&record.body))
                .collect::<Result<Vec<_>, _>>()?;
            state.index = all.into_iter().collect();
            state.is_loaded = true;
        }
        Ok(Held(state))
    }
}

impl Held<'_> {
    pub(crate) fn index(&self) -> &Index {
        &self.0.index
    }

    /// An import committed.
    pub(crate) fn replace(&mut self, index: Index) {
        self.0.index = index;
    }
}
