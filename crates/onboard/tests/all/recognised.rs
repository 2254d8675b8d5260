//! Each pretend supplier is recognised, and what is well is said to be well.

use std::sync::Arc;

use dialect::Searches;
use onboard::{Severity, Topic, block, drift, page, test_report};
use testbed::{DEMO_PERSON, Region};

use crate::world::visited;

#[tokio::test(start_paused = true)]
async fn every_pretend_supplier_is_recognised_and_none_is_called_broken() {
    let region = Arc::new(Region::in_memory());
    for source in region.sources() {
        let visit = visited(&region, &source.id).await;
        let broken: Vec<_> = visit.findings.iter().filter(|finding| finding.severity == Severity::Broken).collect();
        assert_eq!(visit.dialect.map(|dialect| dialect.name()), Some(source.dialect), "{}: {:?}", source.id, visit.fits);
        assert!(broken.is_empty(), "{}: {broken:#?}", source.id);
        let searched: &[Topic] = match visit.dialect.map(|dialect| dialect.card().searches) {
            Some(Searches::Everything) => &[Topic::Lookup, Topic::Paging],
            Some(Searches::Patients) => &[Topic::Lookup],
            _ => &[],
        };
        for topic in [Topic::Capability, Topic::Record, Topic::Dates, Topic::Errors, Topic::Speed].iter().chain(searched) {
            assert!(visit.findings.iter().any(|finding| finding.topic == *topic), "{}: nothing of {topic:?}", source.id);
        }
        let block = block::toml(&visit).unwrap();
        assert!(block.contains(&format!("dialect = \"{}\"", source.dialect)), "{block}");
    }
}

#[tokio::test(start_paused = true)]
async fn no_report_names_a_test_patients_number() {
    let region = Arc::new(Region::in_memory());
    let visit = visited(&region, "ccr").await;
    let written = [page::html(&visit, None), test_report(&visit).to_string(), serde_json::to_string(&drift::snapshot(&visit)).unwrap()];
    for text in written {
        assert!(!text.contains(DEMO_PERSON), "{}", text.lines().find(|line| line.contains(DEMO_PERSON)).unwrap_or_default());
    }
}

#[tokio::test(start_paused = true)]
async fn a_second_visit_to_the_same_supplier_drifts_in_nothing() {
    let region = Arc::new(Region::in_memory());
    for id in ["ccr", "mh", "gp"] {
        let (one, other) = (drift::snapshot(&visited(&region, id).await), drift::snapshot(&visited(&region, id).await));
        assert_eq!(drift::changes(&one, &other), Vec::<String>::new(), "{id}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_supplier_is_asked_no_more_than_needed() {
    let region = Arc::new(Region::in_memory());
    let visit = visited(&region, "ccr").await;
    assert!(visit.asked.len() < 80, "{} questions", visit.asked.len());
}
