//! How one type is searched for, where a supplier has rules for it; and the parts into which a search is divided that fails whole.

use fhir::Kind;
use jiff::{SignedDuration, Timestamp};

/// The rules for searching one type by patient.
#[derive(Debug)]
pub(crate) struct Search {
    /// The type.
    pub kind: Kind,
    /// The most it gives on a page: asked for, unless the configuration wants fewer. None: it takes no `_count`.
    pub count: Option<u32>,
    /// Parameters without which it refuses.
    pub always: &'static [(&'static str, &'static str)],
    /// Token parameters, each with every value it takes: what fails whole is divided by the first, then by the next.
    pub tokens: &'static [(&'static str, &'static [&'static str])],
    /// Dates by which it is divided last.
    pub dates: Option<Dates>,
    /// Whether `_revinclude=Provenance:target` may go with it.
    pub provenance: bool,
}

/// A date parameter.
#[derive(Debug)]
pub(crate) struct Dates {
    /// Its name.
    pub name: &'static str,
    /// How the later end is said; the earlier one is always `ge`.
    pub upper: Upper,
    /// Whether the type is not to be had without.
    pub required: bool,
}

/// How the later end of a range of dates is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Upper {
    /// `le`
    Le,
    /// `lt`
    Lt,
    /// Not at all.
    Open,
}

/// Before and after everything.
const ALL_TIME: (Timestamp, Timestamp) = (Timestamp::constant(-2_208_988_800, 0), Timestamp::constant(4_102_444_800, 0)); // 1900, 2100
/// Where all time is cut first, in days before now: most of what is held is recent, and what is newest is wanted most.
const CUTS_DAYS: [i64; 13] = [3_650, 1_825, 1_095, 730, 365, 182, 91, 31, 14, 7, 3, 1, 0];
/// How often a range that still fails is halved.
const HALVINGS_MAX: u8 = 2;

/// A part of what a search would bring. The default is all of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Slice {
    tokens: Vec<(&'static str, &'static str)>,
    span: Option<Span>,
}

/// From an instant until before another.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Span {
    from: Timestamp,
    until: Timestamp,
    halved: u8,
}

impl Slice {
    /// Whether it is all of it.
    pub(super) fn is_all(&self) -> bool {
        *self == Slice::default()
    }

