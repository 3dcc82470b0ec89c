//! `gateway pump check|roll-back`: what biomed does with a pump after its update.

use fleet::check::Reading;
use serde_json::{Value, json};

use super::{
    args::CheckArgs,
    client::Call,
    error::Cause,
    session::{Session, given},
};

/// Enters what a check read.
///
/// # Errors
/// What the gateway says.
pub async fn check(session: &mut Session<'_>, args: &CheckArgs) -> Result<(), Cause> {
    let pump = session.pump(&args.pump).await?;
    let call = Call::post(["pumps", &pump.id, "checks"]).json(entered(args));
    let done = format!(
        "On record for pump {0}. What it waits for now: gateway rollout why {0}",
        pump.name()
    );
    session.act(&call, &done).await
}

/// What is sent: no reading is a check that was not run.
pub(super) fn entered(args: &CheckArgs) -> Value {
    let reading = match (args.value, args.unit, args.sha256) {
        (Some(value), Some(unit), _) => Some(Reading::Quantity { value, unit }),
        (_, _, Some(sha256)) => Some(Reading::Digest { sha256 }),
        (_, _, None) if args.yes || args.no => Some(Reading::Confirmation { yes: args.yes }),
        (_, _, None) => None,
    };
    let instrument = args.instrument.as_ref().zip(args.calibrated_until);
    given([
        ("check", Some(json!(args.check))),
        ("reading", reading.map(|reading| json!(reading))),
        (
            "instrument",
            instrument.map(|(id, until)| json!({ "id": id, "calibrated_until": until })),
        ),
    ])
}

/// Asks for the old version.
///
/// # Errors
/// What the gateway says.
pub async fn roll_back(session: &mut Session<'_>, name: &str, reason: &str) -> Result<(), Cause> {
    let pump = session.pump(name).await?;
    let call = Call::post(["pumps", &pump.id, "roll-back"]).json(json!({"reason": reason}));
    let done = format!(
        "Pump {} goes back to its old version when it is free, where its security floor allows it.",
        pump.name()
    );
    session.act(&call, &done).await
}

/// Tries a pump again.
///
/// # Errors
/// What the gateway says.
pub async fn try_again(session: &mut Session<'_>, name: &str, reason: &str) -> Result<(), Cause> {
    let pump = session.pump(name).await?;
    let call = Call::post(["pumps", &pump.id, "try-again"]).json(json!({"reason": reason}));
    let done = format!(
        "Pump {} is tried again; `gateway rollout why {name}` says what it waits for.",
        pump.name()
    );
    session.act(&call, &done).await
}

/// Takes a pump out of its rollout.
///
/// # Errors
/// What the gateway says.
pub async fn take_out(session: &mut Session<'_>, name: &str, reason: &str) -> Result<(), Cause> {
    let pump = session.pump(name).await?;
    let call = Call::post(["pumps", &pump.id, "take-out"]).json(json!({"reason": reason}));
    let done = format!(
        "Pump {} leaves its rollout; a ticket that is out is taken back first.",
        pump.name()
    );
    session.act(&call, &done).await
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::args::{Cli, Command, PumpCommand, RemoteCommand};

    #[test]
    fn what_is_typed_is_what_is_sent() {
        let check = |words: &[&str], expected: Value| {
            let line = ["gateway", "pump", "check", "BM-1", "flow"].iter().chain(words);
            let args = match Cli::try_parse_from(line).unwrap().command {
                Command::Remote(RemoteCommand::Pump(PumpCommand::Check(args))) => args,
                other => panic!("{other:?}"),
            };
            assert_eq!(entered(&args), expected);
        };
        check(
            &[
                "--value",
                "-1.2",
                "--unit",
                "percent",
                "--instrument",
                "A-7",
                "--calibrated-until",
                "2027-01-31",
            ],
            json!({
                "check": "flow",
                "reading": { "reading": "quantity", "value": -1.2, "unit": "percent" },
                "instrument": { "id": "A-7", "calibrated_until": "2027-01-31" },
            }),
        );
        let confirmed =
            |yes: bool| json!({ "check": "flow", "reading": { "reading": "confirmation", "yes": yes } });
        check(&["--yes"], confirmed(true));
        check(&["--no"], confirmed(false));
        let digest = "ab".repeat(32);
        check(
            &["--sha256", &digest],
            json!({ "check": "flow", "reading": { "reading": "digest", "sha256": digest } }),
        );
        check(&["--not-run"], json!({ "check": "flow" }));
    }
}
