//! Names by origin and age: `fixtures/region/names.toml`.

use std::sync::LazyLock;

use super::Sex;
use super::draw::Draw;

/// Whence a name comes. Weights are per ten thousand households of the West Midlands (census of 2021, gathered into what names tell apart).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    British,
    Muslim,
    Sikh,
    Hindu,
    African,
    Caribbean,
    European,
    Chinese,
}

const ORIGINS: [(Origin, u64); 8] = [
    (Origin::British, 7250),
    (Origin::Muslim, 900),
    (Origin::Sikh, 320),
    (Origin::Hindu, 330),
    (Origin::African, 300),
    (Origin::Caribbean, 310),
    (Origin::European, 480),
    (Origin::Chinese, 110),
];

impl Origin {
    /// Some neighbourhoods have three times as many households of other than British origin, some a third.
    pub(super) fn draw(draw: &mut Draw, mix: u64) -> Origin {
        let weight = |(origin, weight): (Origin, u64)| if origin == Origin::British { weight * 3 } else { weight * mix };
        ORIGINS[draw.weighted(&ORIGINS.map(weight))].0
    }
}

type Words = Vec<&'static str>;

struct Names {
    british: [[Words; 3]; 2],
    british_family: Words,
    head: Words,
    tail: Words,
    others: Vec<(Origin, Words, Words, Words)>,
    short: Vec<(&'static str, &'static str)>,
    streets: Words,
    ways: Words,
}

static NAMES: LazyLock<Names> = LazyLock::new(|| {
    static FILE: &str = include_str!("../../../../fixtures/region/names.toml");
    static TABLE: LazyLock<toml::Table> = LazyLock::new(|| FILE.parse().expect("fixtures/region/names.toml is legal: a test reads it"));
    let words = |section: &str, key: &str| -> Words {
        TABLE.get(section).and_then(|table| table.get(key)).and_then(|words| words.as_str()).unwrap_or_default().split(' ').collect()
    };
    let other = |origin, section: &str| (origin, words(section, "family"), words(section, "female"), words(section, "male"));
    Names {
        british: ["female", "male"].map(|sex| ["old", "middle", "young"].map(|age| words("british", &format!("{sex}_{age}")))),
        british_family: words("british", "family"),
        head: words("british", "head"),
        tail: words("british", "tail"),
        others: vec![
            other(Origin::Muslim, "muslim"),
            other(Origin::Sikh, "sikh"),
            other(Origin::Hindu, "hindu"),
            other(Origin::African, "african"),
            other(Origin::Caribbean, "caribbean"),
            other(Origin::European, "european"),
            other(Origin::Chinese, "chinese"),
        ],
        short: words("short", "pairs").into_iter().filter_map(|pair| pair.split_once(':')).collect(),
        streets: words("places", "streets"),
        ways: words("places", "ways"),
    }
});

/// A family name. Two British ones in five are rare ones, as they are put together.
pub(super) fn family(draw: &mut Draw, origin: Origin) -> String {
    let names = &*NAMES;
    match names.others.iter().find(|(other, ..)| *other == origin) {
        Some((_, family, _, _)) => (*draw.common(family)).to_owned(),
        None if draw.chance(4000) => format!("{}{}", draw.pick(&names.head), draw.common(&names.tail)),
        None if draw.chance(150) => format!("{}-{}", draw.common(&names.british_family), draw.common(&names.british_family)),
        None => (*draw.common(&names.british_family)).to_owned(),
    }
}

/// A given name for somebody born in a year.
pub(super) fn given(draw: &mut Draw, origin: Origin, sex: Sex, year: u16) -> &'static str {
    let names = &*NAMES;
    let age = match year {
        ..1956 => 0,
        1956..1990 => 1,
        _ => 2,
    };
    let other = names.others.iter().find(|(other, ..)| *other == origin);
    let fits: &Words = match (other, sex) {
        (Some((_, _, female, _)), Sex::Female) => female,
        (Some((_, _, _, male)), Sex::Male) => male,
        (None, sex) => &names.british[sex as usize][age],
    };
    draw.common::<&'static str>(fits)
}

/// Another way of calling somebody.
pub(super) fn short(draw: &mut Draw, given: &str) -> Option<&'static str> {
    let fits: Vec<_> = NAMES.short.iter().filter(|(long, _)| *long == given).map(|(_, short)| *short).collect();
    (!fits.is_empty()).then(|| *draw.pick(&fits))
}

/// A street's name.
pub(super) fn street(draw: &mut Draw) -> String {
    format!("{} {}", draw.pick(&NAMES.streets), draw.common(&NAMES.ways))
}
