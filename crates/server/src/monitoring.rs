//! The operator's lists for monitoring, from files: who works here, and whose record is watched. They are read anew when they change, so
//! that nobody waits for a restart to be watched over.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use anyhow::{Context, bail};
use exchange::{Lists, Staff};

/// Where the lists are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Files {
    /// CSV: `sds_user_id,nhs_number,family_name,given_name,birth_date,postcode`; all but the first and the names may be empty.
    pub staff: Option<PathBuf>,
    /// An NHS number a line.
    pub watched: Option<PathBuf>,
}

const COLUMNS: [&str; 6] = ["sds_user_id", "nhs_number", "family_name", "given_name", "birth_date", "postcode"];

/// The staff list. What is wrong is named by its line, never by what stands there.
pub fn staff(file: &Path) -> anyhow::Result<HashMap<String, Staff>> {
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_path(file).context("it cannot be read")?;
    let heading = reader.headers().map_err(|_| anyhow::anyhow!("it is no CSV"))?.clone();
    if heading.iter().ne(COLUMNS) {
        bail!("its first line must be {}", COLUMNS.join(","));
    }
    let mut all = HashMap::new();
    for (at, row) in reader.records().enumerate() {
        let line = at + 2;
        let row = row.map_err(|_| anyhow::anyhow!("line {line} is no row of {} values", COLUMNS.len()))?;
        let given = |column: usize| row.get(column).filter(|value| !value.is_empty());
        let id = given(0).with_context(|| format!("line {line} has no sds_user_id"))?;
        let number = given(1).map(|number| number.parse().map_err(|_| anyhow::anyhow!("line {line}: nhs_number is none"))).transpose()?;
        let birth_date =
            given(4).map(|date| date.parse().map_err(|_| anyhow::anyhow!("line {line}: birth_date is no date"))).transpose()?;
        let text = |column: usize| given(column).unwrap_or_default().to_owned();
        let one = Staff { number, family_name: text(2), given_name: text(3), birth_date, postcode: text(5) };
        if all.insert(id.to_owned(), one).is_some() {
            bail!("line {line}: the sds_user_id stands there twice");
        }
    }
    Ok(all)
}

/// The watch list.
pub fn watched(file: &Path) -> anyhow::Result<HashSet<record::NhsNumber>> {
    let text = std::fs::read_to_string(file).context("it cannot be read")?;
    let lines = (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty() && !line.starts_with('#'));
    lines.map(|(at, line)| line.trim().parse().map_err(|_| anyhow::anyhow!("line {at} is no NHS number"))).collect()
}

impl Files {
    fn read(&self) -> anyhow::Result<Lists> {
        Ok(Lists {
            staff: self.staff.as_deref().map(staff).transpose()?.unwrap_or_default(),
            watched: self.watched.as_deref().map(watched).transpose()?.unwrap_or_default(),
        })
    }

    /// When they were written last.
    fn stamps(&self) -> [Option<SystemTime>; 2] {
        let stamp = |file: &Option<PathBuf>| file.as_deref().and_then(|file| std::fs::metadata(file).ok()?.modified().ok());
        [stamp(&self.staff), stamp(&self.watched)]
    }

    /// The lists as they are whenever they are asked for. A list that cannot be read is as it was, and the log says so.
    pub fn lists(self) -> anyhow::Result<Box<dyn Fn() -> Arc<Lists> + Send + Sync>> {
        let known = Mutex::new((self.stamps(), Arc::new(self.read()?)));
        Ok(Box::new(move || {
            let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
            let stamps = self.stamps();
            if stamps != known.0 {
                match self.read() {
                    Ok(lists) => *known = (stamps, Arc::new(lists)),
                    Err(error) => {
                        tracing::error!(alert = "monitoring.lists", error = %format!("{error:#}"), "a list cannot be read: the last one stands")
                    }
                }
            }
            known.1.clone()
        }))
    }
}
