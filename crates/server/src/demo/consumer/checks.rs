//! What is looked for on a consumer's screen, what the exchange saw of it, and what follows.

use std::collections::BTreeMap;

use crate::fhir_api::Face;

/// A stage of the exercise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// Every source answers.
    Whole,
    /// One does not.
    Silent,
    /// None does.
    Nobody,
}

impl Stage {
    /// Every stage in order.
    pub const ALL: [Stage; 3] = [Stage::Whole, Stage::Silent, Stage::Nobody];

    /// Its code in the form.
    pub fn code(self) -> &'static str {
        match self {
            Stage::Whole => "whole",
            Stage::Silent => "silent",
            Stage::Nobody => "nobody",
        }
    }

    /// From the form.
    pub fn parse(code: &str) -> Option<Stage> {
        Stage::ALL.into_iter().find(|stage| stage.code() == code)
    }

    /// What happens in it.
    pub fn words(self) -> &'static str {
        match self {
            Stage::Whole => "Every source answers",
            Stage::Silent => "One source stays silent (social care)",
            Stage::Nobody => "No source answers",
        }
    }
}

/// What must be seen on the screen: stage, key, words. Each must be so.
pub const CHECKS: &[(Stage, &str, &str)] = &[
    (
        Stage::Whole,
        "facts",
        "The person's allergies, problems and medicines from several sources are on the screen, and each says which source it is from.",
    ),
    (Stage::Whole, "quiet", "Nothing on the screen says that this read is incomplete."),
    (Stage::Whole, "conflict", "Where two sources contradict each other, both statements are on the screen."),
    (Stage::Silent, "names", "The screen says that social care did not answer, in words that a clinician understands."),
    (Stage::Silent, "where", "It says so where the lists are read, without a further click, hover or scroll to the end."),
    (
        Stage::Silent,
        "none",
        "No list says \u{201c}none\u{201d}, \u{201c}nil\u{201d} or \u{201c}no known\u{2026}\u{201d} because of the silent source.",
    ),
    (Stage::Silent, "pages", "The warning stays when the reader turns to another page or list of the same record."),
    (Stage::Silent, "kept", "A copy that is printed, exported or filed from this screen carries the warning too."),
    (
        Stage::Nobody,
        "not-empty",
        "The screen says that the record cannot be shown now. It does not show an empty record, nor one from before as if it were new.",
    ),
];

/// One request of the consumer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// When.
    pub stage: Stage,
    /// In which form.
    pub face: Face,
    /// Whether it asked for whatever there is.
    pub partial: bool,
    /// How it was answered.
    pub status: u16,
}

impl Seen {
    /// From the request's query.
    pub fn of(stage: Stage, face: Face, query: &str, status: u16) -> Seen {
        // A further page is of a read that asked for it before.
        let partial = query.split('&').any(|pair| pair == "_complete=partial" || pair.starts_with("_page="));
        Seen { stage, face, partial, status }
    }
}

/// What a named person signed.
#[derive(Debug, Clone)]
pub struct Signed {
    /// Who, and in which role.
    pub who: String,
    /// The client's id in its own tokens.
    pub client: String,
    /// What the system is called.
    pub name: String,
    /// The form it reads.
    pub face: Face,
    /// When it was signed.
    pub at: jiff::Timestamp,
    /// Answers by key: whether it is so, and a note.
    pub answers: BTreeMap<&'static str, (bool, String)>,
}

impl Signed {
    /// From the form.
    pub fn of(fields: &BTreeMap<String, String>, at: jiff::Timestamp) -> Signed {
        let field = |key: &str| fields.get(key).map(|value| value.trim().to_owned()).unwrap_or_default();
        let (who, role) = (field("who"), field("role"));
        let answer = |key: &'static str| (key, (field(key) == "yes", field(&format!("{key}-note"))));
        Signed {
            who: if who.is_empty() || role.is_empty() { String::new() } else { format!("{who}, {role}") },
            client: field("client"),
            name: field("name"),
            face: if field("face") == "STU3" { Face::Stu3 } else { Face::R4 },
            at,
            answers: CHECKS.iter().map(|(_, key, _)| answer(key)).collect(),
        }
    }

