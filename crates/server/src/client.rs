//! `severn read`: a client of any exchange, over the wire like everybody else.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, bail};
use fhir::{Ref, Tree};
use serde_json::Value;

use crate::fhir_api::Face;
use crate::page::{View, text};

/// Prints the joined record of a person: a page of text, or the Bundle.
pub async fn run(number: &str, url: &str, token: &Path, json: bool, claim: Option<&str>) -> anyhow::Result<ExitCode> {
    let number: record::NhsNumber = number.parse().context("the NHS number")?;
    let token = std::fs::read_to_string(token).with_context(|| format!("reading the token in {}", token.display()))?;
    let client = Client::new(url, token.trim())?;
    let pages = client.record(&number, claim).await?;
    if json {
        println!("{}", whole(&pages).context("the exchange answered with something that is no Bundle")?);
    } else {
        let view = View::read(&pages).context("the exchange answered with something that is no Bundle")?;
        print!("{}", text(&view, true));
    }
    Ok(ExitCode::SUCCESS)
}

/// A client of one exchange with one token.
pub struct Client {
    http: reqwest::Client,
    base: String,
    token: String,
}

impl Client {
    /// `url` is the exchange's public URL, or its FHIR base.
    pub fn new(url: &str, token: &str) -> anyhow::Result<Client> {
        let url = url.trim_end_matches('/');
        let whole = [Face::R4, Face::Stu3].iter().any(|face| url.ends_with(face.path()));
        let base = if whole { url.to_owned() } else { format!("{url}{}", Face::R4.path()) };
        let http = reqwest::Client::builder().timeout(std::time::Duration::from_secs(60)).build()?;
        Ok(Client { http, base, token: token.to_owned() })
    }

    /// The exchange's id of the person with this number.
    pub async fn find(&self, number: &record::NhsNumber) -> anyhow::Result<String> {
        let mut url = url::Url::parse(&format!("{}/Patient", self.base)).context("--url")?;
        url.query_pairs_mut().append_pair("identifier", &format!("{}|{}", record::NHS_NUMBER_SYSTEM, number.expose()));
        let bundle: Value = serde_json::from_str(&self.get(url.as_str()).await?)?;
        let found = bundle["entry"].as_array().into_iter().flatten().find(|entry| entry["search"]["mode"] == "match");
        found.and_then(|entry| entry["resource"]["id"].as_str()).map(str::to_owned).context("no source of this exchange knows that number")
    }

    /// Asks for a relationship with the person, in these words.
    pub async fn claim(&self, person: &str, words: &str) -> anyhow::Result<()> {
        let body = serde_json::json!({"resourceType": "Parameters", "parameter": [
            {"name": "kind", "valueCode": "relationship"},
            {"name": "reason", "valueCoding": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActReason", "code": "TREAT"}},
            {"name": "text", "valueString": words},
        ]});
        let request = self.http.post(format!("{}/Patient/{person}/$request-access", self.base)).bearer_auth(&self.token);
        let response = request.header("content-type", "application/fhir+json").body(body.to_string()).send().await?;
        checked(response).await.map(drop)
    }

    /// Every page of the joined record.
    pub async fn record(&self, number: &record::NhsNumber, claim: Option<&str>) -> anyhow::Result<Vec<String>> {
        let person = self.find(number).await?;
        if let Some(words) = claim {
            self.claim(&person, words).await?;
        }
        self.pages(&format!("Patient/{person}/$everything?_revinclude=Provenance:target")).await
    }

    /// Every page of what lies at a path below the base.
    pub async fn pages(&self, path: &str) -> anyhow::Result<Vec<String>> {
        let mut next = Some(format!("{}/{path}", self.base));
        let mut pages = Vec::new();
        while let Some(url) = next {
            let page = self.get(&url).await?;
            next = next_link(&page)?;
            pages.push(page);
        }
        Ok(pages)
    }

    async fn get(&self, url: &str) -> anyhow::Result<String> {
        let request = self.http.get(url).bearer_auth(&self.token).header("accept", "application/fhir+json");
        checked(request.send().await.with_context(|| format!("asking {}", self.base))?).await
    }
}

/// All pages as one Bundle, digits as they came: the outcome once, and no next page.
fn whole(pages: &[String]) -> Option<String> {
    let (first, rest) = pages.split_first()?;
    let mut bundle = Tree::from_json(first.clone().into()).ok()?;
    let root = bundle.root().id();
    if let Some(link) = bundle.root().get("link").and_then(|links| links.items().find(|link| link.is("relation", "next"))).map(Ref::id) {
        bundle.detach(link);
    }
    let entries = bundle.array_at(root, "entry")?;
    for page in rest {
        let page = Tree::from_json(page.clone().into()).ok()?;
        let added = page.root().get("entry").into_iter().flat_map(Ref::items).filter(|entry| !entry.is("search.mode", "outcome"));
        for entry in added {
            let entry = bundle.copy(entry);
            bundle.push(entries, entry);
        }
    }
    Some(bundle.to_json())
}

fn next_link(page: &str) -> anyhow::Result<Option<String>> {
    let page: Value = serde_json::from_str(page)?;
    let link = page["link"].as_array().into_iter().flatten().find(|link| link["relation"] == "next");
    Ok(link.and_then(|link| link["url"].as_str()).map(str::to_owned))
}

/// The body, or the words of the OperationOutcome.
async fn checked(response: reqwest::Response) -> anyhow::Result<String> {
    let status = response.status();
    let body = response.text().await?;
    if status.is_success() {
        return Ok(body);
    }
    let outcome: Value = serde_json::from_str(&body).unwrap_or(Value::Null);
    let said: Vec<&str> = outcome["issue"].as_array().into_iter().flatten().filter_map(|issue| issue["details"]["text"].as_str()).collect();
    bail!("{status}: {}", if said.is_empty() { body.chars().take(200).collect() } else { said.join("; ") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_become_one_bundle() {
        let outcome = r#"{"resource":{"resourceType":"OperationOutcome"},"search":{"mode":"outcome"}}"#;
        let page = |links: &str, id: &str| {
            format!(
                r#"{{"resourceType":"Bundle","link":[{links}],"entry":[{outcome},{{"resource":{{"id":"{id}","value":1.50}},"search":{{"mode":"match"}}}}]}}"#
            )
        };
        let (own, next) = (r#"{"relation":"self","url":"a"}"#, r#"{"relation":"next","url":"b"}"#);
        let one = whole(&[page(&format!("{own},{next}"), "1"), page(own, "2")]).expect("a Bundle");
        let expected = format!(
            r#"{{"resourceType":"Bundle","link":[{own}],"entry":[{outcome},{{"resource":{{"id":"1","value":1.50}},"search":{{"mode":"match"}}}},{{"resource":{{"id":"2","value":1.50}},"search":{{"mode":"match"}}}}]}}"#
        );
        assert_eq!(one, expected);
        assert_eq!(whole(&["nonsense".to_owned()]), None);
    }
}
