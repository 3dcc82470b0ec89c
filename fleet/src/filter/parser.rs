//! From tokens to an expression, by recursive descent over the grammar of [`super`], to a depth that is bounded.

use super::{
    Expr, Field, FilterError, FilterProblem, MAX_DEPTH, Op, Operand, Relation, Test,
    lexer::{self, Keyword, Placed, Token},
};
use crate::{
    pump::{HoldKind, Status},
    text::{ComponentName, ComponentVersion},
};

struct Parser {
    tokens: std::vec::IntoIter<Placed>,
    /// The token that is looked at; when all are read it stays the end.
    now: Placed,
    depth: usize,
}

pub(super) fn parse(text: &str) -> Result<Expr, FilterError> {
    let mut tokens = lexer::tokens(text)?.into_iter();
    let now = tokens.next().unwrap_or(Placed {
        column: 1,
        token: Token::End,
    });
    let mut parser = Parser {
        tokens,
        now,
        depth: 0,
    };
    let expr = parser.filter()?;
    match parser.now.token {
        Token::End => Ok(expr),
        _ => Err(parser.expected("`and`, `or` or the end")),
    }
}

impl Parser {
    /// Hands out the present token and moves on.
    fn take(&mut self) -> Placed {
        match self.tokens.next() {
            Some(next) => std::mem::replace(&mut self.now, next),
            None => self.now.clone(),
        }
    }

    fn take_if(&mut self, wanted: impl Fn(&Token) -> bool) -> bool {
        let found = wanted(&self.now.token);
        if found {
            self.take();
        }
        found
    }

    fn take_keyword(&mut self, keyword: Keyword) -> bool {
        self.take_if(|token| token.keyword() == Some(keyword))
    }

    fn expected(&self, expected: &'static str) -> FilterError {
        let found = self.now.token.found();
        FilterProblem::Expected { expected, found }.at(self.now.column)
    }

    fn filter(&mut self) -> Result<Expr, FilterError> {
        let mut parts = vec![self.and()?];
        while self.take_keyword(Keyword::Or) {
            parts.push(self.and()?);
        }
        Ok(Expr::any(parts))
    }

    fn and(&mut self) -> Result<Expr, FilterError> {
        let mut parts = vec![self.not()?];
        while self.take_keyword(Keyword::And) {
            parts.push(self.not()?);
        }
        Ok(Expr::all(parts))
    }

    fn not(&mut self) -> Result<Expr, FilterError> {
        if self.now.token.keyword() == Some(Keyword::Not) {
            return self.deeper(|parser| Ok(Expr::Not(Box::new(parser.not()?))));
        }
        if self.now.token != Token::Open {
            return self.test();
        }
        self.deeper(|parser| {
            let expr = parser.filter()?;
            if parser.take_if(|token| *token == Token::Close) {
                Ok(expr)
            } else {
                Err(parser.expected("`and`, `or` or `)`"))
            }
        })
    }

    /// Takes the token that opens a level and reads what is inside it.
    fn deeper(
        &mut self,
        inside: impl FnOnce(&mut Self) -> Result<Expr, FilterError>,
    ) -> Result<Expr, FilterError> {
        let column = self.take().column;
        if self.depth == MAX_DEPTH {
            return Err(FilterProblem::TooDeep { max: MAX_DEPTH }.at(column));
        }
        self.depth += 1;
        let expr = inside(self);
        self.depth -= 1;
        expr
    }

    fn test(&mut self) -> Result<Expr, FilterError> {
        let field = self.field()?;
        let column = self.now.column;
        if let Token::Op(op) = self.now.token {
            self.take();
            check_op(&field, op, op.as_str(), column)?;
            let relation = Relation::Compare(op, self.operand(&field, op)?);
            return Ok(Expr::Test(Test { field, relation }));
        }
        let negated = self.take_keyword(Keyword::Not);
        if !self.take_keyword(Keyword::In) {
            return Err(self.expected(if negated {
                "`in`"
            } else {
                "`=`, `!=`, `~`, `<`, `<=`, `>`, `>=` or `in`"
            }));
        }
        check_op(&field, Op::Equal, "in", column)?;
        let relation = Relation::OneOf(self.operands(&field)?);
        let test = Expr::Test(Test { field, relation });
        Ok(if negated { Expr::Not(Box::new(test)) } else { test })
    }

