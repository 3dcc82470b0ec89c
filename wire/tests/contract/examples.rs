//! The examples.

use std::{collections::BTreeSet, fmt::Debug};

use serde::Serialize;
use serde_json::Value;
use wire::{
    envelope::Document,
    message::{Ack, Message, Order, OrderBody, Presence, Report, ReportBody, Telemetry},
    proof::Proof,
    retest::Retest,
    ticket::Ticket,
};

use crate::{example, marked, page};

/// Reads an example as the code does, and writes it back.
fn round_trip<M: Message + Debug>(text: &str) -> M {
    let message = M::read(text.as_bytes()).unwrap_or_else(|error| panic!("{error}\n{text}"));
    same(&message, text);
    message
}

/// The same for a document, which travels in an envelope.
fn rewritten<D: Document>(text: &str) {
    let document: D = serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    same(&document, text);
}

/// Equal values: the example has no field that the code drops, and lacks none that it writes.
fn same(read: &impl Serialize, text: &str) {
    let given: Value = serde_json::from_str(text).unwrap();
    assert_eq!(serde_json::to_value(read).unwrap(), given);
}

#[test]
fn every_example_is_a_message() {
    let page = page();
    let mut seen = BTreeSet::new();
    for (message, after) in marked(&page, "example") {
        let text = example(after);
        seen.insert(match message {
            "presence" => format!("presence {:?}", round_trip::<Presence>(text).state),
            "telemetry" => {
                round_trip::<Telemetry>(text);
                message.to_owned()
            }
            "report" => match round_trip::<Report>(text).body {
                ReportBody::Inventory(_) => "report inventory".to_owned(),
                ReportBody::OrderResult(_) => "report order_result".to_owned(),
                ReportBody::Update(_) => "report update".to_owned(),
                ReportBody::Proof { .. } => "report proof".to_owned(),
                ReportBody::Retest { .. } => "report retest".to_owned(),
            },
            "order" => {
                let body = round_trip::<Order>(text).body;
                match body {
                    OrderBody::ReleaseHold | OrderBody::ReportInventory | OrderBody::RenewCertificate => {
                        "order without fields".to_owned()
                    }
                    OrderBody::Hold { .. }
                    | OrderBody::Download { .. }
                    | OrderBody::Install { .. }
                    | OrderBody::ReturnTicket { .. }
                    | OrderBody::RollBack { .. }
                    | OrderBody::RunChecks { .. } => format!("order {}", body.kind()),
                }
            }
            "ack" => {
                round_trip::<Ack>(text);
                message.to_owned()
            }
            "ticket" => {
                rewritten::<Ticket>(text);
                message.to_owned()
            }
            "proof" => {
                rewritten::<Proof>(text);
                message.to_owned()
            }
            "retest" => {
                rewritten::<Retest>(text);
                message.to_owned()
            }
            // Read in the worked example.
            "keys" => message.to_owned(),
            other => panic!("no such message: {other}"),
        });
    }
    let expected = [
        "ack",
        "keys",
        "order download",
        "order hold",
        "order install",
        "order return_ticket",
        "order roll_back",
        "order run_checks",
        "order without fields",
        "presence Offline",
        "presence Online",
        "proof",
        "report inventory",
        "report order_result",
        "report update",
        "retest",
        "telemetry",
        "ticket",
    ];
    assert_eq!(seen.iter().map(String::as_str).collect::<Vec<_>>(), expected);
    assert_eq!(
        page.matches("```json").count(),
        marked(&page, "example").len(),
        "a json block without a marker"
    );
}
