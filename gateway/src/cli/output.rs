//! The one writer to standard output and standard error.

use std::{
    env,
    io::{self, BufRead, IsTerminal, Write},
};

use comfy_table::Table;
use serde_json::Value;

use super::{
    error::{Cause, CliError},
    table::{self, Cell, Look, printable},
};

/// Where a command speaks to: documents on one side, notes and errors on the other.
pub struct Output {
    out: Box<dyn Write>,
    err: Box<dyn Write>,
    /// Whether documents are wanted rather than tables.
    pub json: bool,
    /// What the reader of standard output can show.
    pub look: Look,
    /// What the reader of standard error can show.
    err_look: Look,
    /// Whether a person is there to answer a question.
    interactive: bool,
}

impl Output {
    /// Of this process.
    #[must_use]
    pub fn of_process(json: bool) -> Self {
        // https://no-color.org: any value but the empty one.
        let no_colour = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let look = |terminal: bool, width: Option<u16>| Look {
            width: width.filter(|_| terminal),
            colour: terminal && !no_colour,
        };
        let (out, err) = (io::stdout(), io::stderr());
        Self {
            json,
            look: look(out.is_terminal(), Table::new().width()),
            err_look: look(err.is_terminal(), Table::new().use_stderr().width()),
            interactive: io::stdin().is_terminal() && err.is_terminal(),
            out: Box::new(out),
            err: Box::new(err),
        }
    }

    /// One line for people on standard output.
    pub fn line(&mut self, text: &str) -> io::Result<()> {
        writeln!(self.out, "{}", printable(text))
    }

    /// A JSON document on standard output.
    pub fn document(&mut self, value: &Value) -> io::Result<()> {
        let text = serde_json::to_string_pretty(value)?;
        writeln!(self.out, "{text}")
    }

    /// A JSON document on one line, where a stream of them is wanted.
    pub fn record(&mut self, value: &Value) -> io::Result<()> {
        writeln!(self.out, "{value}")?;
        self.out.flush()
    }

