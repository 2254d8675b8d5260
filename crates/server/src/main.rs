//! The `severn` binary.
fn main() {}
