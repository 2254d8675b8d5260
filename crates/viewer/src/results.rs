//! Results by test: a table of every value, and a chart of those that can be drawn beside each other.
//!
//! Nothing is converted and nothing is judged: a chart has one unit, a range is drawn behind the value that it came with, and a flag is
//! its laboratory's own. What is no plain number at a known day is in the table only, and that is said.

use exchange::{Joined, Names};
use fhir::date::{Partial, Precision};
use jiff::Timestamp;

use crate::item::Line;
use crate::reading::Reading;
use crate::record::{Laid, lacking_values};
use crate::sections::Heading;
use crate::words;

/// Every result and measurement, by test.
#[derive(Debug, Clone, Default)]
pub struct Results {
    /// Tests of laboratories and the like, then what else was measured; each by name.
    pub tests: Vec<Test>,
    /// Reports and other entries without a value, which stand in the record only.
    pub without: usize,
    /// Entries that are never current.
    pub struck: usize,
    /// Sources that were not heard in full.
    pub lacking: Vec<String>,
}

/// All that is known of one test.
#[derive(Debug, Clone, Default)]
pub struct Test {
    /// For an address within the page.
    pub anchor: String,
    /// What it is called, in the words of the newest.
    pub name: String,
    /// What else it is called.
    pub also: Vec<String>,
    /// Whether a laboratory's or the like; otherwise a measurement.
    pub is_result: bool,
    /// Values, undated first, then newest first.
    pub rows: Vec<Row>,
    /// Units that values have, where there is more than one.
    pub units: Vec<String>,
    /// One for each unit of which two values at least can be drawn.
    pub charts: Vec<Chart>,
    /// How many values are not drawn, and why, in words.
    pub undrawn: Vec<String>,
}

/// One value.
#[derive(Debug, Clone, Default)]
pub struct Row {
    /// The line that it stands in.
    pub line: Line,
    /// The value.
    pub reading: Reading,
    /// Whose it is: the laboratory where it is named, else the source.
    pub laboratory: String,
    /// Whether the laboratory is named.
    pub is_named: bool,
    at: Option<f64>,
    why_not: &'static str,
}

/// A chart, as places in a drawing.
#[derive(Debug, Clone, Default)]
pub struct Chart {
    /// For an address within the page.
    pub anchor: String,
    /// The unit of every value on it.
    pub unit: String,
    /// What it shows, in words.
    pub words: String,
    /// Where values are written beside it.
    pub ups: Vec<Tick>,
    /// Where days are written below it.
    pub alongs: Vec<Tick>,
    /// Each laboratory's values.
    pub series: Vec<Series>,
    /// Whether any value stands on its range.
    pub has_ranges: bool,
    /// Whether any value is flagged.
    pub has_flags: bool,
}

/// A mark at an axis.
#[derive(Debug, Clone, Default)]
pub struct Tick {
    /// Where.
    pub at: String,
    /// What is written.
    pub text: String,
}

/// The values of one laboratory, joined by a line.
#[derive(Debug, Clone, Default)]
pub struct Series {
    /// Whose they are.
    pub laboratory: String,
    /// Number of its mark.
    pub shape: usize,
    /// Points of the line.
    pub line: String,
    /// The values.
    pub points: Vec<Point>,
}

/// A value on a chart.
#[derive(Debug, Clone, Default)]
pub struct Point {
    /// Along.
    pub x: f64,
    /// Down.
    pub y: f64,
    /// The mark, as a path.
    pub mark: String,
    /// Top and height of its range.
    pub range: Option<(String, String)>,
    /// What its laboratory flagged it as.
    pub flag: String,
    /// The same where there is room to write it.
    pub label: String,
}

// The part of the drawing (440 by 230, as `chart.html` has it) where values stand.
const LEFT: f64 = 52.0;
const RIGHT: f64 = 424.0;
const TOP: f64 = 14.0;
const BOTTOM: f64 = 196.0;
/// What marks are called.
const SHAPES: [&str; 5] = ["circle", "square", "triangle", "diamond", "cross"];

