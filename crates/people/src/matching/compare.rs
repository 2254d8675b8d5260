//! How far two people agree, field by field.

use std::hash::{Hash, Hasher};

use rustc_hash::FxHasher;

use super::Fields;
use super::names;
use super::text::{edits, likeness, overlap, skeleton};
use crate::BirthDate;

/// What is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Field {
    /// Given names: the first against the first, or against the other's middle or family name.
    Given,
    /// Family names.
    Family,
    /// Middle names.
    Middle,
    /// The birth date.
    Birth,
    /// Administrative gender.
    Sex,
    /// House, street, town and postcode as one.
    Address,
    /// Telephone numbers.
    Phone,
    /// E-mail addresses.
    Email,
    /// The registered practice.
    Practice,
    /// The NHS number.
    Number,
}

impl Field {
    /// All of them, in their order.
    pub const ALL: [Field; 10] = [
        Field::Given,
        Field::Family,
        Field::Middle,
        Field::Birth,
        Field::Sex,
        Field::Address,
        Field::Phone,
        Field::Email,
        Field::Practice,
        Field::Number,
    ];

    /// Its name in files and explanations.
    pub fn name(self) -> &'static str {
        match self {
            Field::Given => "given name",
            Field::Family => "family name",
            Field::Middle => "middle name",
            Field::Birth => "birth date",
            Field::Sex => "sex",
            Field::Address => "address",
            Field::Phone => "phone",
            Field::Email => "e-mail",
            Field::Practice => "practice",
            Field::Number => "NHS number",
        }
    }
}

/// How far two values of a field agree. The later, the more; of several names or addresses the best counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Level {
    /// One side says nothing.
    Unknown,
    /// They differ.
    Different,
    /// Postcodes of one district, or one town where nothing finer is known.
    District,
    /// Alike, and no more: two slips, the start of a name.
    Distant,
    /// One is the initial of the other.
    Initial,
    /// They sound alike.
    Sounds,
    /// The year agrees, and one is the first of January, or no more is known.
    Year,
    /// One slip apart.
    Near,
    /// The same postcode, another house or none known.
    Postcode,
    /// One is a part of the other, as in a double-barrelled name.
    Part,
    /// The other's middle name.
    Middle,
    /// A short form, a pet name or another spelling.
    Variant,
    /// The same house and street, the postcode unknown or another.
    House,
    /// Given with family name, or day with month, exchanged.
    Swapped,
    /// The same.
    Same,
}

impl Level {
    /// How many there are.
    pub const COUNT: usize = Level::Same as usize + 1;

    /// All of them, in their order.
    pub const ALL: [Level; Level::COUNT] = [
        Level::Unknown,
        Level::Different,
        Level::District,
        Level::Distant,
        Level::Initial,
        Level::Sounds,
        Level::Year,
        Level::Near,
        Level::Postcode,
        Level::Part,
        Level::Middle,
        Level::Variant,
        Level::House,
        Level::Swapped,
        Level::Same,
    ];

    /// Its name in files and explanations.
    pub fn name(self) -> &'static str {
        match self {
            Level::Unknown => "unknown",
            Level::Different => "different",
            Level::District => "district",
            Level::Distant => "distant",
            Level::Initial => "initial",
            Level::Sounds => "sounds",
            Level::Year => "year",
            Level::Near => "near",
            Level::Postcode => "postcode",
            Level::Part => "part",
            Level::Middle => "middle",
            Level::Variant => "variant",
            Level::House => "house",
            Level::Swapped => "swapped",
            Level::Same => "same",
        }
    }
}

/// The agreement of two people in every field, and which value it is that they share (its hash; 0 for none), for how common it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pattern {
    levels: [Level; Field::ALL.len()],
    terms: [u64; Field::ALL.len()],
}

