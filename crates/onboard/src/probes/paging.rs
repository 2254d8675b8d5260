//! Pages: to the end, on the same origin, without loops, and as short as was asked.

use std::collections::BTreeSet;

use fhir::Version;

use super::record::note;
use crate::desk::Desk;
use crate::finding::{Finding, Severity, Topic};
use crate::visit::Gathered;

/// Entries asked for on a page: so few that most test patients need a second.
const COUNT: usize = 2;
/// Pages followed before paging is called endless.
const PAGES_MAX: usize = 40;
/// Types that are likely to need a second page, likeliest first.
const KINDS: [&str; 3] = ["Observation", "Condition", "Encounter"];

/// Pages through a type of the first test patient found who needs a second page.
pub(crate) async fn probe(desk: &mut Desk<'_>, got: &mut Gathered) {
    let Some(patient) = got.found.iter().flat_map(|found| found.ids.first()).next().cloned() else { return };
    let mut paged = None;
    for kind in medicines(desk.version).iter().chain(&KINDS) {
        let listed = got.statement.types.is_empty() || got.statement.types.contains_key(*kind);
        if !listed || !desk.answers() {
            continue;
        }
        let pages = follow(desk, &format!("{kind}?patient={patient}&_count={COUNT}"), got).await;
        let many = pages.count > 1 || pages.ids.len() > COUNT;
        paged = Some(pages);
        if many {
            break;
        }
    }
    let Some(pages) = paged else { return };
    judge(desk, &pages);
}

fn medicines(version: Version) -> [&'static str; 1] {
    [if version == Version::Dstu2 { "MedicationOrder" } else { "MedicationRequest" }]
}

/// Of what is not searched as at a plain server: how many pages the record took. What went wrong with them stands in its rows.
pub(crate) fn within_record(desk: &mut Desk<'_>, got: &Gathered) {
    let links = got.seen.page_links.len();
    let said = match links {
        0 => "No answer of the record had a next page, so paging was not seen.".to_owned(),
        _ => format!("{links} links to a next page came with the record, and were followed as they stood."),
    };
    desk.find(Finding::fine(Topic::Paging, "within-record", said));
}

#[derive(Default)]
struct Pages {
    count: usize,
    /// What came, with repeats.
    ids: Vec<String>,
    largest: usize,
    /// Pages before the last with fewer entries than the first.
    short: usize,
    total: Option<usize>,
    ended: bool,
    looped: bool,
    foreign: Option<String>,
    failed: bool,
    first: String,
}

async fn follow(desk: &mut Desk<'_>, target: &str, got: &mut Gathered) -> Pages {
    let mut pages = Pages { first: target.to_owned(), ..Pages::default() };
    let (mut seen, mut next) = (BTreeSet::new(), Some(target.to_owned()));
    let mut sizes = Vec::new();
    while let Some(url) = next.take() {
        if pages.count == PAGES_MAX {
            break;
        }
        let absolute = absolute(&got.seen.base, &url);
        if !seen.insert(absolute.clone()) {
            pages.looped = true;
            break;
        }
        if pages.count > 0 {
            got.seen.page_links.insert(url.clone());
        }
        if !same_origin(&got.seen.base, &absolute) {
            pages.foreign = Some(absolute);
            break;
        }
        let target = if pages.count == 0 { url } else { absolute };
        let Some(heard) = desk.get(Topic::Paging, &target).await else { break };
        note(&heard, &mut got.seen);
        let Some(bundle) = heard.bundle() else {
            pages.failed = true;
            break;
        };
        pages.count += 1;
        let kind = target_kind(&pages.first);
        let of_kind = bundle.entries.iter().filter_map(|entry| entry.resource.as_ref()).filter(|tree| tree.root().is("resourceType", kind));
        let ids: Vec<String> = of_kind.filter_map(|tree| Some(tree.root().text("id")?.into_owned())).collect();
        sizes.push(ids.len());
        pages.ids.extend(ids);
        pages.total = pages.total.or_else(|| bundle.head.as_ref()?.root().text("total")?.parse().ok());
        next = bundle.link("next");
        pages.ended = next.is_none();
    }
    pages.largest = sizes.iter().copied().max().unwrap_or(0);
    pages.short = sizes.iter().rev().skip(1).filter(|size| **size < pages.largest).count();
    pages
}

