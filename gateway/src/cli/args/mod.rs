//! What can be typed, by noun. Every command shows examples, and a test reads each of them back.

mod audit;
mod ca;
mod cert;
mod enrol;
mod events;
mod exposure;
mod hold;
mod people;
mod places;
mod pump;
mod release;
mod rollout;
mod service;
mod signature;
mod token;

use clap::{
    Parser, Subcommand,
    builder::{PossibleValuesParser, TypedValueParser},
};
use clap_complete::Shell;

pub use self::{
    audit::{AuditCommand, AuditExportArgs, AuditListArgs, AuditVerifyArgs},
    ca::{AuthorityName, CaCommand, ExportKind},
    cert::CertCommand,
    enrol::{AnchorCommand, EnrolCommand, TokenSource},
    events::EventsArgs,
    exposure::{AdvisoryCommand, ComponentCommand, DecideArgs, ExposureCommand, SbomCommand, SbomOf},
    hold::{HoldCommand, OwnerArgs},
    people::{AddPersonArgs, DeviceCommand, GlassCommand, LoginArgs, MeCommand, PersonCommand},
    places::{
        AreaCommand, ExpectedCommand, LibraryCommand, LocationCommand, ManufacturerCommand, ModelCommand,
        ModelEditArgs, ModelField,
    },
    pump::{
        CheckArgs, EditArgs, ImportArgs, OrderKind, PumpCommand, PumpField, PumpFilter, PumpHold, TagArgs,
    },
    release::{MakeArgs, ReleaseCommand, RepositoryCommand},
    rollout::{ActArgs, PlanArgs, RolloutCommand, WaveCommand},
    service::{DemoArgs, InitArgs, ServeArgs},
    signature::{SignatureCommand, SubjectArgs},
    token::{IssueArgs, TokenCommand},
};
use super::{connection::ConnectionArgs, exit::ExitCode};

/// The infusion pump gateway: certificates, connections and inventory of a hospital's pumps.
#[derive(Debug, Parser)]
#[command(name = "gateway", version, propagate_version = true, after_help = ExitCode::table(), after_long_help = ExitCode::table())]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
    /// Print the gateway's own JSON instead of a table
    #[arg(long, global = true)]
    pub json: bool,
    #[command(flatten)]
    pub connection: ConnectionArgs,
}

/// A command runs the gateway here, or talks to one that runs.
#[derive(Debug, Subcommand)]
pub enum Command {
    #[command(flatten)]
    Local(LocalCommand),
    #[command(flatten)]
    Remote(RemoteCommand),
}

/// Commands that need no running gateway.
#[derive(Debug, Subcommand)]
pub enum LocalCommand {
    /// Make a new gateway: data directory, database, certificate authorities, first administrator
    Init(InitArgs),
    /// Run the gateway
    Serve(ServeArgs),
    /// Show everything at work on this machine, with simulated pumps
    #[cfg(feature = "demo")]
    Demo(DemoArgs),
    /// Print a completion script for a shell
    #[command(after_help = "Examples:
  gateway completions bash > /etc/bash_completion.d/gateway
  gateway completions zsh > ~/.zfunc/_gateway
  gateway completions fish > ~/.config/fish/completions/gateway.fish")]
    Completions {
        /// Which shell
        shell: Shell,
    },
}

