//! People who live together.

use super::citizen::{Born, Citizen, Sex};
use super::draw::Draw;
use super::names::{self, Origin};
use super::{Population, number, places};

/// People are made by the dozen, household by household, so that each can be made by itself.
pub(super) const BLOCK: u64 = 12;

/// Households of one to seven people per thousand.
const SIZES: [u64; 7] = [280, 310, 160, 150, 65, 25, 10];
const THIS_YEAR: u64 = 2026;

pub(super) fn block(population: Population, block: u64) -> Vec<Citizen> {
    let mut people = alone(population, block);
    for person in &mut people {
        let mut draw = Draw::of(population.seed, "namesake", person.n);
        // Two in ten thousand are another's namesake, born on the same day.
        if draw.chance(2) {
            let other = draw.below(population.count.div_ceil(BLOCK).max(1));
            if let Some(twin) = alone(population, other).into_iter().find(|other| other.n != person.n) {
                (person.family, person.given, person.sex, person.born) = (twin.family, twin.given, twin.sex, twin.born);
                (person.former_family, person.former_given) = (None, None);
            }
        }
    }
    people
}

/// A dozen, without those who are like somebody of another dozen.
fn alone(population: Population, block: u64) -> Vec<Citizen> {
    let mut draw = Draw::of(population.seed, "households", block);
    let mut people: Vec<Citizen> = Vec::with_capacity(BLOCK as usize);
    while (people.len() as u64) < BLOCK {
        let size = (1 + draw.weighted(&SIZES) as u64).min(BLOCK - people.len() as u64);
        let first = block * BLOCK + people.len() as u64;
        people.extend(household(population, &mut draw, first, size));
    }
    people
}

/// What the members of one household share.
struct Home {
    population: Population,
    origin: Origin,
    family: String,
    practice: usize,
    phone: String,
    members: Vec<u64>,
}

fn household(population: Population, draw: &mut Draw, first: u64, size: u64) -> Vec<Citizen> {
    let practice = places::practice(draw);
    let origin = Origin::draw(draw, places::mix(practice));
    let home = Home {
        population,
        origin,
        family: names::family(draw, origin),
        practice,
        phone: if draw.chance(6500) { format!("01{:09}", 200_000_000 + draw.below(799_999_999)) } else { String::new() },
        members: (first..first + size).collect(),
    };
    let address = places::address(draw, practice);
    let mut people: Vec<Citizen> = Vec::new();
    for (place, (year, role)) in roles(draw, origin, size).into_iter().enumerate() {
        let mut person = home.member(draw, first + place as u64, year, role);
        person.address = address.clone();
        let father = people.first().filter(|father| father.sex == person.sex && role == Role::Child);
        if let Some(father) = father.filter(|_| draw.chance(200)) {
            person.given = father.given.clone();
        }
        // Sixteen births in a thousand are twins': same day, same house, often the same sex and a name alike.
        let before = people.last().filter(|_| role == Role::Child && draw.chance(160));
        if let Some(twin) = before.filter(|twin| twin.born.year >= 1995) {
            person.born = twin.born;
            person.former_address = twin.former_address.clone();
        }
        people.push(person);
    }
    people
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Child,
    Elder,
    Head,
    Sharer,
    Spouse,
}

/// Years of birth, and how they belong together.
fn roles(draw: &mut Draw, origin: Origin, size: u64) -> Vec<(u64, Role)> {
    if size == 1 {
        let (from, to) = *draw.pick(&[(65, 97), (65, 97), (65, 97), (65, 97), (30, 64), (30, 64), (30, 64), (30, 64), (30, 64), (19, 29)]);
        return vec![(THIS_YEAR - draw.between(from, to), Role::Head)];
    }
    let (oldest, spread) = if size == 2 { (88, 5) } else { (60, 6) };
    let head = THIS_YEAR - draw.between(24, oldest);
    let spouse = (head + spread - draw.below(spread * 2)).min(THIS_YEAR - 18);
    let mut roles = vec![(head, Role::Head)];
    match draw.below(100) {
        _ if size == 2 && draw.chance(1800) => return vec![(head, Role::Head), (spouse, Role::Sharer)],
        0..84 => roles.push((spouse, Role::Spouse)),
        _ => {} // Alone with children.
    }
    let extended = matches!(origin, Origin::Muslim | Origin::Sikh | Origin::Hindu);
    while (roles.len() as u64) < size {
        let elder = roles.len() >= 3 && draw.chance(if extended { 2500 } else { 400 });
        if elder && head >= THIS_YEAR - 55 {
            roles.push((head - draw.between(20, 38), Role::Elder));
        } else {
            let after = draw.between(19, 40);
            roles.push(((head + after).min(THIS_YEAR), Role::Child));
        }
    }
    roles
}

