//! The region: its organisations, its staff, and all suppliers together.

use crate::demographics::{DEMOGRAPHICS, Demographics};
use crate::fault::{Fault, Setting};
use crate::locator::{LOCATOR, Locator};
use crate::message::{Answer, Request, Response};
use crate::supplier::{Auth, Habits, Maker, SUPPLIERS, Supplier, Verification};
use bytes::Bytes;
use jiff::Timestamp;
use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Mutex, PoisonError};

mod listen;
mod organisations;

pub use listen::RunningRegion;
pub use organisations::{Organisation, Place, Staff, organisation, organisations, places, staff};

/// Where the suppliers of a region that does not listen would be.
const NOWHERE: &str = "testbed.example";

/// How many requests are remembered for each supplier.
const REMEMBERED: usize = 2_000;

/// The suppliers of a region, and what is wrong with each; and the national services beside them.
#[derive(Debug)]
pub struct Region {
    desks: Vec<Desk>,
    locator: Locator,
    demographics: Demographics,
    clock: fn() -> Timestamp,
}

#[derive(Debug)]
struct Desk {
    supplier: Supplier,
    faults: Mutex<Vec<Setting>>,
    asked: Mutex<VecDeque<Request>>,
}

impl Desk {
    fn new(supplier: Supplier) -> Self {
        Desk { supplier, faults: Mutex::default(), asked: Mutex::default() }
    }
}

/// The connection was closed without an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Closed;

impl std::fmt::Display for Closed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the supplier closed the connection")
    }
}

impl std::error::Error for Closed {}

/// What is needed to ask one supplier: the content of a `[[source]]` block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Source id.
    pub id: String,
    /// Name.
    pub name: String,
    /// ODS code.
    pub organisation: String,
    /// How it speaks, as Severn's configuration names it.
    pub dialect: &'static str,
    /// Address of its service.
    pub url: String,
    /// The bearer token to show, where one is wanted.
    pub bearer: Option<&'static str>,
    /// Whether its NHS numbers are verified by contract, and bear no status.
    pub verified_by_contract: bool,
    /// How the identifier systems begin whose values it mints.
    pub owns: &'static [&'static str],
    /// Where it gives care, where that is said: `hospital`, `pharmacy` or `practice`.
    pub care: Option<&'static str>,
    /// What is said of it alone: keys and values.
    pub options: &'static [(&'static str, &'static str)],
}

impl Source {
    /// As TOML. A token is named by the file that the caller keeps it in.
    pub fn to_toml(&self, token_file: &str) -> String {
        let auth = match self.bearer {
            Some(_) => format!("{{ kind = \"bearer\", token_file = {token_file:?} }}"),
            None => "{ kind = \"none\" }".to_owned(),
        };
        let verified = if self.verified_by_contract { "nhs_number = \"verified\"\n" } else { "" };
        let owns = if self.owns.is_empty() { String::new() } else { format!("owns = {:?}\n", self.owns) };
        let care = self.care.map(|care| format!("care = {care:?}\n")).unwrap_or_default();
        let options: Vec<String> = self.options.iter().map(|(key, value)| format!("{key} = {value:?}")).collect();
        let options = if options.is_empty() { String::new() } else { format!("options = {{ {} }}\n", options.join(", ")) };
        format!(
            "[[source]]\nid = {:?}\nname = {:?}\norganisation = {:?}\ndialect = {:?}\nurl = {:?}\n\
             {verified}{owns}{care}{options}auth = {auth}\n",
            self.id, self.name, self.organisation, self.dialect, self.url
        )
    }
}

/// The clock of the region stands still, so that its answers can be compared.
fn still() -> Timestamp {
    Timestamp::constant(1_795_424_400, 0) // 2026-11-23T09:00:00Z
}

impl Region {
    /// All suppliers, listening nowhere: ask with [`Region::respond`] or [`Region::send`].
    pub fn in_memory() -> Self {
        Self::of(SUPPLIERS.iter().map(|habits| Supplier::of_the_region(habits, &format!("http://{}.{NOWHERE}", habits.id))))
    }

    /// A region of these suppliers.
    pub fn of(suppliers: impl IntoIterator<Item = Supplier>) -> Self {
        Region {
            desks: suppliers.into_iter().map(Desk::new).collect(),
            locator: Locator::of_the_region(),
            demographics: Demographics::of_the_region(),
            clock: still,
        }
    }

    /// The same with a clock that runs.
    #[must_use]
    pub fn with_clock(mut self, clock: fn() -> Timestamp) -> Self {
        self.clock = clock;
        self
    }

    /// What is needed to ask each supplier.
    pub fn sources(&self) -> Vec<Source> {
        self.suppliers().map(|s| source(s.habits(), s.home().to_owned())).collect()
    }

    /// The suppliers.
    pub fn suppliers(&self) -> impl Iterator<Item = &Supplier> {
        self.desks.iter().map(|desk| &desk.supplier)
    }

    /// The national locator. As [`LOCATOR`] it is asked, and made to fail, like a supplier.
    pub fn locator(&self) -> &Locator {
        &self.locator
    }

    /// The national demographics service.
    pub fn demographics(&self) -> &Demographics {
        &self.demographics
    }

    /// One supplier.
    pub fn supplier(&self, id: &str) -> Option<&Supplier> {
        self.desk(id).map(|desk| &desk.supplier)
    }

    /// Sets what goes wrong at a supplier from now on, in place of what went wrong before.
    /// False when there is no such supplier.
    pub fn set_faults(&self, id: &str, faults: impl IntoIterator<Item = Setting>) -> bool {
        let Some(settings) = self.settings(id) else {
            return false;
        };
        *lock(settings) = faults.into_iter().collect();
        true
    }

