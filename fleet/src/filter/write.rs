//! How a filter is written back, for people and for the database: what is written reads as what it was.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Expr, Field, Operand, Relation, Test, lexer};

/// A text as it can be read again: in quotes where it needs them.
struct Quoted<'a>(&'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bare = !self.0.is_empty() && self.0.chars().all(lexer::is_word);
        if bare && lexer::Keyword::of(self.0).is_none() {
            return f.write_str(self.0);
        }
        write!(f, "\"{}\"", self.0.replace('\\', "\\\\").replace('"', "\\\""))
    }
}

impl fmt::Display for Operand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => f.write_str("none"),
            Self::Text(text) => Quoted(text).fmt(f),
            Self::Status(status) => f.write_str(status.as_str()),
            Self::Hold(kind) => f.write_str(kind.as_str()),
            Self::Version(version) => Quoted(version.as_str()).fmt(f),
            Self::Number(number) => number.fmt(f),
        }
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())?;
        match self {
            Self::Component(name) => Quoted(name.as_str()).fmt(f),
            _ => Ok(()),
        }
    }
}

impl fmt::Display for Test {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.relation {
            Relation::Compare(op, operand) => write!(f, "{} {} {operand}", self.field, op.as_str()),
            Relation::OneOf(operands) => {
                write!(f, "{} in (", self.field)?;
                for (i, operand) in operands.iter().enumerate() {
                    write!(f, "{}{operand}", if i == 0 { "" } else { ", " })?;
                }
                f.write_str(")")
            }
        }
    }
}

impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Or(parts) => joined(f, parts, " or ", |_| false),
            Self::And(parts) => joined(f, parts, " and ", |part| matches!(part, Self::Or(_))),
            Self::Not(part) => {
                f.write_str("not ")?;
                wrapped(f, part, matches!(**part, Self::Or(_) | Self::And(_)))
            }
            Self::Test(test) => test.fmt(f),
        }
    }
}

fn joined(
    f: &mut fmt::Formatter<'_>,
    parts: &[Expr],
    word: &str,
    needs_parentheses: fn(&Expr) -> bool,
) -> fmt::Result {
    for (i, part) in parts.iter().enumerate() {
        if i > 0 {
            f.write_str(word)?;
        }
        wrapped(f, part, needs_parentheses(part))?;
    }
    Ok(())
}

fn wrapped(f: &mut fmt::Formatter<'_>, part: &Expr, parentheses: bool) -> fmt::Result {
    if parentheses {
        write!(f, "({part})")
    } else {
        write!(f, "{part}")
    }
}

impl Serialize for Expr {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Expr {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}