/// The type that a search asks for: what is included beside does not count.
fn target_kind(target: &str) -> &str {
    target.split('?').next().unwrap_or_default()
}

/// Where a link leads.
pub(crate) fn absolute(base: &str, url: &str) -> String {
    let base = url::Url::parse(&format!("{}/", base.trim_end_matches('/'))).ok();
    base.and_then(|base| base.join(url).ok()).map_or_else(|| url.to_owned(), String::from)
}

fn same_origin(base: &str, url: &str) -> bool {
    match (url::Url::parse(base), url::Url::parse(url)) {
        (Ok(base), Ok(url)) => base.origin() == url.origin(),
        _ => false,
    }
}

fn judge(desk: &mut Desk<'_>, pages: &Pages) {
    let place = desk.blotted(&pages.first);
    let mut find = |code: &str, severity, said: String, todo: &str| {
        desk.find(Finding::new(Topic::Paging, code, severity, said, todo).at([place.clone()]));
    };
    let distinct = pages.ids.iter().collect::<BTreeSet<_>>().len();
    if pages.largest > COUNT {
        find(
            "count-ignored",
            Severity::Advice,
            format!("_count={COUNT} was asked for, and a page had {}.", pages.largest),
            "Honour _count, at least as an upper bound.",
        );
    }
    if let Some(foreign) = &pages.foreign {
        let host = url::Url::parse(foreign).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default();
        find(
            "next-elsewhere",
            Severity::Broken,
            format!("The link to the next page leads to another origin ({host}). It was not followed."),
            "Write links with the scheme, host and port that the client used: set the server's public base behind its proxy. Until then only first pages are read.",
        );
    } else if pages.looped {
        find(
            "pages-loop",
            Severity::Broken,
            format!("After {} pages the next link leads to a page that was read already.", pages.count),
            "The last page must have no next link; each next link must lead on.",
        );
    } else if pages.count == PAGES_MAX && !pages.ended {
        find(
            "pages-never-end",
            Severity::Broken,
            format!("After {PAGES_MAX} pages of {} there was still a next link; {distinct} different resources came.", pages.largest),
            "The last page must have no next link. If there really is that much, honour a larger _count.",
        );
    } else if pages.count == 0 || pages.failed {
        find("page-fails", Severity::Broken, "A page could not be read.".to_owned(), "See what is said of the same request above.");
    } else if distinct < pages.ids.len() {
        find(
            "pages-overlap",
            Severity::Wrong,
            format!("{} resources came on more than one page.", pages.ids.len() - distinct),
            "Page over a snapshot or a stable order; where some come twice, others may be missed.",
        );
    } else if pages.total.is_some_and(|total| total != distinct) {
        find(
            "total-differs",
            Severity::Wrong,
            format!("It says there are {}, and {distinct} came.", pages.total.unwrap_or_default()),
            "Count the matches of the whole search, includes left out; or leave total out.",
        );
    } else if pages.count > 1 && pages.largest <= COUNT {
        let short = if pages.short > 0 { " Some pages were shorter than they might be, which is allowed." } else { "" };
        desk.find(
            Finding::fine(
                Topic::Paging,
                "pages",
                format!("{} pages, followed to the end; {distinct} resources, each once.{short}", pages.count),
            )
            .at([place]),
        );
    } else if pages.count == 1 && pages.largest <= COUNT {
        desk.find(
            Finding::new(
                Topic::Paging,
                "one-page",
                Severity::Advice,
                "No test patient needs a second page, so paging was not seen.",
                "Load a test patient with three or more of one of these types.",
            )
            .at([place]),
        );
    }
}
