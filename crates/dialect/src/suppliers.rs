//! Every supplier that Severn speaks with: one module each, and its line here.

use crate::supplier::Supplier;
use crate::{interweave, plain, severn};

/// In the order in which they are offered.
pub(crate) static ALL: &[&Supplier] = &[&plain::R4, &plain::STU3, &plain::DSTU2, &interweave::SUPPLIER, &severn::SUPPLIER];
