//! A supplier that repeats whatever it was asked with: token, name, birth date and number. No report does.

use std::sync::Arc;

use async_trait::async_trait;
use dialect::Dialect;
use onboard::shadow::{Side, compare};
use onboard::{Supplier, Visit, drift, page, test_report, visit};
use record::{Failure, Response};
use serde_json::{Value, json};
use source::{Auth, Prober, Request, Transport};
use testbed::{DEMO_PERSON, Region};

use crate::world::{BORN, InMemory, Still, config, now, patients, supplier};

const TOKEN: &str = "tok-5up3r.secret";
const NAME: &str = "Ludmila Ugglesworth";

/// In what it repeats what it knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Everywhere,
    Links,
    Outcomes,
    Statement,
    Text(u16),
}

struct Ugly(InMemory, Way);

#[async_trait]
impl Transport for Ugly {
    async fn send(&self, mut request: Request) -> Result<Response, Failure> {
        let header = |name: &str| request.headers.iter().find(|(own, _)| own == name).map(|(_, value)| value.clone());
        let shown = header("authorization").unwrap_or_default();
        let echo = format!("{shown} {NAME} born {BORN} (11/03/1948), 9990000018, 999 000 0018, 999%20000%200018, {}", request.url);
        request.headers.retain(|(name, _)| name != "authorization");
        let (url, statement) = (request.url.to_string(), request.url.path().ends_with("metadata"));
        let answer = |status, content_type: &str, body: String| {
            Ok(Response { status, content_type: content_type.to_owned(), headers: Vec::new(), body: body.into(), url: url.clone() })
        };
        let outcome = json!({"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "exception",
            "diagnostics": echo, "details": {"text": echo}, echo.as_str(): 1}]});
        let lookup = request.url.path().ends_with("Patient");
        match self.1 {
            Way::Text(status) if !statement => return answer(status, &format!("text/{echo}"), echo),
            Way::Everywhere if !lookup && !statement => return answer(500, "text/plain", echo),
            Way::Outcomes if !statement => return answer(400, "application/fhir+json", outcome.to_string()),
            Way::Links if request.url.query().is_some_and(|query| query.contains("nhs=")) => return answer(500, "text/plain", echo),
            _ => {}
        }
        let mut response = self.0.send(request).await?;
        let Ok(mut body) = serde_json::from_slice::<Value>(&response.body) else { return Ok(response) };
        if matches!(self.1, Way::Statement | Way::Everywhere) && statement {
            body["software"] = json!({"name": format!("of {shown}"), "version": "999 000 0018, born 11/03/1948"});
            body["format"] = json!([echo.replace(NAME, "")]);
        }
        if matches!(self.1, Way::Links | Way::Everywhere) && body["resourceType"] == "Bundle" {
            let name = NAME.replace(' ', "%20");
            let next = format!("?access_token={TOKEN}&nhs=999%20000%200018&name={name}&born={BORN}&a=1");
            let next = format!("{}/{name}/999-000-0018{next}", url.split('?').next().unwrap_or_default());
            body["link"] = json!([{"relation": "next", "url": next}]);
            body[NAME] = json!(echo);
            if let Some(resource) = body.pointer_mut("/entry/0/resource") {
                resource[NAME] = json!(echo);
            }
        }
        response.body = body.to_string().into();
        Ok(response)
    }
}

fn ugly(way: Way) -> (Supplier, Prober) {
    let region = Arc::new(Region::in_memory());
    let (supplier, _) = supplier(&region, "ccr");
    let token_file = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("ugly-{}", std::process::id()));
    std::fs::write(&token_file, TOKEN).unwrap();
    let config = source::SourceConfig { auth: Auth::Bearer { token_file }, ..config(&region, "ccr") };
    let bearer = region.sources().into_iter().find(|source| source.id == "ccr").and_then(|source| source.bearer);
    let transport = supplier.secrets.on(Arc::new(Ugly(InMemory(region, bearer), way)));
    (supplier, Prober::new(config, transport, Arc::new(Still)))
}

async fn visited(way: Way) -> Visit {
    let (supplier, prober) = ugly(way);
    visit(supplier, &patients(), &prober, now(), |_| ()).await
}

fn check(way: Way, text: &str) {
    let spelled = [TOKEN, "Ludmila", "Ugglesworth", BORN, "11/03/1948", DEMO_PERSON, "999 000 0018", "999%20000%200018", "999-000-0018"];
    for word in spelled {
        let line = text.lines().find(|line| line.contains(word));
        assert!(line.is_none(), "{way:?}: {word} in {}", line.unwrap_or_default());
    }
}

const WAYS: [Way; 6] = [Way::Everywhere, Way::Links, Way::Outcomes, Way::Statement, Way::Text(200), Way::Text(500)];

#[tokio::test(start_paused = true)]
async fn no_report_repeats_what_a_supplier_repeats() {
    for way in WAYS {
        let visit = visited(way).await;
        let before = drift::Snapshot { findings: Default::default(), statement: Default::default(), ..drift::snapshot(&visit) };
        let changes = drift::changes(&before, &drift::snapshot(&visit));
        check(way, &page::html(&visit, Some(&changes)));
        check(way, &test_report(&visit).to_string().replace("\\n", "\n"));
        check(way, &serde_json::to_string_pretty(&drift::snapshot(&visit)).unwrap());
    }
}

#[tokio::test(start_paused = true)]
async fn what_came_is_told_without_a_word_of_it() {
    let visit = visited(Way::Text(500)).await;
    assert!(visit.asked.iter().any(|asked| asked.answer.starts_with("500 with a Content-Type that is none, plain text of ")));
    let visit = visited(Way::Links).await;
    let link = "?access_token={…}&nhs={…}&name={…}&born={…}&a={…}";
    assert!(visit.asked.iter().any(|asked| asked.question.ends_with(link)), "{:#?}", visit.asked);
    let software = visited(Way::Statement).await.statement.software;
    assert_eq!(software, "of Bearer {token} {NHS number of test patient 1}, born {birth date of test patient 1}");
}

#[tokio::test(start_paused = true)]
async fn no_comparison_repeats_it_either() {
    for way in WAYS {
        let region = Arc::new(Region::in_memory());
        let ((live, live_prober), (mut newcomer, prober)) = (supplier(&region, "ccr"), ugly(way));
        newcomer.id = "newcomer".parse().unwrap();
        let live = Side { supplier: &live, dialect: Dialect::FHIR_R4, prober: &live_prober };
        let newcomer = Side { supplier: &newcomer, dialect: Dialect::FHIR_R4, prober: &prober };
        let comparison = compare(&live, &newcomer, &patients(), now(), |_| ()).await;
        check(way, &page::shadow(&comparison));
        check(way, &serde_json::to_string_pretty(&comparison).unwrap());
    }
}
