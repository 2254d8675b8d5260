//! Blocking keys: by which of them two spellings of one person meet.

use crate::matching::Fields;

/// By what a person is found without a number. The order is of no meaning; the number is part of a snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The whole birth date.
    Born = 1,
    /// How the family name sounds, and day and month of birth in either order: the year may be wrong.
    FamilyDay = 2,
    /// How the family name sounds, the given name's initial and the year of birth: day and month may be wrong.
    FamilyYear = 3,
    /// How the family name and the given name sound: the birth date may be wrong or missing.
    Name = 4,
    /// The postcode.
    Postcode = 5,
    /// House and street, and the town: the postcode may be wrong or missing.
    Line = 6,
    /// A telephone number.
    Phone = 7,
    /// An e-mail address.
    Email = 8,
    /// An NHS number that an entry gives, verified or not.
    Number = 9,
}

impl Kind {
    /// How much it says that two share it, for ranking those found before they are compared.
    pub(super) fn weight(self) -> u32 {
        match self {
            Kind::Number => 20,
            Kind::Email | Kind::Phone => 5,
            Kind::Born => 6,
            Kind::FamilyDay | Kind::Name => 4,
            Kind::FamilyYear | Kind::Line | Kind::Postcode => 3,
        }
    }
}

/// One key: a digest of the kind and its values. Two keys may fall together; then somebody is compared in vain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Key {
    pub(super) kind: Kind,
    pub(crate) digest: u64,
}

/// All keys of one spelling of a person. The same key may come twice.
pub(crate) fn each(fields: &Fields<'_>, mut add: impl FnMut(Key)) {
    let mut key = |kind: Kind, parts: &[&[u8]]| add(Key { kind, digest: digest(kind, parts) });
    if let Some((number, _)) = fields.number {
        key(Kind::Number, &[number.expose().as_bytes()]);
    }
    if let Some(date) = fields.birth_date {
        let (low, high) = (date.day.min(date.month), date.day.max(date.month));
        let year = date.year.to_le_bytes();
        if date.is_whole() {
            key(Kind::Born, &[&year, &[date.month, date.day]]);
        }
        for family in &fields.families {
            let family = sound(family);
            if date.is_whole() {
                key(Kind::FamilyDay, &[&family, &[low, high]]);
            }
            for given in &fields.givens {
                key(Kind::FamilyYear, &[&family, initial(given), &year]);
            }
        }
    }
    for family in &fields.families {
        for given in &fields.givens {
            key(Kind::Name, &[&sound(family), &sound(given)]);
        }
    }
    for postcode in &fields.postcodes {
        key(Kind::Postcode, &[postcode.as_bytes()]);
    }
    for line in &fields.lines {
        for town in &fields.towns {
            key(Kind::Line, &[line.as_bytes(), &[0], town.as_bytes()]);
        }
    }
    for phone in &fields.phones {
        key(Kind::Phone, &[phone.as_bytes()]);
    }
    for email in &fields.emails {
        key(Kind::Email, &[email.as_bytes()]);
    }
}

/// The keys by which somebody is looked for: their own, and the birth date with day and month swapped.
pub(crate) fn asked(fields: &Fields<'_>) -> Vec<Key> {
    let mut keys: Vec<Key> = Vec::with_capacity(16);
    each(fields, |key| keys.push(key));
    let swapped = fields.birth_date.filter(|date| date.is_whole() && date.day <= 12 && date.day != date.month);
    if let Some(date) = swapped {
        let born = [&date.year.to_le_bytes()[..], &[date.day, date.month]];
        keys.push(Key { kind: Kind::Born, digest: digest(Kind::Born, &born) });
    }
    keys.sort_unstable_by_key(|key| key.digest);
    keys.dedup_by_key(|key| key.digest);
    keys
}

fn initial(name: &str) -> &[u8] {
    let end = name.chars().next().map_or(0, char::len_utf8);
    &name.as_bytes()[..end]
}

/// FNV-1a with the last mix of MurmurHash3: the same in every build, since it stands in snapshots.
fn digest(kind: Kind, parts: &[&[u8]]) -> u64 {
    hash(std::iter::once(&[kind as u8][..]).chain(parts.iter().copied()))
}

/// The same over any bytes.
pub(super) fn hash<'a>(parts: impl Iterator<Item = &'a [u8]>) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for byte in parts.flatten() {
        hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    }
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    hash ^ (hash >> 33)
}

/// How a name sounds: Soundex, in place. Here and not from a library because it is asked some twenty million times when a region is
/// loaded, and nothing else is wanted of it. A letter that is not Latin sounds like itself.
fn sound(name: &str) -> [u8; 4] {
    let mut out = [b'0'; 4];
    let mut chars = name.chars();
    let Some(first) = chars.next() else { return out };
    if !first.is_ascii_alphabetic() {
        return (hash(std::iter::once(name.as_bytes())) as u32).to_le_bytes();
    }
    out[0] = first.to_ascii_uppercase() as u8;
    let (mut length, mut last) = (1, class(first));
    for letter in chars {
        let class = class(letter);
        if class > b'0' && class != last {
            out[length] = class;
            length += 1;
            if length == 4 {
                break;
            }
        }
        if !matches!(letter, 'h' | 'w') {
            last = class;
        }
    }
    out
}

fn class(letter: char) -> u8 {
    match letter.to_ascii_lowercase() {
        'b' | 'f' | 'p' | 'v' => b'1',
        'c' | 'g' | 'j' | 'k' | 'q' | 's' | 'x' | 'z' => b'2',
        'd' | 't' => b'3',
        'l' => b'4',
        'm' | 'n' => b'5',
        'r' => b'6',
        _ => b'0',
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_sound_alike_meet() {
        let table = [
            ("robert", *b"R163"),
            ("rupert", *b"R163"),
            ("ashcraft", *b"A261"),
            ("tymczak", *b"T522"),
            ("pfister", *b"P236"),
            ("mohammed", *b"M530"),
            ("muhammad", *b"M530"),
            ("lee", *b"L000"),
        ];
        for (name, expected) in table {
            assert_eq!(sound(name), expected, "{name}");
        }
        assert_ne!(sound("李"), sound("王"));
    }
}
