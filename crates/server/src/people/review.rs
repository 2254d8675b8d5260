//! `severn people review` and `explain`: the steward's work by command.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::bail;
use audit::Who;
use clap::{Subcommand, ValueEnum};
use people::registrar::{Done, NotDone};
use people::{TaskFilter, TaskId};
use record::PersonId;
use serde_json::{Value, json};

use super::deed::{self, Failed, author};
use super::desk::{self, Room, operator, with};
use super::told;

/// What to do at the desk.
#[derive(clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    deed: Option<Deed>,
    /// The configuration.
    #[arg(long, global = true)]
    config: Option<PathBuf>,
    /// Who you are: it stands in the history and on the ledger.
    #[arg(long = "as", global = true)]
    by: Option<String>,
    /// JSON instead of text.
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Subcommand)]
enum Deed {
    /// Decides a task.
    Decide {
        /// The task.
        id: String,
        /// Whether the two are one person.
        outcome: Outcome,
        /// Why; no name, number or address belongs in it.
        #[arg(long)]
        reason: String,
    },
    /// Lists the open tasks; with --all those that are decided, too.
    List {
        /// Decided ones, too.
        #[arg(long)]
        all: bool,
        /// Those after this one.
        #[arg(long)]
        after: Option<String>,
    },
    /// Shows a task with both sides beside each other.
    Show {
        /// The task.
        id: String,
    },
    /// Takes a decision back: the task is open again, and what it did is undone.
    Undo {
        /// The task.
        id: String,
        /// Why.
        #[arg(long)]
        reason: String,
    },
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Outcome {
    /// Two people: they are never linked again.
    Different,
    /// One person: they are linked.
    Same,
    /// Cannot be said: it stays as it is, and is not asked again.
    Unknown,
}

impl From<Outcome> for people::Outcome {
    fn from(outcome: Outcome) -> people::Outcome {
        match outcome {
            Outcome::Different => people::Outcome::Different,
            Outcome::Same => people::Outcome::Same,
            Outcome::Unknown => people::Outcome::Unknown,
        }
    }
}

/// Why two are one person, or are not.
#[derive(clap::Args)]
pub struct Explain {
    /// An NHS number, an entry as SOURCE/LOCAL-ID, or a person's id.
    one: String,
    /// Another one; without it, why the entries of the first are linked.
    other: Option<String>,
    /// The configuration.
    #[arg(long)]
    config: PathBuf,
    /// Who you are: it stands on the ledger.
    #[arg(long = "as")]
    by: String,
    /// JSON instead of text.
    #[arg(long)]
    json: bool,
}

/// Does it.
pub async fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let Some(file) = &arguments.config else { bail!("give --config FILE") };
    let Some(config) = desk::config(file)? else { return Ok(ExitCode::FAILURE) };
    let Some(by) = &arguments.by else { bail!("say who you are with --as NAME: it stands on the ledger") };
    let by = operator(by, &config);
    let list = Deed::List { all: false, after: None };
    with(&config, async |room: &Room| match arguments.deed.as_ref().unwrap_or(&list) {
        Deed::List { all, after } => room.list(arguments.json, by, *all, after.clone(), config.people.tasks_max).await,
        Deed::Show { id } => room.show(arguments.json, by, id).await,
        Deed::Decide { id, outcome, reason } => {
            let (task, who) = (TaskId(id.clone()), author(&by));
            let deciding = room.registrar.decide(&task, (*outcome).into(), &who, reason);
            room.does(arguments.json, by, &format!("decide {id}"), reason, deciding).await
        }
        Deed::Undo { id, reason } => {
            let (task, who) = (TaskId(id.clone()), author(&by));
            let undoing = room.registrar.undo(&task, &who, reason);
            room.does(arguments.json, by, &format!("undo {id}"), reason, undoing).await
        }
    })
    .await
}

