//! The report as a page.

use std::fmt::Write;

use super::chart::Chart;
use super::words::WORDS;
use super::{Report, groups};
use crate::measure::{Latency, Slice};
use crate::ramp::Ramp;

/// The report as a page: one file that needs no network.
pub fn page(report: &Report) -> String {
    let verdict = report.verdict();
    let mut body = verdict_line(verdict.class(), verdict.line(), &report.meaning);
    body += &run(report);
    document(&body, report)
}

/// The same of a ramp: its steps, and the run at its knee.
pub fn ramp_page(ramp: &Ramp) -> String {
    let Some(shown) = ramp.knee().or_else(|| ramp.steps.first()) else { return String::new() };
    let (line, class) = match ramp.knee() {
        Some(knee) => (format!("The knee: {:.2} times the load holds.", knee.factor), "met"),
        None => ("Even the first load misses the objectives.".to_owned(), "missed"),
    };
    let mut body = verdict_line(class, &line, &ramp.meaning());
    body += "<table><tr><th>Load<th>Mutations/s<th>Deliveries/s<th>p99 ms<th>";
    for step in &ramp.steps {
        let p99 = step.report.figures.delivery.map_or(0.0, |latency| latency.p99);
        let (mutations, deliveries) = (step.report.mutations_per_second, step.report.deliveries_per_second);
        let held = if step.held { r#"<td class="met">held"# } else { r#"<td class="missed">broke"# };
        let factor = step.factor;
        let _ = write!(body, "<tr><td>{factor:.2} x<td>{mutations:.0}<td>{deliveries:.0}<td>{p99:.1}{held}");
    }
    let _ = write!(body, "</table><h2>At {:.2} times the load</h2>", shown.factor);
    body += &run(&shown.report);
    document(&body, &shown.report)
}

fn verdict_line(class: &str, line: &str, meaning: &str) -> String {
    format!(r#"<p class="verdict {class}">{line}</p><p>{}</p>"#, escaped(meaning))
}

fn run(report: &Report) -> String {
    let mut body = String::from("<table><tr><th>Objective<th>Demanded<th>Found<th>");
    for objective in &report.objectives {
        let mark = if objective.is_met { r#"<td class="met">met"# } else { r#"<td class="missed">missed"# };
        let (name, demanded, found) = (objective.name, &objective.demanded, &objective.found);
        let _ = write!(body, "<tr><td>{name}<td>{demanded}<td>{found}{mark}");
    }
    body += "</table><table><tr><th>Milliseconds<th>p50<th>p95<th>p99<th>p99.9<th>max";
    let figures = &report.figures;
    for (name, latency) in [
        ("due to delivered", figures.delivery),
        ("due to answered", figures.mutations.latency),
        ("sent to answered", figures.mutations.answer),
        ("due to polled", figures.poll),
    ] {
        if let Some(Latency { p50, p95, p99, p999, max }) = latency {
            let _ =
                write!(body, "<tr><td>{name}<td>{p50:.1}<td>{p95:.1}<td>{p99:.1}<td>{p999:.1}<td>{max:.1}");
        }
    }
    body += "</table>";
    let over_time = |value: fn(&Slice) -> f64| {
        figures.slices.iter().map(|slice| (slice.at_seconds, value(slice))).collect::<Vec<_>>()
    };
    // While it warmed up, nothing was measured.
    let measured = |value: fn(&Slice) -> f64| {
        let slices = figures.slices.iter().filter(|slice| slice.delivery != Latency::default());
        slices.map(|slice| (slice.at_seconds, value(slice))).collect::<Vec<_>>()
    };
    let below = "seconds since the first mutation";
    let charts = [
        Chart {
            title: "Deliveries",
            unit: "ms from due to delivered",
            below,
            lines: vec![
                ("p50", measured(|slice| slice.delivery.p50)),
                ("p95", measured(|slice| slice.delivery.p95)),
                ("p99", measured(|slice| slice.delivery.p99)),
            ],
        },
        Chart {
            title: "Throughput",
            unit: "deliveries a second",
            below,
            lines: vec![("deliveries", over_time(|slice| slice.deliveries_per_second))],
        },
        Chart {
            title: "Mutations",
            unit: "answered a second",
            below,
            lines: vec![("mutations", over_time(|slice| slice.mutations_per_second))],
        },
    ];
    for chart in charts {
        body += &chart.svg();
    }
    body += "<h2>Words</h2><dl>";
    for (word, meaning) in WORDS {
        let _ = write!(body, "<dt>{word}<dd>{meaning}");
    }
    body += "</dl>";
    // The text is whole, so that nothing is only in pictures.
    let _ = write!(
        body,
        "<details><summary>As text</summary><pre>{}</pre></details>",
        escaped(&report.to_string())
    );
    body
}

fn document(body: &str, report: &Report) -> String {
    let load = &report.load;
    let endpoint = escaped(&report.endpoint);
    format!(
        "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><title>Mesh simulation</title>\
         <style>{}</style>\n<h1>{} <small>{endpoint}</small></h1>\n{body}\n\
         <footer>mesh {}, {}. {:.0} reports and {:.0} batches a second in each group, {:.0} s.</footer>\n</html>\n",
        include_str!("page.css"),
        groups(load),
        report.version,
        report.finished_at,
        load.data_rate,
        load.event_rate,
        load.seconds,
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
