//! The description of the API (`OpenAPI` 3.1), made from the handlers themselves, and the table of routes made from it.
//!
//! What holds for every operation is said once here, not in each handler: that it needs a token, and how it fails.

use actix_web::{
    HttpResponse,
    dev::ResourceDef,
    get,
    http::{Method, StatusCode},
};
use utoipa::{
    Modify, OpenApi,
    openapi::{
        Content, HttpMethod, Ref, RefOr, Response,
        path::{Operation, PathItem},
        security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};
use utoipa_actix_web::AppExt;

use super::{
    caller::COOKIE,
    operation,
    problem::{MEDIA_TYPE, ProblemCode as Code, ProblemView},
};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Infusion pump gateway",
        description = "What staff and their programs can do. Times are RFC 3339 in UTC, identifiers are UUIDs. \
                       A refusal is `application/problem+json` (RFC 9457): decide by its `code`, show its `detail`."
    ),
    tags(
        (name = "pumps", description = "The pumps that enrolled: what and where each one is, and what it says"),
        (name = "expected", description = "The pumps the hospital expects, and where the list and the fleet disagree"),
        (name = "places", description = "Care areas, locations, manufacturers and models"),
        (name = "enrolment", description = "How a pump gets its first certificate"),
        (name = "certificates", description = "Pumps' certificates and the authorities that issue them"),
        (name = "events", description = "What the gateway tells people about"),
        (name = "sessions", description = "Signing in and out, and one's own password, authenticator and PIN"),
        (name = "people", description = "Accounts and roles"),
        (name = "devices", description = "Registered devices: ward tablets, bench computers"),
        (name = "break-glass", description = "Seeing and holding beyond the role, with a reason and a review"),
        (name = "holds", description = "What keeps pumps from use, the checks they pass again, and what is still missing"),
        (name = "exposure", description = "Vulnerabilities: what pumps are made of, what was published, what is open, and what was decided"),
        (name = "signatures", description = "Electronic signatures, and refusals to sign"),
        (name = "audit", description = "The record of what happened, and what proves it"),
        (name = "tokens", description = "By which programs use this API")
    ),
    components(schemas(ProblemView<'static>)),
    security(("bearer" = []), ("cookie" = [])),
    modifiers(&Securities)
)]
struct Frame;

struct Securities;

impl Modify for Securities {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let bearer = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .bearer_format("gws_… or gwt_…")
            .description(Some(
                "The secret of a session (POST /api/v1/sessions) or of a service token (POST /api/v1/tokens)",
            ));
        let cookie = ApiKey::Cookie(ApiKeyValue::with_description(
            COOKIE,
            "A session that a browser carries; what changes something must come from this gateway's own pages",
        ));
        let components = openapi.components.get_or_insert_default();
        components.add_security_scheme("bearer", SecurityScheme::Http(bearer.build()));
        components.add_security_scheme("cookie", SecurityScheme::ApiKey(cookie));
    }
}

/// The description.
#[must_use]
pub fn openapi() -> utoipa::openapi::OpenApi {
    let (_, mut openapi) = actix_web::App::new()
        .into_utoipa_app()
        .openapi(Frame::openapi())
        .configure(super::routes)
        .split_for_parts();
    for (path, item) in &mut openapi.paths.paths {
        for (method, operation) in operations(item) {
            add_right(operation);
            add_common_problems(path, &method, operation);
        }
    }
    openapi
}

/// The description of this API.
#[utoipa::path(tag = "sessions", security(()), responses((status = OK, description = "The description", content_type = "application/json")))]
#[get("/openapi.json")]
pub(super) async fn openapi_show() -> HttpResponse {
    HttpResponse::Ok().json(openapi())
}

/// Whose an operation is, out of the table.
fn add_right(operation: &mut Operation) {
    let words = operation
        .operation_id
        .as_deref()
        .and_then(operation::takes)
        .and_then(operation::Takes::in_words);
    if let Some(words) = words {
        let description = operation.description.get_or_insert_default();
        if !description.is_empty() {
            description.push_str("\n\n");
        }
        description.push_str(&words);
    }
}