impl Room {
    async fn list(&self, json: bool, by: Who, all: bool, after: Option<String>, count_max: usize) -> anyhow::Result<ExitCode> {
        let filter = TaskFilter { open: !all, person: None, after: after.map(TaskId), count_max };
        let look = async { Ok::<_, anyhow::Error>((self.registrar.tasks(&filter).await?, Vec::new())) };
        let tasks = self.desk.shows(&self.trace, by, "list", look).await?.into_inner();
        match json {
            true => println!("{}", Value::Array(tasks.iter().map(told::task).collect())),
            false => {
                tasks.iter().for_each(|task| println!("{}", told::task_text(task)));
                let last = tasks.last().filter(|_| tasks.len() == count_max);
                println!("{} tasks{}", tasks.len(), last.map(|task| format!("; more with --after {}", task.id.0)).unwrap_or_default());
            }
        }
        Ok(ExitCode::SUCCESS)
    }

    async fn show(&self, json: bool, by: Who, id: &str) -> anyhow::Result<ExitCode> {
        let look = async {
            let sides = self.registrar.show(&TaskId(id.to_owned())).await?;
            let persons: Vec<PersonId> = sides.entry.iter().chain(&sides.other).map(|(person, _)| person.clone()).collect();
            Ok::<_, anyhow::Error>((sides, persons))
        };
        let sides = self.desk.shows(&self.trace, by, &format!("show {id}"), look).await?.into_inner();
        match json {
            true => println!("{}", told::sides(&sides)),
            false => print!("{}", told::sides_text(&sides)),
        }
        Ok(ExitCode::SUCCESS)
    }

    async fn does(
        &self,
        json: bool,
        by: Who,
        what: &str,
        reason: &str,
        deed: impl Future<Output = Result<Done, NotDone>>,
    ) -> anyhow::Result<ExitCode> {
        if access::holds_number(reason) {
            bail!("{what}: the reason must not hold an NHS number: it is kept where no number is");
        }
        let outcome = match self.desk.does(&self.trace, by, what, reason, deed).await {
            Ok(outcome) => outcome.into_inner(),
            Err(Failed::NotDone(why)) => bail!("{what}: {why}"),
            Err(failed) => return Err(failed.into()),
        };
        if json {
            println!("{}", deed::json(&outcome));
            return Ok(ExitCode::SUCCESS);
        }
        println!("done: {what}");
        for touched in &outcome.done.touched {
            println!("  the entries of {} changed", touched.person);
        }
        for (person, view) in &outcome.seen {
            println!("  {person} was seen meanwhile: {} by {} ({}) at {}", view.what, view.by.name, view.by.organisation, view.at);
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Explains.
pub async fn explain(arguments: &Explain) -> anyhow::Result<ExitCode> {
    let Some(config) = desk::config(&arguments.config)? else { return Ok(ExitCode::FAILURE) };
    let one = desk::whom(&arguments.one)?;
    let other = arguments.other.as_deref().map(desk::whom).transpose()?;
    let by = operator(&arguments.by, &config);
    with(&config, async |room: &Room| {
        let look = async {
            let Some(one) = room.registrar.whom(&one).await? else { bail!("the first is nobody who is known") };
            let other = match &other {
                Some(other) => Some(room.registrar.whom(other).await?.ok_or_else(|| anyhow::anyhow!("the second is nobody who is known"))?),
                None => None,
            };
            let other = other.filter(|other| other.id != one.id);
            let explained = room.registrar.explain(&one, other.as_ref()).await?;
            let history = room.registrar.history(&one.id).await?;
            let persons = std::iter::once(&one).chain(&other).map(|person| person.id.clone()).collect();
            Ok((( one, other, explained, history), persons))
        };
        let (one, other, explained, history) = room.desk.shows(&room.trace, by, "explain", look).await?.into_inner();
        if arguments.json {
            let explained: Vec<Value> = explained.iter().map(told::explained).collect();
            let history: Vec<String> = history.iter().map(told::event).collect();
            println!("{}", json!({"person": one.id.as_str(), "other": other.map(|other| other.id.to_string()), "compared": explained, "history": history}));
            return Ok(ExitCode::SUCCESS);
        }
        println!("{}", told::person_text(&one));
        other.iter().for_each(|other| println!("{}", told::person_text(other)));
        explained.iter().for_each(|explained| print!("{}", told::explained_text(explained)));
        history.iter().for_each(|event| println!("{}", told::event(event)));
        Ok(ExitCode::SUCCESS)
    })
    .await
}
