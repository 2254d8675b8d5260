//! What the resources themselves are like: by the definitions, their dates, their references.

use std::collections::{BTreeMap, BTreeSet};

use crate::desk::Desk;
use crate::finding::{Finding, Severity, Topic};
use crate::structure::{self, Dated, Seen};
use crate::visit::Gathered;

/// Places named in one finding.
const PLACES_MAX: usize = 40;
/// References that lead to nothing that came and are read to see whether they lead anywhere.
const READS: usize = 3;

/// Looks at every resource that came.
pub(crate) async fn probe(desk: &mut Desk<'_>, got: &Gathered) {
    if got.resources.is_empty() {
        return;
    }
    let seen: Vec<Seen> = got.resources.iter().map(|tree| structure::look(desk.version, tree)).collect();
    structures(desk, &seen);
    dates(desk, &seen);
    references(desk, got, &seen).await;
}

fn structures(desk: &mut Desk<'_>, seen: &[Seen]) {
    let mut faults: BTreeMap<&'static str, BTreeMap<&str, usize>> = BTreeMap::new();
    for (path, what) in seen.iter().flat_map(|one| &one.faults) {
        *faults.entry(what).or_default().entry(path).or_default() += 1;
    }
    if faults.is_empty() {
        let said = format!(
            "{} resources agree with the base definitions of {}: elements, shapes, what is required.",
            seen.len(),
            desk.version.name()
        );
        desk.find(Finding::fine(Topic::Structure, "structure", said));
    }
    for (what, places) in faults {
        let said = format!("In {} resources, at {} places, an element {what}.", seen.len(), places.len());
        let todo = match what {
            "is not in the definition" => "Remove it, rename it to what the definition has, or carry it in an extension. It is not shown.",
            "is required and missing" => "Send it. Where it is not known, send the data-absent-reason extension.",
            "is no date of FHIR's" => "Write YYYY, YYYY-MM, YYYY-MM-DD, or a time of day with seconds and an offset.",
            "should be a list" | "should not be a list" => {
                "Write it as the definition has it; some readers lose what is in the other shape."
            }
            _ => "Write what the definition asks for.",
        };
        let code = what.replace(' ', "-").replace('\'', "");
        let places = places
            .into_iter()
            .take(PLACES_MAX)
            .map(|(path, times)| if times > 1 { format!("{path} ({times} times)") } else { path.to_owned() });
        desk.find(Finding::new(Topic::Structure, &code, Severity::Wrong, said, todo).at(places));
    }
}

fn dates(desk: &mut Desk<'_>, seen: &[Seen]) {
    let mut counts: BTreeMap<Dated, usize> = BTreeMap::new();
    seen.iter().flat_map(|one| &one.dates).for_each(|(_, dated)| *counts.entry(*dated).or_default() += 1);
    let count = |dated| counts.get(&dated).copied().unwrap_or(0);
    let said = format!(
        "{} dates without a time of day, {} times in UTC, {} with another offset.",
        count(Dated::Day),
        count(Dated::Utc),
        count(Dated::Offset)
    );
    if count(Dated::Malformed) == 0 {
        return desk.find(Finding::fine(Topic::Dates, "dates", said));
    }
    let places: BTreeSet<&str> =
        seen.iter().flat_map(|one| &one.dates).filter(|(_, dated)| *dated == Dated::Malformed).map(|(path, _)| path.as_str()).collect();
    let todo = "Write every time of day with its offset: Z, +00:00 in winter or +01:00 in summer. Such a date is shown as text, and nothing is joined by it.";
    let wrong = format!(
        "{} dates are none of FHIR's (a time of day without an offset, or another order). Beside them: {said}",
        count(Dated::Malformed)
    );
    desk.find(Finding::new(Topic::Dates, "dates-malformed", Severity::Wrong, wrong, todo).at(places.into_iter().take(PLACES_MAX)));
}

