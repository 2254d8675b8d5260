//! Medicines beside each other: what the practice, a hospital, a discharge and a pharmacy each say of one product.
//!
//! A row is one product, by a code that both have or by its name: another strength or form is a row of its own, and named in it. Nothing
//! is reconciled here: that one side lacks a product or ended it is put in words, for somebody to decide.

use std::collections::BTreeSet;

use exchange::{Joined, Names};
use fhir::{Kind, Ref};
use record::{Fate, Item, SourceId};

use crate::critical::over;
use crate::item::{Line, text};
use crate::record::{Laid, lacking_medicines};
use crate::sections::{has, plain};
use crate::words;

/// Whose side an entry is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    /// What a practice prescribes or has listed.
    Practice,
    /// What a hospital says.
    Hospital,
    /// What an entry says to be of a discharge.
    Discharge,
    /// What was dispensed, or lies at a pharmacy.
    Pharmacy,
    /// What is passed on by a shared record, or by whoever is not said to be one of those.
    Elsewhere,
}

/// The sides, in the order of the columns.
const SIDES: [Side; 5] = [Side::Practice, Side::Hospital, Side::Discharge, Side::Pharmacy, Side::Elsewhere];

/// Where care is given by whoever a source is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Care {
    /// General practice.
    Practice,
    /// A hospital.
    Hospital,
    /// A community pharmacy.
    Pharmacy,
}

/// Medicines by product.
#[derive(Debug, Clone, Default)]
pub struct Medicines {
    /// Products, those that stand out first, each by name.
    pub products: Vec<Product>,
    /// How many entries are not here for being entered in error, cancelled or never taken.
    pub struck: usize,
    /// Sources that were not heard in full.
    pub lacking: Vec<String>,
}

/// One product.
#[derive(Debug, Clone, Default)]
pub struct Product {
    /// Its name.
    pub name: String,
    /// What each side says, in the order of the columns.
    pub sides: Vec<Vec<Line>>,
    /// When it was last issued, and by whom.
    pub issued: Option<String>,
    /// When it was last dispensed, and by whom.
    pub dispensed: Option<String>,
    /// What stands out, in words.
    pub stands_out: Vec<String>,
    codes: Vec<String>,
}

impl Side {
    fn title(self) -> &'static str {
        match self {
            Side::Practice => "GP practice",
            Side::Hospital => "Hospital",
            Side::Discharge => "Discharge changes",
            Side::Pharmacy => "Pharmacy, dispensed",
            Side::Elsewhere => "Passed on by others",
        }
    }

    fn whose(self) -> &'static str {
        match self {
            Side::Practice => "the GP practice",
            Side::Hospital => "the hospital",
            Side::Discharge => "a discharge",
            Side::Pharmacy => "the pharmacy",
            Side::Elsewhere => "whoever passes it on",
        }
    }

    fn of(item: &Item, care: Option<Care>) -> Side {
        let root = item.tree.root();
        match (item.kind, care) {
            (Kind::MEDICATION_DISPENSE, _) => Side::Pharmacy,
            (Kind::MEDICATION_REQUEST, _) if has(root, "category", "discharge") => Side::Discharge,
            (_, Some(Care::Practice)) => Side::Practice,
            (_, Some(Care::Hospital)) => Side::Hospital,
            (_, Some(Care::Pharmacy)) => Side::Pharmacy,
            (_, None) => Side::Elsewhere,
        }
    }
}

impl Medicines {
    /// Of one read. `care` says of a source where it gives care, where that is known.
    pub fn of(joined: &Joined, names: &dyn Names, care: impl Fn(&SourceId) -> Option<Care>) -> Medicines {
        let laid = Laid::of(joined, names);
        let record = &joined.record;
        let retracted: BTreeSet<usize> =
            record.clusters.iter().filter(|cluster| cluster.retracted).flat_map(|cluster| cluster.members.iter().copied()).collect();
        let mut medicines = Medicines { lacking: lacking_medicines(record, names), ..Medicines::default() };
        for (at, item) in record.items.iter().enumerate() {
            let is_medicine = matches!(
                item.kind,
                Kind::MEDICATION_REQUEST | Kind::MEDICATION_STATEMENT | Kind::MEDICATION_DISPENSE | Kind::MEDICATION_ADMINISTRATION
            );
            if !is_medicine || record.fates[at] == Fate::History {
                continue;
            }
            let mut line = laid.reader.line(item);
            if line.struck || retracted.contains(&at) {
                medicines.struck += 1;
                continue;
            }
            line.opposed = laid.lines.iter().find(|(own, _)| *own == at).and_then(|(_, own)| own.opposed.clone());
            medicines.add(item, line, Side::of(item, care(&item.origin.source)));
        }
        let names: Vec<String> = medicines.products.iter().map(|product| product.name.clone()).collect();
        for product in &mut medicines.products {
            product.say_what_stands_out(&names);
        }
        medicines.products.sort_by_key(|product| product.name.to_lowercase());
        medicines
    }