/// How an operation can fail for what it is, whatever it does. What it adds of its own stands at its handler, without a
/// body: every failure has the same one.
fn add_common_problems(path: &str, method: &HttpMethod, operation: &mut Operation) {
    let has_parameters = operation
        .parameters
        .as_ref()
        .is_some_and(|parameters| !parameters.is_empty());
    let has_body = operation.request_body.is_some();
    let is_public = operation.security.is_some();
    let common = [
        (has_parameters, Code::MalformedQuery),
        (path.contains('{'), Code::MalformedPath),
        (has_body, Code::MalformedBody),
        (!is_public, Code::Unauthenticated),
        (!is_public || !matches!(method, HttpMethod::Get), Code::Denied),
        (matches!(method, HttpMethod::Post) && !is_public, Code::Conflict),
        (true, Code::TooManyRequests),
        (path.contains('{'), Code::NotFound),
        (has_body, Code::PayloadTooLarge),
        (has_body, Code::UnsupportedMediaType),
        (has_parameters || has_body, Code::InvalidValue),
        (true, Code::Internal),
        (true, Code::Unavailable),
    ];
    let responses = &mut operation.responses.responses;
    for (_, code) in common.into_iter().filter(|(applies, _)| *applies) {
        responses
            .entry(code.status().as_str().to_owned())
            .or_insert_with(|| RefOr::T(Response::new(code.title())));
    }
    for (status, response) in responses {
        let is_problem = status
            .parse()
            .is_ok_and(|status: u16| status >= StatusCode::BAD_REQUEST.as_u16());
        if let (true, RefOr::T(response)) = (is_problem, response) {
            let body = Content::new(Some(RefOr::Ref(Ref::from_schema_name("Problem"))));
            response.content.insert(MEDIA_TYPE.to_owned(), RefOr::T(body));
        }
    }
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = (HttpMethod, &mut Operation)> {
    [
        (HttpMethod::Get, item.get.as_mut()),
        (HttpMethod::Post, item.post.as_mut()),
        (HttpMethod::Put, item.put.as_mut()),
        (HttpMethod::Patch, item.patch.as_mut()),
        (HttpMethod::Delete, item.delete.as_mut()),
    ]
    .into_iter()
    .filter_map(|(method, operation)| Some((method, operation?)))
}

fn method(of: &HttpMethod) -> Option<Method> {
    match of {
        HttpMethod::Get => Some(Method::GET),
        HttpMethod::Post => Some(Method::POST),
        HttpMethod::Put => Some(Method::PUT),
        HttpMethod::Patch => Some(Method::PATCH),
        HttpMethod::Delete => Some(Method::DELETE),
        _ => None,
    }
}

/// Which paths take which methods, and which operation that is.
#[derive(Debug)]
pub(super) struct Routes(Vec<(ResourceDef, Vec<(Method, String)>)>);

impl Routes {
    /// The routes of a description.
    pub(super) fn of(openapi: &utoipa::openapi::OpenApi) -> Self {
        let mut paths = openapi.paths.paths.clone();
        let routes = paths.iter_mut().map(|(path, item)| {
            let methods = operations(item)
                .filter_map(|(of, operation)| Some((method(&of)?, operation.operation_id.clone()?)))
                .collect();
            (ResourceDef::new(path.as_str()), methods)
        });
        let mut routes: Vec<_> = routes.collect();
        // A fixed path comes before one with a part to be filled in, as it does with the framework.
        routes.sort_by_key(|(pattern, _): &(ResourceDef, _)| {
            pattern.pattern().is_some_and(|path| path.contains('{'))
        });
        Self(routes)
    }

    /// The operation of a request; nothing where the path or the method is not there.
    pub(super) fn operation(&self, method: &Method, path: &str) -> Option<&str> {
        // HEAD reads as GET does.
        let method = if *method == Method::HEAD {
            &Method::GET
        } else {
            method
        };
        self.0
            .iter()
            .filter(|(pattern, _)| pattern.is_match(path))
            .flat_map(|(_, methods)| methods)
            .find(|(of, _)| of == method)
            .map(|(_, operation)| operation.as_str())
    }

    /// The methods of the routes that a path fits.
    pub(super) fn methods_of(&self, path: &str) -> Vec<String> {
        let fitting = self.0.iter().filter(|(pattern, _)| pattern.is_match(path));
        let mut methods: Vec<_> = fitting
            .flat_map(|(_, methods)| methods)
            .map(|(method, _)| method.to_string())
            .collect();
        methods.sort();
        methods.dedup();
        methods
    }
}

#[cfg(test)]
mod tests {
    use std::{
        collections::BTreeMap,
        path::{Path, PathBuf},
    };

    use super::*;

    #[test]
    fn the_description_is_of_version_3_1_and_every_refusal_has_the_same_form() {
        let mut openapi = openapi();
        let json = serde_json::to_value(&openapi).unwrap();
        assert_eq!(json["openapi"], "3.1.0");
        for (path, item) in &mut openapi.paths.paths {
            for (_, operation) in operations(item) {
                let name = format!("{path} {:?}", operation.operation_id);
                assert!(
                    operation.tags.as_ref().is_some_and(|tags| tags.len() == 1),
                    "{name} has no tag"
                );
                assert!(operation.summary.is_some(), "{name} has no summary");
                assert!(
                    operation
                        .responses
                        .responses
                        .keys()
                        .any(|status| status.starts_with('2')),
                    "{name}"
                );
                for (status, response) in &operation.responses.responses {
                    let RefOr::T(response) = response else {
                        panic!("{name} {status}")
                    };
                    let is_problem = response.content.contains_key(MEDIA_TYPE);
                    assert_eq!(is_problem, !status.starts_with('2'), "{name} {status}");
                }
            }
        }
    }

    #[test]
    fn every_schema_that_is_named_is_there() {
        let text = serde_json::to_string(&openapi()).unwrap();
        let json = serde_json::to_value(openapi()).unwrap();
        for reference in text.split("\"#/components/schemas/").skip(1) {
            let name = reference.split('"').next().unwrap();
            assert!(json["components"]["schemas"].get(name).is_some(), "{name}");
        }
    }

    #[test]
    fn only_these_operations_need_no_token() {
        let mut openapi = openapi();
        let mut public = Vec::new();
        for (path, item) in &mut openapi.paths.paths {
            for (of, operation) in operations(item) {
                let security = serde_json::to_string(&operation.security).unwrap();
                match security.as_str() {
                    "null" => {}
                    other => public.push(format!("{} {path} {other}", method(&of).unwrap())),
                }
            }
        }
        public.sort();
        assert_eq!(
            public,
            [
                "GET /api/v1/crl/{name}.crl [{}]",
                "GET /api/v1/openapi.json [{}]",
                "POST /api/v1/sessions [{}]",
            ]
        );
    }

    #[test]
    fn every_operation_is_in_the_table_and_the_table_names_no_other() {
        let mut openapi = openapi();
        let mut ids = Vec::new();
        for item in openapi.paths.paths.values_mut() {
            ids.extend(operations(item).map(|(_, operation)| operation.operation_id.clone().unwrap()));
        }
        ids.sort();
        assert_eq!(ids, operation::names().collect::<Vec<_>>());
    }

    /// Schemas are merged by name without a word: where two types share one, the description shows the wrong body for one of them. At
    /// run time that can not be seen any more, so this reads what was written.
    #[test]
    fn no_two_schemas_share_a_name() {
        let mut found: BTreeMap<String, Vec<PathBuf>> = BTreeMap::new();
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut rooms = vec![
            here.join("src/api"),
            here.join("../fleet/src"),
            here.join("../wire/src"),
        ];
        while let Some(room) = rooms.pop() {
            for entry in std::fs::read_dir(&room).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    rooms.push(path);
                } else if path.extension().is_some_and(|extension| extension == "rs") {
                    for name in schemas(&std::fs::read_to_string(&path).unwrap()) {
                        found.entry(name).or_default().push(path.clone());
                    }
                }
            }
        }
        assert!(
            found.len() > 100,
            "the reading finds what is there: {}",
            found.len()
        );
        assert!(
            found.contains_key("PumpView") && found.contains_key("Percent"),
            "{found:?}"
        );
        found.retain(|_, paths| paths.len() > 1);
        assert!(found.is_empty(), "{found:#?}");
    }

    /// The types that a file derives a schema for.
    fn schemas(text: &str) -> Vec<String> {
        let mut names = Vec::new();
        let mut derives = false;
        for line in text.lines().map(str::trim_start) {
            if line.starts_with("#[") {
                derives |= line.contains("derive(") && line.contains("ToSchema");
                continue;
            }
            let item = line
                .trim_start_matches("pub ")
                .trim_start_matches("pub(super) ")
                .trim_start_matches("pub(crate) ")
                .trim_start_matches("pub(in crate::api) ");
            let name = item
                .strip_prefix("struct ")
                .or_else(|| item.strip_prefix("enum "));
            if let Some(name) = name.filter(|name| derives && !name.starts_with('$')) {
                let end = name.find(|c: char| !c.is_alphanumeric()).unwrap_or(name.len());
                names.push(name[..end].to_owned());
            }
            // Between an attribute and its item stand comments and nothing else.
            derives &= line.starts_with("//");
        }
        names
    }

    #[test]
    fn a_request_is_of_one_operation() {
        let routes = Routes::of(&openapi());
        let check = |method: Method, path: &str, expected: Option<&str>| {
            assert_eq!(routes.operation(&method, path), expected, "{path}");
        };
        check(Method::GET, "/api/v1/pumps/find", Some("pump_find"));
        check(Method::HEAD, "/api/v1/pumps/find", Some("pump_find"));
        check(
            Method::GET,
            "/api/v1/pumps/0190a0a0-0000-7000-8000-000000000000",
            Some("pump_show"),
        );
        check(Method::POST, "/api/v1/pumps/find", None);
        check(Method::GET, "/api/v1/nothing", None);
    }

    #[test]
    fn a_path_knows_its_methods() {
        let routes = Routes::of(&openapi());
        let check =
            |path: &str, expected: &str| assert_eq!(routes.methods_of(path).join(", "), expected, "{path}");
        check("/api/v1/pumps", "GET");
        check("/api/v1/tokens", "GET, POST");
        check("/api/v1/pumps/0190a0a0-0000-7000-8000-000000000000/hold", "POST");
        check("/api/v1/nothing", "");
        check("/", "");
    }
}
