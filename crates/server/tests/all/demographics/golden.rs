//! Answers judged by what the service says of a person.

use super::*;

fn number_of(slug: &str) -> &'static str {
    &testbed::people().iter().find(|person| person.slug == slug).unwrap().about.nhs_number
}

/// Two sources that disagree about a birth date: without the service neither is believed.
#[tokio::test(start_paused = true)]
async fn a_wrong_birth_date_is_judged_by_the_services() {
    for (blocks, shown) in [("", [].as_slice()), (PDS, ["ccr"].as_slice())] {
        let world = world(&["ccr", "uhb"], blocks);
        world.region.fail("uhb", Fault::WrongPerson { by: Wrong::BirthDate });
        let person = world.person(DEMO_PERSON).await;
        let answer = read(&world, &person).await;
        let found: Vec<String> = answer.shown().into_keys().collect();
        assert_eq!(found, shown);
        assert!(answer.issues_of("uhb").iter().any(|(_, code, _)| code == "identity-mismatch"), "{:?}", answer.issues_of("uhb"));
    }
}

/// Its date comes before the caller's.
#[tokio::test(start_paused = true)]
async fn the_services_birth_date_stands_before_the_callers() {
    for (blocks, shown) in [("", 0), (PDS, 1)] {
        let world = world(&["ccr"], blocks);
        let person = world.person(DEMO_PERSON).await;
        let path = format!("Patient/{person}/$everything?birthdate=1901-01-01");
        assert_eq!(world.get(&path, &world.doctor_of(&person)).await.shown().len(), shown);
    }
}

#[tokio::test(start_paused = true)]
async fn golden_24_twins_whose_numbers_were_swapped_are_held_both_ways() {
    let (aisha, zara) = (number_of("aisha-malik"), number_of("zara-malik"));
    let check = async |swapped: bool, number: &str| {
        let world = world(&["ccr"], PDS);
        if swapped {
            world.region.demographics().change(aisha, |about| about.given = vec!["Zara".to_owned()]);
            world.region.demographics().change(zara, |about| about.given = vec!["Aisha".to_owned()]);
        }
        let person = world.person(number).await;
        let answer = read(&world, &person).await;
        assert_eq!(answer.shown().is_empty(), swapped, "{number}");
        assert_eq!(answer.text.contains("held: given name differs"), swapped, "{number}: {:?}", answer.issues_of("ccr"));
    };
    for number in [aisha, zara] {
        check(false, number).await;
        // One source alone: without the service's names nothing would speak against it.
        check(true, number).await;
    }
}

/// One of two names is the hospital's, from before; no rule of short forms makes it the other.
#[tokio::test(start_paused = true)]
async fn golden_24_marriage_and_transition_together_are_one_person_by_a_previous_name() {
    let number = number_of("alex-morgan");
    let check = async |previous: Option<&str>, shown: bool| {
        let world = world(&["uhb"], PDS);
        world.region.demographics().change(number, |about| {
            about.given = vec!["Max".to_owned()];
            about.previous_given = previous.map(|name| vec![name.to_owned()]);
            about.previous_family = previous.map(|_| "Whitley".to_owned());
        });
        let person = world.person(number).await;
        let answer = read(&world, &person).await;
        assert_eq!(answer.shown().contains_key("uhb"), shown, "{previous:?}");
        assert_eq!(answer.text.contains("held: given name differs"), !shown, "{previous:?}");
    };
    check(Some("Alexandra"), true).await;
    check(None, false).await;
}
