//! FHIR's partial dates and instants: what is known, and the span of time it stands for.
//!
//! ```
//! use fhir::date::Partial;
//! let month = Partial::parse("2019-03").unwrap();
//! let moment = Partial::parse("2019-03-31T23:30:00+01:00").unwrap();
//! assert!(month.covers(&moment));
//! assert!(Partial::parse("2019-13").is_none());
//! ```

use jiff::Timestamp;
use jiff::civil::{Date, Time};
use jiff::tz::Offset;

/// How much of a date is said, coarsest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Precision {
    /// `2019`
    Year,
    /// `2019-03`
    Month,
    /// `2019-03-01`
    Day,
    /// A date with a time and an offset.
    Instant,
}

/// A date as far as it is said. It is never padded: a day is not midnight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Partial {
    precision: Precision,
    /// First and last nanosecond, since 1970 in UTC. Dates without an offset are taken as UTC.
    from: i128,
    to: i128,
}

const DAY: i128 = 86_400_000_000_000;

impl Partial {
    /// Reads `YYYY`, `YYYY-MM`, `YYYY-MM-DD` or a full instant with its offset; `None` for anything else.
    pub fn parse(text: &str) -> Option<Partial> {
        let bytes = text.as_bytes();
        let dashed = |place: usize| bytes.get(place) == Some(&b'-');
        let year = digits(bytes, 0, 4)?;
        let (precision, month, day) = match text.len() {
            4 => (Precision::Year, 1, 1),
            7 if dashed(4) => (Precision::Month, digits(bytes, 5, 2)?, 1),
            10 if dashed(4) && dashed(7) => (Precision::Day, digits(bytes, 5, 2)?, digits(bytes, 8, 2)?),
            _ => return instant(text),
        };
        let date = Date::new(year, month as i8, day as i8).ok()?;
        let days = match precision {
            Precision::Year => i128::from(date.days_in_year()),
            Precision::Month => i128::from(date.days_in_month()),
            Precision::Day | Precision::Instant => 1,
        };
        let from = Offset::UTC.to_timestamp(date.to_datetime(Time::midnight())).ok()?.as_nanosecond();
        Some(Partial { precision, from, to: from + days * DAY - 1 })
    }

    /// How much is said.
    pub fn precision(&self) -> Precision {
        self.precision
    }

    /// First and last nanosecond it may mean, since 1970 in UTC.
    pub fn range(&self) -> (i128, i128) {
        (self.from, self.to)
    }

    /// Whether all of `other` lies within this.
    pub fn covers(&self, other: &Partial) -> bool {
        self.from <= other.from && other.to <= self.to
    }
}

/// So many digits from a place on, as a number.
fn digits(bytes: &[u8], from: usize, count: usize) -> Option<i16> {
    let digits = bytes.get(from..from + count)?;
    digits.iter().try_fold(0, |number, digit| digit.is_ascii_digit().then(|| number * 10 + i16::from(digit - b'0')))
}

fn instant(text: &str) -> Option<Partial> {
    let at = whole_seconds(text.as_bytes()).or_else(|| text.contains('T').then(|| text.parse().ok())?)?.as_nanosecond();
    Some(Partial { precision: Precision::Instant, from: at, to: at })
}

/// `2026-10-31T09:00:00Z` and `2026-10-31T09:00:00+00:00`, in which most instants are written; the rest is for a parser that knows
/// all forms.
fn whole_seconds(bytes: &[u8]) -> Option<Timestamp> {
    let stands = |places: &[(usize, u8)]| places.iter().all(|(place, byte)| bytes.get(*place) == Some(byte));
    if !stands(&[(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')]) {
        return None;
    }
    let two = |from: usize| digits(bytes, from, 2).map(|number| number as i8);
    let offset = match bytes.get(19..)? {
        b"Z" => 0,
        [sign @ (b'+' | b'-'), _, _, b':', _, _] => {
            let (hours, minutes) = (digits(bytes, 20, 2)?, digits(bytes, 23, 2)?);
            let seconds = (hours < 24 && minutes < 60).then(|| i32::from(hours) * 3600 + i32::from(minutes) * 60)?;
            if *sign == b'-' { -seconds } else { seconds }
        }
        _ => return None,
    };
    let date = Date::new(digits(bytes, 0, 4)?, two(5)?, two(8)?).ok()?;
    let time = Time::new(two(11)?, two(14)?, two(17)?, 0).ok()?;
    Offset::from_seconds(offset).ok()?.to_timestamp(date.to_datetime(time)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Option<(Precision, i128)>) {
        let read = Partial::parse(text).map(|partial| (partial.precision(), (partial.range().1 - partial.range().0 + 1) / DAY));
        assert_eq!(read, expected, "{text}");
    }

    #[test]
    fn what_is_said_is_known_and_nothing_more() {
        check("2019", Some((Precision::Year, 365)));
        check("2020", Some((Precision::Year, 366)));
        check("2020-02", Some((Precision::Month, 29)));
        check("2020-02-29", Some((Precision::Day, 1)));
        check("2019-03-31T23:30:00Z", Some((Precision::Instant, 0)));
        check("2019-03-31T23:30:00.123+01:00", Some((Precision::Instant, 0)));
        for wrong in ["", "19", "2019-13", "2019-02-30", "2019-3-1", "2019/03/01", "2019-03-31T23:30", "+019", "２０１９", "2019-03-01 "]
        {
            check(wrong, None);
        }
    }

    #[test]
    fn one_moment_in_two_zones_is_one_and_a_day_is_no_moment() {
        let parse = |text| Partial::parse(text).expect("a date");
        assert_eq!(parse("2019-06-01T09:00:00+01:00"), parse("2019-06-01T08:00:00Z"));
        assert_ne!(parse("2019-06-01"), parse("2019-06-01T00:00:00Z"));
        assert!(parse("2019-06").covers(&parse("2019-06-30")));
        assert!(!parse("2019-06-30").covers(&parse("2019-06")));
    }

    proptest::proptest! {
        #[test]
        fn an_instant_is_what_a_parser_of_all_forms_makes_of_it(
            text in "(19|20)[0-9]{2}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-6][0-9]:[0-6][0-9](Z|[+-][0-2][0-9]:[0-6][0-9])"
        ) {
            let expected = text.parse::<Timestamp>().ok().map(|at| at.as_nanosecond());
            proptest::prop_assert_eq!(Partial::parse(&text).map(|partial| partial.range().0), expected);
        }
    }
}
