//! Who is this, and who knows them: the guards on the way back, and the locator on the way out.
//!
//! [`guard`] judges every leg by what its own Patients say (guards G2 to G5); [`release`] lets through what
//! is about the accepted patient and puts the rest in quarantine (G3, G4, G6). Both are pure.
//! What it leaves to others: matching people without a number (the person index), and asking (`source`).

mod guard;
mod locate;
mod names;
mod release;
mod standing;

pub use guard::{Facts, Held, Leg, Mismatch, Trust, Verdict, Voice, guard, is_theirs};
pub use locate::{Category, Heard, Located, Locator, LocatorDown};
pub use names::compatible;
pub use release::release;
