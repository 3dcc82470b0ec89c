//! Stock tools that nobody here wrote: openssl, curl, mosquitto, Python.

use std::{
    ffi::OsStr,
    io::Write,
    path::PathBuf,
    process::{Command, Stdio},
};

/// What a tool said.
#[derive(Debug)]
pub struct Output {
    pub success: bool,
    pub code: Option<i32>,
    pub stdout: Vec<u8>,
    pub stderr: String,
}

impl Output {
    /// Standard output as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// The same output, once it is known to be good.
    ///
    /// # Panics
    /// When the tool failed.
    #[must_use]
    pub fn ok(self) -> Self {
        assert!(
            self.success,
            "failed ({:?}): {}\n{}",
            self.code,
            self.text(),
            self.stderr
        );
        self
    }
}

/// Runs a tool to its end.
///
/// # Panics
/// When it can not be started: `scripts/test` installs what is needed.
pub fn run<S: AsRef<OsStr>>(program: &str, arguments: impl IntoIterator<Item = S>) -> Output {
    run_with_input(program, arguments, &[])
}

/// Runs a tool with something on its standard input.
///
/// # Panics
/// When it can not be started.
pub fn run_with_input<S: AsRef<OsStr>>(
    program: &str,
    arguments: impl IntoIterator<Item = S>,
    input: &[u8],
) -> Output {
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{program} can not be started ({error}); scripts/test installs it"));
    // A tool that does not read its input closes the pipe; that is its business.
    let _ = child.stdin.take().unwrap().write_all(input);
    let output = child.wait_with_output().unwrap();
    Output {
        success: output.status.success(),
        code: output.status.code(),
        stdout: output.stdout,
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// The Python that `scripts/test` prepared, or nothing where there is none: such a test says so and passes.
#[must_use]
pub fn python(what: &str) -> Option<PathBuf> {
    let python = std::env::var_os("TEST_PYTHON").map(PathBuf::from);
    if python.is_none() {
        eprintln!("skipped: {what} needs Python packages; run scripts/test");
    }
    python
}
