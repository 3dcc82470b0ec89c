//! One-time tokens by which a pump gets its first certificate.

use std::collections::{HashMap, HashSet};

use chrono::TimeDelta;
use fleet::{
    Timestamp,
    access::Permission,
    audit::Action,
    certificate::Fingerprint,
    enrolment::{TOKEN_BITS, TokenRecord},
    event::EventKind,
    id::{EnrolTokenId, ModelId},
    inventory::ExpectedPump,
    text::{Name, SerialNumber},
};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use store::{Db, ModelRecord};

use super::{CommandError, change::Change, place};
use crate::{
    app::{Actor, App},
    deed::Deed,
    fresh,
};

/// The longest life of a token, in hours: [`fleet::enrolment::TOKEN_LIFE_MAX`].
pub const VALID_HOURS_MAX: u32 = 72;
/// Where nobody says how long.
pub const VALID_HOURS_DEFAULT: u32 = 24;
/// The most serial numbers in one request.
pub const SERIALS_MAX: usize = 1_000;
/// The most tokens that are made at once for everything that is expected.
pub const BATCH_MAX: usize = 20_000;

/// So many tokens of a batch share an entry of the audit trail: its lines stay readable.
const PER_ENTRY: usize = 500;

/// Characters of a secret; each carries five bits.
const SECRET_CHARACTERS: usize = TOKEN_BITS / 5;

/// For which pump a token is wanted.
#[derive(Debug, Clone)]
pub struct TokenWanted {
    pub serial: SerialNumber,
    /// Tells models with one serial number apart; with `model`, also names a pump that is on no list.
    pub manufacturer: Option<Name>,
    pub model: Option<Name>,
    /// At most [`VALID_HOURS_MAX`].
    pub valid_hours: u32,
    /// The only public key the token is good for.
    pub key: Option<Fingerprint>,
}

/// For which pumps tokens are wanted.
#[derive(Debug, Clone)]
pub enum BatchWanted {
    /// These, each on the list once.
    Serials(Vec<SerialNumber>),
    /// Every pump on the list that has not enrolled.
    AllExpected,
}

/// A new token, and its secret for the one time that it is shown.
#[derive(Debug)]
pub struct NewToken {
    pub id: EnrolTokenId,
    pub serial: SerialNumber,
    pub model: ModelId,
    pub secret: SecretString,
    pub expires_at: Timestamp,
}

/// Makes a token for one pump.
///
/// # Errors
/// [`CommandError::SerialNotExpected`], [`CommandError::AmbiguousSerial`].
pub fn token_create(app: &App, actor: &Actor, wanted: &TokenWanted) -> Result<NewToken, CommandError> {
    let change = Change::by(actor, app, Permission::EnrolTokenEdit);
    change.commit(|db| {
        let mut listed = Vec::new();
        for maker in db.manufacturer_list()? {
            listed.extend(db.expected_find(maker.id, &wanted.serial)?);
        }
        let model = match Listing::of(db, listed)?.model(wanted)? {
            Listed::On(model) => model,
            Listed::New { manufacturer, model } => place::model_ensure(&change, db, manufacturer, model)?,
        };
        let expires_at = change.now + life(wanted.valid_hours);
        let token = make(&change, db, wanted.serial.clone(), model, wanted.key, expires_at)?;
        let deed = Deed::of(Action::EnrolTokenMade, "enrol_token", token.id).after(json!({
            "serial": token.serial,
            "model": token.model,
            "key": wanted.key.map(|key| key.to_string()),
            "expires_at": token.expires_at,
        }));
        change.record(db, deed)?;
        change.tell(
            db,
            EventKind::EnrolTokenMade,
            None,
            format_args!("enrolment token for {}", token.serial),
        )?;
        Ok(token)
    })
}

/// Makes tokens for many pumps: all of them or, if one can not have one, none.
///
/// # Errors
/// As [`token_create`], and [`CommandError::TooManyTokens`].
pub fn token_create_batch(
    app: &App,
    actor: &Actor,
    wanted: BatchWanted,
    valid_hours: u32,
) -> Result<Vec<NewToken>, CommandError> {
    let change = Change::by(actor, app, Permission::EnrolTokenEdit);
    let expires_at = change.now + life(valid_hours);
    change.commit(|db| {
        let pumps = match wanted {
            BatchWanted::Serials(serials) => {
                let serials = bounded(serials, SERIALS_MAX)?;
                let listed = db.expected_all()?;
                let listing = Listing::of(db, listed)?;
                serials
                    .into_iter()
                    .map(|serial| Ok((listing.only_model(&serial)?, serial)))
                    .collect::<Result<Vec<_>, CommandError>>()?
            }
            BatchWanted::AllExpected => bounded(not_enrolled(db)?, BATCH_MAX)?,
        };
        let tokens = pumps
            .into_iter()
            .map(|(model, serial)| make(&change, db, serial, model, None, expires_at))
            .collect::<Result<Vec<_>, _>>()?;
        for some in tokens.chunks(PER_ENTRY) {
            let made: Vec<_> = some
                .iter()
                .map(|token| json!({ "id": token.id, "serial": token.serial, "model": token.model }))
                .collect();
            let deed = Deed::of(Action::EnrolTokenMade, "enrol_token", "batch")
                .after(json!({ "tokens": made, "expires_at": expires_at }));
            change.record(db, deed)?;
        }
        change.tell(
            db,
            EventKind::EnrolTokenMade,
            None,
            format_args!("{} enrolment tokens", tokens.len()),
        )?;
        Ok(tokens)
    })
}

