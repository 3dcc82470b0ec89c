//! How far an update is, in the pump's words: the body of a report of kind `update`.

use fleet::{id::TicketId, text::Reason};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Something that happened to an update. The pump alone decides when it activates.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UpdateReport {
    /// Under which ticket.
    pub ticket: TicketId,
    pub stage: UpdateStage,
    /// Why not: with `refused` and `download_failed`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refusal: Option<Refusal>,
    /// What else a person should know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
}

macro_rules! words {
    ($(#[$meta:meta])* $type:ident { $($(#[$vmeta:meta])* $name:ident = $word:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
        pub enum $type {
            $($(#[$vmeta])* #[serde(rename = $word)] $name,)+
        }

        impl $type {
            /// Every one.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// The word on the wire and in the database.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word,)+ }
            }
        }
    };
}

words! {
    /// What happened.
    UpdateStage {
        /// The firmware is in the inactive slot and was checked there, from flash.
        Staged = "staged",
        /// The download was given up, or what came is not what the ticket and the manufacturer name.
        DownloadFailed = "download_failed",
        /// The pump will not: the ticket or the manufacturer's metadata does not hold, or it can not be done safely.
        Refused = "refused",
        /// The ticket was given back, and will not be used.
        TicketReturned = "ticket_returned",
        /// The pump switches to the other slot now.
        Activating = "activating",
        /// It started with the new firmware, on trial.
        TrialBoot = "trial_boot",
        /// It tests itself.
        ChecksBegun = "checks_begun",
        /// It started with the old firmware again.
        RolledBack = "rolled_back",
    }
}

words! {
    /// Why a pump would not, or could not.
    Refusal {
        /// The pump is not free, and does not wait until it is.
        InUse = "in_use",
        /// The battery is too low, or the mains is missing, and it does not wait.
        Power = "power",
        /// The pump is held: sequestered, or isolated.
        Held = "held",
        /// The ticket is not signed by a key of this hospital, or is not one.
        TicketForged = "ticket_forged",
        /// The ticket is for another pump or other hardware.
        TicketForAnother = "ticket_for_another",
        /// The ticket is not good yet, or any more; or the pump does not know the time.
        TicketExpired = "ticket_expired",
        /// The ticket was used or given back.
        TicketSpent = "ticket_spent",
        /// There is no such ticket here.
        TicketUnknown = "ticket_unknown",
        /// The pump runs other versions than those the ticket starts from.
        OtherVersions = "other_versions",
        /// The release's security counter is below the pump's.
        CounterBelow = "counter_below",
        /// The manufacturer's metadata is not signed as its root asks.
        MetadataSignature = "metadata_signature",
        /// The manufacturer's metadata has expired, as it does when somebody keeps newer ones back.
        MetadataExpired = "metadata_expired",
        /// The manufacturer's metadata is older than what this pump has seen.
        MetadataRolledBack = "metadata_rolled_back",
        /// The manufacturer's metadata does not name the file, or can not be read.
        MetadataUnreadable = "metadata_unreadable",
        /// The ticket and the manufacturer name different files.
        NotTheSameFile = "not_the_same_file",
        /// What was downloaded is not what was named.
        FileAltered = "file_altered",
        /// The download did not come to an end.
        Network = "network",
        /// The flash does not take it.
        Storage = "storage",
        /// Nothing that starts is in the other slot, or its security counter is below the pump's.
        NothingToReturnTo = "nothing_to_return_to",
        /// Something else, in the reason.
        Other = "other",
    }
}
