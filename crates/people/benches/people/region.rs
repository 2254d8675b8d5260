//! The testbed's people as the index takes them.

use std::time::Duration;

use anyhow::{Context, Result};
use jiff::{SignedDuration, Timestamp};
use people::index::{Category, Holding};
use people::{Address, ClaimedNumber, Demographics, Entry, EntryKey, Name, NumberStatus, Person, Sex};
use record::PersonId;
use testbed::population::{Citizen, Entry as Written, Population, ProviderKind, providers};

pub const SEED: u64 = 2026;

pub fn population(count: u64) -> Population {
    Population::new(SEED, count)
}

/// Ids like random ones, but in the order of people, so that they come in the order in which a register would give them.
pub fn id(population: &Population, n: u64) -> PersonId {
    let step = u64::MAX / population.count();
    let high = n * step + n.wrapping_mul(0x9e37_79b9_7f4a_7c15) % step;
    let low = (n ^ SEED).wrapping_mul(0xd6e8_feb8_6659_fd93);
    let text =
        format!("{:08x}-{:04x}-{:04x}-{:04x}-{:012x}", high >> 32, high >> 16 & 0xffff, high & 0xffff, low >> 48, low & 0xffff_ffff_ffff);
    text.parse().expect("a UUID is a person's id")
}

/// A person with the entries that are really theirs.
pub fn person(population: &Population, citizen: &Citizen) -> Result<Person> {
    let entries: Vec<Written> = citizen.entries();
    Ok(Person {
        id: id(population, citizen.n),
        number: Some(citizen.number.parse().context("a number of the testbed")?),
        superseded: citizen.superseded.iter().map(|number| number.parse()).collect::<Result<_, _>>()?,
        cut: false,
        restricted: entries.iter().any(|entry| entry.restricted),
        died: None,
        investigated: false,
        entries: entries.iter().map(entry).collect::<Result<_>>()?,
    })
}

fn entry(written: &Written) -> Result<Entry> {
    let now: Timestamp = "2026-11-01T09:00:00Z".parse()?;
    Ok(Entry {
        key: EntryKey { source: written.source().parse()?, local_id: written.local_id.clone() },
        provider: Some(written.provider.parse()?),
        demographics: demographics(written),
        restricted: written.restricted,
        seen: now - SignedDuration::from_hours(24 * i64::from(written.seen_days_ago)),
    })
}

pub fn demographics(written: &Written) -> Demographics {
    let some = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    let given = [&written.given_name, &written.middle_name].into_iter().filter_map(|name| some(name)).collect();
    let number = some(&written.nhs_number).map(|value| ClaimedNumber { value, status: NumberStatus::of_code(written.nhs_status) });
    Demographics {
        number,
        names: vec![Name { family: written.family_name.clone(), given, ..Name::default() }],
        birth_date: written.birth_date.parse().ok(),
        sex: Sex::of_code(written.gender),
        addresses: vec![Address {
            line: written.address_line.clone(),
            town: written.town.clone(),
            postcode: written.postcode.clone(),
            ..Address::default()
        }],
        phones: some(&written.phone).into_iter().collect(),
        emails: Vec::new(),
        practice: some(written.gp_practice),
    }
}

/// What the sources hold of a person, as far as a provider of that kind would.
pub fn holdings(person: &Person) -> Vec<Holding> {
    use Category as C;
    let of = |entry: &Entry| {
        let kind = providers().iter().find(|provider| Some(provider.code) == entry.provider.as_ref().map(|code| code.as_str()))?.kind;
        let categories: &[Category] = match kind {
            ProviderKind::Practice => &[C::Demographics, C::Allergies, C::Medications, C::Problems, C::Immunisations, C::Results],
            ProviderKind::Acute => &[C::Demographics, C::Encounters, C::Results, C::Documents, C::Allergies, C::Procedures],
            ProviderKind::MentalHealth | ProviderKind::Community => &[C::Demographics, C::Encounters, C::Plans],
            _ => &[C::Demographics, C::Encounters],
        };
        let newest = entry.seen.to_zoned(jiff::tz::TimeZone::UTC).date();
        Some(Holding { categories: categories.iter().copied().collect(), newest: Some(newest), ..Holding::of_entry(entry) })
    };
    person.entries.iter().filter_map(of).collect()
}

/// Every so many-th person, so that all parts are asked.
pub fn sample(population: &Population, wanted: u64) -> Vec<Citizen> {
    let step = (population.count() / wanted).max(1);
    (0..population.count()).step_by(step as usize).map(|n| population.person(n)).collect()
}

/// The median and the 99th percentile.
pub fn percentiles(times: &mut [Duration]) -> (Duration, Duration) {
    times.sort_unstable();
    let at = |share: usize| times[(times.len() * share / 100).min(times.len() - 1)];
    (at(50), at(99))
}
