//! The index and the locator.

use std::fs::File;
use std::hint::black_box;
use std::io::{BufReader, BufWriter};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use people::index::{Candidate, Index, Limits, Locator};
use people::matching::{Fields, Folded, Model};
use people::{Demographics, Name};
use record::PersonId;

use super::region::{self, percentiles, population, sample};
use super::{folder, load};

const KEY: [u8; 32] = [9; 32];
/// How many of those found are compared.
const COMPARED: usize = 50;
const LOOKUPS: u64 = 20_000;
const MATCHES: u64 = 4_000;

/// What is resident now, and at most, in MiB.
fn resident() -> (u64, u64) {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let of = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|line| line.split_whitespace().next()).and_then(|kib| kib.parse::<u64>().ok()).unwrap_or(0) / 1024
    };
    (of("VmRSS:"), of("VmHWM:"))
}

/// Builds both from the people one after another, and writes snapshots.
pub fn build(count: u64) -> Result<()> {
    let before = resident().0;
    let region = population(count);
    let (index, locator) = (Index::new(), Locator::new());
    let (mut filler, mut locating) = (index.filler(), locator.filler());
    let (mut entries, mut filling, mut locating_took) = (0, Duration::ZERO, Duration::ZERO);
    for citizen in region.people() {
        let person = region::person(&region, &citizen)?;
        let holdings = region::holdings(&person);
        let start = Instant::now();
        filler.add(&person);
        let filled = Instant::now();
        locating.add(&person.id, &holdings);
        filling += filled - start;
        locating_took += filled.elapsed();
        entries += person.entries.len();
    }
    let start = Instant::now();
    filler.finish();
    locating.finish();
    filling += start.elapsed();
    let (now, most) = resident();
    println!("  {count} people, {entries} entries, {} providers", testbed::population::providers().len());
    println!("  load: index {filling:.1?}, locator {locating_took:.1?} (one thread; making the people not counted)");
    println!(
        "  resident: {} MiB for index and locator ({before} MiB before, {now} MiB after, {most} MiB at most while loading)",
        now - before
    );
    ask(&region, &index, &locator)?;
    change(&region, &index)?;
    let start = Instant::now();
    index.write_snapshot(&count.to_string(), &KEY, BufWriter::new(File::create(folder().join("index"))?))?;
    locator.write_snapshot(&count.to_string(), &KEY, BufWriter::new(File::create(folder().join("locator"))?))?;
    let size = std::fs::metadata(folder().join("index"))?.len() + std::fs::metadata(folder().join("locator"))?.len();
    println!("  snapshots: written in {:.1?}, {} MiB", start.elapsed(), size >> 20);
    Ok(())
}

/// Reads the snapshots in a new process.
pub fn restart(count: u64) -> Result<()> {
    let before = resident().0;
    let region = population(count);
    let start = Instant::now();
    let is_current = |position: &str| position == count.to_string();
    let index = Index::read_snapshot(Limits::default(), &KEY, BufReader::new(File::open(folder().join("index"))?), is_current)?.0;
    let locator = Locator::read_snapshot(Limits::default(), &KEY, BufReader::new(File::open(folder().join("locator"))?), is_current)?.0;
    let ready = start.elapsed();
    let (now, most) = resident();
    ensure!(index.count() as u64 == count, "everybody is there again");
    println!("  ready after restart: {ready:.1?}");
    println!("  resident: {} MiB for index and locator ({most} MiB at most)", now - before);
    ask(&region, &index, &locator)?;
    println!("  load {}", load());
    Ok(())
}

fn ask(region: &testbed::population::Population, index: &Index, locator: &Locator) -> Result<()> {
    let asked = sample(region, LOOKUPS);
    let (mut numbers, mut entries, mut held) = (Vec::new(), Vec::new(), Vec::new());
    for citizen in &asked {
        let person = region::person(region, citizen)?;
        let number = person.number.context("a number")?;
        let start = Instant::now();
        let found = index.person_of(&number);
        numbers.push(start.elapsed());
        ensure!(found.as_ref() == Some(&person.id), "a number leads to its person");
        let key = &person.entries[0].key;
        let start = Instant::now();
        let found = index.home(key);
        entries.push(start.elapsed());
        ensure!(found.as_ref() == Some(&person.id), "an entry leads to its person");
        let start = Instant::now();
        let holdings = locator.holdings(&person.id);
        held.push(start.elapsed());
        ensure!(holdings.len() == person.entries.len(), "each source that holds them is known");
    }
    for (what, mut times) in [("number", numbers), ("entry", entries), ("locator", held)] {
        let (half, most) = percentiles(&mut times);
        println!("  lookup by {what}: p50 {half:.1?}, p99 {most:.1?} ({} asked, all right)", times.len());
    }
    matches(region, index)?;
    hot(index)
}

/// Time by the clock, and of the processor: on a machine that others use, the clock shows how long this was made to wait as well.
#[derive(Default)]
struct Times {
    clock: Vec<Duration>,
    processor: Vec<Duration>,
}

