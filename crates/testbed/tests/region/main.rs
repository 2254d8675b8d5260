//! The pretend region, from outside.

mod ask;
mod faults;

mod listening;
mod people;
mod suppliers;