    fn add(&mut self, item: &Item, line: Line, side: Side) {
        let (codes, name) = (codes(item.tree.root()), plain(&line.what));
        let same = |product: &Product| product.codes.iter().any(|code| codes.contains(code)) || plain(&product.name) == name;
        let product = match self.products.iter_mut().position(|product| same(product)) {
            Some(at) => &mut self.products[at],
            None => {
                self.products.push(Product { name: line.what.clone(), sides: vec![Vec::new(); SIDES.len()], ..Product::default() });
                let last = self.products.len() - 1;
                &mut self.products[last]
            }
        };
        product.codes.extend(codes);
        // Entries come newest first.
        let said = || format!("{}, {}", if line.date.is_empty() { "date not recorded" } else { &line.date }, line.source);
        let root = item.tree.root();
        if item.kind == Kind::MEDICATION_REQUEST && !root.is("intent", "plan") && !root.is("intent", "proposal") && product.issued.is_none()
        {
            product.issued = Some(said());
        }
        if item.kind == Kind::MEDICATION_DISPENSE && product.dispensed.is_none() {
            product.dispensed = Some(said());
        }
        product.sides[SIDES.iter().position(|own| *own == side).unwrap_or_default()].push(line);
    }

    /// The columns.
    pub(crate) fn columns(&self) -> [&'static str; 5] {
        SIDES.map(Side::title)
    }

    pub(crate) fn aside(&self) -> Option<String> {
        (self.struck > 0).then(|| {
            words::count(
                self.struck,
                "entry that is not current (entered in error, cancelled or never taken) stands in the record only.",
                "entries that are not current (entered in error, cancelled or never taken) stand in the record only.",
            )
        })
    }
}

impl Product {
    fn say_what_stands_out(&mut self, names: &[String]) {
        let with = |wanted: &dyn Fn(&Line) -> bool| -> Vec<Side> {
            SIDES.into_iter().zip(&self.sides).filter(|(_, lines)| lines.iter().any(wanted)).map(|(side, _)| side).collect()
        };
        let (any, active) = (with(&|_| true), with(&active));
        let own = |side: &Side| *side != Side::Elsewhere;
        let here: Vec<Side> = any.iter().copied().filter(own).collect();
        let mut out = Vec::new();
        match here.as_slice() {
            [] => out.push(format!("Only {} has it.", Side::Elsewhere.whose())),
            [one] => out.push(format!("Only {} has it.", one.whose())),
            _ => {}
        }
        // What was dispensed is over once it is handed over; on other sides an end is one.
        let ended = |side: &Side| {
            *side != Side::Pharmacy
                && !active.contains(side)
                && self.sides[SIDES.iter().position(|own| own == side).unwrap_or_default()].iter().any(over)
        };
        let listed = |sides: Vec<Side>| words::list(&sides.into_iter().map(|side| side.whose().to_owned()).collect::<Vec<_>>());
        let (on, off): (Vec<Side>, Vec<Side>) =
            (active.iter().copied().filter(|side| *side != Side::Pharmacy).collect(), any.iter().copied().filter(ended).collect());
        // What is passed on is somebody's word, who is named where they are heard themselves.
        let on: Vec<Side> = if on.iter().any(own) { on.into_iter().filter(own).collect() } else { on };
        let off: Vec<Side> = if off.iter().any(own) { off.into_iter().filter(own).collect() } else { off };
        if !on.is_empty() && !off.is_empty() {
            out.push(format!("Active by the word of {}; ended by that of {}.", listed(on), listed(off)));
        }
        let first = |name: &str| plain(name).split_whitespace().next().map(str::to_owned);
        let others: Vec<String> = names.iter().filter(|name| **name != self.name && first(name) == first(&self.name)).cloned().collect();
        if !others.is_empty() {
            out.push(format!("See also {}.", words::list(&others)));
        }
        self.stands_out = out;
    }

    /// What each side says, with the name of its column.
    pub(crate) fn cells(&self) -> Vec<(&'static str, &Vec<Line>)> {
        SIDES.iter().map(|side| side.title()).zip(&self.sides).collect()
    }
}

/// Whether an entry says that it is in use: what does not say is not taken to be.
fn active(line: &Line) -> bool {
    line.tags.iter().any(|tag| tag.text == "Active")
}

/// Codes of the product that mean the same wherever they stand.
fn codes(root: Ref<'_>) -> Vec<String> {
    let public = ["http://snomed.info/sct", "https://dmd.nhs.uk"];
    let codings = root.all("medicationCodeableConcept.coding").into_iter();
    codings
        .filter(|coding| text(*coding, "system").is_some_and(|system| public.contains(&system.as_str())))
        .filter_map(|coding| text(coding, "code"))
        .collect()
}
