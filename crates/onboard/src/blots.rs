//! What must not stand in a report, and what stands in its place.
//!
//! A supplier's text may hold whatever it was asked with. So none of a body is ever told, and the little else that it wrote
//! (links, names of software, types, elements) passes here: credentials, numbers and birth dates are taken out, however they are
//! spelled.

use fhir::{Version, tables};

use crate::secrets::Secrets;
use crate::visit::Patient;

/// A synthetic number (999…) with a right check digit that no test region issues.
pub(crate) const NOBODY: &str = "9999999468";
/// In place of what a supplier wrote.
const BLOT: &str = "{\u{2026}}";
/// In place of a token.
const TOKEN: &str = "{token}";
/// Digits that might be somebody's NHS number; longer runs might hold one.
const NUMBER_MIN: usize = 10;
/// Characters between two digits of one number.
const GAP_MAX: usize = 3;

/// What is known of, and what is blotted besides.
#[derive(Debug)]
pub(crate) struct Blots {
    /// Digits, and what is said in their place.
    known: Vec<(String, String)>,
    secrets: Vec<Secrets>,
}

impl Blots {
    pub(crate) fn new(patients: &[Patient], secrets: Vec<Secrets>) -> Blots {
        let mut known = vec![(NOBODY.to_owned(), "{a number that nobody has}".to_owned())];
        for (place, patient) in (1..).zip(patients) {
            known.push((patient.number.expose().to_owned(), format!("{{NHS number of test patient {place}}}")));
            if let Some([year, month, day]) = patient.birth_date.as_deref().and_then(parts) {
                let instead = format!("{{birth date of test patient {place}}}");
                let orders = [[year, month, day], [day, month, year], [month, day, year]];
                known.extend(orders.map(|order| (order.concat(), instead.clone())));
            }
        }
        Blots { known, secrets }
    }

    /// A text without what must not stand in a report.
    pub(crate) fn text(&self, text: &str) -> String {
        let mut text = self.without_tokens(text);
        for (digits, instead) in &self.known {
            let found = |run: &Run| {
                let at = run.digits.find(digits.as_str())?;
                Some((run.places[at].0, run.places[at + digits.len() - 1].1))
            };
            // One run may hold it more than once.
            while let Some((start, end)) = runs(&text, |between| !between.is_alphanumeric()).iter().find_map(found) {
                text.replace_range(start..end, instead);
            }
        }
        let narrow = |between| matches!(between, ' ' | '+' | '-' | '_' | '\u{a0}' | '\u{2010}'..='\u{2015}');
        for run in runs(&text, narrow).iter().rev().filter(|run| run.digits.len() >= NUMBER_MIN) {
            text.replace_range(run.places[0].0..run.places[run.places.len() - 1].1, "{number}");
        }
        text
    }

    fn without_tokens(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for secret in self.secrets.iter().flat_map(Secrets::all) {
            let escaped: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
            text = text.replace(&escaped, TOKEN).replace(&secret, TOKEN);
        }
        // A JWT is nobody's word, whoever it was made for.
        while let Some(start) = text.find("eyJ") {
            let inside = |character: char| character.is_ascii_alphanumeric() || "-_.=%".contains(character);
            let end = text[start..].find(|character| !inside(character)).map_or(text.len(), |length| start + length);
            text.replace_range(start..end, TOKEN);
        }
        text
    }

    /// A link that a supplier wrote, below its base if it is: FHIR's own words and the names of parameters stay, no value does.
    pub(crate) fn link(&self, version: Version, base: &str, url: &str) -> String {
        let below = url.strip_prefix(base).unwrap_or_else(|| url.split_once("//").map_or(url, |(_, rest)| rest));
        let below = below.split('#').next().unwrap_or_default();
        let (path, query) = below.split_once('?').map_or((below, None), |(path, query)| (path, Some(query)));
        let is_word = |part: &str| part.is_empty() || part == "_search" || tables::of(version).is_resource(part);
        let path: Vec<&str> = path.split('/').map(|part| if is_word(part) { part } else { BLOT }).collect();
        let values = |pair: &str| pair.split_once('=').map_or_else(|| BLOT.to_owned(), |(name, _)| format!("{}={BLOT}", self.text(name)));
        let query = query.map(|query| format!("?{}", query.split('&').map(values).collect::<Vec<_>>().join("&")));
        format!("{}{}", path.join("/"), query.unwrap_or_default())
    }
}

