//! The hazard log as a page.

use std::fmt::Write;

use crate::hazard::UNDESIRABLE;
use crate::{ControlKind, Hazard, Likelihood, Log, Risk, Severity, Status};

/// The log of a release, in Markdown: what it comes to, then every hazard.
pub fn report(log: &Log, release: &str) -> String {
    let mut out = String::new();
    let count = |status: Status| log.hazards.iter().filter(|hazard| hazard.status == status).count();
    // Writing to a String cannot fail.
    let _ = write!(
        out,
        "# Hazard log of Severn {release}\n\n\
         {} hazards: {} controlled, {} transferred to whoever deploys, {} open.\n\
         Severity, likelihood and risk are by the matrix of DCB0129's guidance, 1 (acceptable) to 5 (unacceptable); from {UNDESIRABLE} on a hazard counts as open.\n\
         The ratings are the manufacturer's proposal: they stand when a clinical safety officer has signed them.\n\n\
         | id | hazard | before | after | status |\n|---|---|---|---|---|\n",
        log.hazards.len(),
        count(Status::Controlled),
        count(Status::Transferred),
        count(Status::Open)
    );
    for hazard in &log.hazards {
        let (before, after) = (hazard.initial.level(), hazard.residual.level());
        let _ = writeln!(out, "| {} | {} | {before} | {after} | {} |", hazard.id, hazard.name, status(hazard.status));
    }
    for hazard in &log.hazards {
        one(&mut out, hazard);
    }
    out
}

fn one(out: &mut String, hazard: &Hazard) {
    let _ = write!(out, "\n## {}: {}\n\n{}\n\n", hazard.id, hazard.name, hazard.description);
    let _ = writeln!(out, "- **Possible causes.** {}", hazard.causes.join(" "));
    let _ = writeln!(out, "- **Harm.** {}", hazard.harm);
    let _ = writeln!(out, "- **Initial risk.** {}", risk(hazard.initial));
    let _ = writeln!(out, "- **Requirement.** {}", hazard.requirement);
    let _ = writeln!(out, "- **Controls.**");
    for control in &hazard.controls {
        let _ = writeln!(out, "  - {}: {}", kind(control.kind), control.text);
        for test in &control.tests {
            let _ = writeln!(out, "    - `{test}`");
        }
        if let Some(open) = &control.open {
            let _ = writeln!(out, "    - **Open:** {open}");
        }
    }
    let _ = writeln!(out, "- **Residual risk.** {}", risk(hazard.residual));
    let _ = writeln!(out, "- **Owner.** {}. **Status.** {}.", hazard.owner, status(hazard.status));
}

fn risk(risk: Risk) -> String {
    let severity = match risk.severity {
        Severity::Minor => "minor",
        Severity::Significant => "significant",
        Severity::Considerable => "considerable",
        Severity::Major => "major",
        Severity::Catastrophic => "catastrophic",
    };
    let likelihood = match risk.likelihood {
        Likelihood::VeryLow => "very low",
        Likelihood::Low => "low",
        Likelihood::Medium => "medium",
        Likelihood::High => "high",
        Likelihood::VeryHigh => "very high",
    };
    format!("Severity {severity}, likelihood {likelihood}: {}.", risk.level())
}

fn kind(kind: ControlKind) -> &'static str {
    match kind {
        ControlKind::BusinessProcess => "Business process",
        ControlKind::Design => "Design",
        ControlKind::Test => "Test",
        ControlKind::Training => "Training",
    }
}

fn status(status: Status) -> &'static str {
    match status {
        Status::Controlled => "controlled",
        Status::Open => "open",
        Status::Transferred => "transferred",
    }
}
