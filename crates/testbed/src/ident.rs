//! Ids and numbers made from a seed, so that the region is the same on every run.

/// How a supplier makes its ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ids {
    /// Decimal digits.
    Digits,
    /// A GUID in capitals.
    Guid,
    /// Letters in front of hexadecimal digits.
    Prefixed(&'static str),
    /// A UUID in small letters.
    Uuid,
}

pub(crate) fn local(style: Ids, seed: &str) -> String {
    match style {
        Ids::Digits => (1_000_000 + hash(seed, 1) % 89_000_000).to_string(),
        Ids::Guid => guid(seed).to_uppercase(),
        Ids::Prefixed(letters) => format!("{letters}{:012x}", hash(seed, 1) >> 16),
        Ids::Uuid => guid(seed),
    }
}

/// A UUID of version 4's shape.
pub(crate) fn guid(seed: &str) -> String {
    let (a, b) = (hash(seed, 1), hash(seed, 2));
    format!(
        "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
        a >> 32,
        (a >> 16) & 0xffff,
        a & 0xfff,
        0x8000 | ((b >> 48) & 0x3fff),
        b & 0xffff_ffff_ffff
    )
}

/// Sixteen hexadecimal digits.
pub(crate) fn hex(seed: &str) -> String {
    format!("{:016x}", hash(seed, 1))
}

/// FNV-1a, stirred at the end: stable over platforms and releases.
fn hash(seed: &str, salt: u64) -> u64 {
    let mut h = 0xcbf2_9ce4_8422_2325 ^ salt.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    for byte in seed.bytes() {
        h = (h ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    }
    h = (h ^ (h >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    h = (h ^ (h >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    h ^ (h >> 31)
}

/// Whether a number has ten digits, begins with 999 and carries the right check digit.
///
/// Written here and not taken from `record`: the pretend region must not share the mistakes of
/// what it tests.
pub fn is_synthetic_nhs_number(number: &str) -> bool {
    number.starts_with("999") && is_nhs_number(number)
}

/// Whether a number has ten digits and carries the right check digit.
pub(crate) fn is_nhs_number(number: &str) -> bool {
    let digits: Vec<u32> = number.chars().filter_map(|c| c.to_digit(10)).collect();
    number.len() == 10 && digits.len() == 10 && check_digit(&digits[..9]) == Some(digits[9])
}

/// The synthetic number after this one: for answers about somebody else ([`crate::Wrong::Number`]).
pub fn another_nhs_number(number: &str) -> String {
    let mut first: u64 = number.get(..9).and_then(|n| n.parse().ok()).unwrap_or(999_000_001);
    loop {
        first = 999_000_000 + (first - 999_000_000 + 499_999) % 1_000_000;
        let nine = first.to_string();
        let digits: Vec<u32> = nine.chars().filter_map(|c| c.to_digit(10)).collect();
        if let Some(check) = check_digit(&digits) {
            return format!("{nine}{check}");
        }
    }
}

fn check_digit(nine: &[u32]) -> Option<u32> {
    let sum: u32 = nine.iter().zip((2..=10).rev()).map(|(d, weight)| d * weight).sum();
    match 11 - sum % 11 {
        10 => None,
        11 => Some(0),
        digit => Some(digit),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_numbers_carry_their_check_digit() {
        for number in ["9990000018", "9990000026", "9990000107"] {
            assert!(is_synthetic_nhs_number(number), "{number}");
        }
        for number in ["9990000019", "9434765919", "999000001", "999 000 0018"] {
            assert!(!is_synthetic_nhs_number(number), "{number}");
        }
    }

    #[test]
    fn another_number_is_synthetic_and_another() {
        let other = another_nhs_number("9990000018");
        assert!(is_synthetic_nhs_number(&other));
        assert_ne!(other, "9990000018");
    }

    #[test]
    fn a_seed_always_gives_the_same_id() {
        assert_eq!(local(Ids::Uuid, "x"), local(Ids::Uuid, "x"));
        assert_ne!(local(Ids::Digits, "x"), local(Ids::Digits, "y"));
        assert_eq!(guid("x").len(), 36);
    }
}
