//! FHIR's partial dates and instants: what is known, and the span of time it stands for.
//!
//! ```
//! use fhir::date::Partial;
//! let month = Partial::parse("2019-03").unwrap();
//! let moment = Partial::parse("2019-03-31T23:30:00+01:00").unwrap();
//! assert!(month.covers(&moment));
//! assert!(Partial::parse("2019-13").is_none());
//! ```

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
        if text.contains('T') {
            let at = text.parse::<jiff::Timestamp>().ok()?.as_nanosecond();
            return Some(Partial { precision: Precision::Instant, from: at, to: at });
        }
        let number = |range: std::ops::Range<usize>| {
            text.get(range).filter(|part| part.bytes().all(|byte| byte.is_ascii_digit()))?.parse::<i16>().ok()
        };
        let dashes = |places: &[usize]| places.iter().all(|place| text.as_bytes().get(*place) == Some(&b'-'));
        let year = number(0..4)?;
        let (precision, month, day) = match text.len() {
            4 => (Precision::Year, 1, 1),
            7 if dashes(&[4]) => (Precision::Month, number(5..7)?, 1),
            10 if dashes(&[4, 7]) => (Precision::Day, number(5..7)?, number(8..10)?),
            _ => return None,
        };
        let date = jiff::civil::Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()?;
        let days = match precision {
            Precision::Year => i128::from(date.days_in_year()),
            Precision::Month => i128::from(date.days_in_month()),
            Precision::Day | Precision::Instant => 1,
        };
        let from = date.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp().as_nanosecond();
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
}