impl Pattern {
    /// Compares two people. It is symmetric and allocates nothing.
    pub fn of(a: &Fields<'_>, b: &Fields<'_>) -> Pattern {
        let mut pattern = Pattern { levels: [Level::Unknown; Field::ALL.len()], terms: [0; Field::ALL.len()] };
        pattern.names(a, b);
        pattern.set(Field::Middle, middles(a, b));
        pattern.set(Field::Birth, births(a.birth_date, b.birth_date));
        pattern.set(
            Field::Sex,
            match (a.sex, b.sex) {
                (Some(a), Some(b)) => (if a == b { Level::Same } else { Level::Different }, 0),
                _ => (Level::Unknown, 0),
            },
        );
        pattern.set(Field::Address, addresses(a, b));
        pattern.set(Field::Phone, best(&a.phones, &b.phones, phone));
        pattern.set(Field::Email, best(&a.emails, &b.emails, email));
        pattern.set(
            Field::Practice,
            match (a.practice, b.practice) {
                (Some(a), Some(b)) if a == b => (Level::Same, term(Field::Practice, a)),
                (Some(_), Some(_)) => (Level::Different, 0),
                _ => (Level::Unknown, 0),
            },
        );
        pattern.set(
            Field::Number,
            match (&a.number, &b.number) {
                (Some((a, _)), Some((b, _))) if a == b => (Level::Same, 0),
                (Some((a, _)), Some((b, _))) if edits(a.expose(), b.expose(), 1) <= 1 => (Level::Near, 0),
                (Some(_), Some(_)) => (Level::Different, 0),
                _ => (Level::Unknown, 0),
            },
        );
        pattern
    }

    /// The agreement in a field.
    pub fn level(&self, field: Field) -> Level {
        self.levels[field as usize]
    }

    /// The hash of the value that both share, or 0.
    pub(crate) fn term(&self, field: Field) -> u64 {
        self.terms[field as usize]
    }

    fn set(&mut self, field: Field, (level, term): (Level, u64)) {
        self.levels[field as usize] = level;
        self.terms[field as usize] = term;
    }

    fn names(&mut self, a: &Fields<'_>, b: &Fields<'_>) {
        let (mut given, mut family) = (best(&a.givens, &b.givens, given), best(&a.families, &b.families, family));
        if given.0 <= Level::Distant {
            let middle = middle_used(a, b).into_iter().chain(middle_used(b, a)).min();
            given = middle.map_or(given, |term| (Level::Middle, term));
        }
        if given.0 < Level::Near
            && family.0 < Level::Near
            && let Some((one, other)) = swapped(a, b)
        {
            (given, family) = ((Level::Swapped, one), (Level::Swapped, other));
        }
        self.set(Field::Given, given);
        self.set(Field::Family, family);
    }
}

/// What a value of a field is known by.
pub(crate) fn term(field: Field, value: &str) -> u64 {
    let mut hasher = FxHasher::default();
    (field as u8).hash(&mut hasher);
    value.hash(&mut hasher);
    hasher.finish() | 1
}

/// A house, by what it is known by.
pub(crate) fn house(postcode: &str, line: &str) -> u64 {
    term(Field::Address, postcode).rotate_left(17) ^ term(Field::Address, line) | 1
}

/// The best of all pairs.
fn best(a: &[&str], b: &[&str], compare: fn(&str, &str) -> (Level, u64)) -> (Level, u64) {
    let mut best = (Level::Unknown, 0);
    for a in a {
        for b in b {
            let found = compare(a, b);
            // Of equals the lower term, so that it is the same from either side.
            if found.0 > best.0 || found.0 == best.0 && found.1 < best.1 {
                best = found;
            }
        }
    }
    best
}

fn given(a: &str, b: &str) -> (Level, u64) {
    if names::is_placeholder(a) || names::is_placeholder(b) {
        return (Level::Unknown, 0);
    }
    if a == b {
        return if a.len() == 1 { (Level::Initial, 0) } else { (Level::Same, term(Field::Given, a)) };
    }
    let level = if a.len() == 1 || b.len() == 1 {
        if a.as_bytes().first() == b.as_bytes().first() { Level::Initial } else { Level::Different }
    } else if names::variants(a, b) {
        Level::Variant
    } else {
        spelt(a, b)
    };
    (level, 0)
}

fn family(a: &str, b: &str) -> (Level, u64) {
    if a == b {
        return (Level::Same, term(Field::Family, a));
    }
    let (short, long) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    let barrelled = short.len() >= 3 && long.len() >= short.len() + 3 && (long.starts_with(short) || long.ends_with(short));
    (if barrelled { Level::Part } else { spelt(a, b) }, 0)
}