/// Commands that talk to a running gateway.
#[derive(Debug, Subcommand)]
pub enum RemoteCommand {
    /// Pumps: list, look at, import, hold, retire
    #[command(subcommand)]
    Pump(PumpCommand),
    /// One-time tokens by which pumps get their first certificate
    #[command(subcommand)]
    Enrol(EnrolCommand),
    /// Pumps that the hospital expects to see
    #[command(subcommand)]
    Expected(ExpectedCommand),
    /// Where the list of expected pumps and the pumps that enrolled disagree
    #[command(after_help = "Examples:
  gateway discrepancies
  gateway discrepancies --json | jq '.[].summary'")]
    Discrepancies,
    /// Care areas
    #[command(subcommand)]
    Area(AreaCommand),
    /// Places where pumps are kept
    #[command(subcommand)]
    Location(LocationCommand),
    /// Makers of pumps, and how to reach them
    #[command(subcommand)]
    Manufacturer(ManufacturerCommand),
    /// Models of pumps
    #[command(subcommand)]
    Model(ModelCommand),
    /// Drug libraries: which one is approved for each model
    #[command(subcommand)]
    Library(LibraryCommand),
    /// Holds: what is kept from use, and what brings it back
    #[command(subcommand)]
    Hold(HoldCommand),
    /// Manufacturers' repositories of firmware, and whose keys are trusted
    #[command(subcommand)]
    Repository(RepositoryCommand),
    /// Releases of firmware: import, look at
    #[command(subcommand)]
    Release(ReleaseCommand),
    /// Component lists: what releases and models are made of
    #[command(subcommand)]
    Sbom(SbomCommand),
    /// Components: which pumps contain one
    #[command(subcommand)]
    Component(ComponentCommand),
    /// Advisories that are carried in, and how old each feed is
    #[command(subcommand)]
    Advisory(AdvisoryCommand),
    /// Vulnerabilities that are open on pumps, in the order of work
    #[command(subcommand)]
    Exposure(ExposureCommand),
    /// Rollouts: a release on its way to pumps
    #[command(subcommand)]
    Rollout(RolloutCommand),
    /// Waves of a rollout: briefings, and back to the old version
    #[command(subcommand)]
    Wave(WaveCommand),
    /// Manufacturers' certificates that may vouch for a pump's first enrolment
    #[command(subcommand)]
    Anchor(AnchorCommand),
    /// Pumps' certificates: list, look at, revoke
    #[command(subcommand)]
    Cert(CertCommand),
    /// The gateway's own certificate authorities
    #[command(subcommand)]
    Ca(CaCommand),
    /// What happened
    Events(EventsArgs),
    /// The fleet in numbers
    #[command(after_help = "Examples:
  gateway summary
  gateway summary --json | jq .pumps.connected")]
    Summary,
    /// Sign in as a person
    Login(LoginArgs),
    /// Sign out
    #[command(after_help = "Examples:
  gateway logout")]
    Logout,
    /// Yourself: password, authenticator, PIN, sessions
    #[command(subcommand)]
    Me(MeCommand),
    /// People: accounts and roles
    #[command(subcommand)]
    Person(PersonCommand),
    /// The table of roles: who may do what
    #[command(after_help = "Examples:
  gateway roles")]
    Roles,
    /// Registered devices: ward tablets, bench computers
    #[command(subcommand)]
    Device(DeviceCommand),
    /// Break-glass: seeing and holding beyond your role
    #[command(subcommand)]
    Glass(GlassCommand),
    /// Electronic signatures
    #[command(subcommand)]
    Signature(SignatureCommand),
    /// The audit trail: search, export, verify
    #[command(subcommand)]
    Audit(AuditCommand),
    /// Service tokens, by which programs act for you
    #[command(subcommand)]
    Token(TokenCommand),
    /// Print the API's own description, for tools that read `OpenAPI` 3.1
    #[command(after_help = "Examples:
  gateway openapi > openapi.json")]
    Openapi,
}

impl RemoteCommand {
    /// Whether the command is refused without a token.
    #[must_use]
    pub fn needs_token(&self) -> bool {
        !matches!(self, Self::Openapi | Self::Login(_))
    }

    /// Whether so much is sent that the answer may take long.
    #[must_use]
    pub fn sends_much(&self) -> bool {
        matches!(
            self,
            Self::Release(ReleaseCommand::Import { .. })
                | Self::Sbom(SbomCommand::Import { .. })
                | Self::Advisory(AdvisoryCommand::Import { .. })
        )
    }
}

/// How much of a list.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct PageArgs {
    /// Only so many; with --json this prints one page as the API gives it, with the cursor to the next
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub limit: Option<u32>,
    /// Begin after this cursor
    #[arg(long, value_name = "CURSOR")]
    pub after: Option<String>,
}

/// Reads one word of a table of the rules, so that help and completions list them all.
fn word<T: Copy + Send + Sync + 'static>(
    all: &'static [T],
    as_str: fn(T) -> &'static str,
) -> impl TypedValueParser<Value = T> {
    PossibleValuesParser::new(all.iter().map(|value| as_str(*value))).try_map(move |word| {
        all.iter()
            .copied()
            .find(|value| as_str(*value) == word)
            .ok_or("not one of the possible values")
    })
}

