//! Tells the story on standard output, in plain words; its last line is one JSON object.

use std::{io, time::Duration};

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};

use super::story::Counts;
use crate::cli::output::Output;

pub(super) struct Narrator {
    output: Output,
    step: u32,
}

impl Narrator {
    pub(super) fn new() -> Self {
        Self {
            output: Output::of_process(false),
            step: 0,
        }
    }

    /// A new part of the story.
    pub(super) fn step(&mut self, title: &str) -> io::Result<()> {
        self.step += 1;
        self.output.line("")?;
        self.output.line(&format!("{}. {title}", self.step))
    }

    /// A sentence.
    pub(super) fn say(&mut self, text: &str) -> io::Result<()> {
        self.output.line(&format!("   {text}"))
    }

    /// A command to try.
    pub(super) fn command(&mut self, text: &str) -> io::Result<()> {
        self.output.line(&format!("     {text}"))
    }

    /// A bar for something that takes a moment: seen on a terminal, silent in a pipe (it writes to standard error).
    #[expect(clippy::unused_self, reason = "whoever has the narrator may show progress")]
    pub(super) fn bar(&self, what: &'static str, length: u64) -> ProgressBar {
        let bar = ProgressBar::new(length);
        let style = ProgressStyle::with_template("   {msg} {bar:30} {pos}/{len}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        bar.set_message(what);
        bar.enable_steady_tick(Duration::from_millis(200));
        bar
    }

    /// The last line.
    pub(super) fn counts(&mut self, counts: &Counts, therapy_interruptions: u64) -> io::Result<()> {
        let mut object = serde_json::to_value(counts).map_err(io::Error::other)?;
        if let Value::Object(members) = &mut object {
            members.insert("therapy_interruptions".to_owned(), json!(therapy_interruptions));
        }
        self.output.line("")?;
        self.output.record(&object)
    }
}
