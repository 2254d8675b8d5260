//! Every supplier that Severn speaks with: one module each, and its line here.

use crate::carecentric::CARECENTRIC;
use crate::supplier::Supplier;
use crate::{gp_connect, healthshare, interweave, millennium, plain, severn};

/// In the order in which they are offered.
pub(crate) static ALL: &[&Supplier] = &[
    &plain::R4,
    &plain::STU3,
    &plain::DSTU2,
    &gp_connect::SUPPLIER,
    &healthshare::SUPPLIER,
    &healthshare::stu3::SUPPLIER,
    &CARECENTRIC,
    &interweave::SUPPLIER,
    &millennium::SUPPLIER,
    &severn::SUPPLIER,
];
