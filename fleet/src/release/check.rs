//! Whether a manifest makes sense. A manufacturer's signature says that the manifest is theirs, not that it is right.

use std::collections::HashSet;

use thiserror::Error;

use super::{BroughtComponent, FromRule, LibraryRule, Manifest, Security, Step, manifest::most};
use crate::{
    check::{Duty, SpecProblem, owed},
    pump::SecurityCounter,
    version::{RangeProblem, VersionError, VersionScheme},
};

/// A manifest was refused.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum ManifestError {
    /// Larger than any honest one.
    #[error("the release manifest has {length} bytes; at most {max} are read")]
    TooLarge { length: usize, max: usize },
    /// Not JSON, or not this schema.
    #[error("the release manifest does not fit docs/schemas/release-manifest.json: {problem}")]
    Malformed { problem: String },
    /// It can be read and makes no sense.
    #[error("the release manifest makes no sense in {} places; the first: {}", .problems.len(), .problems.first().map(Problem::to_string).unwrap_or_default())]
    Invalid { problems: Vec<Problem> },
}

/// One thing that is wrong, and where.
#[derive(Debug, Clone, PartialEq, Error)]
#[error("`{field}`: {kind}")]
pub struct Problem {
    /// The field, as `targets[1].serials`.
    pub field: String,
    pub kind: ProblemKind,
}

