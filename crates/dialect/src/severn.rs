//! Another Severn: FHIR R4, already joined by a neighbour from sources of its own.
//!
//! What it says was said by others, and arrives under their names. What it *made* is no fact and is left behind: its own Patient
//! (links to the others), its Linkages, DetectedIssues and Provenances are its view, and ours is made anew from the same
//! resources. So it is asked not to group (`join=all`). What it could not get is our gap as well: each of its plan's rows that is
//! not whole becomes the status of our row for that type.
//!
//! A question that came from it is not put to it (`not-asked`, reason `loop`); that is decided by `exchange`, by the hop id in
//! its `[[source]]`. Should that be missing, the neighbour refuses with 508, which means the same.

use fhir::{Kind, NodeId, Ref, Version};
use record::{Item, SourceId, Status};

use crate::fingerprint::{Card, Evidence, Mark, Searches, Sign};
use crate::origin::{self, SOURCE_TAG, VIA_TAG};
use crate::plain::{self, Ways};
use crate::supplier::{Supplier, Terms};

/// Another Severn.
pub(crate) static SUPPLIER: Supplier = Supplier {
    name: "severn",
    version: Version::R4,
    begin: |opening, wanted| plain::begin_in(Version::R4, &WAYS, opening, wanted),
    terms: &Terms::NONE,
    card: &Card {
        signs: &[Sign(3, Mark::Tag("urn:severn:")), Sign(1, Mark::Software("severn")), Sign(2, Mark::Operation("request-access"))],
        fhir_below: "",
        searches: Searches::Everything,
        evidence: Evidence { documentation: "this project", recorded: &[], examples: &[], itself: Some("another Severn, in a ring") },
    },
};

static WAYS: Ways = Ways {
    everything_of_types: true,
    finish: pass_on,
    made,
    one_patient: true,
    parameters: &[("join", "all")],
    refusal,
    ..plain::ways::PLAIN
};

/// System of the codes of its plan's rows.
const STATUS: &str = "urn:severn:status";
/// System of the causes for which it holds something back.
const QUARANTINE: &str = "urn:severn:quarantine";
/// Tags by which it lays out an answer. They say nothing of ours.
const ITS_LAYOUT: &[&str] = &["urn:severn:cluster", "urn:severn:freshness", "urn:severn:relay", "urn:severn:tier"];

/// It names the source of everything that was said. What has no source, it made.
fn made(kind: Kind, resource: Ref<'_>) -> bool {
    let may_be = matches!(kind, Kind::DETECTED_ISSUE | Kind::LINKAGE | Kind::PATIENT | Kind::PROVENANCE);
    may_be && !resource.all("meta.tag").iter().any(|tag| tag.is("system", SOURCE_TAG))
}

/// What its refusals mean. Whatever else is asked for the same person comes to the same.
fn refusal(http: u16) -> Option<Status> {
    match http {
        403 => Some(Status::Withheld),
        502 => Some(Status::FailedHttp),
        504 => Some(Status::FailedTimeout),
        508 => Some(Status::NotAskedLoop),
        _ => None,
    }
}

/// Its source becomes a stage on the way, its layout goes, and who said it first is looked up.
fn pass_on(item: &mut Item) {
    let is = |tag: &Ref<'_>, systems: &[&str]| systems.iter().any(|system| tag.is("system", system));
    let tags = item.tree.root().all("meta.tag");
    let layout: Vec<NodeId> = tags.iter().filter(|tag| is(tag, ITS_LAYOUT)).map(|tag| tag.id()).collect();
    // The last is ours: it names the neighbour.
    let sources: Vec<NodeId> = tags.iter().filter(|tag| is(tag, &[SOURCE_TAG])).filter_map(|tag| Some(tag.get("system")?.id())).collect();
    for node in sources.iter().rev().skip(1) {
        item.tree.set_text(*node, VIA_TAG);
    }
    layout.into_iter().for_each(|tag| item.tree.detach(tag));
    item.traits.original = origin::told(item);
    let tags = item.tree.root().all("meta.tag");
    let via: Vec<String> = origin::codes(&tags, VIA_TAG).collect();
    item.traits.via = (!via.is_empty()).then(|| via.join(" "));
}