/// Splits as a shell does, as far as examples need it: quotes, pipes and redirections.
#[cfg(test)]
pub(super) fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), String::new(), None);
    for c in line.chars() {
        match (quote, c) {
            (None, '\'' | '"') => quote = Some(c),
            (Some(open), c) if c == open => quote = None,
            (None, '|' | '<' | '>' | '#') => break,
            (None, ' ') if word.is_empty() => {}
            (None, ' ') => words.push(std::mem::take(&mut word)),
            (_, c) => word.push(c),
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use super::{Cli, words};

    /// Every command that does something, with the words that lead to it.
    fn leaves(command: &clap::Command, path: &str, found: &mut Vec<(String, String)>) {
        let path = format!("{path} {}", command.get_name());
        if command.has_subcommands() {
            for inner in command.get_subcommands() {
                leaves(inner, path.trim(), found);
            }
        } else {
            let help = command
                .get_after_help()
                .map(ToString::to_string)
                .unwrap_or_default();
            found.push((path.trim().to_owned(), help));
        }
    }

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_shows_examples_and_every_example_works() {
        let mut found = Vec::new();
        leaves(&Cli::command(), "", &mut found);
        assert!(found.len() > 40, "{found:?}");
        for (path, help) in found {
            let examples: Vec<_> = help
                .lines()
                .filter(|line| line.starts_with("  gateway "))
                .collect();
            assert!(!examples.is_empty(), "`{path}` shows no example");
            for example in examples {
                assert!(
                    example.trim().starts_with(&path),
                    "`{example}` stands under `{path}`"
                );
                if let Err(error) = Cli::try_parse_from(words(example)) {
                    panic!("`{example}` under `{path}`: {error}");
                }
            }
        }
    }

    #[test]
    fn every_command_in_the_manual_works() {
        let manual = [
            include_str!("../../../../docs/cli.md"),
            include_str!("../../../../docs/inventory.md"),
            include_str!("../../../../docs/exposure.md"),
        ];
        let commands: Vec<_> = manual
            .iter()
            .flat_map(|page| page.lines())
            .filter(|line| line.starts_with("gateway "))
            .collect();
        assert!(commands.len() > 20, "{commands:?}");
        for command in commands {
            if let Err(error) = Cli::try_parse_from(words(command)) {
                panic!("`{command}` in the manual: {error}");
            }
        }
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        let check = |line: &str| assert!(Cli::try_parse_from(words(line)).is_err(), "{line}");
        check("gateway");
        check("gateway pump");
        check("gateway pump list --limit 0");
        check("gateway pump list --limit 1001");
        check("gateway pump hold BM-1 --kind quarantine --reason x");
        check("gateway pump hold BM-1 --kind clinical");
        check("gateway pump hold BM-1 --kind clinical --reason ''");
        check("gateway pump edit BM-1");
        check("gateway pump telemetry BM-1 --since yesterday");
        check("gateway cert revoke 8f01 --reason bored");
        check("gateway ca rotate --kind root");
        check("gateway ca retire device");
        check("gateway ca retire device-0");
        check("gateway enrol batch");
        check("gateway enrol batch --all-expected SN-1");
        check("gateway enrol token SN-1 --valid-hours 73");
        check("gateway token issue --label b");
        check("gateway token issue --label b --scope pump_read --valid-days 366");
        check("gateway login");
        check("gateway login --name a --password b");
        check("gateway audit verify");
        check("gateway audit verify a.jsonl --config gateway.toml");
        check("gateway signature sign pump BM-1");
        check("gateway repository add Acme --manufacturer Acme --root root.json");
        check("gateway release make r --keys k --manifest m.json --path ../release.json");
        check("gateway rollout create R --spec plan.toml");
        check("gateway rollout pause R");
        check("gateway rollout show R --pumps --catch-up");
        check("gateway rollout create R --release X --spec p.toml --begins-at tomorrow");
        check("gateway pump check BM-1 flow");
        check("gateway pump check BM-1 flow --value 1.2");
        check("gateway pump check BM-1 flow --value 1.2 --unit furlong");
        check("gateway pump check BM-1 flow --value NaN --unit percent");
        check("gateway pump check BM-1 flow --value 1.2 --unit percent --instrument A-7");
        check("gateway pump check BM-1 case --yes --no");
        check("gateway pump check BM-1 case --not-run --instrument A-7 --calibrated-until 2027-01-31");
        check("gateway pump roll-back BM-1");
        check("gateway hold owner BM-1");
        check("gateway hold owner BM-1 --me --nobody");
        check("gateway hold end-sequester BM-1");
        check("gateway hold list --kind quarantine");
        check("gateway area floor MICU V7 -- -1");
        check("gateway person disable ana");
        check("gateway token issue --password hunter2");
        check("gateway pump list --token abc");
        check("gateway init --server-name 'not a host'");
        check("gateway demo --pumps 0");
    }

    #[test]
    fn options_of_the_connection_stand_anywhere() {
        for line in [
            "gateway --url https://gw:1 --json pump list",
            "gateway pump --json list --url https://gw:1",
        ] {
            let cli = Cli::try_parse_from(words(line)).unwrap();
            assert!(cli.json);
            assert_eq!(cli.connection.url.as_str(), "https://gw:1/");
        }
    }
}
