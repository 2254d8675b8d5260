//! What was answered in R4, said in STU3: each resource by itself, and on every page what STU3 could not say.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use dialect::Telling;
use fhir::{Ref, Tree};
use record::{Finding, FindingCode};
use serde_json::{Value, json};

/// What the whole answer says of its resources, beside what stands in the body.
pub struct Saying<'a> {
    /// The FHIR base of R4.
    pub r4_base: &'a str,
    /// And of STU3.
    pub stu3_base: &'a str,
    /// Ids of ServiceRequests that are referrals, on whichever page.
    pub referrals: &'a [String],
    /// What a read called the type.
    pub named: &'a str,
}

/// Says a body of R4 in STU3. What is no FHIR stays as it is.
pub fn in_stu3(json: Vec<u8>, saying: &Saying<'_>) -> Vec<u8> {
    let json = Bytes::from(json);
    let Ok(tree) = Tree::from_json(json.clone()) else { return json.into() };
    let mut referrals: BTreeSet<String> = saying.referrals.iter().cloned().collect();
    let own = tree.root().all("entry.resource").into_iter().filter(|one| dialect::stu3_type(*one) == "ReferralRequest");
    referrals.extend(own.filter_map(|one| Some(one.text("id")?.into_owned())));
    let is_referral = |id: &str| referrals.contains(id);
    let asked = Some(saying.named).filter(|named| dialect::stu3_kinds(named) == Some(fhir::Kind::SERVICE_REQUEST));
    let telling = Telling { r4_base: saying.r4_base, stu3_base: saying.stu3_base, is_referral: &is_referral, asked };
    if tree.resource_type().as_deref() == Some("Bundle") {
        return bundle(&tree, &Telling { asked: None, ..telling });
    }
    one(tree, &telling, &mut Ledger::default())
}

/// What STU3 could not say as R4 does: how often, by element and what became of it.
#[derive(Default)]
struct Ledger(BTreeMap<(String, String), usize>);

impl Ledger {
    fn enter(&mut self, findings: &[Finding]) {
        for finding in findings.iter().filter(|finding| lossy(finding)) {
            *self.0.entry((plain(&finding.path), finding.detail.clone())).or_default() += 1;
        }
    }

    fn issues(&self) -> Vec<Value> {
        let issue = |((path, detail), count): (&(String, String), &usize)| {
            let gone = detail.ends_with(NOT_CARRIED);
            json!({
                "severity": if gone { "warning" } else { "information" },
                "code": if gone { "incomplete" } else { "informational" },
                "details": {
                    "coding": [{"system": "urn:severn:finding", "code": FindingCode::Lossy.code()}],
                    "text": format!("{path}, {count} on this page: {detail}"),
                },
                "expression": [path],
            })
        };
        self.0.iter().map(issue).collect()
    }
}

/// How a finding ends of what is nowhere in the resource.
const NOT_CARRIED: &str = "not carried";

fn lossy(finding: &Finding) -> bool {
    matches!(finding.code, FindingCode::Lossy | FindingCode::Malformed)
}

/// A path without the places in its lists.
fn plain(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    let mut within = false;
    for c in path.chars() {
        match c {
            '[' => within = true,
            ']' => within = false,
            c if !within => out.push(c),
            _ => {}
        }
    }
    out
}

/// One resource. What it lost for good stands in an extension of its own, so that a read by id shows it too.
fn one(mut tree: Tree, telling: &Telling<'_>, ledger: &mut Ledger) -> Vec<u8> {
    let findings = dialect::to_stu3(&mut tree, telling);
    ledger.enter(&findings);
    if !matches!(tree.resource_type().as_deref(), Some("Binary" | "Bundle" | "Parameters")) {
        let gone: Vec<&Finding> = findings.iter().filter(|finding| lossy(finding) && finding.detail.ends_with(NOT_CARRIED)).collect();
        gone.into_iter().for_each(|finding| remember(&mut tree, finding));
    }
    tree.to_json().into_bytes()
}