    fn field(&mut self) -> Result<Field, FilterError> {
        let word = match &self.now.token {
            Token::Word(word) if Keyword::of(word).is_none() => word.clone(),
            _ => return Err(self.expected("a field, `not` or `(`")),
        };
        let column = self.take().column;
        let lower = word.to_ascii_lowercase();
        if let Some(field) = Field::NAMED.iter().find(|field| field.as_str() == lower) {
            return Ok(field.clone());
        }
        let name = word
            .split_at_checked(Field::COMPONENT.len())
            .filter(|(before, _)| before.eq_ignore_ascii_case(Field::COMPONENT));
        let name = match name {
            None => {
                let fields: Vec<_> = Field::NAMED.iter().map(Field::as_str).collect();
                let fields = format!("{}, component.<name>", fields.join(", "));
                return Err(FilterProblem::UnknownField { found: word, fields }.at(column));
            }
            Some((_, "")) => match &self.now.token {
                Token::Quoted(name) => {
                    let name = name.clone();
                    self.take();
                    name
                }
                _ => return Err(self.expected("the name of a component")),
            },
            Some((_, name)) => name.to_owned(),
        };
        ComponentName::new(&name).map(Field::Component).map_err(|error| {
            FilterProblem::Value {
                found: name,
                what: "component name",
                expected: format!("another ({error})"),
            }
            .at(column)
        })
    }

    fn operands(&mut self, field: &Field) -> Result<Vec<Operand>, FilterError> {
        if !self.take_if(|token| *token == Token::Open) {
            return Err(self.expected("`(`"));
        }
        let mut operands = vec![self.operand(field, Op::Equal)?];
        loop {
            if self.take_if(|token| *token == Token::Close) {
                return Ok(operands);
            }
            if !self.take_if(|token| *token == Token::Comma) {
                return Err(self.expected("`,` or `)`"));
            }
            operands.push(self.operand(field, Op::Equal)?);
        }
    }

    fn operand(&mut self, field: &Field, op: Op) -> Result<Operand, FilterError> {
        let can_be_nothing = matches!(op, Op::Equal | Op::NotEqual);
        let text = match &self.now.token {
            Token::Quoted(text) => text.clone(),
            Token::Word(word) => match Keyword::of(word) {
                None => word.clone(),
                Some(Keyword::None) if can_be_nothing => {
                    self.take();
                    return Ok(Operand::Nothing);
                }
                Some(_) => return Err(self.expected("a value (a keyword as a value stands in quotes)")),
            },
            _ => return Err(self.expected("a value")),
        };
        let column = self.take().column;
        typed(field, op, text).map_err(|problem| problem.at(column))
    }
}

fn check_op(field: &Field, op: Op, given: &'static str, column: usize) -> Result<(), FilterError> {
    if field.allows(op) {
        return Ok(());
    }
    let mut allowed: Vec<_> = Op::ALL
        .into_iter()
        .filter(|op| field.allows(*op))
        .map(|op| format!("`{}`", op.as_str()))
        .collect();
    if field.allows(Op::Equal) {
        allowed.push("`in`".to_owned());
    }
    Err(FilterProblem::Operator {
        field: field.to_string(),
        given,
        allowed: allowed.join(", "),
    }
    .at(column))
}

/// A value as the field takes it.
fn typed(field: &Field, op: Op, text: String) -> Result<Operand, FilterProblem> {
    let word = text.to_ascii_lowercase().replace(' ', "_");
    let (operand, what, expected) = match field {
        Field::Status => (
            Status::from_word(&word).map(Operand::Status),
            "status",
            Status::ALL.map(Status::as_str).join(", "),
        ),
        Field::Hold => (
            HoldKind::from_word(&word).map(Operand::Hold),
            "kind of hold",
            format!("{}, none", HoldKind::ALL.map(HoldKind::as_str).join(", ")),
        ),
        Field::Component(_) => (
            ComponentVersion::new(&text).ok().map(Operand::Version),
            "version",
            format!("1 to {} characters", ComponentVersion::MAX),
        ),
        Field::Serial if op.orders() => (
            text.parse().ok().map(Operand::Number),
            "number",
            "the number in a serial number".to_owned(),
        ),
        Field::Model
        | Field::Manufacturer
        | Field::Serial
        | Field::Asset
        | Field::Hardware
        | Field::Module
        | Field::CareArea
        | Field::Location
        | Field::Tag
        | Field::Library
        | Field::Vulnerability
        | Field::Text => return Ok(Operand::Text(text)),
    };
    operand.ok_or(FilterProblem::Value {
        found: text,
        what,
        expected,
    })
}