/// Two spellings that are not the same.
fn spelt(a: &str, b: &str) -> Level {
    let (shortest, longest) = (a.len().min(b.len()), a.len().max(b.len()));
    let apart = edits(a, b, 2);
    if apart == 1 && longest >= 4 || apart == 2 && shortest >= 8 {
        return Level::Near;
    }
    let sound = skeleton(a);
    if sound.sounds() >= 3 && sound == skeleton(b) && likeness(a, b) >= 0.7 {
        return Level::Sounds;
    }
    let start = shortest >= 3 && (a.starts_with(b) || b.starts_with(a));
    if start || apart == 1 && longest >= 3 || likeness(a, b) >= 0.9 { Level::Distant } else { Level::Different }
}

fn middles(a: &Fields<'_>, b: &Fields<'_>) -> (Level, u64) {
    best(&a.middles, &b.middles, |a, b| {
        if a == b {
            return if a.len() == 1 { (Level::Initial, 0) } else { (Level::Same, term(Field::Given, a)) };
        }
        let near = |a: &str, b: &str| names::variants(a, b) || edits(a, b, 1) <= 1 && a.len().max(b.len()) >= 4;
        let level = match (a.len(), b.len()) {
            (1, _) | (_, 1) if a.as_bytes().first() == b.as_bytes().first() => Level::Initial,
            (1, _) | (_, 1) => Level::Different,
            _ if near(a, b) => Level::Near,
            _ => Level::Different,
        };
        (level, 0)
    })
}

/// Whether the one goes by a middle name of the other. A middle name of their own must then be one of the other's as well, else they are
/// rather a sister who bears the name.
fn middle_used(a: &Fields<'_>, b: &Fields<'_>) -> Option<u64> {
    let used = a.givens.iter().find(|given| given.len() > 1 && b.middles.contains(given))?;
    let initial = |one: &str, other: &str| (one.len() == 1 || other.len() == 1) && one.as_bytes().first() == other.as_bytes().first();
    let known = |middle: &&str| b.givens.iter().chain(&b.middles).any(|name| name == middle || initial(name, middle));
    (a.middles.is_empty() || a.middles.iter().any(known)).then(|| term(Field::Given, used))
}

/// Whether the one's given name is the other's family name and the other way round, with a slip at most in either; what they share.
fn swapped(a: &Fields<'_>, b: &Fields<'_>) -> Option<(u64, u64)> {
    let near = |a: &str, b: &str| a == b || a.len().max(b.len()) >= 4 && edits(a, b, 1) <= 1;
    let (one, other) = (*a.givens.first()?, *a.families.first()?);
    let (given, family) = (*b.givens.first()?, *b.families.first()?);
    let exchanged = near(one, family) && near(other, given) && one.len() > 1 && given.len() > 1;
    // Which of the two is the right way round nobody knows: both terms are made alike from either side.
    let (low, high) = if one <= other { (one, other) } else { (other, one) };
    exchanged.then(|| if one == family && other == given { (term(Field::Given, low), term(Field::Family, high)) } else { (0, 0) })
}

fn births(a: Option<BirthDate>, b: Option<BirthDate>) -> (Level, u64) {
    let (Some(a), Some(b)) = (a, b) else { return (Level::Unknown, 0) };
    let year_slip = || edits_of_dates(a, b) <= 1;
    if !a.is_whole() || !b.is_whole() {
        let known = a.year == b.year && (a.month == b.month || a.month == 0 || b.month == 0);
        return (if known { Level::Year } else { Level::Different }, 0);
    }
    let level = if a == b {
        return (Level::Same, date_term(a));
    } else if a.year == b.year && a.month == b.day && a.day == b.month {
        Level::Swapped
    } else if year_slip() || a.year.abs_diff(b.year) == 1 && (a.month, a.day) == (b.month, b.day) {
        Level::Near
    } else if a.year == b.year && ((a.month, a.day) == (1, 1) || (b.month, b.day) == (1, 1)) {
        Level::Year
    } else if edits_of_dates(a, b) <= 2 {
        Level::Distant
    } else {
        Level::Different
    };
    (level, 0)
}

