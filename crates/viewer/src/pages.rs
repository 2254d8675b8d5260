//! The pages. Whatever stands in them is escaped by the templates.

use askama::Template;

use crate::assets;
use crate::documents::{Content, Document};
use crate::item::Line;
use crate::medicines::Medicines;
use crate::record::{Allergies, Record};
use crate::results::Results;

/// What every page has around it.
#[derive(Debug, Clone, Default)]
pub struct Chrome {
    /// What the page is; also its heading.
    pub title: String,
    /// Who reads, where somebody is signed in.
    pub reader: Option<Reader>,
    /// The desks at which they work: where each is, and what it is called.
    pub desks: Vec<(&'static str, &'static str)>,
    /// That care may not rely on it yet, while that is so.
    pub caution: Option<&'static str>,
    /// The request, by which it stands in the ledger.
    pub request: String,
}

/// Who reads.
#[derive(Debug, Clone, Default)]
pub struct Reader {
    /// Their name.
    pub name: String,
    /// For whom they act.
    pub organisation: String,
    /// What goes with every form of theirs.
    pub csrf: String,
}

impl Chrome {
    pub(crate) fn styles(&self) -> impl Iterator<Item = &'static str> {
        assets::styles()
    }

    pub(crate) fn icon(&self) -> Option<&'static str> {
        assets::icon()
    }

    pub(crate) fn script(&self) -> Option<&'static str> {
        assets::script()
    }
}

/// A record.
#[derive(Debug, Template)]
#[template(path = "record.html")]
pub struct RecordPage {
    /// Around it.
    pub chrome: Chrome,
    /// What is read.
    pub record: Record,
    /// Where it is shown in an emergency.
    pub emergency: Option<Emergency>,
}

/// Its medicines, beside each other.
#[derive(Debug, Template)]
#[template(path = "medicines.html")]
pub struct MedicinesPage {
    /// Around it.
    pub chrome: Chrome,
    /// Whose, and who answered.
    pub record: Record,
    /// Where it is shown in an emergency.
    pub emergency: Option<Emergency>,
    /// What is read.
    pub medicines: Medicines,
}

/// A document of it.
#[derive(Debug, Template)]
#[template(path = "document.html")]
pub struct DocumentPage {
    /// Around it.
    pub chrome: Chrome,
    /// Whose, and who answered.
    pub record: Record,
    /// Where it is shown in an emergency.
    pub emergency: Option<Emergency>,
    /// What is read.
    pub document: Document,
}

/// Its results, by test.
#[derive(Debug, Template)]
#[template(path = "results.html")]
pub struct ResultsPage {
    /// Around it.
    pub chrome: Chrome,
    /// Whose, and who answered.
    pub record: Record,
    /// Where it is shown in an emergency.
    pub emergency: Option<Emergency>,
    /// What is read.
    pub results: Results,
}

/// An emergency that shows a record.
#[derive(Debug, Clone)]
pub struct Emergency {
    /// When it ends, by the clock on the wall.
    pub until: String,
    /// The same as an instant.
    pub instant: String,
    /// What goes with the form that ends it.
    pub csrf: String,
}

impl RecordPage {
    /// Lines with values, or those without.
    fn apart<'a>(&self, lines: &'a [Line], values: bool) -> Vec<&'a Line> {
        lines.iter().filter(|line| line.readings.is_empty() != values).collect()
    }
}

impl Allergies {
    /// Whether so many are known that they may not fit the banner: then they are scrolled to, and can be by key.
    fn is_long(&self) -> bool {
        self.known.iter().chain(&self.lacking).map(String::len).sum::<usize>() > 160
    }
}

/// Where somebody is looked for, and who was found.
#[derive(Debug, Template)]
#[template(path = "find.html")]
pub struct Find {
    /// Around it.
    pub chrome: Chrome,
    /// Who was found; none where nobody was looked for.
    pub candidates: Option<Vec<Candidate>>,
    /// What is to be known of the search.
    pub said: Vec<String>,
    /// What is wrong with what was asked.
    pub wrong: Option<String>,
}

/// Somebody who was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Candidate {
    /// The exchange's id.
    pub person: String,
    /// `SURNAME, Given`
    pub name: String,
    /// Birth date, clinical form.
    pub born: String,
    /// Gender.
    pub gender: String,
    /// NHS number, 3 3 4.
    pub number: String,
    /// How sure it is, where they were looked for by who they are.
    pub fit: String,
}

/// A record that is not shown; and the ways to it, where its reader found the person before.
#[derive(Debug, Template)]
#[template(path = "refused.html")]
pub struct Refusing {
    /// Around it.
    pub chrome: Chrome,
    /// Whom the reader was shown when looking.
    pub claiming: Option<Claiming>,
    /// What is wrong with a claim.
    pub wrong: Option<String>,
    /// Letters that a reason has at least, and at most.
    pub least: usize,
    /// The most.
    pub most: usize,
}

/// Whom a claim is about.
pub type Claiming = Candidate;

impl Refusing {
    /// Reasons of care, each with its code.
    fn claims() -> &'static [(&'static str, &'static str)] {
        &[
            ("TREAT", "I treat or care for them"),
            ("COC", "I co-ordinate their care"),
            ("CAREMGT", "I manage their care"),
            ("ETREAT", "I treat them urgently"),
        ]
    }

    /// Reasons of an emergency.
    fn emergencies() -> &'static [(&'static str, &'static str)] {
        &[
            ("life-at-risk", "A life is at risk"),
            ("unconscious", "The person is unconscious"),
            ("cannot-consent", "The person cannot say what they wish, and it cannot wait"),
            ("child-at-risk", "A child is at risk"),
            ("ETREAT", "Urgent treatment"),
        ]
    }
}

/// Something to be told, and the way on.
#[derive(Debug, Template)]
#[template(path = "message.html")]
pub struct Message {
    /// Around it.
    pub chrome: Chrome,
    /// What is told.
    pub said: Vec<String>,
    /// Where the way on leads.
    pub way: &'static str,
    /// What it is called.
    pub on: &'static str,
}

/// Where somebody signs in.
#[derive(Debug, Template)]
#[template(path = "sign_in.html")]
pub struct SignIn {
    /// Around it.
    pub chrome: Chrome,
    /// Each way in: where it begins, and what it is called.
    pub ways: Vec<(String, String)>,
    /// Why somebody is here again.
    pub said: Option<String>,
}
