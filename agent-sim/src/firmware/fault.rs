//! What can be wrong with a pump, settable one by one: from a list of pumps, from a script, from a test.

use std::collections::BTreeSet;

macro_rules! faults {
    ($($(#[$meta:meta])* $name:ident = $word:literal,)+) => {
        /// Something that is wrong.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Fault {
            $($(#[$meta])* $name,)+
        }

        impl Fault {
            /// Every one.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// The word in a script.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word,)+ }
            }

            /// Reads a word back.
            #[must_use]
            pub fn from_word(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|fault| fault.as_str() == word)
            }
        }
    };
}

faults! {
    /// Flow is 9 % too high.
    FlowDrift = "flow_drift",
    /// The occlusion sensor stops too late.
    OcclusionSensor = "occlusion_sensor",
    /// The speaker draws too little current to be heard.
    SpeakerWeak = "speaker_weak",
    /// The battery has aged.
    BatteryWeak = "battery_weak",
    /// The clock reads forty seconds off.
    ClockOff = "clock_off",
    /// The drug library is not the one that was loaded.
    LibraryAltered = "library_altered",
    /// One check is not run, and claimed to have passed.
    CheckNotRun = "check_not_run",
    /// Whatever was read, the pump claims a pass.
    Lies = "lies",
    /// It is never heard of again once it has switched slots.
    SilentAfterActivation = "silent_after_activation",
    /// It comes back, and never says what its checks read.
    ChecksNeverReported = "checks_never_reported",
    /// The new firmware does not start; the old one does.
    TrialBootFails = "trial_boot_fails",
    /// The power fails right after the first bytes came in; once.
    PowerLossFetching = "power_loss_fetching",
    /// The power fails right after the file was put into the other slot; once.
    PowerLossStaged = "power_loss_staged",
    /// The power fails right after the slots were switched; once.
    PowerLossActivating = "power_loss_activating",
    /// The power fails while the new firmware tests itself; once.
    PowerLossTrial = "power_loss_trial",
    /// The power fails right after the new firmware was kept; once.
    PowerLossCommitted = "power_loss_committed",
    /// Every connection of a download breaks off after some bytes.
    BadLink = "bad_link",
    /// What runs afterwards is not what the ticket names.
    OtherVersions = "other_versions",
}

/// What is wrong with one pump.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Faults {
    set: BTreeSet<Fault>,
    /// With [`Fault::BadLink`]: a connection breaks off after so many bytes.
    pub drop_every: u64,
}

impl Default for Faults {
    fn default() -> Self {
        Self {
            set: BTreeSet::new(),
            drop_every: Self::DROP_EVERY,
        }
    }
}

impl Faults {
    /// Where a bad link breaks off when nobody says where, in bytes.
    pub const DROP_EVERY: u64 = 64 * 1024;

    /// These and no others.
    #[must_use]
    pub fn of(faults: impl IntoIterator<Item = Fault>) -> Self {
        Self {
            set: faults.into_iter().collect(),
            ..Self::default()
        }
    }

    /// Whether it is wrong.
    #[must_use]
    pub fn has(&self, fault: Fault) -> bool {
        self.set.contains(&fault)
    }

    /// Sets or clears one.
    pub fn set(&mut self, fault: Fault, wrong: bool) {
        if wrong {
            self.set.insert(fault);
        } else {
            self.set.remove(&fault);
        }
    }

    /// One that strikes once.
    pub(crate) fn strike(&mut self, fault: Fault) -> bool {
        self.set.remove(&fault)
    }

    /// Bytes after which a connection breaks off; none on a good link.
    pub(crate) fn link_breaks_after(&self) -> Option<u64> {
        self.has(Fault::BadLink).then(|| self.drop_every.max(1))
    }
}
