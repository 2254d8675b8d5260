//! The probes, one for each thing that is looked at.

pub(crate) mod capability;
pub(crate) mod content;
pub(crate) mod errors;
pub(crate) mod lookup;
pub(crate) mod paging;
pub(crate) mod record;
pub(crate) mod security;
pub(crate) mod speed;
