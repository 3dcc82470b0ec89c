//! A filter that was read.

use std::str::FromStr;

use super::{FilterError, parser};
use crate::{
    pump::{HoldKind, Status},
    text::{ComponentName, ComponentVersion},
};

/// The most characters of a filter.
pub const MAX_LENGTH: usize = 2_000;
/// The most levels of parentheses and `not`.
pub const MAX_DEPTH: usize = 32;

/// A filter. It is read from text, and is written back in one way for each meaning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expr {
    /// At least one of two or more.
    Or(Vec<Expr>),
    /// Each of two or more.
    And(Vec<Expr>),
    Not(Box<Expr>),
    Test(Test),
}

/// One question about a pump.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Test {
    pub(super) field: Field,
    pub(super) relation: Relation,
}

/// How a field relates to a value, or to several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Relation {
    Compare(Op, Operand),
    OneOf(Vec<Operand>),
}

macro_rules! fields {
    ($($(#[$meta:meta])* $name:ident = $word:literal;)+) => {
        /// What of a pump is looked at.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub enum Field {
            $($(#[$meta])* $name,)+
            /// The version of a firmware component.
            Component(ComponentName),
        }

        impl Field {
            /// Every field but the components.
            pub const NAMED: &[Self] = &[$(Self::$name),+];

            /// The word in a filter; that of a component is what stands before its name.
            #[must_use]
            pub const fn as_str(&self) -> &'static str {
                match self { $(Self::$name => $word,)+ Self::Component(_) => Self::COMPONENT }
            }
        }
    };
}

fields! {
    Model = "model";
    Manufacturer = "manufacturer";
    Serial = "serial";
    Asset = "asset";
    Hardware = "hardware";
    /// One of the attached modules.
    Module = "module";
    CareArea = "care_area";
    Location = "location";
    /// One of its tags.
    Tag = "tag";
    Status = "status";
    Hold = "hold";
    /// The name of its drug library.
    Library = "library";
    /// One of the advisories that touch it.
    Vulnerability = "vulnerability";
    /// Everything that people call a pump by.
    Text = "text";
}

/// How two things are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Op {
    Equal,
    NotEqual,
    Contains,
    Below,
    AtMost,
    Above,
    AtLeast,
}

/// What a field is compared with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operand {
    /// `none`.
    Nothing,
    Text(String),
    Status(Status),
    Hold(HoldKind),
    Version(ComponentVersion),
    Number(u64),
}

impl Op {
    /// Every one.
    pub const ALL: [Self; 7] = [
        Self::Equal,
        Self::NotEqual,
        Self::Contains,
        Self::Below,
        Self::AtMost,
        Self::Above,
        Self::AtLeast,
    ];

    /// As it is written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::Contains => "~",
            Self::Below => "<",
            Self::AtMost => "<=",
            Self::Above => ">",
            Self::AtLeast => ">=",
        }
    }

    /// Whether it needs an order.
    #[must_use]
    pub const fn orders(self) -> bool {
        match self {
            Self::Equal | Self::NotEqual | Self::Contains => false,
            Self::Below | Self::AtMost | Self::Above | Self::AtLeast => true,
        }
    }
}

impl Field {
    /// What stands before the name of a component.
    pub const COMPONENT: &'static str = "component.";

    /// Whether it can be compared so.
    #[must_use]
    pub const fn allows(&self, op: Op) -> bool {
        match op {
            Op::Equal | Op::NotEqual => !matches!(self, Self::Text),
            Op::Contains => !matches!(self, Self::Status | Self::Hold | Self::Component(_)),
            Op::Below | Op::AtMost | Op::Above | Op::AtLeast => {
                matches!(self, Self::Serial | Self::Component(_))
            }
        }
    }
}

impl Test {
    /// What is looked at.
    #[must_use]
    pub const fn field(&self) -> &Field {
        &self.field
    }

    /// What it is held against.
    #[must_use]
    pub const fn relation(&self) -> &Relation {
        &self.relation
    }
}

impl Expr {
    /// Joins by `and`; what is joined so already is taken in, and a single one stays as it is.
    pub(super) fn all(parts: Vec<Self>) -> Self {
        join(parts, Self::And, |part| match part {
            Self::And(inner) => inner,
            other => vec![other],
        })
    }

    /// Joins by `or`, in the same way.
    pub(super) fn any(parts: Vec<Self>) -> Self {
        join(parts, Self::Or, |part| match part {
            Self::Or(inner) => inner,
            other => vec![other],
        })
    }
}

fn join(parts: Vec<Expr>, join: fn(Vec<Expr>) -> Expr, take_in: fn(Expr) -> Vec<Expr>) -> Expr {
    let mut flat: Vec<_> = parts.into_iter().flat_map(take_in).collect();
    match flat.pop() {
        Some(only) if flat.is_empty() => only,
        last => {
            flat.extend(last);
            join(flat)
        }
    }
}

impl FromStr for Expr {
    type Err = FilterError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parser::parse(text)
    }
}
