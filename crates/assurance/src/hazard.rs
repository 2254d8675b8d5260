//! Hazards, in the form of DCB0129.

use serde::Deserialize;

use crate::{Error, Tests};

/// The files of the log, as they were when this was built: a binary can print its own.
const FILES: &[(&str, &str)] = &[
    ("absence", include_str!("../../../docs/safety/hazards/absence.toml")),
    ("access", include_str!("../../../docs/safety/hazards/access.toml")),
    ("identity", include_str!("../../../docs/safety/hazards/identity.toml")),
    ("joining", include_str!("../../../docs/safety/hazards/joining.toml")),
    ("running", include_str!("../../../docs/safety/hazards/running.toml")),
    ("showing", include_str!("../../../docs/safety/hazards/showing.toml")),
];

/// The hazard log: every hazard once, in order of ids.
#[derive(Debug, Clone)]
pub struct Log {
    /// The hazards.
    pub hazards: Vec<Hazard>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    hazard: Vec<Hazard>,
}

/// One hazard.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hazard {
    /// `H-001`; never used again.
    pub id: String,
    /// In a few words.
    pub name: String,
    /// What could happen.
    pub description: String,
    /// How it could come to that.
    pub causes: Vec<String>,
    /// What it could do to a person.
    pub harm: String,
    /// Before any control.
    pub initial: Risk,
    /// What the product must do about it, in its own words.
    pub requirement: String,
    /// What holds it.
    pub controls: Vec<Control>,
    /// With the controls that are in place.
    pub residual: Risk,
    /// Who answers for it.
    pub owner: String,
    /// Where it stands.
    pub status: Status,
}

/// How bad and how likely.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Risk {
    /// How bad.
    pub severity: Severity,
    /// How likely.
    pub likelihood: Likelihood,
}

/// Severity, by DCB0129's words; the order of the matrix's columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "each is the standard's word")]
pub enum Severity {
    Minor,
    Significant,
    Considerable,
    Major,
    Catastrophic,
}

/// Likelihood, by DCB0129's words; the order of the matrix's rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "each is the standard's word")]
pub enum Likelihood {
    VeryLow,
    Low,
    Medium,
    High,
    VeryHigh,
}

/// Where a hazard stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// Its controls are in place, and tested where a program can hold them.
    Controlled,
    /// A control is missing or untested.
    Open,
    /// What is left of it is held by whoever deploys.
    Transferred,
}

/// What holds a hazard.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Control {
    /// Of which kind.
    pub kind: ControlKind,
    /// What it does.
    pub text: String,
    /// The tests that show it: `crates/…rs::name`.
    #[serde(default)]
    pub tests: Vec<String>,
    /// What of it is missing or not tested yet.
    #[serde(default)]
    pub open: Option<String>,
}

/// Kinds of controls, by DCB0129.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ControlKind {
    /// A change of how people work.
    BusinessProcess,
    /// In the program; shown by a test, or open.
    Design,
    /// Checking that is done outside of the program's own tests.
    Test,
    /// What people are taught.
    Training,
}

/// The matrix of DCB0129's guidance: a row for each likelihood from very low, a column for each severity from minor.
const MATRIX: [[u8; 5]; 5] = [[1, 1, 2, 2, 3], [1, 2, 2, 3, 4], [2, 2, 3, 3, 4], [2, 3, 3, 4, 5], [3, 4, 4, 5, 5]];

/// From here on a risk is not acceptable as it is.
pub(crate) const UNDESIRABLE: u8 = 3;

impl Risk {
    /// 1 to 5.
    pub fn level(self) -> u8 {
        MATRIX[self.likelihood as usize][self.severity as usize]
    }
}

impl Log {
    /// The log that this was built with.
    pub fn own() -> Result<Log, Error> {
        let mut hazards = Vec::new();
        for (file, text) in FILES {
            let wrong =
                |error: toml::de::Error| Error::Hazards { file: format!("docs/safety/hazards/{file}.toml"), what: error.to_string() };
            hazards.extend(toml::from_str::<File>(text).map_err(wrong)?.hazard);
        }
        hazards.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(Log { hazards })
    }

    /// The files it is read from, without folder and ending.
    pub fn files() -> impl Iterator<Item = &'static str> {
        FILES.iter().map(|(name, _)| *name)
    }

    /// What is wrong with it by itself, and what it says of tests that are not there; one sentence each.
    pub fn faults(&self, tests: &Tests) -> Vec<String> {
        let mut faults = Vec::new();
        for pair in self.hazards.windows(2) {
            if pair[0].id == pair[1].id {
                faults.push(format!("{} is two hazards", pair[0].id));
            }
        }
        for hazard in &self.hazards {
            faults.extend(hazard.faults(tests).into_iter().map(|what| format!("{}: {what}", hazard.id)));
        }
        faults
    }
}

impl Hazard {
    /// Controls of which something is missing.
    pub fn open(&self) -> impl Iterator<Item = (&Control, &str)> {
        self.controls.iter().filter_map(|control| Some((control, control.open.as_deref()?)))
    }

    fn faults(&self, tests: &Tests) -> Vec<String> {
        let mut faults = Vec::new();
        let empty = [&self.name, &self.description, &self.harm, &self.requirement, &self.owner].iter().any(|text| text.trim().is_empty());
        if empty || self.causes.is_empty() || self.controls.is_empty() {
            faults.push("lacks a part".to_owned());
        }
        for control in &self.controls {
            if control.kind == ControlKind::Design && control.tests.is_empty() && control.open.is_none() {
                faults.push(format!("the control “{}” names no test, and does not say that there is none", control.text));
            }
            faults.extend(control.tests.iter().filter_map(|test| tests.fault(test)));
        }
        let (before, after) = (self.initial.level(), self.residual.level());
        if after > before {
            faults.push(format!("its controls raise the risk from {before} to {after}"));
        }
        let open = self.open().next().is_some();
        match self.status {
            Status::Controlled if open => faults.push("is called controlled, and something of its controls is open".to_owned()),
            Status::Controlled | Status::Transferred if after >= UNDESIRABLE => {
                faults.push(format!("leaves a risk of {after}, which is not acceptable as it is: it is open"));
            }
            _ => {}
        }
        faults
    }
}
