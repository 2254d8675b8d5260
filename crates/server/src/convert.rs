//! `severn convert`: what Severn makes of files, for engineers and for checks that share no code with it.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use fhir::Version;
use serde_json::value::RawValue;
use serde_json::{Value, json};

/// Prints one JSON line a file: resources with their findings, what is in quarantine, or why the file was refused.
pub fn run(from: &str, files: &[PathBuf]) -> anyhow::Result<ExitCode> {
    let version = match from {
        "dstu2" => Version::Dstu2,
        "stu3" => Version::Stu3,
        "r4" => Version::R4,
        other => bail!("--from {other}: use dstu2, stu3 or r4"),
    };
    for file in files {
        println!("{}", line(version, file)?);
    }
    Ok(ExitCode::SUCCESS)
}

/// One file. Resources are written as they are: a `Value` would make 1.5 of 1.50.
#[derive(serde::Serialize)]
struct Line {
    file: String,
    resources: Vec<Resource>,
    quarantined: Vec<Value>,
    refused: Option<String>,
}

#[derive(serde::Serialize)]
struct Resource {
    from: String,
    id: Option<String>,
    resource: Box<RawValue>,
    findings: Vec<Value>,
}

fn line(version: Version, file: &Path) -> anyhow::Result<String> {
    let body = std::fs::read(file).with_context(|| format!("reading {}", file.display()))?;
    let first = body.iter().find(|byte| !byte.is_ascii_whitespace() && !matches!(**byte, 0xEF | 0xBB | 0xBF));
    let content_type = if first == Some(&b'<') { "application/fhir+xml" } else { "application/fhir+json" };
    let converted = dialect::convert(version, body.into(), content_type);
    let resources = converted.items.into_iter().map(|item| {
        let findings =
            item.findings.iter().map(|finding| json!({"code": finding.code.code(), "path": finding.path, "detail": finding.detail}));
        Ok(Resource {
            from: item.origin.kind.into_owned(),
            id: item.origin.id,
            resource: RawValue::from_string(item.tree.to_json())?,
            findings: findings.collect(),
        })
    });
    let quarantined =
        converted.quarantined.iter().map(|one| json!({"kind": one.named, "id": one.id, "reason": one.cause.code(), "detail": one.detail}));
    let line = Line {
        file: file.display().to_string(),
        resources: resources.collect::<Result<_, serde_json::Error>>()?,
        quarantined: quarantined.collect(),
        refused: converted.refused,
    };
    Ok(serde_json::to_string(&line)?)
}
