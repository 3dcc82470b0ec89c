//! The command line: a client of the staff API, and the three commands that run the gateway itself.
//!
//! | room | what is in it |
//! |---|---|
//! | [`args`] | what can be typed, by noun |
//! | [`release`], [`mod@make`], [`rollout`], [`wave`], [`bench`], [`floors`], [`hold`] | what each does about firmware and holds |
//! | [`pump`], [`enrol`], [`cert`], [`ca`], [`tag`], [`places`], [`model`], [`events`], [`token`], [`login`], [`person`], [`signature`], [`mod@audit`] | what each noun does |
//! | [`exposure`], [`exposure_rows`] | component lists, advisories, vulnerabilities |
//! | [`client`], [`session`], [`connection`], [`upload`] | talking to the gateway |
//! | [`mod@spec`] | a rollout that a person wrote in a file |
//! | [`output`], [`table`], [`time`], [`error`], [`exit`] | talking to people and scripts |
//! | [`mod@passphrase`] | secrets that people type |

pub mod args;
pub mod audit;
pub mod bench;
pub mod ca;
pub mod cert;
pub mod client;
pub mod connection;
pub mod enrol;
pub mod error;
pub mod events;
pub mod exit;
pub mod exposure;
pub mod exposure_rows;
pub mod floors;
pub mod hold;
pub mod library;
pub mod login;
pub mod make;
pub mod model;
pub mod output;
pub mod passphrase;
pub mod person;
pub mod places;
pub mod preview;
pub mod pump;
pub mod pump_rows;
pub mod release;
pub mod rollout;
pub mod rollout_rows;
pub mod session;
pub mod signature;
pub mod spec;
pub mod table;
pub mod tag;
pub mod time;
pub mod token;
pub mod upload;
pub mod wave;

pub use self::{
    args::{DemoArgs, InitArgs, ServeArgs},
    passphrase::passphrase,
};

use std::io;

use clap::{CommandFactory, Parser};
use secrecy::ExposeSecret;
use serde_json::json;

use self::{
    args::{AuditCommand, Cli, Command, LocalCommand, ReleaseCommand, RemoteCommand},
    client::Client,
    connection::ConnectionArgs,
    error::{Attempt, Cause, CliError},
    exit::ExitCode,
    output::Output,
    session::Session,
    time::Times,
};
use crate::{clock::Clock, init::Established};

/// Reads the command line and does what it says.
#[must_use]
pub fn run() -> std::process::ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version come this way too; when nobody reads them, nobody misses them.
            let _ = error.print();
            let code = if error.use_stderr() {
                ExitCode::Usage
            } else {
                ExitCode::Ok
            };
            return code.into();
        }
    };
    let mut output = Output::of_process(cli.json);
    let code = match dispatch(cli, &mut output) {
        Ok(()) => ExitCode::Ok,
        Err(error) if error.cause.is_broken_pipe() => ExitCode::Ok,
        Err(error) => {
            output.error(&error);
            error.cause.exit_code()
        }
    };
    code.into()
}

/// Tells what was set up: the one time that the first password is seen.
///
/// # Errors
/// When standard output is gone.
pub fn report_init(made: &Established, json: bool) -> io::Result<()> {
    let mut output = Output::of_process(json);
    if json {
        output.document(&json!({
            "administrator": made.administrator,
            "one_time_password": made.one_time_password.expose_secret(),
            "root_file": made.root_file,
            "config_file": made.config_file,
        }))
    } else {
        output.bytes(made.to_text().as_bytes())
    }
}

fn dispatch(cli: Cli, output: &mut Output) -> Result<(), CliError> {
    match cli.command {
        Command::Local(command) => local(command, output),
        // Needs no gateway: it may be the one that is not believed.
        Command::Remote(RemoteCommand::Audit(AuditCommand::Verify(args))) => audit::verify(&args, output),
        Command::Remote(RemoteCommand::Release(ReleaseCommand::Make(args))) => make::run(&args, output),
        Command::Remote(command) => {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .attempt("start")?;
            runtime.block_on(remote(command, &cli.connection, output))
        }
    }
}