    /// Why this consumer may not have an incomplete read; empty when it may.
    pub fn against(&self, seen: &[Seen]) -> Vec<String> {
        let mut reasons = Vec::new();
        for (what, text) in [("who signs, and their role", &self.who), ("the client's id", &self.client), ("the system's name", &self.name)]
        {
            if text.is_empty() {
                reasons.push(format!("It is not said: {what}."));
            }
        }
        for (stage, key, words) in CHECKS {
            if !self.answers.get(key).is_some_and(|(so, _)| *so) {
                reasons.push(format!("{}: not so: {words}", stage.words()));
            }
        }
        let read = |stage: Stage, fits: fn(&Seen) -> bool| seen.iter().any(|one| one.stage == stage && one.face == self.face && fits(one));
        if !read(Stage::Whole, |one| one.status == 200) {
            reasons.push(format!("While every source answered, nothing was read at {}.", self.face.path()));
        }
        if !read(Stage::Silent, |one| one.status == 200 && one.partial) {
            reasons.push(format!("While one source was silent, nothing was read at {} with _complete=partial.", self.face.path()));
        }
        if !read(Stage::Nobody, |one| one.status >= 500) {
            reasons.push(format!("While no source answered, nothing was asked at {}.", self.face.path()));
        }
        reasons
    }

    /// The block for the configuration, when nothing stands against it.
    pub fn block(&self, seen: &[Seen]) -> Option<String> {
        let face = if self.face == Face::Stu3 { "STU3" } else { "R4" };
        let day = self.at.to_zoned(jiff::tz::TimeZone::UTC).date();
        let text = |value: &str| toml::Value::from(value).to_string();
        self.against(seen).is_empty().then(|| {
            format!(
                "[[consumer]]\nclient = {}\nname = {}\nface = \"{face}\"\naccepted_by = {}\naccepted_on = \"{day}\"\n",
                text(&self.client),
                text(&self.name),
                text(&self.who)
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    fn fields(change: &[(&str, &str)]) -> BTreeMap<String, String> {
        let mut fields: BTreeMap<String, String> = [
            ("who", "A \"N\" Officer"),
            ("role", "clinical safety officer"),
            ("client", "portal-1"),
            ("name", "Ward portal"),
            ("face", "STU3"),
        ]
        .into_iter()
        .chain(CHECKS.iter().map(|(_, key, _)| (*key, "yes")))
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect();
        fields.extend(change.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())));
        fields
    }

    fn at() -> jiff::Timestamp {
        jiff::Timestamp::constant(1_795_424_400, 0)
    }

    fn seen(face: Face) -> Vec<Seen> {
        vec![
            Seen::of(Stage::Whole, face, "patient=1", 200),
            Seen::of(Stage::Silent, face, "_complete=partial", 200),
            Seen::of(Stage::Nobody, face, "_complete=partial", 502),
        ]
    }

    #[test]
    fn a_signed_exercise_gives_a_block_that_the_configuration_takes() {
        let block = Signed::of(&fields(&[]), at()).block(&seen(Face::Stu3)).expect("nothing stands against it");
        let text = format!(
            "[exchange]\nid = \"here\"\norganisation = \"QHL\"\n[[sign_in]]\nissuer = \"https://l.example\"\naudience = \"s\"\nkeys = \"https://l.example/jwks\"\n\
             [[source]]\nid = \"a\"\nname = \"A\"\norganisation = \"QWU\"\ndialect = \"fhir-r4\"\nurl = \"https://a.example\"\n{block}"
        );
        let config = Config::parse(&text, std::path::Path::new(".")).unwrap_or_else(|mistakes| panic!("{mistakes:?}"));
        let consumer = &config.consumers[0];
        assert_eq!((consumer.client.as_str(), consumer.face), ("portal-1", Face::Stu3));
        assert_eq!(consumer.accepted_by, "A \"N\" Officer, clinical safety officer");
        assert_eq!(consumer.accepted_on.to_string(), "2026-11-23");
    }

    #[test]
    fn anything_missing_gives_no_block() {
        let check = |change: &[(&str, &str)], seen: &[Seen], expected: &str| {
            let signed = Signed::of(&fields(change), at());
            assert!(signed.against(seen).iter().any(|reason| reason.contains(expected)), "{:?}", signed.against(seen));
            assert_eq!(signed.block(seen), None);
        };
        for (_, key, words) in CHECKS {
            check(&[(key, "no")], &seen(Face::Stu3), words);
        }
        check(&[("who", "")], &seen(Face::Stu3), "who signs");
        check(&[("role", " ")], &seen(Face::Stu3), "who signs");
        check(&[("client", "")], &seen(Face::Stu3), "client's id");
        // The other face was looked at.
        check(&[], &seen(Face::R4), "nothing was read at /fhir/STU3");
        check(&[], &seen(Face::Stu3)[..2], "no source answered");
        let mut required = seen(Face::Stu3);
        required[1] = Seen::of(Stage::Silent, Face::Stu3, "patient=1", 504);
        check(&[], &required, "_complete=partial");
    }
}
