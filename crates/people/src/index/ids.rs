//! Persons' ids in order.

use std::cmp::Ordering;

use record::PersonId;

use super::dictionary::Dictionary;

/// Ids in order. Random ids take sixteen bytes; where one of them is of another form, all are kept as they are written.
pub(super) enum Ids {
    Texts(Dictionary),
    Uuids(Vec<[u8; 16]>),
}

impl Default for Ids {
    fn default() -> Ids {
        Ids::Uuids(Vec::new())
    }
}

impl Ids {
    pub(super) fn count(&self) -> usize {
        match self {
            Ids::Texts(texts) => texts.count(),
            Ids::Uuids(uuids) => uuids.len(),
        }
    }

    /// Adds one that comes after all others.
    pub(super) fn push(&mut self, id: &PersonId) {
        if let (Ids::Uuids(uuids), None) = (&self, uuid(id.as_str())) {
            let mut texts = Dictionary::default();
            for uuid in uuids {
                texts.add(&written(uuid));
            }
            *self = Ids::Texts(texts);
        }
        match self {
            Ids::Texts(texts) => {
                texts.add(id.as_str());
            }
            Ids::Uuids(uuids) => uuids.extend(uuid(id.as_str())),
        }
    }

    pub(super) fn shrink(&mut self) {
        match self {
            Ids::Texts(texts) => {
                texts.arena.shrink_to_fit();
                texts.ends.shrink_to_fit();
            }
            Ids::Uuids(uuids) => uuids.shrink_to_fit(),
        }
    }

    pub(super) fn id(&self, ordinal: u32) -> Option<PersonId> {
        match self {
            Ids::Texts(texts) => texts.text(ordinal).parse().ok(),
            Ids::Uuids(uuids) => written(uuids.get(ordinal as usize)?).parse().ok(),
        }
    }

    /// Where an id stands.
    pub(super) fn find(&self, id: &PersonId) -> Option<u32> {
        let (mut low, mut high) = (0, self.count() as u32);
        let wanted = uuid(id.as_str());
        while low < high {
            let middle = low + (high - low) / 2;
            match self.compare(middle, id, wanted.as_ref()) {
                Ordering::Equal => return Some(middle),
                Ordering::Greater => high = middle,
                Ordering::Less => low = middle + 1,
            }
        }
        None
    }

    fn compare(&self, ordinal: u32, id: &PersonId, wanted: Option<&[u8; 16]>) -> Ordering {
        match (self, wanted) {
            (Ids::Texts(texts), _) => texts.text(ordinal).cmp(id.as_str()),
            (Ids::Uuids(uuids), Some(wanted)) => uuids[ordinal as usize].cmp(wanted),
            (Ids::Uuids(uuids), None) => written(&uuids[ordinal as usize]).as_str().cmp(id.as_str()),
        }
    }

    pub(super) fn first(&self) -> Option<PersonId> {
        if self.count() == 0 { None } else { self.id(0) }
    }
}

/// The bytes of a UUID that is written as we write them; its order is then that of its text.
fn uuid(text: &str) -> Option<[u8; 16]> {
    let bytes = text.as_bytes();
    if bytes.len() != 36 {
        return None;
    }
    let mut out = [0; 16];
    let mut digits = 0;
    for (at, byte) in bytes.iter().enumerate() {
        let value = match byte {
            b'-' if matches!(at, 8 | 13 | 18 | 23) => continue,
            _ if matches!(at, 8 | 13 | 18 | 23) => return None,
            b'0'..=b'9' => byte - b'0',
            b'a'..=b'f' => byte - b'a' + 10,
            _ => return None,
        };
        out[digits / 2] = out[digits / 2] << 4 | value;
        digits += 1;
    }
    Some(out)
}

fn written(uuid: &[u8; 16]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut out = String::with_capacity(36);
    for (at, byte) in uuid.iter().enumerate() {
        if matches!(at, 4 | 6 | 8 | 10) {
            out.push('-');
        }
        out.push(char::from(DIGITS[usize::from(byte >> 4)]));
        out.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_any_form_are_found_where_they_stand() {
        let uuids = ["0a0b0c0d-0000-4000-8000-0123456789ab", "6f9619ff-8b86-4011-b42d-00c04fc964ff"];
        let mixed = ["0a0b0c0d-0000-4000-8000-0123456789ab", "6F9619FF-8B86-4011-B42D-00C04FC964FF", "p1"];
        for list in [&uuids[..], &mixed[..]] {
            let mut ids = Ids::default();
            list.iter().for_each(|id| ids.push(&id.parse().unwrap()));
            for (at, id) in list.iter().enumerate() {
                let id: PersonId = id.parse().unwrap();
                assert_eq!((ids.find(&id), ids.id(at as u32)), (Some(at as u32), Some(id)));
            }
            assert_eq!(ids.find(&"p0".parse().unwrap()), None);
        }
    }
}
