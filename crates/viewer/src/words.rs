//! How things are written on a clinical page: dates, ages, numbers, codes as words.

use jiff::civil::Date;
use jiff::{Timestamp, Unit, Zoned};

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const ZONE: &str = "Europe/London";

/// A date as it is known: `06-Aug-2018`, `Mar-2019`, `2019`; an instant with the time on the wall. Nothing is padded, and what is no date
/// stands as it came.
pub fn date(text: &str) -> String {
    let local = text.parse::<Timestamp>().ok().and_then(|at| at.in_tz(ZONE).ok());
    let local = local.map(|at| at.strftime("%Y-%m-%dT%H:%M").to_string());
    let text = local.as_deref().unwrap_or(text);
    let (day, time) = text.split_once('T').unwrap_or((text, ""));
    let parts: Vec<&str> = day.split('-').collect();
    let month = |text: &str| text.parse::<usize>().ok().and_then(|month| MONTHS.get(month.wrapping_sub(1)).copied());
    let date = match parts.as_slice() {
        [year, m] => month(m).map(|m| format!("{m}-{year}")),
        [year, m, d] => month(m).map(|m| format!("{d}-{m}-{year}")),
        _ => None,
    };
    let date = date.unwrap_or_else(|| day.to_owned());
    time.get(..5).map_or(date.clone(), |minutes| format!("{date} {minutes}"))
}

/// An instant, by the clock on the wall: `28-Nov-2026 07:34`.
pub fn instant(at: Timestamp) -> String {
    date(&at.to_string())
}

/// The time of an instant, by the clock on the wall, with its day where that is not today's.
pub fn until(at: Timestamp, now: Timestamp) -> String {
    let whole = instant(at);
    match whole.split_once(' ') {
        Some((day, time)) if instant(now).starts_with(day) => time.to_owned(),
        _ => whole,
    }
}

/// The day, where we are.
pub fn today(now: Timestamp) -> Date {
    now.in_tz(ZONE).map_or_else(|_| jiff::tz::Offset::UTC.to_datetime(now).date(), |at: Zoned| at.date())
}

/// An age, in the units in which ages are said: the younger, the finer. None where the birth date is not whole, or later than the day.
pub fn age(born: &str, on: Date) -> Option<String> {
    let born: Date = born.get(..10)?.parse().ok().filter(|_| born.len() == 10)?;
    if born > on {
        return None;
    }
    let days = born.until((Unit::Day, on)).ok()?.get_days();
    let span = born.until((Unit::Year, on)).ok()?;
    let months = born.until((Unit::Month, on)).ok()?;
    Some(match (days, span.get_years()) {
        (..28, _) => format!("{days}d"),
        (_, 0) => format!("{}w {}d", days / 7, days % 7),
        (_, 1) => format!("{}m {}d", months.get_months(), months.get_days()),
        (_, years @ 2..18) => format!("{years}y {}m", span.get_months()),
        (_, years) => format!("{years}y"),
    })
}

/// An NHS number, 3 3 4.
pub fn number(digits: &str) -> String {
    match (digits.get(..3), digits.get(3..6), digits.get(6..10)) {
        (Some(a), Some(b), Some(c)) if digits.len() == 10 => format!("{a} {b} {c}"),
        _ => digits.to_owned(),
    }
}

/// Administrative gender.
pub fn gender(code: &str) -> &'static str {
    match code {
        "female" => "Female",
        "male" => "Male",
        "other" => "Other",
        _ => "Not known",
    }
}

/// A code as words: `entered-in-error` as `Entered in error`.
pub fn code(code: &str) -> String {
    let spaced = code.replace(['-', '_'], " ");
    let mut letters = spaced.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// Words with commas, the last with `and`.
pub fn list(words: &[String]) -> String {
    match words {
        [] => String::new(),
        [one] => one.clone(),
        [all @ .., last] => format!("{} and {last}", all.join(", ")),
    }
}

/// `1 entry`, `2 entries`.
pub fn count(number: usize, one: &str, many: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{number} {many}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_shown_as_far_as_they_are_known() {
        for (text, shown) in [
            ("2018-08-06", "06-Aug-2018"),
            ("2019-03", "Mar-2019"),
            ("2019", "2019"),
            ("2018-08-06T09:05:00+01:00", "06-Aug-2018 09:05"),
            ("2018-08-06T08:05:00Z", "06-Aug-2018 09:05"),
            ("2018-01-06T08:05:00Z", "06-Jan-2018 08:05"),
            ("2018-08-05T23:00:00Z", "06-Aug-2018 00:00"),
            ("2018-08-06T09:05:00", "06-Aug-2018 09:05"),
            ("", ""),
            ("2018-99-06", "2018-99-06"),
            ("last summer", "last summer"),
        ] {
            assert_eq!(date(text), shown);
        }
    }

    #[test]
    fn ages_are_said_in_the_units_of_the_age() {
        let on: Date = "2026-11-28".parse().unwrap();
        for (born, said) in [
            ("2026-11-28", Some("0d")),
            ("2026-11-01", Some("27d")),
            ("2026-10-31", Some("4w 0d")),
            ("2025-11-29", Some("52w 0d")),
            ("2025-11-28", Some("12m 0d")),
            ("2024-12-01", Some("23m 27d")),
            ("2024-11-28", Some("2y 0m")),
            ("2008-11-29", Some("17y 11m")),
            ("2008-11-28", Some("18y")),
            ("1948-03-11", Some("78y")),
            ("1924-02-29", Some("102y")),
            ("1948", None),
            ("1948-03", None),
            ("2026-11-29", None),
            ("1948-02-30", None),
            ("", None),
        ] {
            assert_eq!(age(born, on).as_deref(), said, "{born}");
        }
    }

    #[test]
    fn numbers_codes_and_lists_read_as_words() {
        assert_eq!(number("9990000018"), "999 000 0018");
        assert_eq!(number("12345"), "12345");
        assert_eq!(code("entered-in-error"), "Entered in error");
        assert_eq!(code(""), "");
        let words = ["a", "b", "c"].map(str::to_owned);
        assert_eq!((list(&words[..1]).as_str(), list(&words[..2]).as_str(), list(&words).as_str()), ("a", "a and b", "a, b and c"));
    }
}
