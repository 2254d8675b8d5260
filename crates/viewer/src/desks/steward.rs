//! The steward's desk: entries of which it is in doubt whether they are of one person, both sides beside each other.

use askama::Template;
use serde_json::Value;

use super::{all, instant, text};
use crate::pages::Chrome;
use crate::words;

/// A doubt, without anybody's particulars.
#[derive(Debug, Clone)]
pub struct Task {
    /// Its id.
    pub id: String,
    /// What is in doubt, in words.
    pub doubt: String,
    /// The entry, as SOURCE/LOCAL-ID.
    pub entry: String,
    /// The other one, where there is one.
    pub other: String,
    /// When it was raised.
    pub raised: String,
    /// What was decided.
    pub decided: Option<Decided>,
}

/// A decision.
#[derive(Debug, Clone)]
pub struct Decided {
    /// What, in words.
    pub outcome: String,
    /// When.
    pub at: String,
    /// By whom.
    pub by: String,
    /// Why.
    pub reason: String,
}

impl Task {
    /// As the desk tells it.
    pub fn of(told: &Value) -> Task {
        let doubt = match text(told, "doubt").as_str() {
            "confusion" => "One number may be used for two people".to_owned(),
            "held" => "An answer is held: it may be about somebody else".to_owned(),
            "probable" => "These are probably one person".to_owned(),
            other => words::code(other),
        };
        let decided = Some(&told["decided"]).filter(|decided| decided.is_object()).map(|decided| Decided {
            outcome: match text(decided, "outcome").as_str() {
                "different" => "Two people".to_owned(),
                "same" => "One person".to_owned(),
                "unknown" => "It cannot be said".to_owned(),
                other => words::code(other),
            },
            at: instant(decided, "at"),
            by: text(decided, "by"),
            reason: text(decided, "reason"),
        });
        Task {
            id: text(told, "id"),
            doubt,
            entry: text(told, "entry"),
            other: text(told, "other"),
            raised: instant(told, "raised"),
            decided,
        }
    }
}

/// Doubts, the ones that wait or all.
#[derive(Debug, Template)]
#[template(path = "desks/doubts.html")]
pub struct DoubtsPage {
    /// Around it.
    pub chrome: Chrome,
    /// Each.
    pub tasks: Vec<Task>,
    /// Whether those that are decided are among them.
    pub all: bool,
    /// Where the next page begins.
    pub next: Option<String>,
}

impl DoubtsPage {
    /// As the desk tells them.
    pub fn of(chrome: Chrome, told: &Value, all_of_them: bool) -> DoubtsPage {
        DoubtsPage { chrome, tasks: all(told, "tasks", Task::of), all: all_of_them, next: told["next"].as_str().map(str::to_owned) }
    }
}

/// What both sides say of one thing.
#[derive(Debug, Clone)]
pub struct Row {
    /// What is said.
    pub field: &'static str,
    /// By the entry.
    pub one: String,
    /// By the other.
    pub other: String,
    /// How the two agree, in words.
    pub agrees: String,
    /// What that weighs.
    pub weighs: String,
}

/// One doubt, laid out.
#[derive(Debug, Clone)]
pub struct Doubt {
    /// What is in doubt.
    pub task: Task,
    /// Row by row.
    pub rows: Vec<Row>,
    /// Sides that cannot be shown: whoever they are of is not here any more, or is found by nobody.
    pub unshown: Vec<String>,
    /// Whether nothing is told that says where somebody is: one of them is restricted.
    pub place_hidden: bool,
    /// What all of it comes to, in sentences.
    pub sum: Vec<String>,
}

/// What says where somebody is.
const PLACES: [&str; 4] = ["address", "phone", "e-mail", "practice"];

