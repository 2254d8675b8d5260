//! The rules. Facts in, findings out, each with the facts that made it; no finding quotes a name, a number or an address.

use jiff::Timestamp;
use people::{Demographics, Person};
use record::NhsNumber;

use super::Staff;

/// When a rule fires.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// People that one user may ask about in an hour before it is looked at.
    pub people_hour_max: u64,
    /// The same in a day.
    pub people_day_max: u64,
    /// Days after a death from which on a read is looked at.
    pub deceased_days: u64,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { people_hour_max: 60, people_day_max: 300, deceased_days: 365 }
    }
}

/// What is known of a read.
#[derive(Clone, Copy)]
pub struct Facts<'a> {
    /// The reader, where the staff list has them.
    pub staff: Option<&'a Staff>,
    /// The person's number.
    pub number: Option<NhsNumber>,
    /// Who the sources say that the person is.
    pub person: Option<&'a Person>,
    /// Whether the watch list has them.
    pub watched: bool,
    /// How many people the reader asked about in the last hour.
    pub people_in_an_hour: u64,
    /// The same in the last day.
    pub people_in_a_day: u64,
    /// Now.
    pub now: Timestamp,
}

/// What a rule found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fired {
    /// The rule.
    pub rule: &'static str,
    /// The facts that made it fire.
    pub reason: String,
    /// Whether it is about this person, and not about all whom the reader asked about.
    pub of_one_person: bool,
    /// Whether it counts by the hour.
    pub by_the_hour: bool,
}

/// Which rules fire.
pub fn fired(facts: &Facts<'_>, limits: &Limits) -> Vec<Fired> {
    let one = |rule, reason: String| Fired { rule, reason, of_one_person: true, by_the_hour: false };
    let mut all = Vec::new();
    match related(facts) {
        Some(Related::OneNumber) => {
            all.push(one("monitoring.own-record", "the staff list has the person's NHS number as the reader's own".to_owned()));
        }
        Some(Related::OneName) => {
            let reason = "the staff list has the reader with the person's family name, first name and date of birth";
            all.push(one("monitoring.own-record", reason.to_owned()));
        }
        Some(Related::Household) => {
            let reason = "the staff list has the reader with the person's family name and postcode";
            all.push(one("monitoring.same-household", reason.to_owned()));
        }
        None => {}
    }
    if died_before(facts, limits.deceased_days) {
        all.push(one("monitoring.deceased", format!("the person died more than {} days before", limits.deceased_days)));
    }
    if facts.watched {
        all.push(one("monitoring.watch-list", "the person is on the watch list".to_owned()));
    }
    let many = |rule, count, span, limit, by_the_hour| Fired {
        rule,
        reason: format!("the reader asked about {count} people in {span}; {limit} are not looked at"),
        of_one_person: false,
        by_the_hour,
    };
    if facts.people_in_an_hour > limits.people_hour_max {
        all.push(many("monitoring.volume-hour", facts.people_in_an_hour, "an hour", limits.people_hour_max, true));
    }
    if facts.people_in_a_day > limits.people_day_max {
        all.push(many("monitoring.volume-day", facts.people_in_a_day, "a day", limits.people_day_max, false));
    }
    all
}

/// How a reader and a person seem to belong together.
enum Related {
    Household,
    OneName,
    OneNumber,
}

fn related(facts: &Facts<'_>) -> Option<Related> {
    let staff = facts.staff?;
    if staff.number.is_some() && staff.number == facts.number {
        return Some(Related::OneNumber);
    }
    let said = || facts.person.into_iter().flat_map(|person| &person.entries).map(|entry| &entry.demographics);
    if staff.birth_date.is_some() && said().any(|said| said.birth_date == staff.birth_date && named(said, staff, true)) {
        return Some(Related::OneName);
    }
    said().any(|said| lives(said, &staff.postcode) && named(said, staff, false)).then_some(Related::Household)
}

fn named(said: &Demographics, staff: &Staff, given_too: bool) -> bool {
    let same = |one: &str, other: &str| !one.trim().is_empty() && one.trim().to_lowercase() == other.trim().to_lowercase();
    said.names.iter().any(|name| {
        let given = || name.given.first().is_some_and(|given| same(given, &staff.given_name));
        same(&name.family, &staff.family_name) && (!given_too || given())
    })
}

fn lives(said: &Demographics, postcode: &str) -> bool {
    let plain = |code: &str| code.chars().filter(|c| c.is_alphanumeric()).collect::<String>().to_uppercase();
    let own = plain(postcode);
    !own.is_empty() && said.addresses.iter().any(|address| plain(&address.postcode) == own)
}