fn remember(tree: &mut Tree, finding: &Finding) {
    let said = json!({"url": "urn:severn:finding", "extension": [
        {"url": "code", "valueCode": finding.code.code()},
        {"url": "path", "valueString": finding.path},
        {"url": "detail", "valueString": finding.detail},
    ]});
    let Ok(said) = Tree::from_json(said.to_string().into()) else { return };
    let root = tree.root().id();
    if let Some(extensions) = tree.array_at(root, "extension") {
        let said = tree.copy(said.root());
        tree.push(extensions, said);
    }
}

/// A Bundle, the OperationOutcome that leads it last: it says what became of the rest.
fn bundle(tree: &Tree, telling: &Telling<'_>) -> Vec<u8> {
    let mut ledger = Ledger::default();
    let root = tree.root();
    let entries = root.get("entry").map(Ref::each).unwrap_or_default();
    let (outcomes, others): (Vec<Ref<'_>>, Vec<Ref<'_>>) = entries.into_iter().partition(|entry| entry.is("search.mode", "outcome"));
    let others: Vec<Vec<u8>> = others.into_iter().map(|one| entry(one, telling, &mut ledger)).collect();
    let issues = ledger.issues();
    let outcomes: Vec<Vec<u8>> = outcomes.into_iter().map(|one| outcome(one, telling, &issues)).collect();
    let mut out = b"{".to_vec();
    let mut head = Tree::object();
    let top = head.root().id();
    for (key, value) in root.entries().filter(|(key, _)| *key != "entry") {
        let value = head.copy(value);
        head.set(top, key, value);
    }
    stamped(&mut head);
    for (key, value) in head.root().entries() {
        out.extend_from_slice(format!("\"{key}\":{},", value.to_json()).as_bytes());
    }
    out.extend_from_slice(b"\"entry\":[");
    out.extend_from_slice(&outcomes.into_iter().chain(others).collect::<Vec<_>>().join(&b','));
    out.extend_from_slice(b"]}");
    out
}

/// STU3 says in its meta when a Bundle was made.
fn stamped(head: &mut Tree) {
    let root = head.root().id();
    let Some(timestamp) = head.remove(root, "timestamp") else { return };
    if let Some(meta) = head.object_at(root, "meta") {
        head.set(meta, "lastUpdated", timestamp);
    }
}

fn entry(entry: Ref<'_>, telling: &Telling<'_>, ledger: &mut Ledger) -> Vec<u8> {
    let Some(resource) = entry.get("resource") else { return entry.to_json().into_bytes() };
    let named = dialect::stu3_type(resource);
    let id = resource.text("id").unwrap_or_default();
    let url = Value::from(format!("{}/{named}/{id}", telling.stu3_base));
    let mut out = format!("{{\"fullUrl\":{url},\"resource\":").into_bytes();
    out.extend_from_slice(&one(resource.to_tree(), telling, ledger));
    if let Some(search) = entry.get("search") {
        out.extend_from_slice(format!(",\"search\":{}", search.to_json()).as_bytes());
    }
    out.push(b'}');
    out
}

fn outcome(entry: Ref<'_>, telling: &Telling<'_>, issues: &[Value]) -> Vec<u8> {
    let Some(resource) = entry.get("resource") else { return entry.to_json().into_bytes() };
    let mut tree = resource.to_tree();
    let root = tree.root().id();
    if let Some(list) = tree.array_at(root, "issue") {
        for issue in issues.iter().filter_map(|issue| Tree::from_json(issue.to_string().into()).ok()) {
            let issue = tree.copy(issue.root());
            tree.push(list, issue);
        }
    }
    let mut out = b"{\"resource\":".to_vec();
    out.extend_from_slice(&one(tree, telling, &mut Ledger::default()));
    out.extend_from_slice(b",\"search\":{\"mode\":\"outcome\"}}");
    out
}