fn local(command: LocalCommand, output: &mut Output) -> Result<(), CliError> {
    match command {
        LocalCommand::Init(mut args) => {
            args.json = output.json;
            crate::init::run(&args)
                .map_err(Cause::Local)
                .attempt("make a new gateway")
        }
        LocalCommand::Serve(args) => crate::serve::run(&args)
            .map_err(Cause::Local)
            .attempt("run the gateway"),
        #[cfg(feature = "demo")]
        LocalCommand::Demo(args) => crate::demo::run(&args)
            .map_err(Cause::Local)
            .attempt("run the demonstration"),
        LocalCommand::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "gateway", &mut script);
            output.bytes(&script).attempt("print the completions")
        }
    }
}

async fn remote(
    command: RemoteCommand,
    connection: &ConnectionArgs,
    output: &mut Output,
) -> Result<(), CliError> {
    let prepare = || {
        // Whoever asks for a token may have none yet, or one that is no longer good.
        let token = if command.needs_token() {
            connection.token()?
        } else {
            None
        };
        let url = connection.url.clone();
        let roots = connection.roots()?;
        if command.sends_much() {
            Client::patient(url, roots.as_deref(), token)
        } else {
            Client::new(url, roots.as_deref(), token)
        }
    };
    let session = &mut Session {
        client: prepare().attempt("prepare the connection to the gateway")?,
        output,
        times: Times {
            now: Clock::system().now(),
            zone: None,
        },
    };
    match command {
        RemoteCommand::Pump(command) => pump::run(session, command).await,
        RemoteCommand::Enrol(command) => enrol::run(session, command).await,
        RemoteCommand::Expected(command) => places::expected(session, command).await,
        RemoteCommand::Discrepancies => places::discrepancies(session).await,
        RemoteCommand::Area(command) => places::area(session, command).await,
        RemoteCommand::Location(command) => places::location(session, command).await,
        RemoteCommand::Manufacturer(command) => places::manufacturer(session, command).await,
        RemoteCommand::Model(command) => model::run(session, command).await,
        RemoteCommand::Library(command) => library::run(session, command).await,
        RemoteCommand::Hold(command) => hold::run(session, command).await,
        RemoteCommand::Repository(command) => release::repository(session, command).await,
        RemoteCommand::Release(command) => release::run(session, command).await,
        RemoteCommand::Sbom(command) => exposure::sbom(session, command).await,
        RemoteCommand::Component(command) => exposure::component(session, command).await,
        RemoteCommand::Advisory(command) => exposure::advisory(session, command).await,
        RemoteCommand::Exposure(command) => exposure::run(session, command).await,
        RemoteCommand::Rollout(command) => rollout::run(session, command).await,
        RemoteCommand::Wave(command) => wave::run(session, command).await,
        RemoteCommand::Anchor(command) => enrol::anchor(session, command).await,
        RemoteCommand::Cert(command) => cert::run(session, command).await,
        RemoteCommand::Ca(command) => ca::run(session, command).await,
        RemoteCommand::Events(args) => events::run(session, args).await,
        RemoteCommand::Summary => events::summary(session).await,
        RemoteCommand::Login(args) => login::login(session, &args, connection).await,
        RemoteCommand::Logout => login::logout(session, connection).await,
        RemoteCommand::Me(command) => login::me(session, command, connection).await,
        RemoteCommand::Person(command) => person::run(session, command).await,
        RemoteCommand::Roles => person::role_table(session).await,
        RemoteCommand::Device(command) => person::device(session, command).await,
        RemoteCommand::Glass(command) => person::glass(session, command, connection).await,
        RemoteCommand::Signature(command) => signature::run(session, command).await,
        RemoteCommand::Audit(command) => audit::run(session, command).await,
        RemoteCommand::Token(command) => token::run(session, command).await,
        RemoteCommand::Openapi => {
            let Session { client, output, .. } = session;
            let call = client::Call::get(["openapi.json"]).by_anybody();
            client
                .bytes(&call, |bytes| output.bytes(bytes))
                .await
                .attempt("fetch the description of the API")
        }
    }
}
