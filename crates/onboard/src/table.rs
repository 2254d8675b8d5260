//! The table of dialects: what each was tested against. Every row is counted or read from where the evidence lies.

use std::path::Path;

use dialect::Dialect;

/// What stands around the dialects, counted by whoever has it.
#[derive(Debug, Default)]
pub struct Around {
    /// Pretend suppliers: dialect and id.
    pub pretend: Vec<(String, String)>,
    /// Independent servers of the scripted check: dialect and name with version.
    pub servers: Vec<(String, String)>,
}

/// The table in Markdown. `fixtures` is the folder with one folder a dialect, one below it a case.
pub fn markdown(fixtures: &Path, around: &Around) -> std::io::Result<String> {
    let mut out = String::from(
        "| dialect | follows | recorded responses | other third-party files | pretend supplier | run beside it | cases | findings | conformant to |\n|---|---|---|---|---|---|---|---|---|\n",
    );
    for dialect in Dialect::all() {
        let evidence = &dialect.card().evidence;
        let (cases, findings) = cases(&fixtures.join(dialect.name()))?;
        let of = |all: &[(String, String)]| {
            let own: Vec<&str> = all.iter().filter(|(name, _)| name == dialect.name()).map(|(_, what)| what.as_str()).collect();
            if own.is_empty() { "none".to_owned() } else { own.join(", ") }
        };
        let list = |sets: &[&str]| if sets.is_empty() { "none".to_owned() } else { sets.join(", ") };
        let servers = evidence.itself.map_or_else(|| of(&around.servers), str::to_owned);
        let conformant = match (evidence.itself.is_some(), servers.as_str(), evidence.recorded) {
            (true, ..) => "itself",
            (_, "none", []) => "public documentation, not a live system",
            (_, "none", _) => "recorded responses, not a live system",
            _ => "another team's server, not a live system",
        };
        out.push_str(&format!(
            "| `{}` | {} | {} | {} | {} | {servers} | {cases} | {findings} | {conformant} |\n",
            dialect.name(),
            evidence.documentation,
            list(evidence.recorded),
            list(evidence.examples),
            of(&around.pretend),
        ));
    }
    Ok(out)
}

/// Cases below a dialect's folder, and the findings that they expect, in words: lines of `findings.txt`.
fn cases(folder: &Path) -> std::io::Result<(usize, String)> {
    let (mut cases, mut findings) = (0, None);
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok((0, "none".to_owned())),
        Err(error) => return Err(error),
    };
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() {
            cases += 1;
            if let Ok(text) = std::fs::read_to_string(path.join("findings.txt")) {
                *findings.get_or_insert(0) += text.lines().filter(|line| !line.trim().is_empty()).count();
            }
        }
    }
    Ok((cases, findings.map_or_else(|| "in its tests".to_owned(), |count: usize| count.to_string())))
}
