//! What a provider wrote down about somebody, as right and wrong as it is.

use super::citizen::{Born, Citizen, Sex};
use super::draw::Draw;
use super::places::ProviderKind as Kind;
use super::{names, number, places, providers};

/// One provider's entry of one person; texts are empty where it says nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The provider's own id of the person: it says nothing about them.
    pub local_id: String,
    /// The provider's ODS code.
    pub provider: &'static str,
    /// Who it is really about: the truth, which no matching may see.
    pub person: u64,
    /// The NHS number.
    pub nhs_number: String,
    /// Its verification status: `01` verified, `02` present but not traced, `07` none.
    pub nhs_status: &'static str,
    /// Family name.
    pub family_name: String,
    /// First given name.
    pub given_name: String,
    /// Middle name or initial.
    pub middle_name: String,
    /// Administrative gender.
    pub gender: &'static str,
    /// Birth date.
    pub birth_date: String,
    /// House and street.
    pub address_line: String,
    /// The town.
    pub town: String,
    /// The postcode.
    pub postcode: String,
    /// A telephone number.
    pub phone: String,
    /// The registered practice's ODS code.
    pub gp_practice: &'static str,
    /// Whether the person is marked as restricted there.
    pub restricted: bool,
    /// The day they were last seen there, as days before November 2026.
    pub seen_days_ago: u32,
}

/// At most so many entries has a person.
const ENTRIES_MAX: u64 = 16;

pub(super) fn entries(person: &Citizen) -> Vec<Entry> {
    let mut draw = Draw::of(person.population.seed, "entries", person.n);
    // Two in a thousand are restricted: a label of the national service, which a third of the providers do not know of.
    let restricted = draw.chance(20);
    let of_places = places(person, &mut draw);
    let entries = of_places.into_iter().enumerate().map(|(at, (provider, old))| {
        let mut entry = written(person, &mut draw, provider, old);
        entry.local_id = local_id(person, at as u64);
        entry.restricted = restricted && draw.chance(6700);
        entry
    });
    entries.collect()
}

/// What somebody types who looks for them: name, birth date, mostly the postcode, with errors as in entries; no number.
pub(super) fn asked(person: &Citizen, salt: u64) -> Entry {
    let mut draw = Draw::of(person.population.seed ^ salt, "asked", person.n);
    let mut entry = written(person, &mut draw, person.practice, false);
    for unsaid in [&mut entry.nhs_number, &mut entry.middle_name, &mut entry.phone, &mut entry.address_line, &mut entry.town] {
        unsaid.clear();
    }
    if draw.chance(1000) {
        entry.postcode.clear();
    }
    Entry { nhs_status: "07", gp_practice: "", ..entry }
}

/// Ids that no two entries share, in no order.
fn local_id(person: &Citizen, at: u64) -> String {
    const ROOM: u64 = 1_000_000_000;
    const STEP: u64 = 387_420_487; // Prime to the room.
    ((person.n * ENTRIES_MAX + at) % ROOM * STEP % ROOM + ROOM).to_string()
}

/// Who has an entry of them, and whether it is from before they moved, married or transitioned.
fn places(person: &Citizen, draw: &mut Draw) -> Vec<(usize, bool)> {
    let mut out = Vec::with_capacity(8);
    let mut add = |provider: usize, old: bool| {
        if out.iter().all(|(other, _)| *other != provider) {
            out.push((provider, old));
        }
    };
    if draw.chance(9800) {
        add(person.practice, false);
    }
    if let Some(former) = person.former_practice.filter(|_| draw.chance(7000)) {
        add(former, true);
    }
    let older = person.age() > 65;
    let often = |young: u64, old: u64| if older { old } else { young };
    for (kinds, chance) in [
        (&[Kind::Acute][..], often(5800, 8800)),
        (&[Kind::Acute], often(1200, 2500)),
        (&[Kind::Community], often(800, 4200)),
        (&[Kind::MentalHealth], 1000),
        (&[Kind::Ambulance], often(700, 3000)),
        (&[Kind::OutOfHours, Kind::WalkIn, Kind::Urgent], 3800),
        (&[Kind::Hospice, Kind::CareHome, Kind::PublicHealth], often(100, 700)),
    ] {
        if draw.chance(chance) {
            let old = draw.chance(3000);
            add(places::near(draw, person.practice, kinds), old);
        }
    }
    if out.is_empty() {
        out.push((person.practice, false));
    }
    out
}

