//! Which other shared records hold a person: the route from shared record to shared record.

use record::{NhsNumber, OdsCode};

use crate::{Call, Failed, Locator, Reply, pointer, producer};

/// Another shared record that says it holds the person.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pointer {
    /// Who answers for it.
    pub custodian: OdsCode,
    /// Where it leads. It names a host, so no reader is told it; and it is never followed: a custodian's record is asked where
    /// configuration knows it as a source.
    pub url: String,
}

/// A search under way.
#[derive(Debug)]
pub struct Looking {
    locator: Locator,
    number: NhsNumber,
}

impl Locator {
    /// Begins to ask which other shared records hold a person.
    pub fn look(&self, number: NhsNumber) -> (Looking, Call) {
        let call = self.all(&number);
        (Looking { locator: self.clone(), number }, call)
    }
}

impl Looking {
    /// Others' records of this person, each once, in order of custodians. Ours is not among them, nor what is superseded, about
    /// somebody else, or leads nowhere on the web.
    pub fn read(self, reply: Reply<'_>) -> Result<Vec<Pointer>, Failed> {
        let found = producer::read(reply)?;
        let current = found.iter().filter(|one| pointer::is_shared_record(one) && pointer::is_current(one, &self.number));
        let mut others: Vec<Pointer> = current
            .filter_map(|one| {
                let custodian: OdsCode = pointer::custodian(one)?.parse().ok()?;
                let url = pointer::url(one).filter(|url| url.starts_with("https://") || url.starts_with("http://"))?;
                Some(Pointer { custodian, url: url.to_owned() })
            })
            .filter(|one| one.custodian != self.locator.custodian)
            .collect();
        others.sort();
        others.dedup();
        Ok(others)
    }
}
