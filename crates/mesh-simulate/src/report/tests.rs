//! Reports as text, page and JSON, and their objectives.

use super::*;

/// A report of a seed load whose deliveries took so many milliseconds.
pub(crate) fn report(p99: f64) -> Report {
    let latency = Latency { p50: p99 / 4.0, p95: p99 / 2.0, p99, p999: p99 * 1.5, max: p99 * 2.0 };
    let slice = |number: u32| Slice {
        at_seconds: number.into(),
        mutations_per_second: 170.0,
        deliveries_per_second: 6_800.0 + f64::from(number),
        delivery: latency,
    };
    let figures = Figures {
        measured_seconds: 60.0,
        mutations: Mutations {
            sent: 10_540,
            in_window: 10_200,
            latency: Some(latency),
            ..Mutations::default()
        },
        received: 421_600,
        received_in_window: 408_000,
        delivery: Some(latency),
        connections: Connections { opened: 400, dropped: 0 },
        slices: (0..62).map(slice).collect(),
        ..Figures::default()
    };
    let mut report = Report::new("http://127.0.0.1:4000/graphql".into(), Load::seed(), figures);
    report.judge(&Objectives { delivery_p99_millis: 250.0, poll_p99_millis: 2_250.0 });
    report
}

/// The objectives that a changed report misses.
fn missed(change: impl FnOnce(&mut Report)) -> Vec<(&'static str, String)> {
    let mut report = report(100.0);
    change(&mut report);
    report.judge(&Objectives { delivery_p99_millis: 250.0, poll_p99_millis: 2_250.0 });
    let missed = report.objectives.iter().filter(|objective| !objective.is_met);
    missed.map(|objective| (objective.name, objective.found.clone())).collect()
}

#[test]
fn objectives_are_compared_with_what_was_found() {
    assert_eq!(report(100.0).verdict(), Verdict::Met);
    let none = |name: &'static str, found: &str| vec![(name, found.to_owned())];
    assert_eq!(
        missed(|report| report.figures.faults = Faults { lost: 2, leaked: 1, ..Faults::default() }),
        none("faulty deliveries", "2 lost, 1 leaked")
    );
    assert_eq!(missed(|report| report.figures.mutations.failed = 3), none("failed mutations", "3"));
    assert_eq!(missed(|report| report.figures.connections.dropped = 1), none("broken WebSockets", "1"));
    assert_eq!(missed(|report| report.figures.mutations.unsent = 9), none("mutations never sent", "9"));
    assert_eq!(missed(|report| report.figures.delivery = None), none("delivery p99", "nothing arrived"));
    let slow = Latency { p99: 2_251.0, ..Latency::default() };
    assert_eq!(missed(|report| report.figures.delivery = Some(slow)), none("delivery p99", "2251.0 ms"));
    assert_eq!(missed(|report| report.figures.poll = Some(slow)), none("polled event p99", "2251.0 ms"));
}

#[test]
fn the_text_says_what_counts() {
    let text = report(100.0).to_string();
    for part in [
        "10 groups of 40 nodes against\nhttp://127.0.0.1:4000/graphql",
        "421600   6800.0 a second",
        "0 lost, 0 doubled, 0 reordered\n",
        "met    delivery p99: 100.0 ms (at most 250 ms)",
        "p99           99 of 100 took no longer",
        "This machine carries 10 classes of 40 at once: 99 of 100 messages arrived within 100 ms, and none was lost.",
        "All objectives are met.",
    ] {
        assert!(text.contains(part), "{part} is not in:\n{text}");
    }
    let text = report(300.0).to_string();
    assert!(
        text.contains("MISSED delivery p99: 300.0 ms")
            && text
                .contains("does not carry 10 classes of 40 at once: delivery p99 300.0 ms (at most 250 ms).")
            && text.ends_with("Objectives are missed.\n"),
        "{text}"
    );
}

#[test]
fn the_table_fits_a_phone() {
    let mut report = report(12_345.6);
    report.figures.poll = report.figures.delivery;
    report.figures.polled_events = 1;
    for line in report.to_string().lines().filter(|line| line.starts_with(' ')) {
        assert!(line.len() <= 60, "{line}");
    }
}

#[test]
fn what_was_interrupted_is_no_verdict() {
    let mut report = report(300.0);
    report.figures.interrupted = true;
    report.figures.measured_seconds = 12.4;
    report.judge(&Objectives { delivery_p99_millis: 250.0, poll_p99_millis: 2_250.0 });
    assert_eq!(report.verdict(), Verdict::Interrupted);
    let text = report.to_string();
    assert!(text.contains("stopped after 12.4 of 60 seconds"), "{text}");
    assert!(text.ends_with("and is no verdict.\nInterrupted: no verdict.\n"), "{text}");
    assert!(!page(&report).contains("class=\"verdict m"));
}

#[test]
fn json_has_the_figures_under_their_names() {
    let json = serde_json::to_value(report(100.0)).unwrap();
    assert_eq!(json["load"]["dataRate"], 15.0);
    assert_eq!(json["deliveriesPerSecond"], 6_800.0);
    assert_eq!(json["delivery"]["p99"], 100.0);
    assert_eq!(json["faults"]["lost"], 0);
    assert_eq!(json["slices"][61]["deliveriesPerSecond"], 6_861.0);
    assert_eq!(json["objectives"][0]["isMet"], true);
}

#[test]
fn the_page_is_whole_and_needs_nothing_else() {
    let mut report = report(300.0);
    report.figures.errors = vec![("report: <script>alert(1)</script>".into(), 1)];
    let page = page(&report);
    assert!(page.contains("Objectives are missed.") && page.contains("<td>300.0<td>"), "{page}");
    // A point for each slice of each line.
    assert_eq!(page.matches("<circle").count(), 5 * 62);
    assert!(page.contains("&lt;script&gt;") && !page.contains("<script"));
    let outside = ["src=", "href=", "url(", "@import"];
    assert!(outside.iter().all(|word| !page.contains(word)));
}