/// Takes a token back.
///
/// # Errors
/// [`store::StoreError::NotFound`], or [`store::StoreError::Conflict`] when it was used.
pub fn token_withdraw(app: &App, actor: &Actor, id: EnrolTokenId) -> Result<(), CommandError> {
    let change = Change::by(actor, app, Permission::EnrolTokenEdit);
    change.commit(|db| {
        db.enrol_token_withdraw(id, change.now)?;
        change.record(db, Deed::of(Action::EnrolTokenWithdrawn, "enrol_token", id))?;
        change.tell(
            db,
            EventKind::EnrolTokenWithdrawn,
            None,
            format_args!("enrolment token {id} withdrawn"),
        )
    })
}

fn life(valid_hours: u32) -> TimeDelta {
    TimeDelta::hours(i64::from(valid_hours.min(VALID_HOURS_MAX)))
}

fn bounded<T>(items: Vec<T>, max: usize) -> Result<Vec<T>, CommandError> {
    match items.len() {
        count if count > max => Err(CommandError::TooManyTokens { count, max }),
        _ => Ok(items),
    }
}

/// What is expected, read once for however many tokens.
struct Listing {
    models: Vec<ModelRecord>,
    by_serial: HashMap<SerialNumber, HashSet<ModelId>>,
}

/// The model that a serial number stands for.
enum Listed<'a> {
    On(ModelId),
    /// The pump is on no list, and was said to be of this model.
    New {
        manufacturer: &'a Name,
        model: &'a Name,
    },
}

impl Listing {
    fn of(db: &mut Db<'_>, listed: Vec<ExpectedPump>) -> Result<Self, CommandError> {
        let mut by_serial: HashMap<SerialNumber, HashSet<ModelId>> = HashMap::new();
        for pump in listed {
            by_serial.entry(pump.serial).or_default().insert(pump.model);
        }
        Ok(Self {
            models: db.model_list()?,
            by_serial,
        })
    }

    /// From the list where it is there once, else from what was said.
    fn model<'a>(&self, wanted: &'a TokenWanted) -> Result<Listed<'a>, CommandError> {
        let said = |given: &Option<Name>, name: &Name| given.as_ref().is_none_or(|given| given == name);
        let mut models = self.models_of(&wanted.serial);
        models.retain(|model| {
            said(&wanted.manufacturer, &model.manufacturer_name) && said(&wanted.model, &model.name)
        });
        match (models.as_slice(), &wanted.manufacturer, &wanted.model) {
            ([only], _, _) => Ok(Listed::On(only.id)),
            ([], Some(manufacturer), Some(model)) => Ok(Listed::New { manufacturer, model }),
            ([], Some(_), None) | ([], None, Some(_)) => Err(CommandError::HalfAModel),
            (several, _, _) => Err(not_one(&wanted.serial, several)),
        }
    }

    /// From the list alone.
    fn only_model(&self, serial: &SerialNumber) -> Result<ModelId, CommandError> {
        match self.models_of(serial).as_slice() {
            [only] => Ok(only.id),
            several => Err(not_one(serial, several)),
        }
    }

    fn models_of(&self, serial: &SerialNumber) -> Vec<&ModelRecord> {
        let Some(on_list) = self.by_serial.get(serial) else {
            return Vec::new();
        };
        self.models
            .iter()
            .filter(|model| on_list.contains(&model.id))
            .collect()
    }
}

fn not_one(serial: &SerialNumber, models: &[&ModelRecord]) -> CommandError {
    let serial = serial.clone();
    if models.is_empty() {
        CommandError::SerialNotExpected { serial }
    } else {
        CommandError::AmbiguousSerial {
            serial,
            models: models.iter().map(|model| model.name.clone()).collect(),
        }
    }
}

fn not_enrolled(db: &mut Db<'_>) -> Result<Vec<(ModelId, SerialNumber)>, CommandError> {
    let here: HashSet<_> = db
        .enrolled_all()?
        .into_iter()
        .map(|pump| (pump.model, pump.serial))
        .collect();
    let expected = db
        .expected_all()?
        .into_iter()
        .map(|pump| (pump.model, pump.serial));
    Ok(expected.filter(|pump| !here.contains(pump)).collect())
}

fn make(
    change: &Change<'_>,
    db: &mut Db<'_>,
    serial: SerialNumber,
    model: ModelId,
    bound_key: Option<Fingerprint>,
    expires_at: Timestamp,
) -> Result<NewToken, CommandError> {
    let secret = fresh::secret::<SECRET_CHARACTERS>();
    let record = TokenRecord {
        id: change.id(EnrolTokenId::from_uuid),
        serial,
        model,
        bound_key,
        expires_at,
        consumed: None,
        withdrawn_at: None,
    };
    db.enrol_token_create(&record, &fresh::secret_hash(secret.expose_secret()), change.now)?;
    Ok(NewToken {
        id: record.id,
        serial: record.serial,
        model,
        secret,
        expires_at,
    })
}

#[cfg(test)]
mod tests {
    use fleet::enrolment::TOKEN_LIFE_MAX;

    use super::*;

    #[test]
    fn a_token_lives_no_longer_than_the_rule_says() {
        assert_eq!(life(VALID_HOURS_MAX), TOKEN_LIFE_MAX);
        assert_eq!(life(u32::MAX), TOKEN_LIFE_MAX);
        assert_eq!(SECRET_CHARACTERS * 5, TOKEN_BITS);
    }
}
