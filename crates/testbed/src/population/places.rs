//! Where people live and who looks after them: `fixtures/region/providers.csv`.

use std::sync::LazyLock;

use super::Address;
use super::draw::Draw;
use super::names;

/// An organisation that holds people's records, by its real ODS code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Provider {
    /// The ODS code.
    pub code: &'static str,
    /// What it is.
    pub kind: ProviderKind,
    /// The integrated care board's ODS code.
    pub board: &'static str,
    /// The first half of its postcode.
    pub outward: &'static str,
    /// The town it is in.
    pub town: &'static str,
}

/// What a provider is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ProviderKind {
    /// A trust with hospitals.
    Acute,
    /// The ambulance service.
    Ambulance,
    /// A care home.
    CareHome,
    /// A community trust.
    Community,
    /// A hospice.
    Hospice,
    /// A mental health trust.
    MentalHealth,
    /// General practice out of hours.
    OutOfHours,
    /// A general practice.
    Practice,
    /// A public health service.
    PublicHealth,
    /// Urgent care.
    Urgent,
    /// A walk-in centre.
    WalkIn,
}

static PROVIDERS: LazyLock<Vec<Provider>> = LazyLock::new(|| {
    let lines = include_str!("../../../../fixtures/region/providers.csv").lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(read).collect()
});

fn read(line: &'static str) -> Option<Provider> {
    let mut fields = line.split(',');
    let code = fields.next()?;
    let kind = match fields.next()? {
        "acute" => ProviderKind::Acute,
        "ambulance" => ProviderKind::Ambulance,
        "care-home" => ProviderKind::CareHome,
        "community" => ProviderKind::Community,
        "hospice" => ProviderKind::Hospice,
        "mental-health" => ProviderKind::MentalHealth,
        "out-of-hours" => ProviderKind::OutOfHours,
        "practice" => ProviderKind::Practice,
        "public-health" => ProviderKind::PublicHealth,
        "urgent" => ProviderKind::Urgent,
        "walk-in" => ProviderKind::WalkIn,
        _ => return None,
    };
    Some(Provider { code, kind, board: fields.next()?, outward: fields.next()?, town: fields.next()? })
}

/// All 848 of them.
pub fn providers() -> &'static [Provider] {
    &PROVIDERS
}

/// Practices with the sums of their lists, for drawing one: a list has 1,500 to 20,000 patients, most of them some 7,000. How long which is, is
/// made up.
static LISTS: LazyLock<Vec<(usize, u64)>> = LazyLock::new(|| {
    let mut sum = 0;
    let practices = PROVIDERS.iter().enumerate().filter(|(_, provider)| provider.kind == ProviderKind::Practice);
    let with_sums = practices.map(|(at, provider)| {
        let mut draw = Draw::of(0, provider.code, 0);
        sum += 1500 + draw.below(6000) + draw.below(6000) + if draw.chance(1000) { draw.below(6500) } else { 0 };
        (at, sum)
    });
    with_sums.collect()
});

/// A practice, as often as its list is long.
pub(super) fn practice(draw: &mut Draw) -> usize {
    let total = LISTS.last().map_or(1, |(_, sum)| *sum);
    let wanted = draw.below(total);
    LISTS[LISTS.partition_point(|(_, sum)| *sum <= wanted).min(LISTS.len() - 1)].0
}

/// A provider of a kind: mostly of the same board, where it has one.
pub(super) fn near(draw: &mut Draw, practice: usize, kinds: &[ProviderKind]) -> usize {
    let fits = |at: &usize| kinds.contains(&PROVIDERS[*at].kind);
    let board = PROVIDERS[practice].board;
    let all = OTHERS.iter().copied().filter(fits);
    let count = all.clone().filter(|at| PROVIDERS[*at].board == board).count();
    if count > 0 && draw.chance(9000) {
        let at = draw.below(count as u64) as usize;
        return all.filter(|at| PROVIDERS[*at].board == board).nth(at).unwrap_or(practice);
    }
    let at = draw.below(all.clone().count().max(1) as u64) as usize;
    all.clone().nth(at).unwrap_or(practice)
}

static OTHERS: LazyLock<Vec<usize>> =
    LazyLock::new(|| (0..PROVIDERS.len()).filter(|at| PROVIDERS[*at].kind != ProviderKind::Practice).collect());

/// How many times the region's share of households of other than British origin live near a practice, in thirds.
pub(super) fn mix(practice: usize) -> u64 {
    let outward = PROVIDERS[practice].outward;
    let urban = ["B", "WV", "WS", "CV", "DY"].contains(&outward.trim_end_matches(|c: char| c.is_ascii_digit()));
    let mut draw = Draw::of(1, outward, 0);
    match (urban, draw.below(10)) {
        (true, 0..3) => 9,
        (true, 3..8) => 3,
        _ => 1,
    }
}

/// Postcodes in one outward half, and houses in one of them.
const UNITS: u64 = 1000;
const HOUSES: u64 = 24;

/// An address near a practice. Streets belong to postcodes: three in a row share one.
pub(super) fn address(draw: &mut Draw, practice: usize) -> Address {
    const LETTERS: &[u8; 20] = b"ABDEFGHJLNPQRSTUWXYZ";
    let provider = &PROVIDERS[practice];
    let unit = draw.below(UNITS);
    let letter = |at: u64| char::from(LETTERS[(at % 20) as usize]);
    let postcode = format!("{} {}{}{}", provider.outward, unit % 9 + 1, letter(unit / 9), letter(unit / 180));
    let street = names::street(&mut Draw::of(2, provider.outward, unit / 3));
    let house = 1 + draw.below(HOUSES) + unit % 3 * HOUSES;
    let line = if draw.chance(800) { format!("Flat {} {house} {street}", draw.between(1, 12)) } else { format!("{house} {street}") };
    Address { line, town: provider.town.to_owned(), postcode }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_848_providers_of_six_boards() {
        let boards: std::collections::BTreeSet<_> = providers().iter().map(|provider| provider.board).collect();
        let practices = providers().iter().filter(|provider| provider.kind == ProviderKind::Practice).count();
        assert_eq!((providers().len(), practices, boards.len()), (848, 752, 6));
    }
}
