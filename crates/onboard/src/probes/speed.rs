//! How fast it is: a few lookups, one after another.

use dialect::Searches;
use record::NHS_NUMBER_SYSTEM;

use super::lookup::search;
use crate::desk::Desk;
use crate::finding::{Finding, Severity, Topic};
use crate::visit::Patient;

/// Lookups that are timed.
const TIMES: usize = 8;
/// A lookup slower than this, in milliseconds, makes readers wait: ten seconds are for a whole record of all suppliers.
const SLOW_MS: u64 = 2_000;

/// Times lookups of the first test patient, or what was asked for the record where it is not looked up by a search; the median
/// and the slowest in milliseconds.
pub(crate) async fn probe(desk: &mut Desk<'_>, patients: &[Patient], searches: Searches) -> Option<(u64, u64)> {
    let target = search(NHS_NUMBER_SYSTEM, patients.first()?.number.expose());
    let searched = searches >= Searches::Patients;
    for _ in 0..if searched { TIMES } else { 0 } {
        desk.get_wrong(Topic::Speed, &target).await?;
    }
    let topic = if searched { Topic::Speed } else { Topic::Record };
    let timed = desk.asked.iter().filter(|asked| asked.topic == topic);
    let mut took: Vec<u64> = timed.map(|asked| u64::try_from(asked.took.as_millis()).unwrap_or(u64::MAX)).collect();
    if took.is_empty() {
        return None;
    }
    took.sort_unstable();
    let (middle, late) = (took[(took.len() - 1) / 2], took[took.len() - 1]);
    let said = format!("Of {} questions one after another, half took at most {middle} ms, the slowest {late} ms.", took.len());
    if late > SLOW_MS {
        desk.find(Finding::new(Topic::Speed, "slow", Severity::Wrong, said,
            "Bring a lookup below two seconds: look for a missing index on identifier. A reader waits ten seconds for everything of everybody; who comes later is named as missing."));
    } else {
        desk.find(Finding::fine(Topic::Speed, "speed", said));
    }
    Some((middle, late))
}
