//! `severn people link` from outside: what it makes of files whose truth is known, of bad rows, and of pairs.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use testbed::population::Population;

use crate::commands::Room;

/// What is kept of a score, as eval.py has it.
#[derive(Debug)]
struct Score {
    precision: f64,
    recall: f64,
    mixed: usize,
    best_f1: f64,
    recall_at_999: f64,
}

fn rows(file: &Path) -> Vec<Vec<String>> {
    let mut reader = csv::Reader::from_path(file).unwrap();
    reader.records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect()
}

fn pairs_of(counts: impl Iterator<Item = usize>) -> usize {
    counts.map(|count| count * (count - 1) / 2).sum()
}

fn counted<K: Ord>(keys: impl Iterator<Item = K>) -> BTreeMap<K, usize> {
    let mut counts = BTreeMap::new();
    keys.for_each(|key| *counts.entry(key).or_default() += 1);
    counts
}

/// Links a file and scores what comes of it.
fn score(room: &Room, records: &Path, gold: &Path, further: &[&str]) -> Score {
    let (clusters, scored) = (room.0.join("clusters.csv"), room.0.join("pairs.csv"));
    let mut arguments = vec!["people", "link", "--records", records.to_str().unwrap(), "--clusters", clusters.to_str().unwrap()];
    arguments.extend(["--pairs", scored.to_str().unwrap()]);
    arguments.extend(further);
    let (code, _, said) = room.run(&arguments);
    assert_eq!(code, Some(0), "{said}");
    let truth: BTreeMap<String, String> = rows(gold).into_iter().map(|row| (row[0].clone(), row[1].clone())).collect();
    let found: Vec<(String, String)> = rows(&clusters).into_iter().map(|row| (row[0].clone(), row[1].clone())).collect();
    assert_eq!(found.len(), truth.len(), "every record is in the answer");
    let right = pairs_of(counted(found.iter().map(|(record, home)| (home, &truth[record]))).into_values());
    let claimed = pairs_of(counted(found.iter().map(|(_, home)| home)).into_values());
    let true_pairs = pairs_of(counted(truth.values()).into_values());
    let homes = counted(counted(found.iter().map(|(record, home)| (home, &truth[record]))).into_keys().map(|(home, _)| home));
    let (best_f1, recall_at_999) = sweep(&scored, &truth, true_pairs);
    Score {
        precision: right as f64 / claimed.max(1) as f64,
        recall: right as f64 / true_pairs as f64,
        mixed: homes.into_values().filter(|people| *people > 1).count(),
        best_f1,
        recall_at_999,
    }
}

/// The best F1 and the best recall at a precision of 0.999 that a line drawn through the scored pairs reaches.
fn sweep(scored: &Path, truth: &BTreeMap<String, String>, true_pairs: usize) -> (f64, f64) {
    let mut pairs: Vec<(f64, bool)> =
        rows(scored).iter().map(|row| (row[2].parse::<f64>().unwrap(), truth[&row[0]] == truth[&row[1]])).collect();
    pairs.sort_by(|a, b| b.0.total_cmp(&a.0));
    let (mut right, mut best, mut strict) = (0, 0.0f64, 0.0f64);
    for (at, (bits, same)) in pairs.iter().enumerate() {
        right += usize::from(*same);
        if pairs.get(at + 1).is_none_or(|next| next.0 != *bits) {
            best = best.max(2.0 * right as f64 / (at + 1 + true_pairs) as f64);
            if right as f64 >= 0.999 * (at + 1) as f64 {
                strict = strict.max(right as f64 / true_pairs as f64);
            }
        }
    }
    (best, strict)
}

#[test]
fn a_made_up_town_is_linked_without_mixing_anybody() {
    let room = Room::new();
    let files = ["records", "gold", "superseded"].map(|name| room.0.join(format!("{name}.csv")));
    let [mut records, mut gold, mut superseded] = files.each_ref().map(|file| fs::File::create(file).unwrap());
    Population::new(11, 3000).write(&mut records, &mut gold, &mut superseded, |_| ()).unwrap();
    let score = score(&room, &files[0], &files[1], &["--superseded", files[2].to_str().unwrap()]);
    assert!(score.precision >= 0.9995 && score.recall >= 0.98 && score.mixed == 0, "{score:?}");
}

fn third_party() -> Option<PathBuf> {
    let data = std::env::var_os("SEVERN_DATA").map(|data| PathBuf::from(data).join("linkage")).filter(|data| data.is_dir());
    if data.is_none() {
        println!("third-party: linkage skipped, SEVERN_DATA does not have it");
    }
    data
}

