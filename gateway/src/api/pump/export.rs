//! The inventory as a spreadsheet. Its first columns are those of the list of expected pumps, so that a person finds the
//! same words in both.

use std::borrow::Cow;

use fleet::{inventory::csv_cell, text::Tag};

use super::{
    super::problem::{Problem, ProblemCode},
    view::PumpView,
};

/// A column: its head, and what a pump has in it.
type Column = (&'static str, fn(&PumpView) -> Option<Cow<'_, str>>);

const COLUMNS: [Column; 25] = [
    ("serial", |pump| Some(pump.serial.as_str().into())),
    ("manufacturer", |pump| Some(pump.manufacturer.as_str().into())),
    ("model", |pump| Some(pump.model.as_str().into())),
    ("asset_tag", |pump| Some(pump.asset_tag.as_ref()?.as_str().into())),
    ("udi", |pump| Some(pump.udi.as_ref()?.text.as_str().into())),
    ("hardware_id", |pump| {
        Some(pump.hardware_id.as_ref()?.as_str().into())
    }),
    ("mac", |pump| Some(joined(&pump.macs))),
    ("care_area", |pump| Some(pump.care_area.as_ref()?.as_str().into())),
    ("location", |pump| Some(pump.location.as_ref()?.as_str().into())),
    ("tags", |pump| Some(tags(pump))),
    ("status", |pump| Some(pump.status_label.into())),
    ("hold_reason", |pump| {
        Some(pump.hold.as_ref()?.reason.as_str().into())
    }),
    ("verified_by", |pump| {
        Some(pump.verified.as_ref()?.by.as_str().into())
    }),
    ("verified_at", |pump| said(pump.verified.as_ref()?.at.into())),
    ("verification_stands", |pump| {
        Some(if pump.verified.as_ref()?.stands {
            "yes".into()
        } else {
            "no".into()
        })
    }),
    ("connected", |pump| {
        Some(if pump.connected { "yes".into() } else { "no".into() })
    }),
    ("last_seen", |pump| said(pump.last_seen)),
    ("activity", |pump| {
        Some(pump.state.as_ref()?.activity.as_str().into())
    }),
    ("battery_percent", |pump| {
        said(pump.state.as_ref()?.battery_percent?.get().into())
    }),
    ("software", |pump| Some(software(pump))),
    ("support", |pump| Some(pump.support.stage_label.into())),
    ("support_until", |pump| said(pump.support.until)),
    ("certificate_not_after", |pump| said(pump.certificate_not_after)),
    ("enrolled_at", |pump| said(pump.enrolled_at.into())),
    ("id", |pump| said(pump.id.into())),
];

fn said(value: Option<impl ToString>) -> Option<Cow<'static, str>> {
    value.map(|value| Cow::Owned(value.to_string()))
}

fn joined(values: &[impl ToString]) -> Cow<'static, str> {
    Cow::Owned(
        values
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join(" "),
    )
}

/// A tag may have spaces in it.
fn tags(pump: &PumpView) -> Cow<'static, str> {
    let tags: Vec<_> = pump.tags.iter().map(Tag::as_str).collect();
    Cow::Owned(tags.join("; "))
}

fn software(pump: &PumpView) -> Cow<'static, str> {
    let versions = pump
        .components
        .iter()
        .map(|component| format!("{} {}", component.name, component.version));
    Cow::Owned(versions.collect::<Vec<_>>().join("; "))
}

/// Writes the file. It begins with a byte order mark, by which spreadsheets know that it is UTF-8.
pub(super) fn csv(pumps: &[PumpView]) -> Result<Vec<u8>, Problem> {
    let mut writer = csv::Writer::from_writer("\u{FEFF}".as_bytes().to_vec());
    write(&mut writer, pumps)
        .and_then(|()| writer.into_inner().map_err(|error| error.into_error().into()))
        .map_err(|error| {
            Problem::new(
                ProblemCode::Internal,
                format!("the file could not be written: {error}"),
            )
        })
}

fn write(writer: &mut csv::Writer<Vec<u8>>, pumps: &[PumpView]) -> csv::Result<()> {
    writer.write_record(COLUMNS.map(|(head, _)| head))?;
    for pump in pumps {
        for (_, cell) in COLUMNS {
            let text = cell(pump).unwrap_or_default();
            writer.write_field(csv_cell(&text).as_bytes())?;
        }
        writer.write_record(None::<&[u8]>)?;
    }
    Ok(())
}
