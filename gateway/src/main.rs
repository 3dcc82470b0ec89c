//! The `gateway` binary. Everything is in the library; see `gateway --help`.

#![forbid(unsafe_code)]

fn main() -> std::process::ExitCode {
    gateway::cli::run()
}
