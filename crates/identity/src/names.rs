//! Given names: whether two may be one person's.

/// Short forms that people use, by the name they stand for. Small on purpose: a name that is not here is held for a person to judge.
const SHORT: &[(&str, &[&str])] = &[
    ("alexander", &["alex", "sandy"]),
    ("andrew", &["andy", "drew"]),
    ("anthony", &["tony"]),
    ("catherine", &["cath", "cathy", "kate", "katie", "kathy"]),
    ("christopher", &["chris"]),
    ("daniel", &["dan", "danny"]),
    ("david", &["dave"]),
    ("edward", &["ed", "eddie", "ted", "ned"]),
    ("elizabeth", &["beth", "betty", "eliza", "liz", "lizzie", "libby"]),
    ("james", &["jim", "jimmy", "jamie"]),
    ("john", &["jack", "johnny"]),
    ("joseph", &["joe", "joey"]),
    ("katherine", &["kate", "katie", "kathy", "kath"]),
    ("margaret", &["maggie", "meg", "peggy"]),
    ("michael", &["mike", "mick"]),
    ("mohammed", &["mohammad", "muhammad", "mohamed", "muhammed", "md"]),
    ("patricia", &["pat", "trish"]),
    ("peter", &["pete"]),
    ("richard", &["dick", "rick", "ricky"]),
    ("robert", &["bob", "bobby", "rob", "robbie"]),
    ("stephen", &["steven", "steve"]),
    ("thomas", &["tom", "tommy"]),
    ("william", &["bill", "billy", "will"]),
];

/// A given name without case, accents, hyphens and blanks.
fn folded(name: &str) -> String {
    name.chars().flat_map(char::to_lowercase).filter_map(plain).collect()
}

/// The Latin letter without its accent; other scripts as they are.
fn plain(c: char) -> Option<char> {
    Some(match c {
        'à' | 'á' | 'â' | 'ã' | 'ä' | 'å' | 'ą' => 'a',
        'ç' | 'ć' | 'č' => 'c',
        'è' | 'é' | 'ê' | 'ë' | 'ę' | 'ė' => 'e',
        'ì' | 'í' | 'î' | 'ï' => 'i',
        'ł' => 'l',
        'ñ' | 'ń' => 'n',
        'ò' | 'ó' | 'ô' | 'õ' | 'ö' | 'ø' => 'o',
        'ś' | 'š' => 's',
        'ù' | 'ú' | 'û' | 'ü' => 'u',
        'ý' | 'ÿ' => 'y',
        'ź' | 'ż' | 'ž' => 'z',
        c if c.is_alphanumeric() => c,
        _ => return None,
    })
}

/// Whether two first given names may be one person's: equal, an initial, one the start of the other, or a known short form.
pub fn compatible(a: &str, b: &str) -> bool {
    let (a, b) = (folded(a), folded(b));
    let (short, long) = if a.chars().count() <= b.chars().count() { (&a, &b) } else { (&b, &a) };
    if short.is_empty() || short == long {
        return true;
    }
    let letters = short.chars().count();
    if long.starts_with(short.as_str()) && (letters == 1 || letters >= 3) {
        return true;
    }
    SHORT.iter().any(|(name, forms)| {
        let of = |text: &str| text == *name || forms.contains(&text);
        of(&a) && of(&b) && (a == *name || b == *name || forms.contains(&a.as_str()) && forms.contains(&b.as_str()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_one_person_are_told_from_names_of_two() {
        let table = [
            ("Sarah", "sarah", true),
            ("S", "Sarah", true),
            ("Zoë", "Zoe", true),
            ("Anne-Marie", "Anne Marie", true),
            ("Rob", "Robert", true),
            ("Bob", "Robert", true),
            ("Kate", "Catherine", true),
            ("Jo", "John", false),
            ("Amelia", "Olivia", false),
            ("Jack", "James", false),
            ("", "Sarah", true),
        ];
        for (a, b, expected) in table {
            assert_eq!(compatible(a, b), expected, "{a} {b}");
            assert_eq!(compatible(b, a), expected, "{b} {a}");
        }
    }
}