    /// The parameters that ask for it.
    pub(super) fn parameters(&self, search: &Search) -> Vec<(&'static str, String)> {
        let said = search.always.iter().chain(&self.tokens).map(|(name, value)| (*name, (*value).to_owned()));
        let mut parameters: Vec<(&'static str, String)> = said.collect();
        let whole = || Span { from: ALL_TIME.0, until: ALL_TIME.1, halved: 0 };
        if let Some(dates) = &search.dates
            && let Some(span) = self.span.clone().or_else(|| dates.required.then(whole))
        {
            parameters.push((dates.name, format!("ge{}", instant(span.from))));
            match dates.upper {
                Upper::Le => parameters.push((dates.name, format!("le{}", instant(span.until - SignedDuration::from_millis(1))))),
                Upper::Lt => parameters.push((dates.name, format!("lt{}", instant(span.until)))),
                Upper::Open => {}
            }
        }
        parameters
    }

    /// The parts of it that are asked for when it fails whole; none: it is as narrow as can be.
    pub(super) fn parts(&self, search: &Search, now: Timestamp) -> Vec<Slice> {
        if let Some((name, values)) = search.tokens.get(self.tokens.len()) {
            let with = |value: &&'static str| Slice { tokens: [&self.tokens[..], &[(*name, *value)]].concat(), span: None };
            return values.iter().map(with).collect();
        }
        let Some(dates) = &search.dates else { return Vec::new() };
        let spans = match &self.span {
            None => cut(now),
            Some(span) if dates.upper != Upper::Open && span.halved < HALVINGS_MAX => halves(span),
            Some(_) => Vec::new(),
        };
        spans.into_iter().map(|span| Slice { tokens: self.tokens.clone(), span: Some(span) }).collect()
    }

    /// In words, to say what is missing.
    pub(super) fn words(&self) -> String {
        let mut words: Vec<String> = self.tokens.iter().map(|(name, value)| format!("{name} {value}")).collect();
        if let Some(span) = &self.span {
            words.push(format!("from {} until {}", instant(span.from), instant(span.until)));
        }
        if words.is_empty() { "all of it".to_owned() } else { words.join(", ") }
    }
}

/// All time, in ranges that grow with age.
fn cut(now: Timestamp) -> Vec<Span> {
    let cuts = CUTS_DAYS.iter().map(|days| now - SignedDuration::from_hours(days * 24));
    let ends: Vec<Timestamp> = std::iter::once(ALL_TIME.0).chain(cuts).chain([ALL_TIME.1]).collect();
    ends.windows(2).map(|pair| Span { from: pair[0], until: pair[1], halved: 0 }).collect()
}

fn halves(span: &Span) -> Vec<Span> {
    let middle = span.from + span.until.duration_since(span.from) / 2;
    let half = |from, until| Span { from, until, halved: span.halved + 1 };
    vec![half(span.from, middle), half(middle, span.until)]
}

/// To the millisecond, with its offset: some want no less.
fn instant(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::constant(1_795_424_400, 0); // 2026-11-23T09:00:00Z

    fn search(upper: Upper, required: bool) -> Search {
        let dates = Some(Dates { name: "date", upper, required });
        Search {
            kind: Kind::OBSERVATION,
            count: None,
            always: &[("a", "b")],
            tokens: &[("category", &["x", "y"])],
            dates,
            provenance: false,
        }
    }

    fn asked(slice: &Slice, search: &Search) -> String {
        slice.parameters(search).iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
    }

    #[test]
    fn a_search_is_divided_by_tokens_then_by_dates_then_in_halves() {
        let search = search(Upper::Lt, false);
        let all = Slice::default();
        assert_eq!(asked(&all, &search), "a=b");
        let by_token = all.parts(&search, NOW);
        assert_eq!(by_token.iter().map(|slice| asked(slice, &search)).collect::<Vec<_>>(), ["a=b&category=x", "a=b&category=y"]);
        let by_date = by_token[0].parts(&search, NOW);
        assert_eq!(by_date.len(), CUTS_DAYS.len() + 1);
        assert_eq!(asked(&by_date[0], &search), "a=b&category=x&date=ge1900-01-01T00:00:00.000Z&date=lt2016-11-25T09:00:00.000Z");
        assert_eq!(asked(&by_date[12], &search), "a=b&category=x&date=ge2026-11-22T09:00:00.000Z&date=lt2026-11-23T09:00:00.000Z");
        assert_eq!(asked(&by_date[13], &search), "a=b&category=x&date=ge2026-11-23T09:00:00.000Z&date=lt2100-01-01T00:00:00.000Z");
        let halved = by_date[7].parts(&search, NOW);
        assert_eq!(asked(&halved[1], &search), "a=b&category=x&date=ge2026-09-23T09:00:00.000Z&date=lt2026-10-23T09:00:00.000Z");
        let quarters = halved[1].parts(&search, NOW);
        assert_eq!(quarters.len(), 2);
        assert!(quarters[0].parts(&search, NOW).is_empty());
        assert_eq!(quarters[0].words(), "category x, from 2026-09-23T09:00:00.000Z until 2026-10-08T09:00:00.000Z");
    }

    #[test]
    fn the_later_end_is_said_as_the_type_wants_it() {
        let of = |upper| {
            let search = search(upper, true);
            asked(&Slice::default(), &search)
        };
        assert_eq!(of(Upper::Lt), "a=b&date=ge1900-01-01T00:00:00.000Z&date=lt2100-01-01T00:00:00.000Z");
        assert_eq!(of(Upper::Le), "a=b&date=ge1900-01-01T00:00:00.000Z&date=le2099-12-31T23:59:59.999Z");
        assert_eq!(of(Upper::Open), "a=b&date=ge1900-01-01T00:00:00.000Z");
    }
}
