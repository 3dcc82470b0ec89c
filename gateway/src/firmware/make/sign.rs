//! Signatures over metadata: every key of a role signs the canonical JSON of its body.

use std::path::Path;

use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tough::schema;

use super::{
    MakeError,
    key::{self, SigningKey},
};
use crate::firmware::problem::Role;

/// Signs the body of a role with every key of it, and gives the whole file.
pub(in crate::firmware) fn signed(keys: &Path, role: Role, body: &Value) -> Result<Vec<u8>, MakeError> {
    sign_with(role, body, &key::load(keys, role)?)
}

pub(super) fn sign_with(role: Role, body: &Value, keys: &[SigningKey]) -> Result<Vec<u8>, MakeError> {
    let message = match role {
        Role::Root => canonical::<schema::Root>(body),
        Role::Timestamp => canonical::<schema::Timestamp>(body),
        Role::Snapshot => canonical::<schema::Snapshot>(body),
        Role::Targets => canonical::<schema::Targets>(body),
    }?;
    let signatures: Vec<_> = keys
        .iter()
        .map(|key| key.sign(&message))
        .collect::<Result<_, _>>()?;
    let whole = json!({ "signatures": signatures, "signed": body });
    serde_json::to_vec_pretty(&whole).map_err(|error| MakeError::Metadata(error.to_string()))
}

/// What is signed: canonical JSON of the body, as the library that verifies writes it.
fn canonical<R: schema::Role + DeserializeOwned>(body: &Value) -> Result<Vec<u8>, MakeError> {
    let role: R =
        serde_json::from_value(body.clone()).map_err(|error| MakeError::Metadata(error.to_string()))?;
    role.canonical_form()
        .map_err(|error| MakeError::Metadata(error.to_string()))
}