/// What is wrong.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum ProblemKind {
    #[error("has {given} items; give {min} to {max}")]
    Count { given: usize, min: usize, max: usize },
    #[error("`{0}` is there twice")]
    Twice(String),
    #[error("{0}")]
    Version(#[from] VersionError),
    #[error("{0}")]
    Range(#[from] RangeProblem),
    #[error("by the scheme `{given}`, while the release brings this component by `{brought}`")]
    OtherScheme {
        given: VersionScheme,
        brought: VersionScheme,
    },
    #[error("is {floor}, above the release's own counter {counter}")]
    FloorAboveCounter {
        floor: SecurityCounter,
        counter: SecurityCounter,
    },
    #[error("holds no serial number; `from` lies above `to`, or neither is given")]
    NoSerials,
    #[error("could be for the same pump as `{0}`; tell them apart by serial numbers, hardware or modules")]
    Overlap(String),
    #[error("is both needed and refused")]
    NeededAndRefused,
    #[error("is {given}; give 1 to {max}")]
    Times { given: u8, max: u8 },
    #[error("{0}")]
    Check(#[from] SpecProblem),
    #[error("lacks a check that a release of its class owes: {0}")]
    Owed(Duty),
}

impl Manifest {
    /// The most bytes that are read.
    pub const MAX_BYTES: usize = 256 * 1024;

    /// Reads a manifest and checks it.
    ///
    /// # Errors
    /// [`ManifestError`], with every problem that was found.
    pub fn read(bytes: &[u8]) -> Result<Self, ManifestError> {
        if bytes.len() > Self::MAX_BYTES {
            return Err(ManifestError::TooLarge {
                length: bytes.len(),
                max: Self::MAX_BYTES,
            });
        }
        let manifest: Self = serde_json::from_slice(bytes).map_err(|error| ManifestError::Malformed {
            problem: printable(&error.to_string()),
        })?;
        let problems = manifest.problems();
        if problems.is_empty() {
            Ok(manifest)
        } else {
            Err(ManifestError::Invalid { problems })
        }
    }

    /// Everything that is wrong with it, in the order of its fields.
    #[must_use]
    pub fn problems(&self) -> Vec<Problem> {
        let mut found = Found(Vec::new());
        found.list("models", &self.models, 1, most::MODELS, |name| name.as_str());
        found.brought("brings", &self.brings, 1);
        found.security(self.security);
        found.list("hardware", &self.hardware, 0, most::HARDWARE, |id| id.as_str());
        found.list("needs_modules", &self.needs_modules, 0, most::MODULES, |name| {
            name.as_str()
        });
        found.list(
            "refuses_modules",
            &self.refuses_modules,
            0,
            most::MODULES,
            |name| name.as_str(),
        );
        for (i, name) in self.refuses_modules.iter().enumerate() {
            if self.needs_modules.contains(name) {
                found.add(format!("refuses_modules[{i}]"), ProblemKind::NeededAndRefused);
            }
        }
        found.paths(&self.from, &self.brings);
        found.libraries(&self.drug_libraries);
        found.targets(self);
        found.count("steps", self.steps.len(), 0, most::STEPS);
        for (i, step) in self.steps.iter().enumerate() {
            found.step(i, step);
        }
        found.checks(self);
        found.count("bedside", self.bedside.len(), 1, most::BEDSIDE_LINES);
        found.list("fixes", &self.fixes, 0, most::FIXES, |fix| fix.id.as_str());
        found.0
    }
}

/// A reader's message can repeat what was read; nothing that moves a cursor goes to a terminal.
fn printable(text: &str) -> String {
    let shown = text.chars().take(300);
    shown.map(|c| if c.is_control() { '?' } else { c }).collect()
}

struct Found(Vec<Problem>);

impl Found {
    fn add(&mut self, field: impl Into<String>, kind: impl Into<ProblemKind>) {
        self.0.push(Problem {
            field: field.into(),
            kind: kind.into(),
        });
    }

    fn count(&mut self, field: &str, given: usize, min: usize, max: usize) {
        if !(min..=max).contains(&given) {
            self.add(field, ProblemKind::Count { given, min, max });
        }
    }

    /// A list of so many, in which each is there once.
    fn list<T>(&mut self, field: &str, items: &[T], min: usize, max: usize, name: impl Fn(&T) -> &str) {
        self.count(field, items.len(), min, max);
        let mut seen = HashSet::new();
        for (i, item) in items.iter().enumerate() {
            let name = name(item);
            if !seen.insert(name) {
                self.add(format!("{field}[{i}]"), ProblemKind::Twice(name.to_owned()));
            }
        }
    }

    fn brought(&mut self, field: &str, brought: &[BroughtComponent], min: usize) {
        self.list(field, brought, min, most::COMPONENTS, |component| {
            component.name.as_str()
        });
        for (i, component) in brought.iter().enumerate() {
            // A component without an order is honest: it is compared to the letter.
            if component.scheme == VersionScheme::Unknown {
                continue;
            }
            if let Err(error) = component.scheme.read(&component.version) {
                self.add(format!("{field}[{i}].version"), error);
            }
        }
    }

    fn security(&mut self, Security { counter, floor }: Security) {
        if floor > counter {
            self.add(
                "security.floor",
                ProblemKind::FloorAboveCounter { floor, counter },
            );
        }
    }

    fn paths(&mut self, rules: &[FromRule], brings: &[BroughtComponent]) {
        self.list("from", rules, 0, most::COMPONENTS, |rule| rule.component.as_str());
        for (i, rule) in rules.iter().enumerate() {
            let brought = brings.iter().find(|component| component.name == rule.component);
            if let Some(brought) = brought.filter(|component| component.scheme != rule.scheme) {
                self.add(
                    format!("from[{i}].scheme"),
                    ProblemKind::OtherScheme {
                        given: rule.scheme,
                        brought: brought.scheme,
                    },
                );
            }
            self.count(&format!("from[{i}].ranges"), rule.ranges.len(), 1, most::RANGES);
            for (j, range) in rule.ranges.iter().enumerate() {
                if let Err(problem) = range.check(rule.scheme) {
                    self.add(format!("from[{i}].ranges[{j}]"), problem);
                }
            }
        }
    }

    fn libraries(&mut self, rules: &[LibraryRule]) {
        self.count("drug_libraries", rules.len(), 0, most::LIBRARIES);
        for (i, rule) in rules.iter().enumerate() {
            if let Err(problem) = rule.range.check(rule.scheme) {
                self.add(format!("drug_libraries[{i}].range"), problem);
            }
        }
    }

    fn targets(&mut self, manifest: &Manifest) {
        let targets = &manifest.targets;
        self.list("targets", targets, 1, most::TARGETS, |target| {
            target.path.as_str()
        });
        for (i, target) in targets.iter().enumerate() {
            let field = format!("targets[{i}]");
            if let Some(range) = target.serials {
                let says_nothing = range.from.is_none() && range.to.is_none();
                if says_nothing || range.first() > range.last() {
                    self.add(format!("{field}.serials"), ProblemKind::NoSerials);
                }
            }
            self.list(
                &format!("{field}.hardware"),
                &target.hardware,
                0,
                most::HARDWARE,
                |id| id.as_str(),
            );
            self.list(
                &format!("{field}.modules"),
                &target.modules,
                0,
                most::MODULES,
                |name| name.as_str(),
            );
            self.brought(&format!("{field}.brings"), &target.brings, 0);
            // Quadratic over a list that is bounded above.
            for other in targets.iter().take(i.min(most::TARGETS)) {
                if target.overlaps(other) {
                    self.add(field.clone(), ProblemKind::Overlap(other.path.to_string()));
                }
            }
        }
    }

    fn step(&mut self, i: usize, step: &Step) {
        match *step {
            Step::Reboot { times } => {
                if !(1..=Step::TIMES_MAX).contains(&times) {
                    self.add(
                        format!("steps[{i}].times"),
                        ProblemKind::Times {
                            given: times,
                            max: Step::TIMES_MAX,
                        },
                    );
                }
            }
            Step::Person { .. } => {}
        }
    }

    fn checks(&mut self, manifest: &Manifest) {
        self.list("checks", &manifest.checks, 1, most::CHECKS, |check| {
            check.id.as_str()
        });
        for (i, check) in manifest.checks.iter().enumerate() {
            if let Err(problem) = check.check() {
                self.add(format!("checks[{i}]"), problem);
            }
        }
        for duty in owed(manifest.class) {
            if !manifest.checks.iter().any(|check| duty.is_met_by(check)) {
                self.add("checks", ProblemKind::Owed(*duty));
            }
        }
    }
}
