//! The page as text.

use std::fmt::Write;

use super::view::View;

/// At most this many lines of one section; the rest is counted, never silently cut.
const LINES_MAX: usize = 12;

/// Lays a record out for a terminal. `whole` shows every line.
pub fn text(view: &View, whole: bool) -> String {
    let mut out = String::new();
    let (complete, all) = view.completeness();
    // Writing to a String cannot fail.
    let _ = writeln!(
        out,
        "{}   Born {}   Gender {}   NHS No. {}",
        view.names.first().map(String::as_str).unwrap_or("(no name)"),
        view.born,
        view.gender,
        view.number
    );
    for also in view.names.iter().skip(1) {
        let _ = writeln!(out, "  also known as {also}");
    }
    let _ = writeln!(out, "** {} **", view.allergies);
    let _ = writeln!(out, "Answered in full: {complete} of {all} sources");
    for source in &view.sources {
        let _ = writeln!(
            out,
            "  {:<5} {:<56} {:>4} shown{}",
            source.id,
            source.name,
            source.shown,
            if source.missing.is_empty() { "" } else { "   !" }
        );
        for gap in source.gaps() {
            let _ = writeln!(out, "      {gap}");
        }
    }
    for notice in &view.notices {
        let _ = writeln!(out, "  {notice}");
    }
    if !view.conflicts.is_empty() {
        let _ = writeln!(out, "\nSOURCES DIFFER (riskier first; an order, not advice)");
        for conflict in &view.conflicts {
            let _ = writeln!(out, "  {}", conflict.code);
            for item in &conflict.items {
                let _ = writeln!(out, "    - {item}");
            }
        }
    }
    for (heading, lines) in &view.sections {
        let _ = writeln!(out, "\n{}", heading.to_uppercase());
        let limit = if whole { usize::MAX } else { LINES_MAX };
        for line in lines.iter().take(limit) {
            let tier = line.tier.as_ref().map(|tier| format!(" {tier}")).unwrap_or_default();
            let _ = writeln!(out, "  {:<17} {} [{}] ({}{tier})", line.date, line.what, line.status, line.sources.join(" + "));
        }
        if lines.len() > limit {
            let _ = writeln!(out, "  … and {} more", lines.len() - limit);
        }
    }
    let _ = writeln!(out, "\nRequest {}", view.request);
    out
}