pub(crate) fn date_term(date: BirthDate) -> u64 {
    (u64::from(date.year) << 16 | u64::from(date.month) << 8 | u64::from(date.day)) << 8 | 1
}

/// How many digits, or pairs of neighbours, differ in two dates.
fn edits_of_dates(a: BirthDate, b: BirthDate) -> usize {
    let digits = |date: BirthDate| {
        let (y, m, d) = (date.year, u16::from(date.month), u16::from(date.day));
        [y / 1000 % 10, y / 100 % 10, y / 10 % 10, y % 10, m / 10, m % 10, d / 10, d % 10].map(|digit| b'0' + digit as u8)
    };
    let (a, b) = (digits(a), digits(b));
    match (std::str::from_utf8(&a), std::str::from_utf8(&b)) {
        (Ok(a), Ok(b)) => edits(a, b, 2),
        _ => 3, // Digits are ASCII.
    }
}

fn phone(a: &str, b: &str) -> (Level, u64) {
    if a == b {
        return (Level::Same, term(Field::Phone, a));
    }
    (if edits(a, b, 1) <= 1 { Level::Near } else { Level::Different }, 0)
}

fn email(a: &str, b: &str) -> (Level, u64) {
    if a == b {
        return (Level::Same, term(Field::Email, a));
    }
    let user = |text: &str| text.split('@').next().map_or(0, str::len);
    let near = edits(a, b, 2) <= 2 || user(a) >= 5 && a.get(..user(a)) == b.get(..user(b));
    (if near { Level::Near } else { Level::Different }, 0)
}

fn postcode(a: &str, b: &str) -> (Level, u64) {
    if a == b {
        return (Level::Same, term(Field::Address, a));
    }
    let outward = |text: &str| if text.len() > 4 { text.len() - 3 } else { text.len() };
    let level = if edits(a, b, 1) <= 1 {
        Level::Near
    } else if a.get(..outward(a)) == b.get(..outward(b)) {
        Level::District
    } else {
        Level::Different
    };
    (level, 0)
}

fn line(a: &str, b: &str) -> (Level, u64) {
    if a == b {
        return (Level::Same, term(Field::Address, a));
    }
    let alike = edits(a, b, 2) <= 2 || overlap(a, b) >= 0.7;
    let level = match (alike, houses(a) == houses(b)) {
        (true, true) => Level::Near,
        (true, false) => Level::Distant,
        (false, _) => Level::Different,
    };
    (level, 0)
}

/// The numbers of house and flat: neighbours differ in nothing else.
fn houses(line: &str) -> u64 {
    let digits = line.bytes().filter(u8::is_ascii_digit);
    digits.fold(0, |number, digit| number.wrapping_mul(10).wrapping_add(u64::from(digit - b'0')))
}

fn addresses(a: &Fields<'_>, b: &Fields<'_>) -> (Level, u64) {
    let (code, code_term) = best(&a.postcodes, &b.postcodes, postcode);
    let (street, street_term) = best(&a.lines, &b.lines, line);
    let town = || best(&a.towns, &b.towns, town).0;
    match (code, street) {
        (Level::Same, Level::Same) => (Level::Same, code_term.rotate_left(17) ^ street_term | 1),
        (Level::Same | Level::Near, Level::Same | Level::Near) => (Level::Near, 0),
        (_, Level::Same) => (Level::House, street_term),
        (Level::Same | Level::Near, Level::Distant) | (Level::Unknown | Level::District, Level::Near) => (Level::Distant, 0),
        (Level::Same, _) => (Level::Postcode, code_term),
        (Level::Different, Level::Near) if town() == Level::Same => (Level::Distant, 0),
        (Level::Unknown, _) => match town() {
            Level::Unknown => (if street == Level::Distant { Level::District } else { street }, 0),
            Level::Same => (Level::District, 0),
            _ => (Level::Different, 0),
        },
        (Level::Near | Level::District, _) | (_, Level::Near) => (Level::District, 0),
        _ => (Level::Different, 0),
    }
}

fn town(a: &str, b: &str) -> (Level, u64) {
    (if a == b || edits(a, b, 2) <= 2 { Level::Same } else { Level::Different }, 0)
}