/// What an entry says, as the rows are called.
fn said(side: &Value) -> Vec<(&'static str, String)> {
    let says = &side["says"];
    let several = |name: &str, read: &dyn Fn(&Value) -> String| {
        all(says, name, read).into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join("; ")
    };
    let given = |name: &Value| all(name, "given", |given| given.as_str().unwrap_or_default().to_owned()).join(" ");
    let own = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let place = |address: &Value| {
        let parts = ["line", "town", "postcode"].map(|name| text(address, name));
        let old = if text(address, "used") == "old" { " (former)" } else { "" };
        format!("{}{old}", parts.iter().filter(|part| !part.is_empty()).cloned().collect::<Vec<_>>().join(", "))
    };
    let former = |name: &Value, text: String| if name["used"] == "old" && !text.is_empty() { format!("{text} (former)") } else { text };
    let number = text(&says["number"], "value");
    let number = match (number.is_empty(), text(&says["number"], "status").as_str()) {
        (true, _) => String::new(),
        (false, "verified") => format!("{} (said to be verified)", words::number(&number)),
        (false, _) => format!("{} (not verified)", words::number(&number)),
    };
    vec![
        ("NHS number", number),
        ("given name", several("names", &|name| former(name, given(name)))),
        ("family name", several("names", &|name| former(name, text(name, "family")))),
        ("birth date", words::date(&text(says, "birth_date"))),
        ("sex", text(says, "sex")),
        ("address", several("addresses", &place)),
        ("phone", several("phones", &own)),
        ("e-mail", several("emails", &own)),
        ("practice", text(says, "practice")),
    ]
}

impl Doubt {
    /// As the desk tells it.
    pub fn of(told: &Value) -> Doubt {
        let task = Task::of(&told["task"]);
        let compared = &told["comparison"];
        let (one, other) = (said(&told["entry"]), said(&told["other"]));
        let reason = |field: &str| compared["fields"].as_array().into_iter().flatten().find(|reason| reason["field"] == field);
        let place_hidden = told["place_hidden"] == true;
        let rows = one.into_iter().zip(other).map(|((field, one), (_, other))| {
            if place_hidden && PLACES.contains(&field) {
                let not_told = || "Not told".to_owned();
                return Row { field, one: not_told(), other: not_told(), agrees: not_told(), weighs: String::new() };
            }
            let agrees = match reason(field) {
                Some(reason) => words::code(&text(reason, "agrees")),
                None if one.is_empty() || other.is_empty() => "Not said by both".to_owned(),
                None if one == other => "Same".to_owned(),
                None => "Differs".to_owned(),
            };
            let weighs = reason(field).and_then(|reason| reason["bits"].as_f64()).map(|bits| format!("{bits:+.1}")).unwrap_or_default();
            let or_not = |said: String| if said.is_empty() { "Not said".to_owned() } else { said };
            Row { field, one: or_not(one), other: or_not(other), agrees, weighs }
        });
        let sides = [("entry", &task.entry), ("other", &task.other)];
        let sides = sides.into_iter().filter(|(_, key)| !key.is_empty());
        let unshown = sides.filter(|(side, _)| told[*side].is_null()).map(|(_, key)| key.clone()).collect();
        let mut sum = Vec::new();
        if compared.is_object() {
            let bits = compared["bits"].as_f64().unwrap_or_default();
            sum.push(format!("All together {bits:+.1} bits: the rules say {}.", text(compared, "rules_say")));
            if let Some(guard) = compared["guard"].as_str() {
                sum.push(format!("Held, whatever it weighs: {guard}."));
            }
            if compared["apart"] == true {
                sum.push("Somebody said before that they are not one person.".to_owned());
            }
            let now = if compared["one_person_now"] == true { "one person" } else { "two people" };
            sum.push(format!("They are {now} here."));
        }
        Doubt { rows: rows.collect(), unshown, place_hidden, sum, task }
    }
}

/// One doubt, and the forms that decide it.
#[derive(Debug, Template)]
#[template(path = "desks/doubt.html")]
pub struct DoubtPage {
    /// Around it.
    pub chrome: Chrome,
    /// What is in doubt.
    pub doubt: Doubt,
    /// What goes with the forms.
    pub csrf: String,
    /// What is wrong with a decision.
    pub wrong: Option<String>,
}
