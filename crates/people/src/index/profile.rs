//! What one or several entries of a person say of them, packed: the first saying whole, the others as far as they differ from it.

use record::{BirthDate, NhsNumber, NumberStatus, Sex};
use smallvec::SmallVec;

use super::bytes::{Cursor, varint};
use crate::matching::Fields;

/// How many lists of texts there are: family, given and middle names, postcodes, lines, towns, phones, e-mail addresses, practice.
const LISTS: usize = 9;
const NUMBER: u32 = 1;
const BORN: u32 = 2;
const SEX: u32 = 4;
const FIRST_LIST: u32 = 8;

pub(super) type List<T> = SmallVec<[T; 2]>;

/// One saying. Texts are of whatever kind there is at hand: borrowed, or codes.
#[derive(Clone, PartialEq)]
pub(super) struct Profile<T> {
    /// Nine digits, and whether it is verified.
    number: Option<(u32, bool)>,
    /// Year, month and day in 12, 4 and 5 bits; 0 for none.
    born: u32,
    sex: u8,
    lists: [List<T>; LISTS],
}

impl<T> Default for Profile<T> {
    fn default() -> Profile<T> {
        Profile { number: None, born: 0, sex: 0, lists: Default::default() }
    }
}

/// The nine digits that make a number; the tenth follows from them.
pub(super) fn nine(number: &NhsNumber) -> u32 {
    number.expose().bytes().take(9).fold(0, |sum, digit| sum * 10 + u32::from(digit - b'0'))
}

/// The number of nine digits.
pub(super) fn number(nine: u32) -> Option<NhsNumber> {
    let mut digits = [b'0'; 10];
    let mut rest = nine;
    let mut sum = 0;
    for place in (0..9).rev() {
        digits[place] = b'0' + (rest % 10) as u8;
        sum += (rest % 10) * (10 - place as u32);
        rest /= 10;
    }
    digits[9] = b'0' + ((11 - sum % 11) % 11) as u8;
    std::str::from_utf8(&digits).ok()?.parse().ok()
}

impl<T> Profile<T> {
    /// Packs what is compared, each text made into what is kept by `make`.
    pub(super) fn of<'a>(fields: &Fields<'a>, mut make: impl FnMut(&'a str) -> T) -> Profile<T> {
        let mut list = |texts: &[&'a str]| texts.iter().map(|text| make(text)).collect::<List<T>>();
        Profile {
            number: fields.number.map(|(number, status)| (nine(&number), status == NumberStatus::Verified)),
            born: fields.birth_date.map_or(0, |date| u32::from(date.year) << 9 | u32::from(date.month) << 5 | u32::from(date.day)),
            sex: fields.sex.map_or(0, |sex| sex as u8 + 1),
            lists: [
                list(&fields.families),
                list(&fields.givens),
                list(&fields.middles),
                list(&fields.postcodes),
                list(&fields.lines),
                list(&fields.towns),
                list(&fields.phones),
                list(&fields.emails),
                list(fields.practice.as_slice()),
            ],
        }
    }

    /// Writes as much of it as differs from the first; `text` writes one text and whether another follows.
    pub(super) fn write(&self, first: &Profile<T>, stands: Option<u32>, out: &mut Vec<u8>, mut text: impl FnMut(&T, bool, &mut Vec<u8>))
    where
        T: PartialEq,
    {
        let mut mask = 0;
        let mut differs = |bit: u32, differs: bool| mask |= if differs { bit } else { 0 };
        differs(NUMBER, self.number != first.number);
        differs(BORN, self.born != first.born);
        differs(SEX, self.sex != first.sex);
        for (place, (list, other)) in self.lists.iter().zip(&first.lists).enumerate() {
            differs(FIRST_LIST << place, list != other);
        }
        varint(out, mask);
        if mask & NUMBER != 0 {
            write_number(self.number, stands, out);
        }
        if mask & BORN != 0 {
            varint(out, self.born);
        }
        if mask & SEX != 0 {
            out.push(self.sex);
        }
        for (_, list) in self.lists.iter().enumerate().filter(|(place, _)| mask & (FIRST_LIST << place) != 0) {
            if list.is_empty() {
                out.extend([0, 0]); // A text by itself, of no length: no list holds one.
            }
            for (at, item) in list.iter().enumerate() {
                text(item, at + 1 < list.len(), out);
            }
        }
    }

    /// Reads what was written; `text` reads one text and whether another follows.
    pub(super) fn read<'a>(
        first: &Profile<T>,
        stands: Option<u32>,
        from: &mut Cursor<'a>,
        mut text: impl FnMut(&mut Cursor<'a>) -> (Option<T>, bool),
    ) -> Profile<T>
    where
        T: Clone,
    {
        let mut profile = first.clone();
        let mask = from.varint();
        if mask & NUMBER != 0 {
            profile.number = read_number(stands, from);
        }
        if mask & BORN != 0 {
            profile.born = from.varint();
        }
        if mask & SEX != 0 {
            profile.sex = from.byte();
        }
        for (_, list) in profile.lists.iter_mut().enumerate().filter(|(place, _)| mask & (FIRST_LIST << place) != 0) {
            list.clear();
            loop {
                let (item, more) = text(from);
                list.extend(item);
                if !more {
                    break;
                }
            }
        }
        profile
    }
}

/// Most entries give the number that stands: one byte says so.
fn write_number(number: Option<(u32, bool)>, stands: Option<u32>, out: &mut Vec<u8>) {
    match number {
        None => out.push(0),
        Some((nine, verified)) if Some(nine) == stands => out.push(1 + u8::from(verified)),
        Some((nine, verified)) => {
            out.push(3 + u8::from(verified));
            out.extend(nine.to_le_bytes());
        }
    }
}

fn read_number(stands: Option<u32>, from: &mut Cursor<'_>) -> Option<(u32, bool)> {
    match from.byte() {
        0 => None,
        1 => stands.map(|nine| (nine, false)),
        2 => stands.map(|nine| (nine, true)),
        code => Some((from.whole(), code == 4)),
    }
}

impl<'a> Profile<&'a str> {
    /// Lent for comparing.
    pub(super) fn fields(self) -> Fields<'a> {
        let [families, givens, middles, postcodes, lines, towns, phones, emails, practice] = self.lists;
        let status = |verified| if verified { NumberStatus::Verified } else { NumberStatus::Unverified };
        let born = BirthDate { year: (self.born >> 9) as u16, month: (self.born >> 5 & 15) as u8, day: (self.born & 31) as u8 };
        Fields {
            number: self.number.and_then(|(nine, verified)| Some((number(nine)?, status(verified)))),
            families,
            givens,
            middles,
            birth_date: (self.born != 0).then_some(born),
            sex: [Sex::Female, Sex::Male, Sex::Other].into_iter().find(|sex| *sex as u8 + 1 == self.sex),
            postcodes,
            lines,
            towns,
            phones,
            emails,
            practice: practice.first().copied(),
        }
    }
}
