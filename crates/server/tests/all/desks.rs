//! The desks as pages: the same door as their APIs, by a session.

use testbed::DEMO_PERSON;

use crate::tab::Tab;
use crate::world::{Card, World};

fn officer() -> Card {
    let (roles, scope, sds_user_id) = (vec!["R0001"], "severn.privacy", Some("111111111111"));
    Card { user: "p-1", roles, activities: vec![], scope, sds_user_id, ..Card::doctor() }
}

/// A doctor who claimed somebody on their own word, and the name of the task that waits.
async fn claimed() -> (World, String, String) {
    let world = World::of(&["ccr"]);
    let person = world.person(DEMO_PERSON).await;
    let doctor = tab(&world, &Card::doctor()).await;
    doctor.find(DEMO_PERSON).await;
    assert_eq!(doctor.claim(&person, "relationship", "TREAT").await.status, 303);
    let id = {
        let all = exchange::PrivacyFilter { count_max: 10, ..exchange::PrivacyFilter::default() };
        world.queue().privacy_tasks(&all).await.unwrap()[0].id.clone()
    };
    (world, person, id)
}

async fn tab<'a>(world: &'a World, card: &Card) -> Tab<'a> {
    world.tab(&world.token(card)).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn an_access_is_found_opened_and_decided_on_by_pages() {
    let (world, person, id) = claimed().await;
    let tab = tab(&world, &officer()).await;
    let home = tab.get("/viewer").await;
    assert!(home.text.contains(r#"<a href="/viewer/privacy">Privacy</a>"#), "{}", home.text);
    let path = format!("/viewer/privacy/tasks/{id}");
    let queue = tab.get("/viewer/privacy").await;
    assert!(queue.status == 200 && queue.text.contains(&format!("href=\"{path}\"")), "{}", queue.text);
    // A list tells nobody's name.
    assert!(!queue.text.contains("u-1") && !queue.text.contains(&person), "{}", queue.text);
    assert_eq!(world.ledger.of(&queue.request()), ["opened", "closed"]);
    let shown = tab.get(&path).await;
    assert_eq!(shown.status, 200, "{}", shown.text);
    assert!(shown.text.contains("Admitted to my ward this morning") && shown.text.contains(&person), "{}", shown.text);
    let about = &testbed::person(DEMO_PERSON).unwrap().about;
    for secret in ["enicillin", DEMO_PERSON, &about.family, &about.birth_date] {
        assert!(!shown.text.contains(secret), "{secret}: {}", shown.text);
    }
    assert_eq!(world.ledger.of(&shown.request()), ["opened", "disclosed", "closed"]);
    let decide = format!("{path}/decide");
    for fields in [[("state", ""), ("note", "x")], [("state", "justified"), ("note", " ")], [("state", "open"), ("note", "x")]] {
        let answer = tab.post(&decide, &fields).await;
        assert!(answer.status == 400 && answer.text.contains("role=\"alert\""), "{fields:?}: {}", answer.text);
    }
    let bare = tab.post_bare(&decide, &[("state", "justified"), ("note", "seen")]).await;
    assert_eq!((bare.status, world.ledger.of(&bare.request())), (403, vec!["refused".to_owned()]));
    let done = tab.post(&decide, &[("state", "justified"), ("note", "seen the ward's list")]).await;
    assert_eq!((done.status, done.headers["location"].to_str().unwrap()), (303, path.as_str()), "{}", done.text);
    assert_eq!(world.ledger.of(&done.request()), ["opened", "reviewed"]);
    assert!(!tab.get("/viewer/privacy").await.text.contains(&id));
    assert!(tab.get("/viewer/privacy?all=true").await.text.contains(&id));
    let again = tab.get(&path).await;
    assert!(again.text.contains("seen the ward&#39;s list") && !again.text.contains("id=\"decide\""), "{}", again.text);
    assert_eq!(tab.post(&decide, &[("state", "closed"), ("note", "x")]).await.status, 409);
    world.ledger.verify();
}

#[tokio::test(start_paused = true)]
async fn a_desks_pages_open_to_nobody_to_whom_the_desk_does_not() {
    let (world, _, id) = claimed().await;
    let path = format!("/viewer/privacy/tasks/{id}");
    let callers = [
        Card::doctor(),
        Card { scope: "severn.privacy user/*.rs", ..Card::doctor() },
        Card { scope: "user/*.rs", ..officer() },
        Card { scope: "severn.operator", ..officer() },
    ];
    for card in callers {
        let tab = tab(&world, &card).await;
        let home = tab.get("/viewer").await;
        assert!(!home.text.contains("/viewer/privacy"), "{}", home.text);
        // A desk that is not named to somebody was not asked for by them.
        assert!(!world.ledger.of(&home.request()).contains(&"refused".to_owned()));
        let decide = [("state", "closed"), ("note", "x")];
        for answer in [tab.get("/viewer/privacy").await, tab.get(&path).await, tab.post(&format!("{path}/decide"), &decide).await] {
            assert_eq!((answer.status, world.ledger.of(&answer.request())), (403, vec!["refused".to_owned()]), "{}", answer.text);
            assert!(!answer.text.contains(&id));
        }
    }
    // Nor is one's own access decided on by a page.
    let own = tab(&world, &Card { roles: vec!["R0001"], scope: "severn.privacy", ..Card::doctor() }).await;
    let answer = own.post(&format!("{path}/decide"), &[("state", "justified"), ("note", "it was me")]).await;
    assert_eq!((answer.status, world.ledger.of(&answer.request())), (403, vec!["opened".to_owned(), "refused".to_owned()]));
    assert!(tab(&world, &officer()).await.get("/viewer/privacy").await.text.contains(&id));
}

fn steward() -> Card {
    Card { user: "s-1", scope: "severn.operator", ..Card::doctor() }
}

#[tokio::test(start_paused = true)]
async fn a_doubtful_link_is_seen_from_both_sides_decided_and_taken_back_by_pages() {
    let (world, id) = crate::steward::confused().await;
    let tab = tab(&world, &steward()).await;
    assert!(tab.get("/viewer").await.text.contains(r#"<a href="/viewer/steward">"#));
    let path = format!("/viewer/steward/tasks/{id}");
    let queue = tab.get("/viewer/steward").await;
    assert!(queue.status == 200 && queue.text.contains(&format!("href=\"{path}\"")), "{}", queue.text);
    // A list tells nobody's particulars.
    assert!(!queue.text.contains("Hartley") && !queue.text.contains("Winterbourne"), "{}", queue.text);
    let shown = tab.get(&path).await;
    for wanted in ["Hartley", "Winterbourne", "999 000 0018 (said to be verified)", "Held, whatever it weighs", "Not said"] {
        assert!(shown.text.contains(wanted), "{wanted}: {}", shown.text);
    }
    assert_eq!(world.ledger.of(&shown.request()), ["opened", "disclosed", "disclosed", "closed"]);
    let decide = format!("{path}/decide");
    for fields in [[("outcome", ""), ("reason", "x")], [("outcome", "different"), ("reason", " ")]] {
        let answer = tab.post(&decide, &fields).await;
        assert!(answer.status == 400 && answer.text.contains("role=\"alert\""), "{fields:?}: {}", answer.text);
    }
    assert_eq!(tab.post_bare(&decide, &[("outcome", "different"), ("reason", "seen")]).await.status, 403);
    let done = tab.post(&decide, &[("outcome", "different"), ("reason", "seen the papers")]).await;
    assert_eq!((done.status, world.ledger.of(&done.request())), (303, vec!["opened".to_owned(), "stewarded".to_owned()]), "{}", done.text);
    let decided = tab.get(&path).await;
    assert!(decided.text.contains("Decided: Two people") && decided.text.contains("seen the papers"), "{}", decided.text);
    assert!(!tab.get("/viewer/steward").await.text.contains(&id) && tab.get("/viewer/steward?all=true").await.text.contains(&id));
    assert_eq!(tab.post(&format!("{path}/undo"), &[("reason", "the papers were another's")]).await.status, 303);
    assert!(tab.get("/viewer/steward").await.text.contains(&id));
    world.ledger.verify();
}

#[tokio::test(start_paused = true)]
async fn the_stewards_pages_open_to_nobody_else() {
    let (world, id) = crate::steward::confused().await;
    let path = format!("/viewer/steward/tasks/{id}");
    for card in [Card::doctor(), officer(), Card { scope: "severn.privacy user/*.rs", ..steward() }] {
        let tab = tab(&world, &card).await;
        assert!(!tab.get("/viewer").await.text.contains("/viewer/steward"));
        let decide = [("outcome", "different"), ("reason", "x")];
        for answer in [tab.get("/viewer/steward").await, tab.get(&path).await, tab.post(&format!("{path}/decide"), &decide).await] {
            assert_eq!((answer.status, world.ledger.of(&answer.request())), (403, vec!["refused".to_owned()]), "{}", answer.text);
            assert!(!answer.text.contains("Hartley") && !answer.text.contains(&id));
        }
    }
}
