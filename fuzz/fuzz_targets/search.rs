//! Whatever a client writes into an address or a body to say what it wants. The first byte picks what the rest is: a query, a Parameters
//! resource, the body of `$match`, a form, a path.
#![no_main]

use fhir::{Kind, Tree};
use http::Method;
use libfuzzer_sys::fuzz_target;
use record::{CARRIED, NhsNumber};
use server::fhir_api::face::asked;
use server::fhir_api::{Face, Interaction};
use server::fuzzing::{Form, Params, PatientRef, Search, sought_by_body, sought_by_params};

fn searched(kind: Kind, params: &Params) {
    let (lax, strict) = (Search::of_type(kind, params, false), Search::of_type(kind, params, true));
    if let Ok(strict) = &strict {
        let lax = lax.as_ref().expect("who is strict takes nothing that others refuse");
        assert_eq!(lax.need, strict.need, "what is not known narrows nothing");
    }
    if let Ok(search) = lax {
        assert_eq!(search.need.kinds, [kind]);
        assert!(search.need.filters.iter().all(|filter| filter.kind == kind && !filter.values.is_empty()));
        assert_ne!(search.count, Some(0));
        if let Some(PatientRef::Id(id)) = search.patient {
            assert!(!id.is_empty() && !id.contains([',', '/']), "{id}");
        }
        let date = search.need.birth_date;
        assert!(date.is_none_or(|date| date.parse::<jiff::civil::Date>().is_ok()));
    }
    if let Ok(search) = Search::everything(params, true) {
        assert!(search.need.kinds.iter().all(|kind| CARRIED.contains(kind)));
        assert!(
            params
                .0
                .iter()
                .all(|param| param.name.starts_with('_') || ["birthdate", "join", "patient", "subject"].contains(&param.name.as_str()))
        );
    }
    let _ = sought_by_params(params);
}

fuzz_target!(|data: &[u8]| {
    let Some((pick, body)) = data.split_first() else { return };
    let kind = CARRIED[usize::from(pick / 5) % CARRIED.len()];
    match pick % 5 {
        0 => {
            let Ok(query) = std::str::from_utf8(body) else { return };
            let mut params = Params::parse(query);
            searched(kind, &params);
            // As a reader of STU3 means it.
            let _ = asked::search(kind, kind.name(), &mut params);
            searched(kind, &params);
            let _ = asked::everything(&mut params);
        }
        1 => {
            if let Ok(params) = Params::of_resource(body) {
                searched(kind, &params);
            }
        }
        2 => {
            let Ok(tree) = Tree::from_json(body.to_vec().into()) else { return };
            if let Ok(sought) = sought_by_body(&tree) {
                let number = sought.demographics.number;
                assert!(number.is_none_or(|number| number.value.parse::<NhsNumber>().is_ok()), "nobody has that number");
                assert_ne!(sought.count, Some(0));
            }
        }
        3 => {
            let Ok(form) = Form::of(body) else { return };
            for name in Params::parse(std::str::from_utf8(body).expect("a form is text")).0 {
                assert_eq!(form.field(&name.name), Some(name.value.as_str()).filter(|value| !value.is_empty()), "two values of one field");
            }
        }
        _ => {
            let Ok(path) = std::str::from_utf8(body) else { return };
            let (face, path) = Face::of(path);
            for method in [Method::GET, Method::POST, Method::PUT, Method::DELETE] {
                match Interaction::parse(face, &method, path) {
                    Ok(Interaction::Search(kind) | Interaction::Read(kind, _)) => assert!(CARRIED.contains(&kind), "{kind}"),
                    Ok(Interaction::Record(_)) => assert!(method == Method::POST || method == Method::PUT),
                    Ok(_) => assert!(method != Method::DELETE && method != Method::PUT, "{method} {path}"),
                    Err(_) => {}
                }
            }
        }
    }
});
