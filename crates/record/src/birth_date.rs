//! A birth date, as far as it is known.

use std::str::FromStr;

/// A birth date: a year, and its month and day where they are known. Packs into four bytes.
///
/// ```
/// let date: record::BirthDate = "1962-03-09".parse().unwrap();
/// assert_eq!(date.to_string(), "1962-03-09");
/// assert_eq!("1962".parse::<record::BirthDate>().unwrap().to_string(), "1962");
/// assert!("1962-13-01".parse::<record::BirthDate>().is_err());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BirthDate {
    /// The year.
    pub year: u16,
    /// 1 to 12, or 0 where it is not known.
    pub month: u8,
    /// 1 to 31, or 0 where it is not known.
    pub day: u8,
}

/// A text that is no date.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a birth date is YYYY, YYYY-MM or YYYY-MM-DD, of a day that there was")]
pub struct MalformedBirthDate;

impl FromStr for BirthDate {
    type Err = MalformedBirthDate;

    fn from_str(text: &str) -> Result<BirthDate, MalformedBirthDate> {
        let digits = |part: &str, length: usize| {
            let fits = part.len() == length && part.bytes().all(|byte| byte.is_ascii_digit());
            if fits { part.parse::<u16>().map_err(|_| MalformedBirthDate) } else { Err(MalformedBirthDate) }
        };
        let mut parts = text.splitn(3, '-');
        let year = digits(parts.next().unwrap_or_default(), 4)?;
        let month = parts.next().map(|part| digits(part, 2)).transpose()?;
        let day = parts.next().map(|part| digits(part, 2)).transpose()?;
        let whole = jiff::civil::Date::new(year as i16, month.unwrap_or(1) as i8, day.unwrap_or(1) as i8);
        whole.map_err(|_| MalformedBirthDate)?;
        Ok(BirthDate { year, month: month.unwrap_or(0) as u8, day: day.unwrap_or(0) as u8 })
    }
}

impl std::fmt::Display for BirthDate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.month, self.day) {
            (0, _) => write!(f, "{:04}", self.year),
            (month, 0) => write!(f, "{:04}-{month:02}", self.year),
            (month, day) => write!(f, "{:04}-{month:02}-{day:02}", self.year),
        }
    }
}

impl BirthDate {
    /// Whether year, month and day are known.
    pub fn is_whole(self) -> bool {
        self.month != 0 && self.day != 0
    }
}

impl serde::Serialize for BirthDate {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for BirthDate {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<BirthDate, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_as_precise_as_it_is_said() {
        for text in ["1962-03-09", "1962-03", "1962", "2000-02-29"] {
            assert_eq!(text.parse::<BirthDate>().unwrap().to_string(), text);
        }
        for text in ["", "62", "1962-3-9", "1962-02-30", "1962-00-10", "19620309", "1962-03-09T00:00", "+962", "1962-03-"] {
            assert_eq!(text.parse::<BirthDate>(), Err(MalformedBirthDate), "{text}");
        }
    }
}
