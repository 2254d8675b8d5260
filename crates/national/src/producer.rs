//! Keeping one pointer for each person whose record is here, and none for anybody else.

use record::NhsNumber;
use serde_json::Value;

use crate::{Call, Failed, Locator, Method, PRODUCER, Reply, plain, pointer};

/// What is wished for a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wish {
    /// No pointer: the person was unlinked, objects, or may not be pointed at.
    Absent,
    /// One pointer, leading there. The address names nobody.
    Present {
        /// Where the record is read.
        url: String,
    },
}

/// What was done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Kept {
    /// Pointers made.
    pub made: u32,
    /// Pointers changed.
    pub changed: u32,
    /// Pointers taken away.
    pub deleted: u32,
}

/// A wish being brought about.
#[derive(Debug)]
pub struct Publishing {
    locator: Locator,
    number: NhsNumber,
    wish: Wish,
    kept: Kept,
    stage: Stage,
    rounds: u8,
}

#[derive(Debug)]
enum Stage {
    Done(Result<Kept, Failed>),
    /// What is there is being looked at.
    Looking,
    /// What is left to send, after the call under way.
    Sending {
        under_way: Method,
        left: Vec<Call>,
    },
}

/// Looking again after every change ends at the latest here: another node may be at it as well.
const ROUNDS_MAX: u8 = 3;

impl Locator {
    /// Begins to bring about a wish for a person. Send the call, hand its reply to [`Publishing::reply`], and so on until it is done.
    pub fn keep(&self, number: NhsNumber, wish: Wish) -> (Publishing, Call) {
        let call = self.own(&number);
        (Publishing { locator: self.clone(), number, wish, kept: Kept::default(), stage: Stage::Looking, rounds: 0 }, call)
    }
}

impl Publishing {
    /// Takes a reply; says what to send next, if anything.
    pub fn reply(&mut self, reply: Reply<'_>) -> Option<Call> {
        match &self.stage {
            Stage::Done(_) => None,
            Stage::Looking => match read(reply) {
                Ok(found) => self.plan(&found),
                Err(failed) => self.end(Err(failed)),
            },
            Stage::Sending { under_way, .. } => match reply {
                Some((200..300, _)) => {
                    self.note(*under_way);
                    self.next()
                }
                // Somebody else took it away: it is gone, which was wished.
                Some((404 | 410, _)) if *under_way == Method::Delete => self.next(),
                Some((status, _)) => self.end(Err(Failed::Refused(status))),
                None => self.end(Err(Failed::Silent)),
            },
        }
    }

    /// Whether nothing more is to be sent.
    pub fn is_done(&self) -> bool {
        matches!(self.stage, Stage::Done(_))
    }

    /// What came of it, once done.
    pub fn outcome(&self) -> Option<Result<Kept, Failed>> {
        match &self.stage {
            Stage::Done(outcome) => Some(*outcome),
            _ => None,
        }
    }

    /// From what is there to what is wished. Of several the one with the least id stays, so that two nodes agree on which.
    fn plan(&mut self, found: &[Value]) -> Option<Call> {
        let ours = |one: &&Value| {
            pointer::custodian(one) == Some(self.locator.custodian.as_str())
                && pointer::is_shared_record(one)
                && pointer::is_current(one, &self.number)
        };
        let named = |one| Some((pointer::id(one)?, one));
        // One of ours that cannot be changed or taken away: another beside it would be one too many.
        let Some(mut own) = found.iter().filter(ours).map(named).collect::<Option<Vec<(&str, &Value)>>>() else {
            return self.end(Err(Failed::Unreadable));
        };
        own.sort_by_key(|(id, _)| *id);
        let mut calls = Vec::new();
        if let Wish::Present { url } = &self.wish {
            let ours = || pointer::ours(&self.locator, &self.number, url);
            match own.first() {
                None => calls.push(self.locator.change(Method::Post, PRODUCER.to_owned(), Some(ours().to_string()))),
                Some((id, there)) if pointer::url(there) != Some(url) => {
                    calls.push(self.locator.change(
                        Method::Put,
                        format!("{PRODUCER}/{}", plain(id)),
                        Some(pointer::led(there, ours()).to_string()),
                    ));
                }
                Some(_) => {}
            }
            own = own.split_off(1.min(own.len()));
        }
        calls.extend(own.iter().map(|(id, _)| self.locator.change(Method::Delete, format!("{PRODUCER}/{}", plain(id)), None)));
        if calls.is_empty() || self.rounds >= ROUNDS_MAX {
            return self.end(Ok(self.kept));
        }
        self.rounds += 1;
        calls.reverse();
        self.stage = Stage::Sending { under_way: Method::Get, left: calls };
        self.next()
    }

    /// The next change; after the last, a look at what is there now.
    fn next(&mut self) -> Option<Call> {
        let Stage::Sending { under_way, left } = &mut self.stage else { return None };
        match left.pop() {
            Some(call) => {
                *under_way = call.method;
                Some(call)
            }
            None => {
                self.stage = Stage::Looking;
                Some(self.locator.own(&self.number))
            }
        }
    }

    fn note(&mut self, done: Method) {
        match done {
            Method::Delete => self.kept.deleted += 1,
            Method::Get => {}
            Method::Post => self.kept.made += 1,
            Method::Put => self.kept.changed += 1,
        }
    }

    fn end(&mut self, outcome: Result<Kept, Failed>) -> Option<Call> {
        self.stage = Stage::Done(outcome);
        None
    }
}

/// Pointers of a search's answer.
pub(crate) fn read(reply: Reply<'_>) -> Result<Vec<Value>, Failed> {
    match reply {
        None => Err(Failed::Silent),
        Some((200, body)) => pointer::of_bundle(body).ok_or(Failed::Unreadable),
        Some((status, _)) => Err(Failed::Refused(status)),
    }
}
