//! Single values: local times with London's offset, dates as far as they are known.

use std::sync::LazyLock;

use fhir::date::Partial;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::table::Rule;

/// What a date or time becomes.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum When {
    /// As it stands.
    Same,
    /// Written otherwise; what was done, in words.
    Other(String, &'static str),
    /// The system's word for no date.
    Never,
    /// No date that can be read.
    Unreadable,
}

/// Reads a date or time as `Rule::Date`, `Rule::Day` or `Rule::Time` says.
pub(super) fn when(text: &str, rule: &Rule) -> When {
    if text.starts_with("0001-01-01") || text.starts_with("01/01/0001") {
        return When::Never;
    }
    let Some(local) = local(text) else {
        // With an offset, or a date as far as it is known.
        return match (Partial::parse(text), text.get(..10)) {
            (Some(_), _) if !text.contains('T') => When::Same,
            (Some(_), Some(day)) if *rule == Rule::Date => When::Other(day.to_owned(), "the day alone"),
            (Some(_), _) => When::Same,
            (None, _) => When::Unreadable,
        };
    };
    let (at, timed) = local;
    let midnight = at.hour() == 0 && at.minute() == 0 && at.second() == 0;
    if *rule == Rule::Date || !timed || (*rule == Rule::Day && midnight) {
        return When::Other(at.date().to_string(), "the day alone");
    }
    let zone = LONDON.to_ambiguous_zoned(at);
    let detail = if zone.is_ambiguous() {
        "local time on the night the clocks change, taken as the earlier; with London's offset"
    } else {
        "local time, with London's offset"
    };
    match zone.compatible() {
        Ok(zoned) => When::Other(zoned.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string(), detail),
        Err(_) => When::Unreadable,
    }
}

static LONDON: LazyLock<TimeZone> = LazyLock::new(|| TimeZone::get("Europe/London").expect("the zones are part of the program"));

/// A local time, and whether it says a time of day; `None` for what has an offset or is in ISO form without a time.
fn local(text: &str) -> Option<(DateTime, bool)> {
    if let Some((date, time)) = text.split_once('T') {
        let offset = time.contains(['Z', 'z', '+', '-']);
        return if offset || date.len() != 10 { None } else { Some((text.parse().ok()?, true)) };
    }
    // 16/08/2025 19:20
    let (date, time) = text.split_once(' ').map_or((text, None), |(date, time)| (date, Some(time)));
    let mut parts = date.split('/');
    let (day, month, year) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() || year.len() != 4 || day.len() != 2 || month.len() != 2 {
        return None;
    }
    let time_of_day = match time {
        None => "00:00:00".to_owned(),
        Some(time) if time.len() == 5 => format!("{time}:00"),
        Some(time) => time.to_owned(),
    };
    Some((format!("{year}-{month}-{day}T{time_of_day}").parse().ok()?, time.is_some()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn local_times_get_londons_offset_and_dates_stay_as_coarse_as_they_are() {
        let check = |text: &str, rule: Rule, expected: &str| {
            let became = match when(text, &rule) {
                When::Same => text.to_owned(),
                When::Other(text, _) => text,
                When::Never => "never".to_owned(),
                When::Unreadable => "unreadable".to_owned(),
            };
            assert_eq!(became, expected, "{text} by {rule:?}");
        };
        check("2025-08-16T19:20:00", Rule::Time, "2025-08-16T19:20:00+01:00");
        check("2026-01-11T04:50:00.123", Rule::Time, "2026-01-11T04:50:00+00:00");
        check("2025-08-16T00:00:00", Rule::Time, "2025-08-16T00:00:00+01:00");
        check("2025-08-16T00:00:00", Rule::Day, "2025-08-16");
        check("2025-08-16T09:15:00", Rule::Day, "2025-08-16T09:15:00+01:00");
        check("2025-08-16T09:15:00", Rule::Date, "2025-08-16");
        check("2025-08-16T18:20:00Z", Rule::Time, "2025-08-16T18:20:00Z");
        check("2025-08-16T18:20:00Z", Rule::Date, "2025-08-16");
        check("16/08/2025", Rule::Time, "2025-08-16");
        check("16/08/2025 19:20", Rule::Day, "2025-08-16T19:20:00+01:00");
        check("1987", Rule::Day, "1987");
        check("1987-06", Rule::Day, "1987-06");
        check("1987-06-02", Rule::Time, "1987-06-02");
        check("0001-01-01T00:00:00", Rule::Day, "never");
        for odd in ["", "yesterday", "2025-13-01", "2025-08-16T25:00:00", "31/02/2025", "1/2/25", "2025-08-16T", "ä/bc/2025"] {
            check(odd, Rule::Day, "unreadable");
        }
    }

    #[test]
    fn the_hour_that_comes_twice_is_named() {
        let When::Other(text, detail) = when("2025-10-26T01:30:00", &Rule::Time) else { panic!("a time") };
        assert_eq!(text, "2025-10-26T01:30:00+01:00");
        assert!(detail.contains("clocks change"));
    }
}