impl Home {
    fn member(&self, draw: &mut Draw, n: u64, year: u64, role: Role) -> Citizen {
        let sex = match role {
            Role::Head if self.members.len() > 2 => {
                if draw.chance(7800) {
                    Sex::Male
                } else {
                    Sex::Female
                }
            }
            Role::Spouse => {
                if draw.chance(7800) {
                    Sex::Female
                } else {
                    Sex::Male
                }
            }
            _ => {
                if draw.chance(5050) {
                    Sex::Female
                } else {
                    Sex::Male
                }
            }
        };
        let born = born(draw, self.origin, year as u16);
        let mut person = Citizen {
            population: self.population,
            n,
            number: number::number(self.population.count, n, false),
            superseded: None,
            cut: None,
            family: self.family(draw, sex, role),
            former_family: None,
            given: names::given(draw, self.origin, sex, born.year).to_owned(),
            former_given: None,
            middle: self.middle(draw, sex, born.year),
            sex,
            born,
            address: places::address(draw, self.practice),
            former_address: None,
            phones: (self.phone.clone(), String::new()),
            practice: if draw.chance(9300) { self.practice } else { places::practice(draw) },
            former_practice: None,
            household: self.members.iter().copied().filter(|other| *other != n).collect(),
        };
        if person.age() > 11 && draw.chance(8500) {
            person.phones.1 = format!("07{:09}", draw.below(1_000_000_000));
        }
        self.change(draw, &mut person, role);
        person
    }

    /// What changed in their life: they moved, married, transitioned, or were given another number.
    fn change(&self, draw: &mut Draw, person: &mut Citizen, role: Role) {
        if draw.chance(3000) {
            let before = if draw.chance(6000) { places::practice(draw) } else { person.practice };
            person.former_address = Some(places::address(draw, before));
            person.former_practice = Some(before).filter(|before| *before != person.practice);
        }
        let takes_the_name =
            matches!(self.origin, Origin::British | Origin::Caribbean | Origin::European | Origin::Hindu | Origin::African);
        if takes_the_name && role == Role::Spouse && person.sex == Sex::Female && draw.chance(7000) {
            person.former_family = Some(names::family(draw, self.origin));
        }
        let second = number::number(self.population.count, person.n, true);
        if draw.chance(40) && person.age() > 16 {
            let before = if person.sex == Sex::Female { Sex::Male } else { Sex::Female };
            person.former_given = Some((names::given(draw, self.origin, before, person.born.year).to_owned(), before));
            person.cut = Some(second).filter(|_| draw.chance(6000));
        } else if draw.chance(60) {
            person.superseded = Some(second);
        }
    }

    fn family(&self, draw: &mut Draw, sex: Sex, role: Role) -> String {
        let own = match (self.origin, role) {
            (_, Role::Sharer) => true,
            // A daughter is Kaur, a son Singh, or they bear the house's name.
            (Origin::Sikh, _) if draw.chance(3000) => return if sex == Sex::Female { "Kaur" } else { "Singh" }.to_owned(),
            (Origin::Muslim, _) if sex == Sex::Female && draw.chance(3500) => {
                return (*draw.pick(&["Begum", "Bibi", "Akhtar", "Khatun", "Parveen", "Kauser"])).to_owned();
            }
            (Origin::Muslim | Origin::Chinese, Role::Spouse) => true,
            (_, Role::Spouse) => draw.chance(1500),
            (_, Role::Elder) => draw.chance(3000),
            (_, Role::Child) => draw.chance(800),
            _ => false,
        };
        if own { names::family(draw, self.origin) } else { self.family.clone() }
    }

    fn middle(&self, draw: &mut Draw, sex: Sex, year: u16) -> String {
        match self.origin {
            Origin::Sikh => if sex == Sex::Female { "Kaur" } else { "Singh" }.to_owned(),
            Origin::Hindu => {
                if draw.chance(5000) {
                    if sex == Sex::Female { "Ben" } else { "Kumar" }.to_owned()
                } else {
                    String::new()
                }
            }
            origin if draw.chance(6000) => names::given(draw, origin, sex, year).to_owned(),
            _ => String::new(),
        }
    }
}

/// A day of a year; who came from where births were not written down was often given the first of January.
fn born(draw: &mut Draw, origin: Origin, year: u16) -> Born {
    let unwritten = matches!(origin, Origin::Muslim | Origin::African | Origin::Sikh | Origin::Hindu) && year < 1990;
    if unwritten && draw.chance(900) {
        return Born { year, month: 1, day: 1 };
    }
    let month = draw.between(1, 12) as u8;
    let days = match month {
        2 if year.is_multiple_of(4) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    // Nobody is born after this October, which has as many days as any month.
    let month = if u64::from(year) == THIS_YEAR { month.min(10) } else { month };
    Born { year, month, day: draw.between(1, days) as u8 }
}
