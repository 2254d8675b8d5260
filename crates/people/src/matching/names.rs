//! Given names: which may be one person's, and which are none.

use std::sync::LazyLock;

use rustc_hash::FxHashMap;
use smallvec::SmallVec;

type Groups = SmallVec<[u16; 4]>;

/// The groups of each name.
static VARIANTS: LazyLock<FxHashMap<&'static str, Groups>> = LazyLock::new(|| {
    let mut groups: FxHashMap<&str, Groups> = FxHashMap::default();
    let lines = include_str!("variants.txt").lines().filter(|line| !line.starts_with('#'));
    for (number, line) in lines.enumerate() {
        for name in line.split_whitespace() {
            groups.entry(name).or_default().push(number as u16);
        }
    }
    groups
});

/// Whether two folded given names are known to stand for one another: a short form, a pet name, another spelling.
pub fn variants(a: &str, b: &str) -> bool {
    let (Some(a), Some(b)) = (VARIANTS.get(a), VARIANTS.get(b)) else { return false };
    a.iter().any(|group| b.contains(group))
}

/// Whether a folded given name stands for a name that is not known: that of a newborn, or of somebody nobody knows.
pub fn is_placeholder(name: &str) -> bool {
    let start = ["babyboy", "babygirl", "babyof", "infantof", "twin", "unknown"].iter().any(|start| name.starts_with(start));
    start && name.len() < 16
        || matches!(
            name,
            "baby"
                | "infant"
                | "newborn"
                | "boy"
                | "girl"
                | "male"
                | "female"
                | "nk"
                | "notknown"
                | "unk"
                | "na"
                | "none"
                | "test"
                | "x"
                | "xx"
                | "xxx"
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_one_person_are_known_by_their_groups() {
        let table = [
            ("kit", "christopher", true),
            ("drew", "andrew", true),
            ("mohammed", "muhammad", true),
            ("alexander", "alexandra", false),
            ("sam", "samuel", true),
            ("sam", "samantha", true),
            ("samuel", "samantha", false),
            ("kevin", "simon", false),
            ("nobodyhasthis", "orthis", false),
        ];
        for (a, b, expected) in table {
            assert_eq!(variants(a, b), expected, "{a} {b}");
            assert_eq!(variants(b, a), expected, "{b} {a}");
        }
    }
}