impl Results {
    /// What of the record is not here, in words.
    pub(crate) fn aside(&self) -> Vec<String> {
        let mut said = Vec::new();
        if self.without > 0 {
            let entries = words::count(self.without, "report or entry without a value stands", "reports and entries without a value stand");
            said.push(format!("{entries} in the record only."));
        }
        if self.struck > 0 {
            let entries = words::count(
                self.struck,
                "entry that is not current (entered in error or cancelled) stands",
                "entries that are not current (entered in error or cancelled) stand",
            );
            said.push(format!("{entries} in the record only."));
        }
        said
    }

    /// Of one read.
    pub fn of(joined: &Joined, names: &dyn Names) -> Results {
        let laid = Laid::of(joined, names);
        let mut results = Results { lacking: lacking_values(&joined.record, names), ..Results::default() };
        let mut groups: Vec<Group> = Vec::new();
        for (at, line) in &laid.lines {
            let item = &joined.record.items[*at];
            let heading = Heading::of(item).filter(|heading| heading.is_of_values());
            let Some(heading) = heading else { continue };
            if line.struck {
                results.struck += 1;
                continue;
            }
            if line.readings.is_empty() {
                results.without += 1;
                continue;
            }
            let root = item.tree.root();
            let named = laid.reader.laboratory(root);
            let is_named = named.is_some();
            let laboratory = named.unwrap_or_else(|| format!("{} (laboratory not named)", line.source));
            let (at, why_not) = place(item, line);
            for reading in &line.readings {
                let row = Row { line: line.clone(), reading: reading.clone(), laboratory: laboratory.clone(), is_named, at, why_not };
                add(&mut groups, row, heading == Heading::Results);
            }
        }
        groups.sort_by_key(|group| (!group.is_result, group.rows[0].reading.name.to_lowercase()));
        results.tests = groups.into_iter().enumerate().map(|(number, group)| group.test(number + 1)).collect();
        results
    }
}

/// Rows of one test while it is put together.
struct Group {
    codes: Vec<(String, String)>,
    names: Vec<String>,
    is_result: bool,
    rows: Vec<Row>,
}

/// One test, where a code of both is the same; where one has none that could say so, where they are called the same. Two codes of one
/// system are two tests, whatever they are called.
fn add(groups: &mut Vec<Group>, mut row: Row, is_result: bool) {
    if row.reading.name.is_empty() {
        row.reading.name.clone_from(&row.line.what);
    }
    let name = row.reading.name.to_lowercase();
    let codes = row.reading.codes.clone();
    let shares = |group: &Group| codes.iter().any(|code| group.codes.contains(code));
    let contradicts =
        |group: &Group| codes.iter().any(|(system, code)| group.codes.iter().any(|(own, other)| own == system && other != code));
    let of = groups.iter().position(shares).or_else(|| groups.iter().position(|group| group.names.contains(&name) && !contradicts(group)));
    match of {
        Some(at) => {
            let group = &mut groups[at];
            group.codes.extend(codes.into_iter().filter(|code| !group.codes.contains(code)).collect::<Vec<_>>());
            if !group.names.contains(&name) {
                group.names.push(name);
            }
            group.is_result |= is_result;
            group.rows.push(row);
        }
        None => groups.push(Group { codes, names: vec![name], is_result, rows: vec![row] }),
    }
}

/// Where on the axis of time it stands, in days; or why it cannot.
fn place(item: &record::Item, line: &Line) -> (Option<f64>, &'static str) {
    const DAY: f64 = 86_400e9;
    let Some((_, written)) = join::clinical_text(item) else { return (None, "without a date") };
    if line.written_down {
        return (None, "dated only by when it was written down");
    }
    match Partial::parse(&written) {
        Some(date) if date.precision() >= Precision::Day => (Some(date.range().0 as f64 / DAY), ""),
        _ => (None, "whose day is not known"),
    }
}

