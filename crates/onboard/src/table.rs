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
        "| dialect | follows | third-party files | pretend supplier | independent server | cases | findings | shown against |\n|---|---|---|---|---|---|---|---|\n",
    );
    for dialect in Dialect::all() {
        let evidence = &dialect.card().evidence;
        let (cases, findings) = cases(&fixtures.join(dialect.name()))?;
        let of = |all: &[(String, String)]| {
            let own: Vec<&str> = all.iter().filter(|(name, _)| name == dialect.name()).map(|(_, what)| what.as_str()).collect();
            if own.is_empty() { "none".to_owned() } else { own.join(", ") }
        };
        let recorded = if evidence.recorded.is_empty() { "none".to_owned() } else { evidence.recorded.join(", ") };
        let servers = of(&around.servers);
        let shown = match (servers.as_str(), recorded.as_str()) {
            ("none", "none") => "public documentation only",
            ("none", _) => "third-party files, no live system",
            _ => "another team's server, no live system",
        };
        out.push_str(&format!(
            "| `{}` | {} | {recorded} | {} | {servers} | {cases} | {findings} | {shown} |\n",
            dialect.name(),
            evidence.documentation,
            of(&around.pretend),
        ));
    }
    Ok(out)
}

/// Cases below a dialect's folder, and the findings that they expect: lines of `findings.txt`.
fn cases(folder: &Path) -> std::io::Result<(usize, usize)> {
    let (mut cases, mut findings) = (0, 0);
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok((0, 0)),
        Err(error) => return Err(error),
    };
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() {
            cases += 1;
            let text = std::fs::read_to_string(path.join("findings.txt")).unwrap_or_default();
            findings += text.lines().filter(|line| !line.trim().is_empty()).count();
        }
    }
    Ok((cases, findings))
}
