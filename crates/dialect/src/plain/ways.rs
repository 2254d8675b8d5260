//! What one family of servers does otherwise than others that speak the same version.

use fhir::{Kind, Ref};
use record::{Holder, Item, Status};

use super::search::Search;
use crate::reading::Read;

/// Ways of a server. [`PLAIN`] has none: say only what differs, and take the rest from it.
#[derive(Debug)]
pub(crate) struct Ways {
    /// The media types it is asked for; none: whatever its version may be written in.
    pub accept: Option<&'static str>,
    /// Whether it may be asked for `$everything`; the configuration has a say only where it may.
    pub everything: bool,
    /// Whether `$everything` is asked for however few types are wanted: what of them can be told only with the rest beside.
    pub everything_for_few: bool,
    /// Whether `$everything` takes `_type`, so that one question is enough for any number of types.
    pub everything_of_types: bool,
    /// The last word on an item.
    pub finish: fn(&mut Item),
    /// Whether a resource is of the server's own making, and nothing that anybody said of the person.
    pub made: fn(Kind, Ref<'_>) -> bool,
    /// Spellings of the NHS number's system under which it is asked for people, beside the right one and those in the configuration.
    pub number_systems: &'static [&'static str],
    /// Whether one Patient stands for all: the one that the server made, or the first whose id is known.
    pub one_patient: bool,
    /// Whether an OperationOutcome among the data always means that something was left out, whatever its severity.
    pub outcome_is_hole: bool,
    /// Asked with every question about a person's data.
    pub parameters: &'static [(&'static str, &'static str)],
    /// What an HTTP status of refusal means, where asking otherwise is no use.
    pub refusal: fn(u16) -> Option<Status>,
    /// How its types are searched for. Others are asked for by patient, where its statement of capability lists them so.
    /// Empty: every type is asked for by patient, unless the statement leaves it out.
    pub searches: &'static [Search],
    /// The last word on all that was read, of whichever type, before what was not asked for is left out.
    pub settle: fn(&Holder, &mut Read),
    /// What an empty answer may mean beside that there is nothing.
    pub silence: Option<&'static str>,
    /// Whether `_since` and `_lastUpdated` find all that changed. Where they do not, all is asked for and filtered here.
    pub since_finds_all: bool,
}

/// A server without ways of its own.
pub(crate) static PLAIN: Ways = Ways {
    accept: None,
    everything: true,
    everything_for_few: false,
    everything_of_types: false,
    finish: |_| {},
    made: |_, _| false,
    number_systems: &[],
    one_patient: false,
    outcome_is_hole: false,
    parameters: &[],
    refusal: |_| None,
    searches: &[],
    settle: |_, _| {},
    silence: None,
    since_finds_all: true,
};

impl Ways {
    /// How a type is searched for, where that is said.
    pub(super) fn search(&self, kind: Kind) -> Option<&'static Search> {
        self.searches.iter().find(|search| search.kind == kind)
    }
}