/// How references are written.
fn style(base: &str, text: &str) -> &'static str {
    match text {
        _ if text.starts_with('#') => "contained",
        _ if text.starts_with("urn:") => "urn",
        _ if text.starts_with("http") && text.starts_with(base) => "absolute",
        _ if text.starts_with("http") => "elsewhere",
        _ if text.contains('?') => "conditional",
        _ if text.split('/').count() >= 2 && text.split('/').all(|part| !part.is_empty()) => "relative",
        _ => "malformed",
    }
}

async fn references(desk: &mut Desk<'_>, got: &Gathered, seen: &[Seen]) {
    let held: BTreeSet<String> =
        got.resources.iter().filter_map(|tree| Some(format!("{}/{}", tree.resource_type()?, tree.root().text("id")?))).collect();
    let base = format!("{}/{}", got.seen.base.trim_end_matches('/'), desk.below);
    let mut styles: BTreeMap<&'static str, usize> = BTreeMap::new();
    let (mut bad, mut targets, mut dangling) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for (path, text, allowed) in seen.iter().flat_map(|one| &one.references) {
        let style = style(&base, text);
        *styles.entry(style).or_default() += 1;
        let local = text.strip_prefix(&base).unwrap_or(text).trim_start_matches('/');
        let local = local.split("/_history/").next().unwrap_or(local);
        match style {
            "malformed" | "conditional" => drop(bad.insert(path.clone())),
            "relative" | "absolute" => {
                let kind = local.rsplit('/').nth(1).unwrap_or_default();
                if !allowed.is_empty() && !allowed.contains(&kind) && !allowed.contains(&"Resource") {
                    targets.insert(format!("{path} leads to a {kind}"));
                }
                if !held.contains(local) {
                    dangling.insert(local.to_owned());
                }
            }
            _ => {}
        }
    }
    let logical: usize = seen.iter().map(|one| one.logical).sum();
    let words = |(style, count): (&&str, &usize)| format!("{count} {style}");
    let said = styles
        .iter()
        .map(|(style, count)| words((style, count)))
        .chain((logical > 0).then(|| format!("{logical} by identifier only")))
        .collect::<Vec<_>>()
        .join(", ");
    desk.find(Finding::fine(
        Topic::References,
        "styles",
        format!("How they are written: {}.", if said.is_empty() { "none" } else { &said }),
    ));
    if !bad.is_empty() {
        desk.find(
            Finding::new(
                Topic::References,
                "malformed",
                Severity::Wrong,
                "References are written in a form that leads nowhere.",
                "Write Type/id, the whole address, or urn:uuid: of an entry's fullUrl.",
            )
            .at(bad),
        );
    }
    if !targets.is_empty() {
        desk.find(
            Finding::new(
                Topic::References,
                "wrong-type",
                Severity::Wrong,
                "References lead to types that the definition does not allow there.",
                "Refer to a type that is allowed.",
            )
            .at(targets),
        );
    }
    if let Some(count) = styles.get("elsewhere") {
        desk.find(Finding::new(
            Topic::References,
            "elsewhere",
            Severity::Advice,
            format!("{count} references lead to another server. They are never followed."),
            "Refer to resources of this server, or send what is referred to.",
        ));
    }
    read_some(desk, dangling).await;
}

/// Reads some of what did not come: a reference that leads nowhere cannot be shown.
async fn read_some(desk: &mut Desk<'_>, dangling: BTreeSet<String>) {
    let (mut lost, mut tried) = (Vec::new(), 0);
    for local in dangling.into_iter().take(READS) {
        let Some(heard) = desk.get_wrong(Topic::References, &local).await else { return };
        tried += 1;
        if heard.bundle().is_none() {
            lost.push(local.split('/').next().unwrap_or_default().to_owned());
        }
    }
    if !lost.is_empty() {
        let said = format!("{} of {tried} references tried lead to nothing that can be read.", lost.len());
        desk.find(
            Finding::new(
                Topic::References,
                "dangling",
                Severity::Wrong,
                said,
                "Let what is referred to be read, or contain it; else leave the reference out and say its display.",
            )
            .at(lost),
        );
    }
}
