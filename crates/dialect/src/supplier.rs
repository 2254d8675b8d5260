//! What a supplier's module is made of: a [`Supplier`] that says its name, and a [`Speaker`] that holds its conversations.

use fhir::Version;
use jiff::Timestamp;
use record::{Call, Caller, Holder, Need, Reply, Status};

use crate::conversation::{Conversation, Told};
use crate::fingerprint::Card;
use crate::{Known, Settings};

/// How one supplier's systems speak. A `static` of the supplier's own module, listed in [`crate::suppliers::ALL`].
#[derive(Debug)]
pub(crate) struct Supplier {
    /// Its name in the configuration.
    pub name: &'static str,
    /// The FHIR version of what it says.
    pub version: Version,
    /// Begins a conversation, and says what to ask first.
    pub begin: fn(&Opening<'_>, Wanted) -> (Conversation, Vec<Call>),
    /// What it wants configured beside what every source has; most want nothing.
    pub terms: &'static Terms,
    /// By what its systems are known, and what this module was tested against.
    pub card: &'static Card,
}

/// What a supplier wants to know of each of its sources.
#[derive(Debug)]
pub(crate) struct Terms {
    /// Keys in the source's `options`, in order of names.
    pub options: &'static [&'static str],
    /// What is wrong with a source's settings: the key, and why.
    pub mistakes: fn(&Settings) -> Vec<(&'static str, String)>,
    /// How one of its sources says that it does not know somebody.
    pub unknown: Status,
}

impl Terms {
    /// Nothing.
    pub(crate) const NONE: Terms = Terms { options: &[], mistakes: |_| Vec::new(), unknown: Status::OkEmpty };
}

/// One side of a conversation: a state machine over replies. It does no I/O, and the order of replies does not matter to it.
pub(crate) trait Speaker: std::fmt::Debug + Send {
    /// Takes one reply; returns the calls to send next.
    fn reply(&mut self, reply: Reply) -> Vec<Call>;

    /// Whether nothing more is to be asked or awaited.
    fn is_done(&self) -> bool;

    /// The chart, now: what is unfinished is named as such.
    fn finish(self: Box<Self>) -> Told;
}

/// What a conversation starts from.
#[derive(Debug, Clone, Copy)]
pub struct Opening<'a> {
    /// The source, and how it knows the person.
    pub holder: &'a Holder,
    /// How to speak with it.
    pub settings: &'a Settings,
    /// What was learnt of it before.
    pub known: &'a Known,
    /// On whose behalf: some sources want their name, role and organisation, and are not asked without.
    pub reader: Option<&'a Caller>,
    /// When it begins.
    pub now: Timestamp,
}

/// What is wanted of a conversation.
#[derive(Debug, Clone)]
pub(crate) enum Wanted {
    /// Only the Patient.
    Find,
    /// One resource, by type and id in the source's words, and the Patient.
    One(String, String),
    /// What the need says.
    Read(Need),
}
