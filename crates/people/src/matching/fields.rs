//! What is compared, in one spelling.

use record::NhsNumber;
use smallvec::SmallVec;

use crate::{BirthDate, Demographics, NumberStatus, Sex};

/// A few texts.
pub type Texts<T> = SmallVec<[T; 2]>;

/// What is compared of a person: folded (lower case, without accents, blanks and marks), borrowed from [`Folded`] or from the index.
#[derive(Clone, Default)]
pub struct Fields<'a> {
    /// A valid NHS number, and whether it is verified.
    pub number: Option<(NhsNumber, NumberStatus)>,
    /// Family names, the current first.
    pub families: Texts<&'a str>,
    /// First given names, the current first.
    pub givens: Texts<&'a str>,
    /// Middle names.
    pub middles: Texts<&'a str>,
    /// The birth date.
    pub birth_date: Option<BirthDate>,
    /// Administrative gender.
    pub sex: Option<Sex>,
    /// Postcodes without blanks, the current first.
    pub postcodes: Texts<&'a str>,
    /// House and street, words in order with one blank between.
    pub lines: Texts<&'a str>,
    /// Towns.
    pub towns: Texts<&'a str>,
    /// Telephone numbers: digits only, without the country's prefix.
    pub phones: Texts<&'a str>,
    /// E-mail addresses in lower case.
    pub emails: Texts<&'a str>,
    /// ODS code of the registered practice.
    pub practice: Option<&'a str>,
}

/// [`Fields`] that own their texts.
#[derive(Clone, Default)]
pub struct Folded {
    number: Option<(NhsNumber, NumberStatus)>,
    families: Texts<String>,
    givens: Texts<String>,
    middles: Texts<String>,
    birth_date: Option<BirthDate>,
    sex: Option<Sex>,
    postcodes: Texts<String>,
    lines: Texts<String>,
    towns: Texts<String>,
    phones: Texts<String>,
    emails: Texts<String>,
    practice: Option<String>,
}

impl Folded {
    /// Folds what a source gave.
    pub fn of(said: &Demographics) -> Folded {
        let number = said.number.as_ref().and_then(|claimed| Some((claimed.valid()?, claimed.status)));
        let mut folded = Folded { number, birth_date: said.birth_date, sex: said.sex, ..Folded::default() };
        for name in &said.names {
            add(&mut folded.families, fold(&name.family));
            let mut given = name.given.iter().map(|name| fold(name));
            add(&mut folded.givens, given.next().unwrap_or_default());
            given.for_each(|middle| add(&mut folded.middles, middle));
        }
        for address in &said.addresses {
            add(&mut folded.postcodes, fold(&address.postcode));
            add(&mut folded.lines, street(&address.line));
            add(&mut folded.towns, fold(&address.town));
        }
        said.phones.iter().for_each(|phone| add(&mut folded.phones, digits(phone)));
        said.emails.iter().for_each(|email| add(&mut folded.emails, email.trim().to_lowercase()));
        folded.practice = said.practice.as_deref().map(str::trim).filter(|code| !code.is_empty()).map(str::to_uppercase);
        folded
    }

    /// Lent for comparing.
    pub fn fields(&self) -> Fields<'_> {
        Fields {
            number: self.number,
            families: lend(&self.families),
            givens: lend(&self.givens),
            middles: lend(&self.middles),
            birth_date: self.birth_date,
            sex: self.sex,
            postcodes: lend(&self.postcodes),
            lines: lend(&self.lines),
            towns: lend(&self.towns),
            phones: lend(&self.phones),
            emails: lend(&self.emails),
            practice: self.practice.as_deref(),
        }
    }
}

fn lend(texts: &Texts<String>) -> Texts<&str> {
    texts.iter().map(String::as_str).collect()
}

/// Adds what is said and not there yet.
fn add(texts: &mut Texts<String>, text: String) {
    if !text.is_empty() && !texts.contains(&text) {
        texts.push(text);
    }
}

/// A name or a postcode without case, accents, hyphens and blanks.
fn fold(text: &str) -> String {
    text.chars().flat_map(char::to_lowercase).filter_map(plain).collect()
}

/// House and street: words without case and marks, one blank between, short forms written out, without what only says that it is a flat.
fn street(text: &str) -> String {
    let words = text.split(|c: char| !c.is_alphanumeric() && c != '\'').map(fold);
    let mut street = String::with_capacity(text.len() + 8);
    for word in words.filter(|word| !word.is_empty() && !matches!(word.as_str(), "flat" | "apartment" | "apt" | "unit" | "no")) {
        if !street.is_empty() {
            street.push(' ');
        }
        street.push_str(written_out(&word));
    }
    street
}

/// A word of an address in full.
fn written_out(word: &str) -> &str {
    match word {
        "ave" | "av" => "avenue",
        "cl" => "close",
        "cres" | "cresc" => "crescent",
        "crt" | "ct" => "court",
        "dr" | "drv" => "drive",
        "gdns" => "gardens",
        "gr" | "grv" => "grove",
        "hse" => "house",
        "ln" => "lane",
        "pl" => "place",
        "rd" => "road",
        "sq" => "square",
        "st" | "str" => "street",
        "ter" | "terr" => "terrace",
        word => word,
    }
}

/// The digits of a telephone number; the country's own prefix is written as 0.
fn digits(text: &str) -> String {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let national = digits.strip_prefix("0044").or_else(|| digits.strip_prefix("44").filter(|rest| rest.len() >= 9));
    national.map(|rest| format!("0{}", rest.trim_start_matches('0'))).unwrap_or(digits)
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