    /// Bytes as they are (PEM, CSV, a completion script) on standard output.
    pub fn bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.out.write_all(bytes)?;
        self.out.flush()
    }

    /// A table on standard output.
    pub fn table(&mut self, columns: &[&str], rows: Vec<Vec<Cell>>) -> io::Result<()> {
        let text = table::render(columns, rows, self.look);
        writeln!(self.out, "{text}")
    }

    /// Names and values of one thing on standard output.
    pub fn sheet(&mut self, lines: impl IntoIterator<Item = (&'static str, Cell)>) -> io::Result<()> {
        let text = table::sheet(lines, self.look);
        writeln!(self.out, "{text}")
    }

    /// A remark that is no part of the result, on standard error.
    pub fn note(&mut self, text: &str) -> io::Result<()> {
        writeln!(self.err, "{}", printable(text))
    }

    /// Whether a question can be asked: a person is there, and did not ask for a document.
    #[must_use]
    pub fn may_ask(&self) -> bool {
        self.interactive && !self.json
    }

    /// Asks a question; anything but yes is no.
    pub fn ask(&mut self, question: &str) -> io::Result<bool> {
        write!(self.err, "{} [y/N] ", printable(question))?;
        self.err.flush()?;
        let mut answer = String::new();
        io::stdin().lock().read_line(&mut answer)?;
        Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
    }

    /// Has a person confirm what can not be undone, unless they did on the command line.
    ///
    /// # Errors
    /// [`Cause::Declined`] when they say no, [`Cause::Usage`] when nobody can be asked.
    pub fn confirm(&mut self, yes: bool, question: &str) -> Result<(), Cause> {
        if yes {
            return Ok(());
        }
        if !self.may_ask() {
            return Err(Cause::Usage {
                why: "this can not be undone, and nobody can be asked to confirm it".to_owned(),
                remedy: "repeat with --yes if it is meant",
            });
        }
        if self.ask(question)? {
            Ok(())
        } else {
            Err(Cause::Declined)
        }
    }

    /// Says what failed, why, and what to do next. When even that can not be written there is nobody left to tell.
    pub fn error(&mut self, error: &CliError) {
        let _ = self.try_error(error);
    }

    fn try_error(&mut self, error: &CliError) -> io::Result<()> {
        writeln!(self.err, "error: {}", printable(&error.to_string()))?;
        writeln!(self.err, "  why:  {}", printable(&error.cause.to_string()))?;
        if let Some(remedy) = error.cause.remedy() {
            writeln!(self.err, "  next: {}", printable(&remedy))?;
        }
        match &error.cause {
            Cause::Ambiguous { candidates, .. } => writeln!(self.err, "\n{candidates}")?,
            Cause::Refused(problem) if !problem.problems.is_empty() => {
                let rows = problem.problems.iter().map(|line| {
                    vec![
                        Cell::from(line.line.to_string()),
                        line.column.as_ref().into(),
                        Cell::from(&line.problem),
                    ]
                });
                let text = table::render(&["LINE", "COLUMN", "PROBLEM"], rows, self.err_look);
                writeln!(self.err, "\n{text}")?;
            }
            Cause::Refused(problem) => {
                for candidate in &problem.candidates {
                    writeln!(self.err, "    {}", printable(candidate))?;
                }
            }
            _ => {}
        }
        self.err.flush()
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::cli::error::{Attempt, LineProblem, Problem};

    /// A writer that a test reads back.
    #[derive(Clone, Default)]
    pub(in crate::cli) struct Captured(Arc<Mutex<Vec<u8>>>);

    impl Captured {
        pub(in crate::cli) fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    impl Write for Captured {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// An output in a pipe, with what it writes to both sides.
    pub(in crate::cli) fn captured(json: bool) -> (Output, Captured, Captured) {
        let (out, err) = (Captured::default(), Captured::default());
        let output = Output {
            out: Box::new(out.clone()),
            err: Box::new(err.clone()),
            json,
            look: Look::default(),
            err_look: Look::default(),
            interactive: false,
        };
        (output, out, err)
    }

    #[test]
    fn an_error_says_what_why_and_what_next() {
        let (mut output, out, err) = captured(false);
        let refused: Result<(), _> = Err(Cause::Refused(Box::new(Problem {
            status: 422,
            code: "csv_problems".to_owned(),
            detail: "1 line can not be read".to_owned(),
            problems: vec![LineProblem {
                line: 7,
                column: Some("udi".to_owned()),
                problem: "`\u{1b}[2J` is not a UDI".to_owned(),
            }],
            ..Problem::default()
        })));
        output.error(&refused.attempt("import pumps.csv").unwrap_err());
        assert_eq!(out.text(), "");
        insta::assert_snapshot!(err.text(), @r"
        error: could not import pumps.csv
          why:  1 line can not be read
          next: mend these lines in the file and import it again; nothing was imported

        LINE  COLUMN  PROBLEM
        7     udi     `�[2J` is not a UDI
        ");
    }

    #[test]
    fn who_would_be_cut_off_is_named() {
        let (mut output, _, err) = captured(false);
        let problem: Box<Problem> = serde_json::from_str(
            r#"{"status":409,"code":"would_cut_off","detail":"3 pumps","count":3,"candidates":["BM-1","S\u001b[1m"]}"#,
        )
        .unwrap();
        let refused: Result<(), _> = Err(Cause::Refused(problem));
        output.error(&refused.attempt("retire device-1").unwrap_err());
        assert!(
            err.text().ends_with("    BM-1\n    S\u{FFFD}[1m\n"),
            "{}",
            err.text()
        );
    }

    #[test]
    fn without_a_person_only_an_explicit_yes_confirms() {
        let (mut output, _, _) = captured(false);
        assert!(output.confirm(true, "Sure?").is_ok());
        assert!(matches!(output.confirm(false, "Sure?"), Err(Cause::Usage { .. })));
    }
}
