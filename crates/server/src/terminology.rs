//! The operator's terminology files: found, and loaded before a port opens.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use terms::{LoadError, Loader, Size};

use crate::config::Terminology;

/// What a file of a release is, by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Associations,
    Concepts,
    Descriptions,
    Dmd,
    Maps,
    Relationships,
}

/// Folders below a release's own that are looked into.
const DEPTH_MAX: usize = 8;
/// What takes longer than this shows how far it is.
const QUIET: Duration = Duration::from_secs(2);

/// What SNOMED CT calls its files. Full histories and deltas hold the same rows many times, or not all of them.
fn of_snomed(name: &str) -> Option<Part> {
    let snapshot = name.contains("Snapshot") && name.ends_with(".txt");
    let parts = [
        ("sct2_Concept_", Part::Concepts),
        ("sct2_Description_", Part::Descriptions),
        ("sct2_Relationship_", Part::Relationships),
        ("Refset_Association", Part::Associations),
        ("Refset_SimpleMap", Part::Maps),
        ("Refset_ExtendedMap", Part::Maps),
    ];
    parts.iter().find(|(mark, _)| snapshot && name.contains(mark)).map(|(_, part)| *part)
}

/// dm+d's files of products, packs and former identifiers, each with its number and date behind the name.
fn of_dmd(name: &str) -> Option<Part> {
    let marks = ["f_vtm", "f_vmp2", "f_vmp_", "f_vmpp", "f_amp2", "f_amp_", "f_ampp", "f_history"];
    (name.ends_with(".xml") && marks.iter().any(|mark| name.starts_with(mark))).then_some(Part::Dmd)
}

/// What is not there that should be, by key of the configuration.
pub fn lacking(config: &Terminology) -> Vec<(&'static str, String)> {
    let mut lacking = Vec::new();
    for folder in &config.snomed {
        for (part, words) in [(Part::Concepts, "sct2_Concept_Snapshot…txt"), (Part::Relationships, "sct2_Relationship_Snapshot…txt")] {
            match parts(folder, of_snomed) {
                Ok(found) if found.iter().any(|(own, _)| *own == part) => {}
                Ok(_) => lacking.push(("snomed", format!("{} holds no {words}: it wants the folder of an RF2 release", folder.display()))),
                Err(error) => lacking.push(("snomed", format!("{}: {error}", folder.display()))),
            }
        }
    }
    for folder in &config.dmd {
        match parts(folder, of_dmd) {
            Ok(found) if !found.is_empty() => {}
            Ok(_) => lacking.push(("dmd", format!("{} holds no f_vmp2_….xml or other file of a dm+d release", folder.display()))),
            Err(error) => lacking.push(("dmd", format!("{}: {error}", folder.display()))),
        }
    }
    for file in &config.concept_maps {
        if let Err(error) = std::fs::metadata(file) {
            lacking.push(("concept_maps", format!("{}: {error}", file.display())));
        }
    }
    lacking.dedup();
    lacking
}

/// Files of a folder and those below it that are parts of a release, in order of their paths.
fn parts(folder: &Path, of: fn(&str) -> Option<Part>) -> std::io::Result<Vec<(Part, PathBuf)>> {
    let (mut found, mut waiting) = (Vec::new(), vec![(folder.to_owned(), 0)]);
    while let Some((folder, depth)) = waiting.pop() {
        for entry in std::fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() && depth < DEPTH_MAX {
                waiting.push((path, depth + 1));
            } else if let Some(part) = path.file_name().and_then(|name| of(&name.to_string_lossy())) {
                found.push((part, path));
            }
        }
    }
    found.sort_by(|a, b| a.1.cmp(&b.1));
    Ok(found)
}

/// Loads all that is configured; nothing where nothing is. Says how far it is when it takes long.
pub fn load(config: &Terminology) -> anyhow::Result<Option<Arc<terms::Terminology>>> {
    if config.snomed.is_empty() && config.dmd.is_empty() && config.concept_maps.is_empty() {
        return Ok(None);
    }
    #[expect(clippy::disallowed_methods, reason = "start-up: how long it takes is for the eyes of whoever waits, and nothing else")]
    let (start, mut loader) = (Instant::now(), Loader::new());
    let mut progress = |file: &str, count: usize| {
        if start.elapsed() > QUIET {
            eprintln!("severn: terminology: {file}: {count}");
        }
    };
    for folder in &config.snomed {
        for (part, path) in parts(folder, of_snomed).with_context(|| folder.display().to_string())? {
            rf2(&mut loader, part, &path, config, &mut progress)?;
        }
    }
    for folder in &config.dmd {
        for (_, path) in parts(folder, of_dmd).with_context(|| folder.display().to_string())? {
            loader.dmd(&path.display().to_string(), open(&path)?, &mut progress)?;
        }
    }
    for path in &config.concept_maps {
        let bytes = std::fs::read(path).with_context(|| path.display().to_string())?;
        loader.concept_map(&path.display().to_string(), &bytes, &mut progress)?;
    }
    Ok(Some(Arc::new(loader.finish())))
}

fn rf2(loader: &mut Loader, part: Part, path: &Path, config: &Terminology, progress: &mut terms::Progress<'_>) -> anyhow::Result<()> {
    let name = path.display().to_string();
    let read: Result<(), LoadError> = match part {
        Part::Associations => loader.associations(&name, open(path)?, progress),
        Part::Concepts => loader.concepts(&name, open(path)?, progress),
        Part::Descriptions if config.names => loader.descriptions(&name, open(path)?, progress),
        Part::Maps if !config.maps.is_empty() => loader.maps(&name, open(path)?, &config.maps, progress),
        Part::Relationships => loader.relationships(&name, open(path)?, progress),
        Part::Descriptions | Part::Dmd | Part::Maps => Ok(()),
    };
    Ok(read?)
}

fn open(path: &Path) -> anyhow::Result<BufReader<File>> {
    let file = File::open(path).with_context(|| path.display().to_string())?;
    Ok(BufReader::with_capacity(1 << 16, file))
}

/// How much was loaded, in a line.
pub fn words(size: Size) -> String {
    let Size { concepts, products, mapped, ambiguous, bytes } = size;
    let each = bytes.checked_div(concepts + products + mapped).unwrap_or_default();
    format!(
        "{concepts} concepts, {products} medicinal products, {mapped} mapped codes ({ambiguous} more lead to several concepts and so to none), \
         {:.1} MiB, {each} bytes each",
        bytes as f64 / f64::from(1 << 20)
    )
}
