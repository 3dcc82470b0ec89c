//! `gateway login`, `gateway person …` and what else is about people.

use clap::{Args, Subcommand};
use fleet::text::{Name, Reason};

/// `gateway login`
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  gateway login --name ana.obrien
  gateway login --name admin --url https://gw.example:8443

The password is asked for, or taken from GATEWAY_PASSWORD; so are the code of the authenticator (GATEWAY_TOTP), where the account \
has one, and a new password (GATEWAY_NEW_PASSWORD), where the one-time password must be replaced. The session is kept where this \
program looks for it, readable by you alone; it ends when nothing is done for a while, and after twelve hours.")]
pub struct LoginArgs {
    /// The name by which you sign in
    #[arg(long, value_name = "NAME")]
    pub name: Name,
}

/// People: accounts and roles.
#[derive(Debug, Subcommand)]
pub enum PersonCommand {
    /// List people
    #[command(after_help = "Examples:
  gateway person list")]
    List,
    /// Look at a person
    #[command(after_help = "Examples:
  gateway person show ana.obrien")]
    Show {
        /// The name by which the person signs in, or the id
        person: String,
    },
    /// Add a person, who gets a one-time password
    #[command(after_help = "Examples:
  gateway person add --name ana.obrien --printed-name \"Ana O'Brien, RN\" --role 'nurse:MICU,4 West'
  gateway person add --name ben --printed-name 'Ben Adler' --role biomed --role pharmacy")]
    Add(AddPersonArgs),
    /// Correct a person's printed name
    #[command(after_help = "Examples:
  gateway person rename ana.obrien \"Ana O'Brien, RN, CCRN\"")]
    Rename {
        /// The name by which the person signs in, or the id
        person: String,
        /// The name that is printed beside a signature
        printed_name: Name,
    },
    /// Give a person these roles and no others
    #[command(after_help = "Examples:
  gateway person roles ana.obrien --role 'charge_nurse:MICU' --reason 'leads the MICU from May'
  gateway person roles ben --reason 'left biomed'")]
    Roles {
        /// The name by which the person signs in, or the id
        person: String,
        /// A role, everywhere or in care areas: ROLE or ROLE:AREA,AREA; repeat for several
        #[arg(long = "role", value_name = "ROLE[:AREA,…]")]
        roles: Vec<String>,
        /// Why
        #[arg(long, value_name = "TEXT")]
        reason: Reason,
    },
    /// Close an account
    #[command(after_help = "Examples:
  gateway person disable ben --reason 'left the house'")]
    Disable {
        /// The name by which the person signs in, or the id
        person: String,
        /// Why
        #[arg(long, value_name = "TEXT")]
        reason: Reason,
    },
    /// Open an account again, with a one-time password
    #[command(after_help = "Examples:
  gateway person enable ben --reason 'came back'")]
    Enable {
        /// The name by which the person signs in, or the id
        person: String,
        /// Why
        #[arg(long, value_name = "TEXT")]
        reason: Reason,
    },
    /// Give a person who is locked out a one-time password; authenticator and PIN are taken away
    #[command(after_help = "Examples:
  gateway person reset ana.obrien --reason 'lost the phone, identity checked at the desk'")]
    Reset {
        /// The name by which the person signs in, or the id
        person: String,
        /// Why
        #[arg(long, value_name = "TEXT")]
        reason: Reason,
    },
    /// Sign a person out everywhere
    #[command(after_help = "Examples:
  gateway person sign-out ana.obrien")]
    SignOut {
        /// The name by which the person signs in, or the id
        person: String,
    },
}

/// `gateway person add`
#[derive(Debug, Clone, Args)]
pub struct AddPersonArgs {
    /// The name by which the person will sign in; never given to another
    #[arg(long, value_name = "NAME")]
    pub name: Name,
    /// The name that is printed beside a signature
    #[arg(long, value_name = "NAME")]
    pub printed_name: Name,
    /// A role, everywhere or in care areas: ROLE or ROLE:AREA,AREA; repeat for several
    #[arg(long = "role", value_name = "ROLE[:AREA,…]")]
    pub roles: Vec<String>,
}

/// Your own password, authenticator, PIN and sessions.
#[derive(Debug, Subcommand)]
pub enum MeCommand {
    /// Who you are signed in as, and what you may do
    #[command(after_help = "Examples:
  gateway me show")]
    Show,
    /// Change your password; your other sessions end, your tokens are taken back
    #[command(after_help = "Examples:
  gateway me password")]
    Password,
    /// Set an authenticator up: its code is asked for at sign-in from then on
    #[command(after_help = "Examples:
  gateway me authenticator")]
    Authenticator,
    /// Set your PIN for signing
    #[command(after_help = "Examples:
  gateway me pin")]
    Pin,
    /// List your sessions
    #[command(after_help = "Examples:
  gateway me sessions")]
    Sessions,
    /// End one of your sessions
    #[command(after_help = "Examples:
  gateway me sign-out 01980000-0000-7000-8000-000000000001")]
    SignOut {
        /// Its id
        session: String,
    },
}

/// Registered devices: ward tablets, bench computers.
#[derive(Debug, Subcommand)]
pub enum DeviceCommand {
    /// List devices
    #[command(after_help = "Examples:
  gateway device list")]
    List,
    /// Register a device; its secret is shown once
    #[command(after_help = "Examples:
  gateway device register 'Tablet 4 West 2' --area '4 West' --idle-seconds 120")]
    Register {
        /// What people call it
        name: Name,
        /// The care area it belongs to
        #[arg(long, value_name = "NAME")]
        area: Option<Name>,
        /// Seconds without a sign of life that sign a person out on it [default: 180]
        #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(60..=43_200))]
        idle_seconds: Option<u32>,
    },
    /// Take a device off
    #[command(after_help = "Examples:
  gateway device remove 'Tablet 4 West 2'")]
    Remove {
        /// Its name or id
        device: String,
    },
}

/// Break-glass: seeing and holding beyond your role, for an hour, with a reason. It alarms, and is reviewed.
#[derive(Debug, Subcommand)]
pub enum GlassCommand {
    /// Break the glass in this session
    #[command(after_help = "Examples:
  gateway glass break --reason 'pump at bed 7 keeps alarming, no biomed in the house'")]
    Break {
        /// Why
        #[arg(long, value_name = "TEXT")]
        reason: Reason,
    },
    /// End it
    #[command(after_help = "Examples:
  gateway glass end")]
    End,
    /// List uses, and whether they were reviewed
    #[command(after_help = "Examples:
  gateway glass list")]
    List,
}