/// What an issue of its OperationOutcome takes away from our answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Gap {
    /// The type it is about, where it is about one.
    pub kind: Option<Kind>,
    /// What our row becomes for it; `None`: its row is whole.
    pub status: Option<Status>,
    /// In words, naming its source by the id in its configuration.
    pub said: String,
}

/// Reads an issue, if it is one of Severn's.
pub(crate) fn gap(issue: Ref<'_>) -> Option<Gap> {
    let codings = issue.all("details.coding");
    let extension = |url: &str, value: &str| issue.all("extension").into_iter().find(|one| one.is("url", url))?.text(value);
    let of = |system: &'static str| origin::codes(&codings, system).next();
    // Names from elsewhere are shown only where they are ids.
    let source: Option<SourceId> = extension("urn:severn:source", "valueString").and_then(|id| id.parse().ok());
    let source = source.map_or_else(|| "a source behind it".to_owned(), |id| format!("its source {id}"));
    if of(QUARANTINE).is_some() {
        return Some(Gap { kind: None, status: Some(Status::OkTruncated), said: format!("{source} is held back in part") });
    }
    let status = Status::of_code(&of(STATUS)?);
    let kind = extension("urn:severn:type", "valueCode").and_then(|name| Kind::parse(&name));
    let said = format!("{source}: {}", status.map_or("unknown status", Status::code));
    let status = match status {
        // What came is about the right person; something is lacking because a source behind it answered about another.
        Some(Status::IdentityMismatch) => Some(Status::FailedHttp),
        // A status from a later version, which we do not know, is not taken for a good one.
        None => Some(Status::OkTruncated),
        status => status.filter(|status| !status.complete()),
    };
    Some(Gap { kind, status, said })
}

#[cfg(test)]
mod tests {
    use super::*;
    use fhir::Tree;

    #[test]
    fn an_issue_of_its_plan_is_a_gap_of_ours() {
        let check = |coding: &str, kind, status, said: &str| {
            let json = format!(
                r#"{{"extension":[{{"url":"urn:severn:source","valueString":"nbr"}},{{"url":"urn:severn:type","valueCode":"Flag"}}],"severity":"warning","code":"timeout","details":{{"coding":[{coding}]}}}}"#
            );
            let expected = Gap { kind, status, said: said.to_owned() };
            assert_eq!(gap(Tree::from_json(json.into()).unwrap().root()), Some(expected), "{coding}");
        };
        let of = |code: &str| format!(r#"{{"system":"urn:severn:status","code":"{code}"}}"#);
        check(&of("failed-timeout"), Some(Kind::FLAG), Some(Status::FailedTimeout), "its source nbr: failed-timeout");
        check(&of("withheld"), Some(Kind::FLAG), Some(Status::Withheld), "its source nbr: withheld");
        check(&of("ok-truncated"), Some(Kind::FLAG), Some(Status::OkTruncated), "its source nbr: ok-truncated");
        check(&of("cache-stale"), Some(Kind::FLAG), Some(Status::CacheStale), "its source nbr: cache-stale");
        check(&of("identity-mismatch"), Some(Kind::FLAG), Some(Status::FailedHttp), "its source nbr: identity-mismatch");
        check(&of("of-2031"), Some(Kind::FLAG), Some(Status::OkTruncated), "its source nbr: unknown status");
        for whole in ["not-asked", "not-located", "unsupported", "cache-fresh"] {
            check(&of(whole), Some(Kind::FLAG), None, &format!("its source nbr: {whole}"));
        }
        check(
            r#"{"system":"urn:severn:quarantine","code":"no-subject"}"#,
            None,
            Some(Status::OkTruncated),
            "its source nbr is held back in part",
        );
    }

    #[test]
    fn an_issue_of_another_server_is_left_to_others() {
        let issue = r#"{"severity":"warning","code":"timeout","details":{"coding":[{"system":"urn:other","code":"withheld"}]}}"#;
        assert_eq!(gap(Tree::from_json(issue.into()).unwrap().root()), None);
    }
}
