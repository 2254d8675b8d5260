//! NHS numbers that were never issued.

/// Up to so many people, with a second number for each who needs one, all numbers begin with 999.
pub const RESERVED_PEOPLE_MAX: u64 = RESERVED / 2;

/// Numbers of 999…: five digits are free, but for the first hundred, which the lives of `fixtures/people` have; and of the ninth at least nine
/// have a check digit each.
const RESERVED: u64 = (100_000 - RESERVED_FROM) * NINTHS;
const RESERVED_FROM: u64 = 100;
/// Numbers of 900… to 998…: seven digits are free.
const UNISSUED: u64 = 9_900_000 * NINTHS;
const NINTHS: u64 = 9;
/// Prime to both counts: no number comes twice.
const STEP: u64 = 48_271_937;

/// The number of person `n` among `count`; a second one, where they had another before.
pub(super) fn number(count: u64, n: u64, second: bool) -> String {
    let (room, lead, from) = if count <= RESERVED_PEOPLE_MAX { (RESERVED, "999", RESERVED_FROM) } else { (UNISSUED, "9", 0) };
    let place = n % (room / 2) + if second { room / 2 } else { 0 };
    let place = (u128::from(place) * u128::from(STEP) % u128::from(room)) as u64;
    let eight = format!("{lead}{:0width$}", from + place / NINTHS, width = 8 - lead.len());
    let valid = (b'0'..=b'9').filter_map(|ninth| with_check_digit(&format!("{eight}{}", char::from(ninth))));
    valid.clone().nth((place % NINTHS) as usize).or_else(|| valid.clone().next()).unwrap_or_default()
}

/// Nine digits and the tenth that makes them a number; ten where the check digit would be ten is no number.
fn with_check_digit(nine: &str) -> Option<String> {
    let sum: u64 = nine.bytes().zip((2..=10).rev()).map(|(digit, weight)| u64::from(digit - b'0') * weight).sum();
    let check = (11 - sum % 11) % 11;
    (check < 10).then(|| format!("{nine}{check}"))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn numbers_are_of_ranges_never_issued_and_come_once() {
        for count in [1000, RESERVED_PEOPLE_MAX, 6_100_000] {
            let numbers: Vec<String> = (0..100_000.min(count)).flat_map(|n| [number(count, n, false), number(count, n, true)]).collect();
            let lead = if count <= RESERVED_PEOPLE_MAX { "999" } else { "9" };
            assert!(numbers.iter().all(|number| number.len() == 10 && number.starts_with(lead)));
            assert!(numbers.iter().all(|number| with_check_digit(&number[..9]).as_ref() == Some(number)));
            assert_eq!(numbers.iter().collect::<HashSet<_>>().len(), numbers.len());
        }
    }
}
