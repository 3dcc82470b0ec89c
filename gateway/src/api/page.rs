//! Lists come in pages. A cursor names the last row that was read, so that rows which come and go meanwhile shift nothing.

use std::borrow::Cow;

use serde::Serialize;
use store::Page;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ArrayBuilder, ObjectBuilder, Ref, RefOr, Schema, Type, schema::SchemaType},
};

use super::problem::{Problem, ProblemCode};

/// So many rows where nobody says how many.
pub(super) const DEFAULT_LIMIT: u32 = 100;
/// The most rows in one answer.
pub(super) const MAX_LIMIT: u32 = 1_000;

/// A page of a list. Handlers give it a name per kind of row, `AnchorPage`: what the description's macro writes for a type
/// with a parameter does not compile beside the TUF library, which gives `Cow<str>` a second `AsRef`.
#[derive(Debug, Serialize)]
pub(super) struct PageView<T> {
    /// The rows.
    pub(super) items: Vec<T>,
    /// Give this as `after` for the next page; null on the last one.
    pub(super) next: Option<String>,
}

impl<T: ToSchema> PartialSchema for PageView<T> {
    fn schema() -> RefOr<Schema> {
        let items = ArrayBuilder::new()
            .description(Some("The rows."))
            .items(Ref::from_schema_name(T::name()));
        let next = ObjectBuilder::new()
            .schema_type(SchemaType::from_iter([Type::String, Type::Null]))
            .description(Some(
                "Give this as `after` for the next page; null on the last one.",
            ));
        ObjectBuilder::new()
            .description(Some("A page of a list."))
            .property("items", items)
            .required("items")
            .property("next", next)
            .into()
    }
}

impl<T: ToSchema> ToSchema for PageView<T> {
    fn name() -> Cow<'static, str> {
        Cow::Owned(format!("PageView_{}", T::name()))
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((T::name().into_owned(), T::schema()));
        T::schemas(schemas);
    }
}

impl<T> PageView<T> {
    /// Rows of the database as they are shown.
    pub(super) fn of<R>(page: Page<R>, view: impl FnMut(R) -> T) -> Self {
        Self {
            items: page.items.into_iter().map(view).collect(),
            next: page.next,
        }
    }

    /// A list that is short enough to be whole.
    pub(super) fn whole(items: impl IntoIterator<Item = T>) -> Self {
        Self {
            items: items.into_iter().collect(),
            next: None,
        }
    }
}

/// How many rows are wanted.
///
/// # Errors
/// A problem when it is not 1 to [`MAX_LIMIT`].
pub(super) fn limit(given: Option<u32>) -> Result<u32, Problem> {
    bounded("limit", given.unwrap_or(DEFAULT_LIMIT), 1, MAX_LIMIT)
}

/// A number within its bounds.
///
/// # Errors
/// A problem that names the field and the bounds.
pub(super) fn bounded(field: &'static str, given: u32, min: u32, max: u32) -> Result<u32, Problem> {
    if (min..=max).contains(&given) {
        Ok(given)
    } else {
        let detail = format!("`{field}` is {given}; give {min} to {max}");
        Err(Problem::new(ProblemCode::InvalidValue, detail))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_within_its_bounds() {
        let check = |given: Option<u32>, expected: Option<u32>| {
            let got = limit(given);
            assert_eq!(got.as_ref().ok().copied(), expected, "{given:?}");
            if let Err(problem) = got {
                assert_eq!(problem.code(), ProblemCode::InvalidValue);
            }
        };
        check(None, Some(DEFAULT_LIMIT));
        check(Some(1), Some(1));
        check(Some(MAX_LIMIT), Some(MAX_LIMIT));
        check(Some(0), None);
        check(Some(MAX_LIMIT + 1), None);
        check(Some(u32::MAX), None);
    }
}
