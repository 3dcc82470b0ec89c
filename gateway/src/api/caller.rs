//! Who is asking. Decided once, before anything of the request is read, for every route but the few that are named public.

use std::future::{Ready, ready};

use actix_web::{
    Error, FromRequest, HttpMessage, HttpRequest, ResponseError,
    body::MessageBody,
    dev::{Payload, ServiceRequest, ServiceResponse},
    http::header,
    middleware::Next,
    web::Data,
};

use super::{
    Api,
    problem::{Problem, ProblemCode},
};
use crate::{app::Actor, auth::bearer};

/// Whoever's token came with the request.
#[derive(Debug, Clone)]
pub(super) struct Caller(pub(super) Actor);

/// Lets a request pass that carries a good token, and answers every other.
pub(super) async fn authenticate(
    api: Data<Api>,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let header = request.headers().get(header::AUTHORIZATION);
    let header = header.and_then(|value| value.to_str().ok()).map(str::to_owned);
    let identified = api
        .run(move |app| Ok::<_, Problem>(bearer::identify(&app.store, header.as_deref(), app.now())?))
        .await;
    match identified {
        Ok(actor) => {
            request.extensions_mut().insert(Caller(actor));
            Ok(next.call(request).await?.map_into_left_body())
        }
        Err(problem) => Ok(request
            .into_response(problem.error_response())
            .map_into_right_body()),
    }
}

impl FromRequest for Caller {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    /// Where nobody was asked for a token, nobody is calling: a route that was left out by mistake stays shut.
    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let caller = request.extensions().get::<Self>().cloned();
        ready(caller.ok_or_else(|| Problem::new(ProblemCode::Unauthenticated, "send a token")))
    }
}
