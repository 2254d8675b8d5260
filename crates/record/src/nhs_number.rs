//! The NHS number.

use std::str::FromStr;

/// A patient's NHS number, known to carry a correct check digit (modulus 11).
///
/// ```
/// let number: record::NhsNumber = "943 476 5919".parse().unwrap();
/// assert_eq!(format!("{number:?}"), "NhsNumber(redacted)");
/// assert!("943 476 5918".parse::<record::NhsNumber>().is_err());
/// ```
///
/// It has no `Display`: to leak it takes effort. A correct check digit does not prove that the number was issued.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NhsNumber([u8; 10]);

/// Which rule a text breaks that should have been an NHS number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MalformedNhsNumber {
    /// The tenth digit does not agree with the other nine.
    #[error("the check digit of the NHS number is wrong")]
    CheckDigit,
    /// Something but digits and spaces.
    #[error("an NHS number has digits and spaces only")]
    Characters,
    /// Not ten digits.
    #[error("an NHS number has ten digits")]
    Length,
    /// Ten times the same digit: a placeholder.
    #[error("the NHS number is a placeholder")]
    Placeholder,
}

impl NhsNumber {
    /// The ten digits, for a question to a source that must know them, or a page that must show them.
    pub fn expose(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or("") // Ten ASCII digits, by construction.
    }

    /// Whether it is of the ranges that are never issued to anybody: 999…, and 900 000 00… of the national sandbox.
    pub fn is_synthetic(&self) -> bool {
        self.0.starts_with(b"999") || self.0.starts_with(b"90000000")
    }
}

impl FromStr for NhsNumber {
    type Err = MalformedNhsNumber;

    fn from_str(text: &str) -> Result<NhsNumber, MalformedNhsNumber> {
        let mut digits = [0u8; 10];
        let mut count = 0;
        for byte in text.bytes() {
            match byte {
                b' ' => continue,
                b'0'..=b'9' if count < 10 => digits[count] = byte,
                b'0'..=b'9' => return Err(MalformedNhsNumber::Length),
                _ => return Err(MalformedNhsNumber::Characters),
            }
            count += 1;
        }
        if count != 10 {
            return Err(MalformedNhsNumber::Length);
        }
        if digits.iter().all(|digit| *digit == digits[0]) {
            return Err(MalformedNhsNumber::Placeholder);
        }
        let sum: u32 = digits[..9].iter().zip((2..=10).rev()).map(|(digit, weight)| u32::from(digit - b'0') * weight).sum();
        // 11 - (sum mod 11), where 11 stands for 0 and 10 is never issued.
        let check = (11 - sum % 11) % 11;
        if check != u32::from(digits[9] - b'0') {
            return Err(MalformedNhsNumber::CheckDigit);
        }
        Ok(NhsNumber(digits))
    }
}

impl std::fmt::Debug for NhsNumber {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("NhsNumber(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_told_from_what_only_looks_like_them() {
        use MalformedNhsNumber as M;
        let table = [
            ("9434765919", Ok(())),
            ("943 476 5919", Ok(())),
            ("9990000018", Ok(())),
            ("9990000107", Ok(())),
            ("9434765918", Err(M::CheckDigit)),
            ("943476591", Err(M::Length)),
            ("94347659190", Err(M::Length)),
            ("943-476-5919", Err(M::Characters)),
            ("", Err(M::Length)),
            ("0000000000", Err(M::Placeholder)),
            ("９４３４７６５９１９", Err(M::Characters)),
        ];
        for (text, expected) in table {
            assert_eq!(text.parse::<NhsNumber>().map(|_| ()), expected, "{text}");
        }
    }

    #[test]
    fn only_ranges_never_issued_are_synthetic() {
        for (text, synthetic) in [("9990000018", true), ("9000000009", true), ("9434765919", false)] {
            assert_eq!(text.parse::<NhsNumber>().unwrap().is_synthetic(), synthetic, "{text}");
        }
    }
}
