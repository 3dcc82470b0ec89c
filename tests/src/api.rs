//! A plain client of the staff API.

use std::net::SocketAddr;

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

/// A client with a token.
#[derive(Clone)]
pub struct Api {
    client: Client,
    base: String,
    token: Option<String>,
}

impl Api {
    /// Uses the administrator's one-time password, which changes it, and keeps the token.
    ///
    /// # Panics
    /// When that fails.
    pub async fn sign_in(staff: SocketAddr, root_pem: &[u8], name: &str, one_time_password: &str) -> Self {
        let root = Certificate::from_pem(root_pem).unwrap();
        let client = Client::builder().tls_certs_only([root]).build().unwrap();
        let mut api = Self {
            client,
            base: base(staff),
            token: None,
        };
        let body = json!({ "label": "tests", "valid_days": 365, "new_password": "a long enough password" });
        let made = send(
            api.request(Method::POST, "/tokens")
                .basic_auth(name, Some(one_time_password))
                .json(&body),
        )
        .await
        .ok(201);
        api.token = Some(made["token"].as_str().unwrap().to_owned());
        api
    }

    /// The same client for a gateway that listens elsewhere now.
    #[must_use]
    pub fn moved(&self, staff: SocketAddr) -> Self {
        Self {
            base: base(staff),
            ..self.clone()
        }
    }

    /// The same client without its token.
    #[must_use]
    pub fn anonymous(&self) -> Self {
        Self {
            token: None,
            ..self.clone()
        }
    }

    /// Where the API is, with its version.
    #[must_use]
    pub fn base(&self) -> &str {
        &self.base
    }

    /// The token.
    ///
    /// # Panics
    /// When there is none.
    #[must_use]
    pub fn token(&self) -> &str {
        self.token.as_deref().expect("a token")
    }

    /// A request that a test goes on to shape.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.client.request(method, format!("{}{path}", self.base));
        match &self.token {
            Some(token) => request.bearer_auth(token),
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
