//! A plain client of the staff API.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use reqwest::{Certificate, Client, Method, RequestBuilder, header::HeaderMap};
use serde_json::{Value, json};

/// An answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub text: String,
}

impl Answer {
    /// The JSON of an answer with the status that was expected.
    ///
    /// # Panics
    /// When the status is another, or the body is not JSON.
    #[must_use]
    pub fn ok(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text);
        if self.text.is_empty() {
            return Value::Null;
        }
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    /// The `code` of a problem (RFC 9457) with the status that was expected.
    ///
    /// # Panics
    /// When the status is another, or it is no problem document.
    #[must_use]
    pub fn problem(self, status: u16) -> String {
        assert_eq!(
            self.headers["content-type"], "application/problem+json",
            "{}",
            self.text
        );
        self.ok(status)["code"].as_str().expect("a code").to_owned()
    }
}

/// A client of the staff API, as a person who is signed in.
#[derive(Clone)]
pub struct Api {
    client: Client,
    base: String,
    person: Option<Person>,
}

/// Who is signed in, and what that person knows.
#[derive(Clone)]
struct Person {
    name: String,
    password: String,
    session: Arc<Mutex<String>>,
}

/// Every password in the tests: long, and none of the first that are tried.
pub const PASSWORD: &str = "violet harbour stumble nine";

impl Api {
    /// A client that nobody is signed in with.
    ///
    /// # Panics
    /// When the root certificate can not be read.
    #[must_use]
    pub fn new(staff: SocketAddr, root_pem: &[u8]) -> Self {
        let root = Certificate::from_pem(root_pem).unwrap();
        let client = Client::builder().tls_certs_only([root]).build().unwrap();
        Self {
            client,
            base: base(staff),
            person: None,
        }
    }

    /// Signs a person in with the one-time password, which [`PASSWORD`] replaces.
    ///
    /// # Panics
    /// When that fails.
    pub async fn first_sign_in(&self, name: &str, one_time_password: &str) -> Self {
        let body = json!({ "name": name, "password": one_time_password, "new_password": PASSWORD });
        let begun = self.anonymous().post("/sessions", &body).await.ok(201);
        self.with_session(name, PASSWORD, begun["token"].as_str().unwrap())
    }

    /// Signs a person in whose password is [`PASSWORD`].
    ///
    /// # Panics
    /// When that fails.
    pub async fn sign_in(&self, name: &str) -> Self {
        let session = self.session(name, PASSWORD).await;
        self.with_session(name, PASSWORD, &session)
    }

    async fn session(&self, name: &str, password: &str) -> String {
        let body = json!({ "name": name, "password": password });
        let begun = self.anonymous().post("/sessions", &body).await.ok(201);
        begun["token"].as_str().unwrap().to_owned()
    }

    /// The same client in a session that a test began.
    #[must_use]
    pub fn with_session(&self, name: &str, password: &str, session: &str) -> Self {
        Self {
            person: Some(Person {
                name: name.to_owned(),
                password: password.to_owned(),
                session: Arc::new(Mutex::new(session.to_owned())),
            }),
            ..self.clone()
        }
    }

    /// Signs in again: a test that moved the clock has no session any more.
    ///
    /// # Panics
    /// When nobody was signed in, or that fails.
    pub async fn come_back(&self) {
        let person = self.person.as_ref().expect("somebody was signed in");
        let session = self.session(&person.name, &person.password).await;
        *person.session.lock().unwrap() = session;
    }

    /// Adds a person with roles, each everywhere, and signs them in.
    ///
    /// # Panics
    /// When that fails.
    pub async fn add_person(&self, name: &str, printed_name: &str, roles: &[&str]) -> Self {
        let roles: Vec<_> = roles
            .iter()
            .map(|role| json!({ "role": role, "everywhere": true }))
            .collect();
        self.add_person_with(name, printed_name, &json!(roles)).await
    }

    /// Adds a person with roles as the API takes them, and signs them in.
    ///
    /// # Panics
    /// When that fails.
    pub async fn add_person_with(&self, name: &str, printed_name: &str, roles: &Value) -> Self {
        let body = json!({ "name": name, "printed_name": printed_name, "roles": roles });
        let made = self.post("/people", &body).await.ok(201);
        let one_time = made["one_time_password"].as_str().unwrap();
        self.first_sign_in(name, one_time).await
    }

    /// The same client for a gateway that listens elsewhere now.
    #[must_use]
    pub fn moved(&self, staff: SocketAddr) -> Self {
        Self {
            base: base(staff),
            ..self.clone()
        }
    }

    /// The same client, with nobody signed in.
    #[must_use]
    pub fn anonymous(&self) -> Self {
        Self {
            person: None,
            ..self.clone()
        }
    }

    /// Where the API is, with its version.
    #[must_use]
    pub fn base(&self) -> &str {
        &self.base
    }

    /// The secret of the session.
    ///
    /// # Panics
    /// When nobody is signed in.
    #[must_use]
    pub fn token(&self) -> String {
        let person = self.person.as_ref().expect("somebody is signed in");
        person.session.lock().unwrap().clone()
    }

    /// A request that a test goes on to shape.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.client.request(method, format!("{}{path}", self.base));
        match &self.person {
            Some(_) => request.bearer_auth(self.token()),
            None => request,
        }
    }

    pub async fn get(&self, path: &str) -> Answer {
        send(self.request(Method::GET, path)).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        send(self.request(Method::POST, path).json(body)).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        send(self.request(Method::DELETE, path)).await
    }

    /// Sends a text body.
    pub async fn post_text(&self, path: &str, media_type: &str, body: impl Into<Vec<u8>>) -> Answer {
        send(
            self.request(Method::POST, path)
                .header("content-type", media_type)
                .body(body.into()),
        )
        .await
    }

    /// The pump with a serial number, as the API shows it.
    pub async fn pump(&self, serial: &str) -> Value {
        let found = self.get(&format!("/pumps/find?q={serial}")).await.ok(200);
        found["items"][0].clone()
    }
}

fn base(staff: SocketAddr) -> String {
    format!("https://{staff}/api/v1")
}

/// Sends a request.
///
/// # Panics
/// When no answer comes.
pub async fn send(request: RequestBuilder) -> Answer {
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    Answer {
        status,
        headers,
        text: response.text().await.unwrap(),
    }
}
