//! Searching, as the real service is said to: a family name and a birth date at least, wildcards after two letters, a score for each,
//! and 200 for "too many".

use super::{Demographics, Standing, outcome, patient, refuse, say};
use crate::message::Response;
use crate::node::{Node, object};
use crate::person::About;
use http::StatusCode;

/// How many a healthcare worker is shown at most.
const RESULTS_MAX: usize = 50;

struct Asked {
    pairs: Vec<(String, String)>,
}

impl Asked {
    fn one(&self, name: &str) -> Option<&str> {
        self.pairs.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    fn is(&self, name: &str) -> bool {
        self.one(name) == Some("true")
    }
}

impl Demographics {
    pub(super) fn search(&self, query: &str) -> Response {
        let asked = Asked { pairs: url::form_urlencoded::parse(query.as_bytes()).into_owned().collect() };
        let most =
            asked.one("_max-results").map_or(Some(RESULTS_MAX), |most| most.parse().ok().filter(|most| (1..=RESULTS_MAX).contains(most)));
        let Some(most) = most.filter(|_| !(asked.is("_fuzzy-match") && asked.is("_exact-match"))) else {
            return refuse(StatusCode::BAD_REQUEST, "value", "INVALID_SEARCH_DATA");
        };
        if !says_enough(&asked) {
            return refuse(StatusCode::BAD_REQUEST, "required", "MISSING_VALUE");
        }
        let by_place = asked.one("address-postalcode").is_some() || asked.one("general-practitioner").is_some();
        let numbers = self.numbers();
        let mut found: Vec<(f64, Node)> = Vec::new();
        for standing in numbers.values() {
            let Standing::Current(about, label) = standing else { continue };
            // By a place it never finds somebody whose place is hidden.
            if by_place && label.as_deref() != Some("U") {
                continue;
            }
            if let Some(score) = score(&asked, about) {
                found.push((score, patient(about, label.as_deref())));
            }
        }
        if found.len() > most {
            return say(StatusCode::OK, &outcome("information", "multiple-matches", "TOO_MANY_MATCHES"));
        }
        found.sort_by(|(a, _), (b, _)| b.total_cmp(a));
        let entries: Vec<Node> = found
            .into_iter()
            .map(|(score, patient)| object! { "search": object! { "score": Node::number(score.to_string()) }, "resource": patient })
            .collect();
        let total = Node::number(entries.len().to_string());
        say(StatusCode::OK, &object! { "resourceType": "Bundle", "type": "searchset", "total": total, "entry": entries })
    }
}

fn says_enough(asked: &Asked) -> bool {
    let has = |name: &str| asked.one(name).is_some_and(|value| !value.is_empty());
    match asked.is("_fuzzy-match") {
        true => {
            has("birthdate")
                && (has("family") && has("given") || has("gender") && has("address-postalcode") && (has("family") || has("given")))
        }
        false => has("birthdate") && has("family"),
    }
}

/// How well somebody agrees; none where they do not.
fn score(asked: &Asked, about: &About) -> Option<f64> {
    let history = asked.is("_history") || asked.is("_fuzzy-match");
    let fuzzy = asked.is("_fuzzy-match");
    let families: Vec<&str> =
        [Some(about.family.as_str()), about.previous_family.as_deref().filter(|_| history)].into_iter().flatten().collect();
    let previous = about.previous_given.iter().filter(|_| history).flatten();
    let given: Vec<&str> = about.given.iter().chain(previous).map(String::as_str).collect();
    let mut exact = true;
    let mut named = |wanted: &str, own: &[&str]| {
        exact &= own.iter().any(|own| agrees(wanted, own) && !wanted.contains('*'));
        own.iter().any(|own| agrees(wanted, own) || fuzzy && sounds(wanted) == sounds(own))
    };
    let all = |name: &'static str| asked.pairs.iter().filter(move |(own, _)| own == name).map(|(_, value)| value.as_str());
    let fits = all("family").all(|wanted| named(wanted, &families)) && all("given").all(|wanted| named(wanted, &given));
    let born = all("birthdate").all(|wanted| wanted.trim_start_matches("eq") == about.birth_date);
    let gender = all("gender").all(|wanted| wanted == about.gender);
    let postcode = about.address.last().map(String::as_str).unwrap_or_default();
    let place = all("address-postalcode").all(|wanted| agrees(wanted, postcode));
    let practice = all("general-practitioner").all(|wanted| about.practice.as_deref() == Some(wanted));
    let fits = fits && born && gender && place && practice && (exact || !asked.is("_exact-match"));
    fits.then_some(if exact { 1.0 } else { 0.9 })
}

/// Whatever the letters' case; a star after two letters at least stands for any rest.
fn agrees(wanted: &str, own: &str) -> bool {
    let (wanted, own) = (wanted.to_lowercase(), own.to_lowercase());
    match wanted.split_once('*') {
        Some((start, _)) => start.chars().count() >= 2 && own.starts_with(start),
        None => wanted == own,
    }
}

/// How a name sounds, roughly: its first letter and the consonants after it, none twice.
fn sounds(name: &str) -> String {
    let mut sound = String::new();
    for letter in name.to_lowercase().chars() {
        let quiet = matches!(letter, 'a' | 'e' | 'h' | 'i' | 'o' | 'u' | 'w' | 'y');
        if sound.is_empty() || !quiet && !sound.ends_with(letter) {
            sound.push(letter);
        }
    }
    sound
}