/// A date of death may be a year or a month only: then its end counts.
fn died_before(facts: &Facts<'_>, days: u64) -> bool {
    let Some(died) = facts.person.and_then(|person| person.died.as_deref()) else { return false };
    let last = match died.len() {
        4 => format!("{died}-12-31"),
        7 => format!("{died}-28"),
        _ => died.get(..10).unwrap_or_default().to_owned(),
    };
    let Ok(last) = last.parse::<jiff::civil::Date>() else { return false };
    let today = facts.now.to_zoned(jiff::tz::TimeZone::UTC).date();
    let gone = last.until(today).map_or(0, |span| i64::from(span.get_days()));
    gone > i64::try_from(days).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use people::{Entry, EntryKey};
    use record::{Address, Name};

    use super::*;

    fn staff() -> Staff {
        Staff {
            number: "9990000018".parse().ok(),
            family_name: "Hartley".into(),
            given_name: "Margaret".into(),
            birth_date: "1948-06-02".parse().ok(),
            postcode: "DY1 4SE".into(),
        }
    }

    fn patient(family: &str, given: &str, born: &str, postcode: &str) -> Person {
        let name = Name { family: family.into(), given: vec![given.into()], ..Name::default() };
        let address = Address { postcode: postcode.into(), ..Address::default() };
        let demographics =
            Demographics { names: vec![name], birth_date: born.parse().ok(), addresses: vec![address], ..Demographics::default() };
        let key = EntryKey { source: "gp".parse().unwrap(), local_id: "1".into() };
        Person {
            id: "p".parse().unwrap(),
            number: None,
            superseded: Vec::new(),
            restricted: false,
            died: None,
            investigated: false,
            cut: false,
            entries: vec![Entry { key, provider: None, demographics, restricted: false, seen: Timestamp::UNIX_EPOCH }],
        }
    }

    fn check(staff: Option<Staff>, person: Person, change: impl FnOnce(&mut Facts<'_>), expected: &[&str]) {
        let number = "9990000026".parse().ok();
        let now = "2026-11-23T09:00:00Z".parse().unwrap();
        let mut facts = Facts {
            staff: staff.as_ref(),
            number,
            person: Some(&person),
            watched: false,
            people_in_an_hour: 60,
            people_in_a_day: 300,
            now,
        };
        change(&mut facts);
        let found = fired(&facts, &Limits::default());
        assert_eq!(found.iter().map(|fired| fired.rule).collect::<Vec<_>>(), expected);
        let text = format!("{found:?}");
        for secret in ["Hartley", "Margaret", "1948", "DY1", "9990000"] {
            assert!(!text.contains(secret), "{text}");
        }
    }

    #[test]
    fn a_rule_fires_on_the_facts_it_names_and_on_no_others() {
        let other = || patient("Booth", "Joan", "1950-02-03", "B15 2TH");
        check(Some(staff()), other(), |_| {}, &[]);
        check(None, patient("Hartley", "Margaret", "1948-06-02", "DY1 4SE"), |_| {}, &[]);
        check(Some(staff()), other(), |facts| facts.number = "9990000018".parse().ok(), &["monitoring.own-record"]);
        check(Some(Staff { number: None, ..staff() }), other(), |facts| facts.number = None, &[]);
        check(Some(staff()), patient("HARTLEY", "margaret", "1948-06-02", ""), |_| {}, &["monitoring.own-record"]);
        check(Some(staff()), patient("Hartley", "Tobias", "1981-11-23", "dy14se"), |_| {}, &["monitoring.same-household"]);
        check(Some(staff()), patient("Hartley", "Tobias", "1981-11-23", "DY1 4SF"), |_| {}, &[]);
        check(Some(staff()), patient("Booth", "Tobias", "1981-11-23", "DY1 4SE"), |_| {}, &[]);
        let unknown =
            Staff { family_name: String::new(), given_name: String::new(), postcode: String::new(), birth_date: None, number: None };
        check(Some(unknown), patient("", "", "", ""), |_| {}, &[]);
        check(None, other(), |facts| facts.watched = true, &["monitoring.watch-list"]);
        check(None, other(), |facts| facts.people_in_an_hour = 61, &["monitoring.volume-hour"]);
        check(None, other(), |facts| facts.people_in_a_day = 301, &["monitoring.volume-day"]);
        let died = |at: &str| Person { died: Some(at.into()), ..other() };
        check(None, died("2025-11-22"), |_| {}, &["monitoring.deceased"]);
        check(None, died("2025-11-23"), |_| {}, &[]);
        check(None, died("2024"), |_| {}, &["monitoring.deceased"]);
        check(None, died("2025"), |_| {}, &[]);
        check(None, died("1999-13"), |_| {}, &[]);
    }
}
