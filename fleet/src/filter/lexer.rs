//! From characters to tokens, each with the column it begins at.

use std::{iter::Peekable, str::Chars};

use super::{
    FilterError, FilterProblem,
    expr::{MAX_LENGTH, Op},
};
use crate::text::is_unprintable;

/// The smallest pieces of a filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    Open,
    Close,
    Comma,
    Op(Op),
    Word(String),
    Quoted(String),
    End,
}

/// A token and its column, in characters from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Placed {
    pub(super) column: usize,
    pub(super) token: Token,
}

/// Words with a meaning of their own. As a value they need quotes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keyword {
    And,
    Or,
    Not,
    In,
    None,
}

impl Keyword {
    pub(super) fn of(word: &str) -> Option<Self> {
        match word.to_ascii_lowercase().as_str() {
            "and" => Some(Self::And),
            "or" => Some(Self::Or),
            "not" => Some(Self::Not),
            "in" => Some(Self::In),
            "none" => Some(Self::None),
            _ => None,
        }
    }
}

impl Token {
    pub(super) fn keyword(&self) -> Option<Keyword> {
        match self {
            Self::Word(word) => Keyword::of(word),
            _ => None,
        }
    }

    /// For the sentence "expected this, found that".
    pub(super) fn found(&self) -> String {
        match self {
            Self::Open => "`(`".to_owned(),
            Self::Close => "`)`".to_owned(),
            Self::Comma => "`,`".to_owned(),
            Self::Op(op) => format!("`{}`", op.as_str()),
            Self::Word(text) => format!("`{text}`"),
            Self::Quoted(text) => format!("`\"{text}\"`"),
            Self::End => "the end".to_owned(),
        }
    }
}

/// Whether a character may stand in a word without quotes.
pub(super) fn is_word(c: char) -> bool {
    !c.is_whitespace() && !is_unprintable(c) && !"()=!~<>,\"".contains(c)
}

struct Lexer<'a> {
    rest: Peekable<Chars<'a>>,
    column: usize,
}

/// Reads all tokens; the last is always [`Token::End`].
pub(super) fn tokens(text: &str) -> Result<Vec<Placed>, FilterError> {
    if text.chars().nth(MAX_LENGTH).is_some() {
        return Err(FilterProblem::TooLong { max: MAX_LENGTH }.at(MAX_LENGTH + 1));
    }
    let mut lexer = Lexer {
        rest: text.chars().peekable(),
        column: 1,
    };
    let mut tokens = Vec::new();
    loop {
        while lexer.next_if(char::is_whitespace).is_some() {}
        let column = lexer.column;
        let token = lexer.token()?;
        let ended = token == Token::End;
        tokens.push(Placed { column, token });
        if ended {
            return Ok(tokens);
        }
    }
}

impl Lexer<'_> {
    fn next(&mut self) -> Option<char> {
        let c = self.rest.next()?;
        self.column += 1;
        Some(c)
    }

    fn next_if(&mut self, accept: impl Fn(char) -> bool) -> Option<char> {
        let c = self.rest.next_if(|c| accept(*c))?;
        self.column += 1;
        Some(c)
    }

    fn token(&mut self) -> Result<Token, FilterError> {
        let column = self.column;
        let Some(first) = self.next() else {
            return Ok(Token::End);
        };
        let or_equal = |lexer: &mut Self, with: Op, without: Op| {
            Token::Op(if lexer.next_if(|c| c == '=').is_some() {
                with
            } else {
                without
            })
        };
        Ok(match first {
            '(' => Token::Open,
            ')' => Token::Close,
            ',' => Token::Comma,
            '=' => Token::Op(Op::Equal),
            '~' => Token::Op(Op::Contains),
            '<' => or_equal(self, Op::AtMost, Op::Below),
            '>' => or_equal(self, Op::AtLeast, Op::Above),
            '!' if self.next_if(|c| c == '=').is_some() => Token::Op(Op::NotEqual),
            '!' => {
                let (expected, found) = ("`!=`", "`!`".to_owned());
                return Err(FilterProblem::Expected { expected, found }.at(column));
            }
            '"' => self.quoted(column)?,
            c if is_word(c) => {
                let mut word = String::from(c);
                while let Some(c) = self.next_if(is_word) {
                    word.push(c);
                }
                Token::Word(word)
            }
            _ => return Err(FilterProblem::Unprintable.at(column)),
        })
    }

    fn quoted(&mut self, opened: usize) -> Result<Token, FilterError> {
        let mut text = String::new();
        loop {
            let column = self.column;
            match self.next() {
                None => return Err(FilterProblem::OpenQuote.at(opened)),
                Some('"') => return Ok(Token::Quoted(text)),
                Some('\\') => match self.next() {
                    Some(c @ ('"' | '\\')) => text.push(c),
                    _ => return Err(FilterProblem::Escape.at(column)),
                },
                Some(c) if is_unprintable(c) => return Err(FilterProblem::Unprintable.at(column)),
                Some(c) => text.push(c),
            }
        }
    }
}
