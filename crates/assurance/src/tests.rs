//! Which tests there are, by the source's own text: quick, and without building anything.

use std::collections::BTreeMap;
use std::path::Path;

use crate::Error;

/// Every test function below `crates/`, by `crates/…rs::name`, and whether it is ignored.
#[derive(Debug, Clone, Default)]
pub struct Tests {
    ignored: BTreeMap<String, bool>,
}

impl Tests {
    /// Reads a source tree.
    pub fn of(tree: &Path) -> Result<Tests, Error> {
        let mut tests = Tests::default();
        tests.folder(tree, &tree.join("crates"))?;
        Ok(tests)
    }

    fn folder(&mut self, tree: &Path, folder: &Path) -> Result<(), Error> {
        for entry in std::fs::read_dir(folder).map_err(Error::file(folder))? {
            let path = entry.map_err(Error::file(folder))?.path();
            if path.is_dir() {
                self.folder(tree, &path)?;
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(&path).map_err(Error::file(&path))?;
                let name = path.strip_prefix(tree).unwrap_or(&path).display().to_string();
                self.file(&name, &text);
            }
        }
        Ok(())
    }

    /// Takes in one file's text. A test is a function under an attribute that says so, whatever other attributes stand between.
    pub fn file(&mut self, name: &str, text: &str) {
        let (mut test, mut ignored) = (false, false);
        for line in text.lines().map(str::trim) {
            if line.starts_with("#[test]") || line.starts_with("#[tokio::test") {
                test = true;
            } else if line.starts_with("#[ignore") || line.starts_with("#[cfg_attr") && line.contains("ignore") {
                ignored = true;
            }
            if let Some(function) = function(line) {
                if test {
                    self.ignored.insert(format!("{name}::{function}"), ignored);
                }
                (test, ignored) = (false, false);
            }
        }
    }

    /// Why a name leads to no test that runs; `None` where it does.
    pub fn fault(&self, name: &str) -> Option<String> {
        match self.ignored.get(name) {
            Some(false) => None,
            Some(true) => Some(format!("the test {name} is ignored")),
            None => Some(format!("there is no test {name}")),
        }
    }

    /// All of them that run, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.ignored.iter().filter(|(_, ignored)| !**ignored).map(|(name, _)| name.as_str())
    }
}

/// The name of the function that a line begins.
fn function(line: &str) -> Option<&str> {
    // Attributes may stand before it on the same line.
    let line = line.rsplit_once("] ").filter(|(before, _)| before.starts_with("#[")).map_or(line, |(_, rest)| rest);
    let line = line.strip_prefix("pub ").unwrap_or(line);
    let line = line.strip_prefix("async ").unwrap_or(line).strip_prefix("fn ")?;
    line.split(['(', '<']).next()
}
