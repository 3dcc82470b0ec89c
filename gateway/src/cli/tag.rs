//! `gateway pump tag`, `gateway pump tags`: the hospital's own words for groups of pumps.

use serde::Deserialize;
use serde_json::json;

use super::{
    args::TagArgs,
    client::Call,
    error::Cause,
    session::Session,
    table::{Cell, Row},
    time::Times,
};

/// A tag, and how many pumps have it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Tag {
    tag: String,
    pumps: u64,
}

impl Row for Tag {
    const NONE: &'static str = "no tags on any pump";
    const COLUMNS: &'static [&'static str] = &["TAG", "PUMPS"];

    fn cells(&self, _: &Times) -> Vec<Cell> {
        vec![Cell::from(&self.tag), Cell::from(self.pumps.to_string())]
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Tagged {
    tags: Vec<String>,
}

/// Puts tags on a pump, takes tags off it, and says which it then has.
///
/// # Errors
/// [`Cause`].
pub async fn change(session: &mut Session<'_>, args: &TagArgs) -> Result<(), Cause> {
    let pump = session.pump(&args.pump).await?;
    let call = Call::post(["pumps", &pump.id, "tags"]).json(json!({"add": args.add, "remove": args.remove}));
    session
        .show(&call, |output, _, tagged: &Tagged| {
            let tags = if tagged.tags.is_empty() {
                "none".to_owned()
            } else {
                tagged.tags.join(", ")
            };
            output.line(&format!("Tags of pump {}: {tags}.", pump.name()))
        })
        .await
}

/// Lists the tags that pumps have.
///
/// # Errors
/// [`Cause`].
pub async fn list(session: &mut Session<'_>) -> Result<(), Cause> {
    session.list_whole::<Tag>(Call::get(["tags"])).await
}