fn parts(date: &str) -> Option<[&str; 3]> {
    let parts: Vec<&str> = date.split('-').collect();
    parts.try_into().ok()
}

/// Digits that belong together.
#[derive(Default)]
struct Run {
    digits: String,
    /// From where to where each stands in the text.
    places: Vec<(usize, usize)>,
}

/// Every run of digits, a few separators between them; `%20` is what it stands for.
fn runs(text: &str, separates: impl Fn(char) -> bool) -> Vec<Run> {
    let (mut runs, mut run, mut gap, mut at) = (Vec::new(), Run::default(), 0, 0);
    while let Some((character, length)) = unescaped(&text[at..]) {
        if character.is_ascii_digit() {
            run.digits.push(character);
            run.places.push((at, at + length));
            gap = 0;
        } else if !run.digits.is_empty() {
            gap += 1;
            if gap > GAP_MAX || !separates(character) {
                runs.push(std::mem::take(&mut run));
                gap = 0;
            }
        }
        at += length;
    }
    if !run.digits.is_empty() {
        runs.push(run);
    }
    runs
}

/// The first character of a text, and how long it is there. Parts of longer characters are taken for spaces.
fn unescaped(text: &str) -> Option<(char, usize)> {
    let first = text.chars().next()?;
    let escaped = text.strip_prefix('%').and_then(|rest| u8::from_str_radix(rest.get(..2)?, 16).ok());
    Some(match escaped {
        Some(byte) if byte.is_ascii() => (char::from(byte), 3),
        Some(_) => (' ', 3),
        None => (first, first.len_utf8()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blots() -> Blots {
        let secrets = Secrets::default();
        secrets.add("s3cret/token=");
        let number = "9990000018".parse().unwrap();
        Blots::new(&[Patient { number, birth_date: Some("1948-03-11".to_owned()) }], vec![secrets])
    }

    #[test]
    fn numbers_dates_and_tokens_are_taken_out_however_they_are_spelled() {
        let check = |text: &str, expected: &str| assert_eq!(blots().text(text), expected, "{text}");
        let number = "{NHS number of test patient 1}";
        let born = "{birth date of test patient 1}";
        for spelled in ["9990000018", "999 000 0018", "999-000-0018", "999%20000%200018", "999.000.0018", "9%39900%2D00018", "999+000+0018"]
        {
            check(&format!("of {spelled}, twice {spelled}"), &format!("of {number}, twice {number}"));
        }
        check("id=7C99900000181", &format!("id=7C{number}1"));
        check("943 476 5919 and 943%C2%A0476%C2%A05919", "{number} and {number}");
        for spelled in ["1948-03-11", "19480311", "11/03/1948", "11.03.1948", "1948%2F03%2F11"] {
            check(&format!("born {spelled}."), &format!("born {born}."));
        }
        check("a s3cret/token= b s3cret%2Ftoken%3D c eyJhbGciOi.J9_x.y-z d", "a {token} b {token} c {token} d");
        for harmless in ["4.0.1", "2026-11-23T09:00:00Z", "12 resources, 3 of 4", "50% of Patient/724066", "%", "%zz"] {
            check(harmless, harmless);
        }
    }

    #[test]
    fn a_link_keeps_the_names_of_its_parameters_only() {
        let check = |url: &str, expected: &str| assert_eq!(blots().link(Version::R4, "https://x.example/fhir/", url), expected, "{url}");
        check(
            "https://x.example/fhir/Condition?access_token=abc&nhs=999%20000%200018&_count=2#x",
            "Condition?access_token={\u{2026}}&nhs={\u{2026}}&_count={\u{2026}}",
        );
        check("https://x.example/fhir/Condition/Rahman?Rahman", "Condition/{\u{2026}}?{\u{2026}}");
        check("https://x.example/fhir/?_getpages=1", "?_getpages={\u{2026}}");
    }
}