fn written(person: &Citizen, draw: &mut Draw, provider: usize, old: bool) -> Entry {
    let practice = providers()[provider].kind == Kind::Practice;
    let (nhs_number, nhs_status) = number(person, draw, practice, old);
    let family = person.former_family.as_ref().filter(|_| old && draw.chance(7000)).unwrap_or(&person.family);
    let former = person.former_given.as_ref().filter(|_| old);
    let (given, sex) = former.map_or((person.given.as_str(), person.sex), |(given, sex)| (given, *sex));
    let address = person.former_address.as_ref().filter(|_| old || draw.chance(500)).unwrap_or(&person.address);
    let registered = if old { person.former_practice.unwrap_or(person.practice) } else { person.practice };
    let (mut family_name, mut given_name) = (name(draw, family), called(draw, person, given));
    if draw.chance(30) {
        std::mem::swap(&mut family_name, &mut given_name);
    }
    let family_name = if draw.chance(3000) { family_name.to_uppercase() } else { family_name };
    let middle_name = match draw.below(10) {
        0..3 => person.middle.clone(),
        3 => person.middle.chars().take(1).collect(),
        _ => String::new(),
    };
    let (line, postcode) = (line(draw, &address.line), postcode(draw, &address.postcode));
    let (home, own) = (&person.phones.0, &person.phones.1);
    let phone = if own.is_empty() || !home.is_empty() && draw.chance(3500) { home } else { own };
    Entry {
        local_id: String::new(),
        provider: providers()[provider].code,
        person: person.n,
        nhs_number,
        nhs_status,
        family_name,
        given_name,
        middle_name,
        gender: match sex {
            _ if draw.chance(30) => "unknown",
            Sex::Female => "female",
            Sex::Male => "male",
        },
        birth_date: birth_date(draw, person.born),
        address_line: line,
        town: address.town.clone(),
        postcode,
        phone: if draw.chance(1200) { String::new() } else { digits(draw, phone) },
        gp_practice: if !practice && draw.chance(900) { "" } else { providers()[registered].code },
        restricted: false,
        seen_days_ago: if old { 400 + draw.below(3000) as u32 } else { draw.below(700) as u32 },
    }
}

/// The number as it is written down: a practice traced nearly all of them.
fn number(person: &Citizen, draw: &mut Draw, practice: bool, old: bool) -> (String, &'static str) {
    let of = |n: u64| number::number(person.population.count(), n, false);
    if draw.chance(if practice { 30 } else { 800 }) {
        return (String::new(), "07");
    }
    // Three in ten thousand are somebody else's, mostly of the same household: and verified all the same.
    if draw.chance(3) {
        let stranger = draw.below(person.population.count());
        let other = if draw.chance(6000) { person.household.first().copied() } else { None };
        return (of(other.filter(|n| *n < person.population.count()).unwrap_or(stranger)), "01");
    }
    let before = if old { person.superseded.as_ref().or(person.cut.as_ref()) } else { None };
    let number = before.filter(|_| draw.chance(6000)).unwrap_or(&person.number).clone();
    match draw.below(1000) {
        _ if practice => (number, "01"),
        0..3 => (digits_wrong(draw, &number), "02"),
        3..40 => (number, "02"),
        _ => (number, "01"),
    }
}