impl Group {
    fn test(self, number: usize) -> Test {
        let anchor = format!("test-{number}");
        let name = self.rows[0].reading.name.clone();
        let mut also: Vec<String> = Vec::new();
        for row in &self.rows {
            let same = |known: &String| known.to_lowercase() == row.reading.name.to_lowercase();
            if !same(&name) && !also.iter().any(same) {
                also.push(row.reading.name.clone());
            }
        }
        let mut units: Vec<String> = Vec::new();
        let mut undrawn: Vec<(&'static str, usize)> = Vec::new();
        let mut leave = |why: &'static str| match undrawn.iter_mut().find(|(known, _)| *known == why) {
            Some((_, count)) => *count += 1,
            None => undrawn.push((why, 1)),
        };
        let mut drawable: Vec<&Row> = Vec::new();
        for row in &self.rows {
            let number = row.reading.number();
            if number.is_some() && !units.contains(&row.reading.unit) {
                units.push(row.reading.unit.clone());
            }
            match (number, row.at) {
                (None, _) => leave("no plain number"),
                (_, None) => leave(row.why_not),
                _ => drawable.push(row),
            }
        }
        let mut charts = Vec::new();
        for unit in &units {
            let rows: Vec<&Row> = drawable.iter().copied().filter(|row| row.reading.unit == *unit).collect();
            match rows.len() {
                0 => {}
                1 => leave("the only one of its unit"),
                _ => charts.push(Chart::of(format!("{anchor}-chart-{}", charts.len() + 1), unit, &rows)),
            }
        }
        let undrawn =
            if charts.is_empty() { Vec::new() } else { undrawn.into_iter().map(|(why, count)| format!("{count} {why}")).collect() };
        let units = if units.len() > 1 { units.iter().map(|unit| unit_in_words(unit)).collect() } else { Vec::new() };
        Test { anchor, name, also, is_result: self.is_result, rows: self.rows, units, charts, undrawn }
    }
}

fn unit_in_words(unit: &str) -> String {
    if unit.is_empty() { "no unit given".to_owned() } else { unit.to_owned() }
}

impl Chart {
    /// Of values of one unit, two at least, newest first as the table has them.
    fn of(anchor: String, unit: &str, rows: &[&Row]) -> Chart {
        let mut rows: Vec<(&Row, f64, f64)> = rows.iter().filter_map(|row| Some((*row, row.at?, row.reading.number()?))).collect();
        rows.sort_by(|a, b| a.1.total_cmp(&b.1));
        let ranges: Vec<f64> = rows.iter().filter_map(|(row, ..)| row.reading.bounds()).flatten().flatten().collect();
        let values = || rows.iter().map(|(.., value)| *value);
        let (lowest, highest) = (values().fold(f64::INFINITY, f64::min), values().fold(f64::NEG_INFINITY, f64::max));
        let low = ranges.iter().copied().fold(lowest, f64::min);
        let high = ranges.iter().copied().fold(highest, f64::max);
        let step = step(high - low);
        let (low, high) = ((low / step).floor() * step, (high / step).ceil() * step);
        // Where all are the same, they stand in the middle.
        let (low, high) = if high > low { (low, high) } else { (low - step, high + step) };
        let (first, last) = (rows[0].1, rows[rows.len() - 1].1);
        let along =
            |at: f64| if last > first { LEFT + 24.0 + (at - first) / (last - first) * (RIGHT - LEFT - 48.0) } else { (LEFT + RIGHT) / 2.0 };
        let down = |value: f64| BOTTOM - (value - low) / (high - low) * (BOTTOM - TOP);
        let decimals = (0..6).find(|decimals| is_whole(step * 10f64.powi(*decimals))).unwrap_or(6) as usize;
        let ups = (0..=((high - low) / step).round() as usize).map(|number| {
            let value = low + step * number as f64;
            Tick { at: at(down(value)), text: format!("{value:.decimals$}") }
        });
        let days: Vec<f64> = if last - first >= 2.0 { vec![first, (first + last) / 2.0, last] } else { vec![first] };
        let alongs = days.into_iter().map(|day| Tick { at: at(along(day)), text: day_in_words(day) });
        let mut series: Vec<Series> = Vec::new();
        let mut labelled = f64::NEG_INFINITY;
        for (row, day, value) in &rows {
            let own = match series.iter().position(|series| series.laboratory == row.laboratory) {
                Some(own) => own,
                None => {
                    let shape = series.len() % SHAPES.len();
                    series.push(Series { laboratory: row.laboratory.clone(), shape, ..Series::default() });
                    series.len() - 1
                }
            };
            let (x, y) = (along(*day), down(*value));
            let range = row.reading.bounds().map(|[lower, upper]| {
                let (top, bottom) = (upper.map_or(TOP, down), lower.map_or(BOTTOM, down));
                (at(top), at(bottom - top))
            });
            let flag = if row.reading.abnormal { row.reading.flag.clone() } else { String::new() };
            let label = if !flag.is_empty() && x - labelled > 44.0 {
                labelled = x;
                flag.clone()
            } else {
                String::new()
            };
            let one = &mut series[own];
            one.line.push_str(&format!("{},{} ", at(x), at(y)));
            one.points.push(Point { x, y, mark: mark(one.shape, x, y), range, flag, label });
        }
        let (newest, ..) = rows[rows.len() - 1];
        let whose = words::list(&series.iter().map(|series| series.laboratory.clone()).collect::<Vec<_>>());
        let words = format!(
            "{} from {} to {}, by {whose}. Lowest {}, highest {}. The newest is {}{}.",
            words::count(rows.len(), "value", "values"),
            day_in_words(first),
            day_in_words(last),
            written(&rows, lowest),
            written(&rows, highest),
            newest.reading.value,
            if newest.reading.flag.is_empty() { String::new() } else { format!(", flagged {}", newest.reading.flag.to_lowercase()) },
        );
        Chart {
            anchor,
            unit: unit_in_words(unit),
            words,
            ups: ups.collect(),
            alongs: alongs.collect(),
            has_ranges: series.iter().flat_map(|series| &series.points).any(|point| point.range.is_some()),
            has_flags: series.iter().flat_map(|series| &series.points).any(|point| !point.flag.is_empty()),
            series,
        }
    }
}