impl Times {
    fn take<T>(&mut self, f: impl FnOnce() -> T) -> T {
        let (from, clock) = (processor(), Instant::now());
        let value = f();
        self.clock.push(clock.elapsed());
        self.processor.push(processor().saturating_sub(from));
        value
    }

    fn tell(&mut self, what: &str) {
        let (half, most) = percentiles(&mut self.clock);
        let (half_worked, most_worked) = percentiles(&mut self.processor);
        println!("  {what}: p50 {half:.1?}, p99 {most:.1?}; of the processor p50 {half_worked:.1?}, p99 {most_worked:.1?}");
    }
}

/// How long this thread was at work.
fn processor() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec as u32)
}

/// Name, birth date and postcode with errors: found, compared, ranked.
fn matches(region: &testbed::population::Population, index: &Index) -> Result<()> {
    let model = Model::standard().among(region.count() as usize);
    let (mut whole, mut searching, mut found, mut first, mut compared, mut count) = (Times::default(), Vec::new(), 0, 0, 0, 0);
    for (at, citizen) in sample(region, MATCHES).iter().enumerate() {
        let asked = region::demographics(&citizen.asked(at as u64));
        let id = region::id(region, citizen.n);
        let (candidates, best) = whole.take(|| {
            let start = Instant::now();
            let folded = Folded::of(&asked);
            let candidates = index.candidates(&folded.fields(), COMPARED);
            searching.push(start.elapsed());
            let best = best(&model, &folded.fields(), &candidates);
            (candidates, best)
        });
        count += 1;
        compared += candidates.len();
        found += usize::from(candidates.iter().any(|candidate| candidate.person == id));
        first += usize::from(best.as_ref() == Some(&id));
    }
    whole.tell("match");
    let (half, most) = percentiles(&mut searching);
    println!("    of it the search: p50 {half:.1?}, p99 {most:.1?}");
    let of = |some: usize| some as f64 * 100.0 / count as f64;
    let (found, first) = (of(found), of(first));
    println!(
        "    {count} asked, {:.0} compared each; the right one among them {found:.1} %, ranked first {first:.1} %",
        compared as f64 / count as f64
    );
    ensure!(found > 97.0, "whom one looks for is found");
    Ok(())
}

/// The worst that can be asked: the commonest names, on a day that is given to those who do not know theirs.
fn hot(index: &Index) -> Result<()> {
    let model = Model::standard();
    let mut times = Times::default();
    for (family, given) in [("Khan", "Mohammed"), ("Smith", "Emily"), ("Smith", "David"), ("Singh", "Gurpreet"), ("Begum", "Fatima")] {
        for date in ["1980-01-01", "1985-01-01", "1975-06-12", "1990", ""] {
            let name = Name { family: family.to_owned(), given: vec![given.to_owned()], ..Name::default() };
            let asked = Folded::of(&Demographics { names: vec![name], birth_date: date.parse().ok(), ..Demographics::default() });
            for _ in 0..20 {
                times.take(|| {
                    let candidates = index.candidates(&asked.fields(), COMPARED);
                    black_box(best(&model, &asked.fields(), &candidates))
                });
            }
        }
    }
    times.tell("match of the commonest names without a postcode");
    Ok(())
}

fn best(model: &Model, asked: &Fields<'_>, candidates: &[Candidate]) -> Option<PersonId> {
    let weighed = candidates.iter().map(|candidate| {
        let weight = candidate.profiles().map(|profile| model.compare(asked, &profile).weights.total).fold(f32::MIN, f32::max);
        (weight, candidate)
    });
    weighed.max_by(|one, other| one.0.total_cmp(&other.0)).map(|(_, candidate)| candidate.person.clone())
}

/// What a change costs, and what folding does.
fn change(region: &testbed::population::Population, index: &Index) -> Result<()> {
    let some = sample(region, 2000);
    let people = some.iter().map(|citizen| region::person(region, citizen)).collect::<Result<Vec<_>>>()?;
    let mut times: Vec<Duration> = people
        .iter()
        .map(|person| {
            let start = Instant::now();
            index.put(person);
            start.elapsed()
        })
        .collect();
    let (half, most) = percentiles(&mut times);
    println!("  put: p50 {half:.1?}, p99 {most:.1?} ({} put)", people.len());
    let mut times = Vec::new();
    for person in &people {
        let number = person.number.context("a number")?;
        let start = Instant::now();
        let found = index.person_of(&number);
        times.push(start.elapsed());
        ensure!(found.as_ref() == Some(&person.id), "a number leads to its person above the base, too");
    }
    let (half, most) = percentiles(&mut times);
    println!("  lookup by number with {} changes above the base: p50 {half:.1?}, p99 {most:.1?}", index.pending());
    let start = Instant::now();
    let made = index.fold();
    let (now, most) = resident();
    println!("  folded into {made} segments in {:.1?} beside the readers ({now} MiB resident then, {most} MiB at most)", start.elapsed());
    Ok(())
}
