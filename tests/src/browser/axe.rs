//! axe-core looks for what keeps people from using a page: too little contrast, a field without a name, a heading left out.

use serde_json::{Value, json};

use super::Browser;

/// The rules that are held: WCAG 2.2 A and AA, and what axe-core knows to be good practice.
const RUN: &str = "const done = arguments[arguments.length - 1]; \
    axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }) \
       .then((found) => done(found.violations), (error) => done(String(error)));";

/// What is wrong with the page; nothing where axe-core was not fetched, which is said.
pub(super) async fn faults(browser: &Browser) -> Vec<String> {
    let Some(path) = std::env::var_os("TEST_AXE") else {
        eprintln!("skipped: axe-core was not fetched; run scripts/test");
        return Vec::new();
    };
    let source = std::fs::read_to_string(path).unwrap();
    browser.run(&source).await;
    let body = json!({ "script": RUN, "args": [] });
    let found = browser.driver.post("/execute/async", body).await;
    match found {
        Ok(Value::Array(violations)) => violations.iter().map(words).collect(),
        Ok(other) => vec![format!("axe-core did not run: {other}")],
        Err(error) => vec![format!("axe-core did not run: {error}")],
    }
}

fn words(violation: &Value) -> String {
    let nodes: Vec<_> = violation["nodes"]
        .as_array()
        .into_iter()
        .flatten()
        .take(3)
        .map(|node| format!("{} {}", node["html"], node["any"][0]["message"]))
        .collect();
    format!("{}: {} {}", violation["id"], violation["help"], nodes.join(" | "))
}
