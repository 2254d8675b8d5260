//! People, entries and askers that nobody is.

use access::Admission;
use jiff::Timestamp;
use people::{Entry, EntryKey, Person};
use record::{
    Address, Ask, BirthDate, Caller, ClaimedNumber, Demographics, Name, NameUse, NhsNumber, NumberStatus, Organisation, PersonId, Question,
    Sex, UserId,
};

/// The synthetic number of a seed: 999 and six digits, with its check digit; some seeds have none.
pub fn number(seed: u32) -> NhsNumber {
    (seed..).find_map(|seed| (0..10).find_map(|check| format!("999{:06}{check}", seed % 1_000_000).parse().ok())).unwrap()
}

pub fn person(id: &str) -> PersonId {
    id.parse().unwrap()
}

pub fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_795_424_400 + second).unwrap()
}

pub fn key(source: &str, local_id: &str) -> EntryKey {
    EntryKey { source: source.parse().unwrap(), local_id: local_id.to_owned() }
}

/// Who somebody is, as a source says it; `salt` makes it another's.
pub fn said(salt: u32) -> Demographics {
    let birth_date = BirthDate { year: 1930 + (salt % 90) as u16, month: 1 + (salt % 12) as u8, day: 1 + (salt % 28) as u8 };
    Demographics {
        number: Some(ClaimedNumber { value: number(salt).expose().to_owned(), status: NumberStatus::Verified }),
        names: vec![Name { family: format!("Zzexample-{salt}"), given: vec!["Añn".into(), "\"B\"".into()], used: NameUse::Current }],
        birth_date: Some(birth_date),
        sex: Some(Sex::Female),
        addresses: vec![Address {
            line: format!("{salt} Example Street"),
            town: "Walsall".into(),
            postcode: "WS1 1AA".into(),
            used: NameUse::Old,
        }],
        phones: vec!["07700 900123".into()],
        emails: Vec::new(),
        practice: Some("M85001".into()),
    }
}

pub fn entry(source: &str, local_id: &str, salt: u32) -> Entry {
    Entry {
        key: key(source, local_id),
        provider: salt.is_multiple_of(2).then(|| "RRK".parse().unwrap()),
        demographics: said(salt),
        restricted: salt.is_multiple_of(7),
        seen: at(i64::from(salt)),
    }
}

pub fn somebody(id: &str, number: Option<NhsNumber>) -> Person {
    Person {
        id: person(id),
        number,
        superseded: Vec::new(),
        restricted: false,
        died: None,
        investigated: false,
        cut: false,
        entries: Vec::new(),
    }
}

pub fn user(subject: &str) -> UserId {
    UserId { issuer: "https://login.example".into(), subject: subject.into() }
}

/// Leave to look for a person.
pub fn admission(number: NhsNumber) -> Admission {
    let caller = Caller {
        user: user("u-1"),
        name: "Dr A Example".into(),
        sds_user_id: None,
        sds_role_profile_id: None,
        human: true,
        organisation: Organisation { code: "RRK".parse().unwrap(), name: "Example".into() },
        roles: vec!["R8000".into()],
        activities: ["B0264", "B0360", "B0370", "B0401"].map(String::from).to_vec(),
        purposes: vec!["TREAT".into()],
        scopes: vec!["user/*.rs".into()],
        launch_patient: None,
        device: None,
        client: None,
        token_id: None,
    };
    let question = Question::Find(number);
    let ask = Ask { request: "q".parse().unwrap(), caller, question, hops: Vec::new(), wait: None };
    access::admit(&access::Rules::shipped(), &ask, jiff::Timestamp::UNIX_EPOCH).unwrap()
}