#[test]
fn third_party_people_are_linked_as_well_as_they_must_be() {
    let Some(data) = third_party() else { return };
    let room = Room::new();
    let of = |set: &str, further: &[&str]| {
        score(&room, &data.join(format!("{set}_records.csv")), &data.join(format!("{set}_gold.csv")), further)
    };
    let superseded = data.join("uk_public_superseded.csv");
    let numbered = of("uk_public", &["--superseded", superseded.to_str().unwrap()]);
    assert!(numbered.precision >= 0.9995 && numbered.recall >= 0.985 && numbered.mixed <= 12, "{numbered:?}");
    let named = of("uk_public", &["--ignore", "nhs_number"]);
    assert!(named.precision >= 0.999 && named.recall >= 0.93 && named.recall_at_999 >= 0.93, "{named:?}");
    let map = concat!(env!("CARGO_MANIFEST_DIR"), "/../../checks/linkage/febrl.toml");
    let febrl = of("febrl3", &["--columns", map]);
    assert!(febrl.best_f1 >= 0.990 && febrl.precision >= 0.999, "{febrl:?}");
}

#[test]
fn bad_rows_are_said_and_stay_by_themselves() {
    let room = Room::new();
    let records = room.0.join("records.csv");
    let row = "9434765919,01,Okafor,Paul,2012-03-05";
    let bad = "r3,9434765919,01,Okafor,Paul,2012-13-05,blue\nr4,short\n,9434765919,01,Okafor,Paul,2012-03-05,blue\n";
    fs::write(
        &records,
        format!("rec_id,nhs_number,nhs_status,family_name,given_name,birth_date,eyes\nr2,{row},blue\nr1,{row},blue\n{bad}"),
    )
    .unwrap();
    let clusters = room.0.join("clusters.csv");
    let arguments = ["people", "link", "--records", records.to_str().unwrap(), "--clusters", clusters.to_str().unwrap()];
    let (code, _, said) = room.run(&arguments);
    assert_eq!(code, Some(0), "{said}");
    for word in ["not read: eyes", "line 4: birth_date", "line 5: 2 values, not 7", "line 6: no rec_id"] {
        assert!(said.contains(word), "{word}: {said}");
    }
    assert!(!said.contains("Okafor") && !said.contains("9434765919"), "nobody's data is said: {said}");
    let found: BTreeMap<String, String> = rows(&clusters).into_iter().map(|row| (row[0].clone(), row[1].clone())).collect();
    assert_eq!(found["r1"], found["r2"]);
    assert_eq!(found["r4"], "r4");
    assert_eq!(found.len(), 4);
}

#[test]
fn a_wrong_command_says_what_to_do() {
    let room = Room::new();
    let records = room.0.join("records.csv");
    fs::write(&records, "id,surname\n1,Okafor\n").unwrap();
    let map = room.0.join("map.toml");
    fs::write(&map, "[columns]\nsurname = \"surname\"\n").unwrap();
    let (records, map) = (records.to_str().unwrap(), map.to_str().unwrap());
    let table: [(&[&str], &str); 4] = [
        (&["--records", records, "--clusters", "out.csv"], "no column rec_id"),
        (&["--records", records, "--clusters", "out.csv", "--columns", map], "there is no column surname"),
        (&["--records", records, "--clusters", "out.csv", "--ignore", "eyes"], "there is no such column"),
        (&["--records", records], "nothing would be written"),
    ];
    for (further, expected) in table {
        let (code, _, said) = room.run(&[&["people", "link"], further].concat());
        assert_ne!(code, Some(0));
        assert!(said.contains(expected), "{expected}: {said}");
    }
}

#[test]
fn pairs_are_judged_one_by_one() {
    let room = Room::new();
    let (pairs, decisions) = (room.0.join("pairs.csv"), room.0.join("decisions.csv"));
    let heading = "test,family_name_a,family_name_b,given_name_a,given_name_b,birth_date_a,birth_date_b,address_line_a,address_line_b,postcode_a,postcode_b";
    let house = "55 Pershore Street,55 Pershore St,HR9 5TF,HR95TF";
    let same = format!("same,Okafor,OKAFOR,Paul,Paul,2012-03-05,2012-03-05,{house}");
    let twins = format!("twins,Okafor,Okafor,Paul,Samuel,2012-03-05,2012-03-05,{house}");
    let others = "others,Okafor,Smith,Paul,Jane,2012-03-05,1950-01-01,1 Low Road,2 High Road,B1 1AA,LE1 1AA";
    fs::write(&pairs, format!("{heading}\n{same}\n{twins}\n{others}\n")).unwrap();
    let (pairs, out) = (pairs.to_str().unwrap(), decisions.to_str().unwrap());
    let (code, _, said) = room.run(&["people", "link", "--judge", pairs, "--decisions", out]);
    assert_eq!(code, Some(0), "{said}");
    let found: Vec<String> = rows(&decisions).into_iter().map(|row| row.join(" ")).collect();
    assert_eq!(found, ["same match", "twins possible", "others non-match"]);
}
