//! The pages that a clinician reads: a joined record laid out by the rules that patient banners, allergy states and partial answers have,
//! and the pages around it.
//!
//! It takes the exchange in-process, by the same ways as every other door ([`exchange::Exchange::read`]): one read makes one page, its
//! banner included, so that no page can show one person's data under another's name. What leaves is [`audit::Audited`].
//!
//! Every page is whole without script; text is escaped by the templates and by nothing else; styles and behaviour are the
//! exchange's own, from its own address.
//!
//! What it leaves to others: who asks, sessions and routes (`server`); who may (`access`); what belongs together (`join`).

pub mod assets;
mod banner;
mod completeness;
mod critical;
mod desks;
mod documents;
mod find;
mod item;
mod medicines;
mod pages;
mod reading;
mod record;
mod results;
mod sections;
pub mod words;

pub use banner::{Banner, Born, Identity, Practice};
pub use completeness::{Completeness, Gap, Source};
pub use critical::{Critical, Said, Unsaid};
pub use desks::privacy::{Access, Case, CasePage, QueuePage, Report, ReportPage, Review, Task};
pub use desks::steward::{Decided, Doubt, DoubtPage, DoubtsPage};
pub use documents::{Content, Document};
pub use find::{found, traced};
pub use item::{Cluster, Line, Tag};
pub use medicines::{Care, Medicines, Product};
pub use pages::{
    Candidate, Chrome, Claiming, DocumentPage, Emergency, Find, MedicinesPage, Message, Reader, RecordPage, Refusing, ResultsPage, SignIn,
};
pub use reading::Reading;
pub use record::{Allergies, Conflict, Record, Section, Side, begin, more, read};
pub use results::{Chart, Point, Results, Row, Series, Test, Tick};
pub use sections::Heading;
