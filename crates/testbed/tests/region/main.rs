//! The pretend region, from outside.

mod ask;
mod carecentric;
mod faults;
mod legal;

mod listening;
mod people;
mod practice;
mod suppliers;
