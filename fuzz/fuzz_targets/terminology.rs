//! An operator's files of codes: releases of SNOMED CT and dm+d, ConceptMaps, each behind a byte that says which it is, up to a zero byte;
//! or, where the first byte says so, a number and its unit, a line each. What is wrong is said with its place; files that lead in circles
//! say nothing; an amount that was brought to base units is in them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use terms::{Loader, Space, measure, space};

fn loaded(loader: &mut Loader, which: u8, text: &[u8]) {
    let maps = [("999002271000000101".to_owned(), "http://hl7.org/fhir/sid/icd-10".to_owned())];
    let mut none = |_: &str, _: usize| {};
    let result = match which % 7 {
        0 => loader.concepts("f", text, &mut none),
        1 => loader.descriptions("f", text, &mut none),
        2 => loader.relationships("f", text, &mut none),
        3 => loader.associations("f", text, &mut none),
        4 => loader.maps("f", text, &maps, &mut none),
        5 => loader.dmd("f", text, &mut none),
        _ => loader.concept_map("f", text, &mut none),
    };
    if let Err(error) = result {
        let lines = text.split(|byte| *byte == b'\n').count();
        assert!(error.file == "f" && error.line <= lines + 1 && !error.what.is_empty(), "{error:?}");
    }
}

fuzz_target!(|data: &[u8]| {
    let Some((pick, body)) = data.split_first() else { return };
    if pick % 2 == 1 {
        let Ok(text) = std::str::from_utf8(body) else { return };
        let (value, unit) = text.split_once('\n').unwrap_or((text, "mg"));
        if let Some(one) = measure(value, unit) {
            let again = measure(&one.amount(), "").expect("an amount is a number");
            assert_eq!(again.amount(), one.amount(), "{value} {unit}");
        }
        let _ = (terms::plain(text), space(value).plain(unit), terms::negated(text), terms::agent_in_words(text));
        return;
    }
    let mut loader = Loader::new();
    for part in body.split(|byte| *byte == 0) {
        if let Some((which, text)) = part.split_first() {
            loaded(&mut loader, *which, text);
        }
    }
    let terminology = loader.finish();
    // Whatever in it looks like a code.
    let text = String::from_utf8_lossy(body);
    let codes: Vec<&str> =
        text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| (3..=18).contains(&word.len())).take(64).collect();
    for code in &codes {
        for space in [Space::Sctid, Space::Icd10, Space::Read2, space("http://a.example")] {
            let Some(found) = terminology.canonical(space, code) else { continue };
            assert!(found.concept > 0);
            let own = terminology.canonical(Space::Sctid, &found.concept.to_string());
            assert!(own.is_none_or(|own| own.concept == found.concept), "one concept, two to stand for it: {code}");
            assert!(!terminology.descendants(found.concept).contains(&found.concept), "a kind of itself");
            for kind in terminology.descendants(found.concept) {
                assert!(terminology.subsumes(found.concept, kind), "{kind} is no kind of {found:?}");
            }
            let _ = terminology.name(found.concept);
        }
    }
    let size = terminology.size();
    assert_eq!(terminology.is_empty(), size.concepts + size.products + size.mapped == 0);
});
