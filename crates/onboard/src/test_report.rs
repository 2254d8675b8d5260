//! The visit as a FHIR R4 TestReport: one test a topic, one assertion a finding.

use serde_json::{Value, json};

use crate::finding::{Finding, Severity, Topic};
use crate::visit::Visit;

/// The TestReport.
pub fn test_report(visit: &Visit) -> Value {
    let tests: Vec<Value> = Topic::ALL.iter().filter_map(|topic| test(*topic, &visit.findings)).collect();
    let right = visit.count(Severity::Fine) + visit.count(Severity::Advice);
    let result = if visit.worst() <= Severity::Wrong { "fail" } else { "pass" };
    let mut report = json!({
        "resourceType": "TestReport",
        "name": format!("Onboarding of {}", visit.supplier.name),
        "status": "completed",
        "testScript": {"display": "severn onboard"},
        "result": result,
        "score": (right * 1000 / visit.findings.len().max(1)) as f64 / 10.0,
        "tester": concat!("Severn ", env!("CARGO_PKG_VERSION")),
        "issued": visit.at.to_string(),
        "participant": [
            {"type": "test-engine", "uri": "urn:severn:onboard", "display": concat!("Severn ", env!("CARGO_PKG_VERSION"))},
            {"type": "server", "uri": visit.supplier.settings.source_base.as_str(), "display": visit.supplier.name},
        ],
    });
    if !tests.is_empty() {
        report["test"] = Value::Array(tests);
    }
    report
}

fn test(topic: Topic, findings: &[Finding]) -> Option<Value> {
    let actions: Vec<Value> = findings.iter().filter(|finding| finding.topic == topic).map(action).collect();
    (!actions.is_empty()).then(|| json!({"name": topic.title(), "action": actions}))
}

fn action(finding: &Finding) -> Value {
    let result = match finding.severity {
        Severity::Broken | Severity::Wrong => "fail",
        Severity::Advice => "warning",
        Severity::Fine => "pass",
    };
    let mut message = finding.said.clone();
    if !finding.places.is_empty() {
        message = format!("{message}\n\nWhere: {}", finding.places.join("; "));
    }
    if !finding.todo.is_empty() {
        message = format!("{message}\n\nWhat to do: {}", finding.todo);
    }
    json!({"assert": {"result": result, "message": message, "detail": finding.code}})
}