/// Given names are shortened, or spelt another way; a newborn has none yet.
fn called(draw: &mut Draw, person: &Citizen, given: &str) -> String {
    match names::short(draw, given) {
        _ if person.age() < 2 && draw.chance(800) => if draw.chance(5000) { "Baby" } else { "Infant" }.to_owned(),
        Some(short) if draw.chance(900) => short.to_owned(),
        _ => name(draw, given),
    }
}

fn name(draw: &mut Draw, name: &str) -> String {
    match draw.below(1000) {
        0..14 => typo(draw, name),
        14..18 => name.split(['-', ' ']).next_back().unwrap_or_default().to_owned(),
        18..24 => name.replace(['\'', '-'], " "),
        _ => name.to_owned(),
    }
}

/// A letter left out, doubled, changed, or two of them swapped.
fn typo(draw: &mut Draw, text: &str) -> String {
    let mut letters: Vec<char> = text.chars().collect();
    if letters.len() < 3 {
        return text.to_owned();
    }
    let at = draw.between(1, letters.len() as u64 - 1) as usize;
    match draw.below(4) {
        0 => drop(letters.remove(at)),
        1 => letters.insert(at, letters[at]),
        2 => letters[at] = char::from(b'a' + draw.below(26) as u8),
        _ => letters.swap(at - 1, at),
    }
    letters.into_iter().collect()
}

fn digits_wrong(draw: &mut Draw, number: &str) -> String {
    let mut digits: Vec<u8> = number.bytes().collect();
    if digits.len() > 2 {
        let at = draw.between(1, digits.len() as u64 - 1) as usize;
        if draw.chance(5000) {
            digits.swap(at - 1, at);
        } else {
            digits[at] = b'0' + draw.below(10) as u8;
        }
    }
    String::from_utf8(digits).unwrap_or_default()
}

fn digits(draw: &mut Draw, phone: &str) -> String {
    match draw.below(100) {
        0 => digits_wrong(draw, phone),
        1..5 if phone.len() == 11 => format!("{} {}", &phone[..5], &phone[5..]),
        5..8 if phone.len() == 11 => format!("+44{}", &phone[1..]),
        _ => phone.to_owned(),
    }
}

fn line(draw: &mut Draw, line: &str) -> String {
    match draw.below(1000) {
        0..12 => typo(draw, line),
        12..60 => line.replace("Road", "Rd").replace("Street", "St").replace("Avenue", "Ave").replace("Close", "Cl").replace("Drive", "Dr"),
        60..66 => String::new(),
        _ => line.to_owned(),
    }
}

fn postcode(draw: &mut Draw, postcode: &str) -> String {
    match draw.below(1000) {
        0..12 => String::new(),
        12..22 => typo(draw, postcode).to_uppercase(),
        22..250 => postcode.replace(' ', ""),
        _ => postcode.to_owned(),
    }
}

/// Day and month swapped, a digit wrong, ten years off, the first of January, or nothing.
fn birth_date(draw: &mut Draw, born: Born) -> String {
    let wrong = match draw.below(10_000) {
        0..20 => return String::new(),
        20..45 if born.day <= 12 => Born { month: born.day, day: born.month, ..born },
        45..75 => Born { day: draw.between(1, 28) as u8, ..born },
        75..95 => Born { month: draw.between(1, 12) as u8, day: born.day.min(28), ..born },
        95..115 => Born { year: born.year + 1 - draw.below(3) as u16, day: born.day.min(28), ..born },
        115..123 => Born { year: if born.year > 1936 { born.year - 10 } else { born.year + 10 }, day: born.day.min(28), ..born },
        123..130 => Born { month: 1, day: 1, ..born },
        _ => born,
    };
    wrong.to_string()
}

impl Entry {
    /// An id of the whole entry, for telling entries apart in one file: no two of a population share it, and it says nothing of the person.
    pub fn rec_id(&self) -> String {
        format!("r{}", self.local_id)
    }

    /// The source's id, as the exchange's own rules would have it: the ODS code in small letters.
    pub fn source(&self) -> String {
        self.provider.to_ascii_lowercase()
    }
}