    /// Makes one thing go wrong at a supplier until further notice.
    pub fn fail(&self, id: &str, fault: Fault) -> bool {
        self.set_faults(id, [fault.into()])
    }

    /// What goes wrong at a supplier.
    pub fn faults(&self, id: &str) -> Vec<Setting> {
        self.settings(id).map(|settings| lock(settings).clone()).unwrap_or_default()
    }

    /// Nothing goes wrong any more.
    pub fn heal(&self) {
        self.desks.iter().for_each(|desk| lock(&desk.faults).clear());
        lock(&self.locator.faults).clear();
        lock(&self.demographics.faults).clear();
    }

    /// The latest requests that a supplier got.
    pub fn asked(&self, id: &str) -> Vec<Request> {
        let asked = match id {
            DEMOGRAPHICS => Some(&self.demographics.asked),
            LOCATOR => Some(&self.locator.asked),
            id => self.desk(id).map(|desk| &desk.asked),
        };
        asked.map(|asked| lock(asked).iter().cloned().collect()).unwrap_or_default()
    }

    /// Asks a supplier, waiting as long as it takes: for ever, when it is silent.
    pub async fn respond(&self, id: &str, request: Request) -> Result<Response, Closed> {
        match self.take(id, request) {
            None | Some(Answer::Closed) => Err(Closed),
            Some(Answer::Reply { after, response }) => {
                if !after.is_zero() {
                    tokio::time::sleep(after).await;
                }
                Ok(response)
            }
            Some(Answer::Silent) => std::future::pending().await,
        }
    }

    /// Asks whichever supplier a whole address belongs to; closed when it belongs to none.
    pub async fn send(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, Closed> {
        let uri = request.uri().to_string();
        let at = |desk: &&Desk| {
            let home = desk.supplier.home();
            uri.strip_prefix(home).is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?']))
        };
        let desk = self.desks.iter().find(at).ok_or(Closed)?;
        let id = desk.supplier.habits().id;
        let path = request.uri().path_and_query().map_or("/", |path| path.as_str()).to_owned();
        let (parts, body) = request.into_parts();
        let request = Request { method: parts.method, path_and_query: path, headers: parts.headers, body };
        let answer = self.respond(id, request).await?;
        let mut response = http::Response::new(answer.body);
        *response.status_mut() = answer.status;
        *response.headers_mut() = answer.headers;
        Ok(response)
    }

    fn desk(&self, id: &str) -> Option<&Desk> {
        self.desks.iter().find(|desk| desk.supplier.habits().id == id)
    }

    /// What goes wrong at a supplier, or at a national service.
    fn settings(&self, id: &str) -> Option<&Mutex<Vec<Setting>>> {
        match id {
            DEMOGRAPHICS => Some(&self.demographics.faults),
            LOCATOR => Some(&self.locator.faults),
            id => self.desk(id).map(|desk| &desk.faults),
        }
    }

    /// Has a supplier, or a national service, take a request; `None` where there is none of that id.
    fn take(&self, id: &str, request: Request) -> Option<Answer> {
        let faults = present_faults(&mut lock(self.settings(id)?));
        let (answer, asked) = match id {
            DEMOGRAPHICS => (self.demographics.take(&request, &faults), &self.demographics.asked),
            LOCATOR => (self.locator.take(&request, &faults), &self.locator.asked),
            id => {
                let desk = self.desk(id)?;
                (desk.supplier.answer(&request, &faults, (self.clock)()), &desk.asked)
            }
        };
        let mut asked = lock(asked);
        if asked.len() == REMEMBERED {
            asked.pop_front();
        }
        asked.push_back(request);
        Some(answer)
    }
}

/// The faults that hold for this request; those that end with it are dropped.
fn present_faults(settings: &mut Vec<Setting>) -> Vec<Fault> {
    let faults = settings.iter().map(|setting| setting.fault.clone()).collect();
    for setting in settings.iter_mut() {
        setting.times = setting.times.map(|times| times.saturating_sub(1));
    }
    settings.retain(|setting| setting.times != Some(0));
    faults
}

/// The `[[source]]` blocks of a region that was, or will be, started from this first port.
/// `token_file` names the file in which the caller keeps a supplier's bearer token.
pub fn region_toml(ip: IpAddr, first_port: u16, token_file: impl Fn(&str) -> String) -> String {
    let block = |(at, habits): (u16, &Habits)| {
        let address = SocketAddr::new(ip, first_port.saturating_add(at));
        let source = source(habits, format!("http://{address}{}", habits.home()));
        source.to_toml(&token_file(habits.id))
    };
    (1..).zip(SUPPLIERS).map(block).collect::<Vec<_>>().join("\n")
}

fn source(habits: &Habits, url: String) -> Source {
    Source {
        id: habits.id.to_owned(),
        name: habits.name.to_owned(),
        organisation: habits.organisation.to_owned(),
        dialect: habits.dialect(),
        url,
        bearer: match habits.auth {
            Auth::Bearer(token) => Some(token),
            Auth::None => None,
        },
        verified_by_contract: habits.verification == Verification::ByContract,
        // The practices' own systems number what they hold; trusts share one system, which tells nobody whose a value is.
        owns: if habits.maker == Maker::GpConnect { &["https://EMISWeb/", "https://tpp-uk.com/Id/ccs-id"] } else { &[] },
        care: match habits.id {
            "mh" | "uhb" => Some("hospital"),
            "rx" => Some("pharmacy"),
            _ => None,
        },
        options: habits.options(),
    }
}

/// A poisoned lock still holds whole values here: each is replaced in one step.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