/// A value as it was written.
fn written(rows: &[(&Row, f64, f64)], value: f64) -> String {
    rows.iter().find(|(.., own)| *own == value).map(|(row, ..)| row.reading.value.clone()).unwrap_or_default()
}

fn is_whole(value: f64) -> bool {
    (value - value.round()).abs() < 1e-6
}

/// A step of 1, 2 or 5 of some power of ten, of which three to seven make the span.
fn step(span: f64) -> f64 {
    let rough = if span > 0.0 { span / 4.0 } else { 1.0 };
    let power = 10f64.powf(rough.log10().floor());
    let of = rough / power;
    power
        * if of <= 1.0 {
            1.0
        } else if of <= 2.0 {
            2.0
        } else if of <= 5.0 {
            5.0
        } else {
            10.0
        }
}

/// A place in the drawing: what is finer is not seen.
fn at(place: f64) -> String {
    format!("{place:.1}")
}

fn day_in_words(days: f64) -> String {
    let at = Timestamp::from_second((days * 86_400.0).round() as i64);
    at.map(|at| words::date(&words::today(at).to_string())).unwrap_or_default()
}

/// The mark of a laboratory around a place.
fn mark(shape: usize, x: f64, y: f64) -> String {
    let (l, r, t, b) = (at(x - 4.0), at(x + 4.0), at(y - 4.0), at(y + 4.0));
    let (x, y) = (at(x), at(y));
    match shape {
        0 => format!("M{l},{y} a4,4 0 1,0 8,0 a4,4 0 1,0 -8,0"),
        1 => format!("M{l},{t} H{r} V{b} H{l} Z"),
        2 => format!("M{x},{t} L{r},{b} H{l} Z"),
        3 => format!("M{x},{t} L{r},{y} L{x},{b} L{l},{y} Z"),
        _ => format!("M{l},{t} L{r},{b} M{r},{t} L{l},{b}"),
    }
}

impl Point {
    pub(crate) fn across(&self) -> String {
        at(self.x)
    }

    pub(crate) fn down(&self) -> String {
        at(self.y)
    }

    pub(crate) fn left(&self) -> String {
        at(self.x - 5.0)
    }

    /// Above the value, and below where there is no room.
    pub(crate) fn label_at(&self) -> String {
        at(if self.y < TOP + 22.0 { self.y + 22.0 } else { self.y - 12.0 })
    }
}

impl Series {
    /// What its mark is called.
    pub(crate) fn shape_name(&self) -> &'static str {
        SHAPES[self.shape]
    }
}
