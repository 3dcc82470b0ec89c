//! Where the list of expected pumps and the pumps that enrolled disagree.

use std::collections::{BTreeMap, HashSet};

use chrono::TimeDelta;
use serde::Serialize;

use super::ExpectedPump;
use crate::{
    Timestamp,
    id::{ExpectedPumpId, ModelId, PumpId},
    pump::MacAddress,
    text::{AssetTag, SerialNumber},
};

/// A pump not heard of for this long is missing, unless the hospital sets another span.
pub const MISSING_AFTER: TimeDelta = TimeDelta::days(30);

/// What is compared of a pump that enrolled. Retired pumps are left out by the caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnrolledPump {
    pub id: PumpId,
    pub serial: SerialNumber,
    pub model: ModelId,
    pub asset_tag: Option<AssetTag>,
    pub macs: Vec<MacAddress>,
    /// When we last heard of it; its enrolment counts.
    pub last_seen: Timestamp,
}

/// A disagreement that a person should settle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Discrepancy {
    /// It enrolled, and is on no list.
    Unknown { pump: PumpId },
    /// It is on the list, and never enrolled though it was listed long ago.
    NeverSeen {
        expected: ExpectedPumpId,
        listed_at: Timestamp,
    },
    /// It enrolled, and has not been heard of for long.
    Silent { pump: PumpId, last_seen: Timestamp },
    /// Several pumps under one serial number, of different models: a scan of the serial alone is ambiguous.
    SameSerial {
        serial: SerialNumber,
        pumps: Vec<PumpId>,
    },
    /// Several pumps with one asset tag.
    SameAssetTag { asset_tag: AssetTag, pumps: Vec<PumpId> },
    /// Several pumps with one network address.
    SameMac { mac: MacAddress, pumps: Vec<PumpId> },
}

/// Compares the list with the fleet. Work is proportional to the sum of both.
#[must_use]
pub fn reconcile(
    expected: &[ExpectedPump],
    enrolled: &[EnrolledPump],
    missing_after: TimeDelta,
    now: Timestamp,
) -> Vec<Discrepancy> {
    let on_list: HashSet<_> = expected.iter().map(|e| (e.model, &e.serial)).collect();
    let here: HashSet<_> = enrolled.iter().map(|p| (p.model, &p.serial)).collect();

    let unknown = enrolled
        .iter()
        .filter(|pump| !on_list.contains(&(pump.model, &pump.serial)))
        .map(|pump| Discrepancy::Unknown { pump: pump.id });
    let never_seen = expected
        .iter()
        .filter(|e| !here.contains(&(e.model, &e.serial)) && now - e.listed_at > missing_after)
        .map(|e| Discrepancy::NeverSeen {
            expected: e.id,
            listed_at: e.listed_at,
        });
    let silent = enrolled
        .iter()
        .filter(|pump| now - pump.last_seen > missing_after)
        .map(|pump| Discrepancy::Silent {
            pump: pump.id,
            last_seen: pump.last_seen,
        });
    let same_serial = shared(enrolled.iter().map(|pump| (&pump.serial, pump.id))).map(|(serial, pumps)| {
        Discrepancy::SameSerial {
            serial: serial.clone(),
            pumps,
        }
    });
    let same_tag = shared(
        enrolled
            .iter()
            .filter_map(|pump| Some((pump.asset_tag.as_ref()?, pump.id))),
    )
    .map(|(tag, pumps)| Discrepancy::SameAssetTag {
        asset_tag: tag.clone(),
        pumps,
    });
    let same_mac = shared(
        enrolled
            .iter()
            .flat_map(|pump| pump.macs.iter().map(|mac| (*mac, pump.id))),
    )
    .map(|(mac, pumps)| Discrepancy::SameMac { mac, pumps });

    unknown
        .chain(never_seen)
        .chain(silent)
        .chain(same_serial)
        .chain(same_tag)
        .chain(same_mac)
        .collect()
}

/// The keys that more than one pump has, in order.
fn shared<K: Ord>(pairs: impl Iterator<Item = (K, PumpId)>) -> impl Iterator<Item = (K, Vec<PumpId>)> {
    let mut by_key: BTreeMap<K, Vec<PumpId>> = BTreeMap::new();
    for (key, pump) in pairs {
        by_key.entry(key).or_default().push(pump);
    }
    by_key.into_iter().filter(|(_, pumps)| pumps.len() > 1)
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use uuid::Uuid;

    use super::*;

    const NOW: Timestamp = DateTime::from_timestamp(1_800_000_000, 0).unwrap();

    fn id(n: u128) -> PumpId {
        PumpId::from_uuid(Uuid::from_u128(n))
    }

    fn model(n: u128) -> ModelId {
        ModelId::from_uuid(Uuid::from_u128(n))
    }

    fn enrolled(n: u128, serial: &str) -> EnrolledPump {
        EnrolledPump {
            id: id(n),
            serial: SerialNumber::new(serial).unwrap(),
            model: model(1),
            asset_tag: None,
            macs: vec![],
            last_seen: NOW,
        }
    }

    fn expected(n: u128, serial: &str, listed_days_ago: i64) -> ExpectedPump {
        ExpectedPump {
            id: ExpectedPumpId::from_uuid(Uuid::from_u128(n)),
            serial: SerialNumber::new(serial).unwrap(),
            model: model(1),
            asset_tag: None,
            udi: None,
            hardware_id: None,
            macs: vec![],
            care_area: None,
            location: None,
            listed_at: NOW - TimeDelta::days(listed_days_ago),
        }
    }

    #[test]
    fn each_kind_of_disagreement_is_found_once() {
        let mac: MacAddress = "00:1a:2b:00:00:01".parse().unwrap();
        let tag = AssetTag::new("BM-1").unwrap();
        let silent_since = NOW - TimeDelta::days(31);
        let pumps = [
            enrolled(1, "A"),
            enrolled(2, "B"),
            EnrolledPump {
                last_seen: silent_since,
                ..enrolled(3, "C")
            },
            EnrolledPump {
                model: model(2),
                macs: vec![mac],
                asset_tag: Some(tag.clone()),
                ..enrolled(4, "A")
            },
            EnrolledPump {
                macs: vec![mac],
                asset_tag: Some(tag.clone()),
                ..enrolled(5, "E")
            },
        ];
        let list = [
            expected(1, "A", 40),
            expected(2, "C", 40),
            expected(3, "E", 40),
            expected(4, "F", 31),
            expected(5, "G", 29),
        ];
        let listed_at = NOW - TimeDelta::days(31);
        let serial = SerialNumber::new("A").unwrap();
        assert_eq!(
            reconcile(&list, &pumps, MISSING_AFTER, NOW),
            [
                Discrepancy::Unknown { pump: id(2) },
                Discrepancy::Unknown { pump: id(4) },
                Discrepancy::NeverSeen {
                    expected: list[3].id,
                    listed_at
                },
                Discrepancy::Silent {
                    pump: id(3),
                    last_seen: silent_since
                },
                Discrepancy::SameSerial {
                    serial,
                    pumps: vec![id(1), id(4)]
                },
                Discrepancy::SameAssetTag {
                    asset_tag: tag,
                    pumps: vec![id(4), id(5)]
                },
                Discrepancy::SameMac {
                    mac,
                    pumps: vec![id(4), id(5)]
                },
            ]
        );
        assert_eq!(reconcile(&[], &[], MISSING_AFTER, NOW), []);
    }
}
