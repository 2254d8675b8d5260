//! What must never be: sent without a section or a permit, pointed at as ours and is not, logged.

use super::*;

#[tokio::test(start_paused = true)]
async fn without_its_section_nothing_is_sent_or_said() {
    let world = World::of(&["ccr", "gp"]);
    let person = world.person(DEMO_PERSON).await;
    let answer = read(&world, &person).await;
    settled().await;
    assert_eq!(answer.status, 200);
    assert!(world.region.asked(LOCATOR).is_empty());
    assert_eq!(said(&answer), []);
    assert!(!world.ledger.text().contains("locator") && !world.ledger.text().contains("publish"));
}

#[tokio::test(start_paused = true)]
async fn each_half_does_only_its_own() {
    for (block, tells, asks) in [(TELL, true, false), (ASK, false, true)] {
        let world = world(&["ccr"], block);
        let person = world.person(DEMO_PERSON).await;
        assert!(world.region.asked(LOCATOR).is_empty(), "who is only looked for is neither asked about nor pointed at");
        let answer = read(&world, &person).await;
        settled().await;
        assert_eq!((!asked(&world.region, "producer").is_empty(), !asked(&world.region, "consumer").is_empty()), (tells, asks));
        assert_eq!(!said(&answer).is_empty(), asks);
        assert_eq!(world.region.locator().urls("QHL", DEMO_PERSON).len(), usize::from(tells));
    }
}

/// Of a restricted person, of one whom nobody knows, and for a reader who may not, nothing is sent: that it was asked would tell.
#[tokio::test(start_paused = true)]
async fn of_whom_no_read_is_permitted_nothing_is_sent() {
    const RESTRICTED: &str = "9434765919";
    let world = world(&["ccr", "uhb"], BOTH);
    let (restricted, person) = (world.minted(RESTRICTED).await, world.person(DEMO_PERSON).await);
    let check = async |path: &str, token: &str, status: u16| {
        let answer = world.get(path, token).await;
        assert_eq!(answer.status, status, "{path}: {}", answer.text);
        assert!(!answer.text.contains("locator") && !answer.text.contains(ELSEWHERE));
    };
    let token = world.doctor_of(&restricted);
    check(&format!("Patient/{restricted}/$everything"), &token, 403).await;
    check(&format!("Condition?patient={restricted}"), &token, 403).await;
    check(&format!("Condition?patient.identifier=https://fhir.nhs.uk/Id/nhs-number|{RESTRICTED}"), &token, 403).await;
    check(&format!("Patient?identifier=https://fhir.nhs.uk/Id/nhs-number|{RESTRICTED}"), &token, 200).await;
    let stranger = world.token(&Card { user: "u-9", ..Card::doctor() });
    check(&format!("Patient/{person}/$everything"), &stranger, 403).await;
    let roleless = world.token(&Card { roles: vec![], patient: Some(person.clone()), ..Card::doctor() });
    check(&format!("Patient/{person}/$everything"), &roleless, 403).await;
    settled().await;
    assert!(world.region.asked(LOCATOR).is_empty());
    assert_eq!((world.region.locator().about(RESTRICTED), world.region.locator().urls("QHL", DEMO_PERSON).len()), (0, 0));
    assert!(!world.ledger.text().contains("publishing"));
}

/// A pointer says that a record is here; of somebody whom no source knows, there is none.
#[tokio::test(start_paused = true)]
async fn whom_nobody_knows_has_no_pointer() {
    let world = world(&["rx", "uhb"], BOTH);
    let nobody = people().iter().find(|person| ["rx", "uhb"].iter().all(|id| !person.known_to.contains_key(*id))).unwrap();
    let number = &nobody.about.nhs_number;
    let person = world.minted(number).await;
    let answer = read(&world, &person).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    settled().await;
    assert!(asked(&world.region, "producer").is_empty());
    // Nor when the sources that might know them did not say.
    let known = world.person(DEMO_PERSON).await;
    for source in ["rx", "uhb"] {
        world.region.fail(source, Fault::Refusing { how: Refusal::ServerError });
    }
    assert_eq!(read(&world, &known).await.status, 502);
    world.region.fail("rx", Fault::WrongPerson { by: testbed::Wrong::Number });
    assert_eq!(read(&world, &known).await.status, 502);
    settled().await;
    assert!(asked(&world.region, "producer").is_empty());
    world.region.heal();
    assert_eq!(read(&world, &known).await.status, 200);
    settled().await;
    assert_eq!(world.region.locator().urls("QHL", DEMO_PERSON).len(), 1);
}

/// What we only hear from another shared record is for that one to point at: two pointers would lead to one record.
#[tokio::test(start_paused = true)]
async fn what_is_anothers_record_is_not_pointed_at_as_ours() {
    let sources = vec![("ccr", "exchange = \"other-region\"")];
    let world = World::around(Arc::new(region(&["ccr"])), &Setup { blocks: BOTH, sources, ..Setup::default() });
    let person = world.person(DEMO_PERSON).await;
    assert_eq!(read(&world, &person).await.status, 200);
    settled().await;
    assert!(asked(&world.region, "producer").is_empty(), "it is another exchange's");
    let world = self::world(&["ccr"], BOTH);
    world.region.locator().put("QWU", DEMO_PERSON, "https://ccr.example/r4/Patient/1");
    let person = world.person(DEMO_PERSON).await;
    assert!(said(&read(&world, &person).await).contains(&pointer("QWU")));
    settled().await;
    assert!(asked(&world.region, "producer").is_empty(), "its own custodian points at it");
}

#[tokio::test(start_paused = true)]
async fn no_number_and_no_address_is_in_the_log_or_the_ledger() {
    let (log, _guard) = logged();
    let world = world(&["ccr", "gp"], BOTH);
    let person = world.person(DEMO_PERSON).await;
    for fault in [Fault::Silent, Fault::Html, Fault::Truncated, Fault::Refusing { how: Refusal::BadRequest }] {
        world.region.fail(LOCATOR, fault);
        assert_eq!(read(&world, &person).await.status, 200);
        tokio::time::sleep(Duration::from_secs(6 * 60)).await;
    }
    world.region.heal();
    tokio::time::sleep(Duration::from_secs(6 * 60)).await;
    assert_eq!(world.region.locator().urls("QHL", DEMO_PERSON).len(), 1);
    let (log, ledger) = (log.text(), world.ledger.text());
    assert!(log.contains("the national record locator did not say") && log.contains("it is tried again later"), "{log}");
    for secret in [DEMO_PERSON, "subject:identifier", "black-country.example", "$everything"] {
        assert!(!log.contains(secret), "`{secret}` stands in the log: {log}");
        assert!(!ledger.contains(secret), "`{secret}` stands in the ledger");
    }
}
