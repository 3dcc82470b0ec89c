//! `gateway signature …`

use clap::{Args, Subcommand};
use fleet::{
    signature::{Meaning, SubjectKind},
    text::Reason,
};
use uuid::Uuid;

use super::word;

/// Electronic signatures.
#[derive(Debug, Subcommand)]
pub enum SignatureCommand {
    /// List signatures and refusals, and whether they stand
    #[command(after_help = "Examples:
  gateway signature list
  gateway signature list --subject 01980000-0000-7000-8000-000000000001")]
    List {
        /// Only on this one thing
        #[arg(long, value_name = "ID")]
        subject: Option<Uuid>,
    },
    /// Look at a signature, with the very bytes that were signed
    #[command(after_help = "Examples:
  gateway signature show 01980000-0000-7000-8000-000000000001")]
    Show {
        /// Its id
        signature: Uuid,
    },
    /// Look at what would be signed
    #[command(after_help = "Examples:
  gateway signature preview pump 01980000-0000-7000-8000-000000000001
  gateway signature preview wave 'Volumat 9.12/2' --meaning briefing_acknowledged")]
    Preview {
        #[command(flatten)]
        subject: SubjectArgs,
        /// What is to be said of it; of a wave it decides what is shown
        #[arg(long, value_name = "MEANING", value_parser = word(Meaning::ALL, Meaning::as_str))]
        meaning: Option<Meaning>,
    },
    /// Sign, after looking at it
    #[command(after_help = "Examples:
  gateway signature sign pump 01980000-0000-7000-8000-000000000001 --meaning verified_for_clinical_use
  gateway signature sign break_glass 01980000-0000-7000-8000-000000000001 --meaning review_decided --comment 'justified'
  gateway signature sign hold BM-10442 --meaning released_from_hold_biomed
  gateway signature sign trust_root acme --meaning root_of_trust_imported
  gateway signature sign rollout 'Volumat 9.12' --meaning rollout_approved
  gateway signature sign wave 'Volumat 9.12/2' --care-area MICU --meaning approved_for_wave

The first signature of a session takes the password (asked for, or GATEWAY_PASSWORD) and one more: a code (GATEWAY_TOTP) or the \
PIN (GATEWAY_PIN). Later ones take the PIN or the password.")]
    Sign {
        #[command(flatten)]
        subject: SubjectArgs,
        /// What you say by it
        #[arg(long, value_name = "MEANING", value_parser = word(Meaning::ALL, Meaning::as_str))]
        meaning: Meaning,
        /// For which care area you sign, where a wave belongs to several
        #[arg(long, value_name = "NAME")]
        care_area: Option<String>,
        /// A remark
        #[arg(long, value_name = "TEXT")]
        comment: Option<Reason>,
        /// Do not ask whether it is meant
        #[arg(long)]
        yes: bool,
    },
    /// Say `not now`, with a reason
    #[command(after_help = "Examples:
  gateway signature not-now pump 01980000-0000-7000-8000-000000000001 --meaning verified_for_clinical_use --reason 'door latch loose'")]
    NotNow {
        #[command(flatten)]
        subject: SubjectArgs,
        /// What you were asked to say
        #[arg(long, value_name = "MEANING", value_parser = word(Meaning::ALL, Meaning::as_str))]
        meaning: Meaning,
        /// For which care area you say it, where a wave belongs to several
        #[arg(long, value_name = "NAME")]
        care_area: Option<String>,
        /// Why not now
        #[arg(long, value_name = "TEXT")]
        reason: Reason,
    },
}

/// Something that is signed.
#[derive(Debug, Clone, Args)]
pub struct SubjectArgs {
    /// What kind of thing
    #[arg(value_name = "KIND", value_parser = word(&SubjectKind::ALL, SubjectKind::as_str))]
    pub kind: SubjectKind,
    /// Which one: its id; a pump's asset tag or serial number, which is also its hold's; a rollout's or repository's name; a wave's rollout and number
    #[arg(value_name = "ID")]
    pub id: String,
}
