//! The pretend region, from outside.

mod ask;
mod faults;
mod legal;

mod listening;
mod people;
mod practice;
mod suppliers;
