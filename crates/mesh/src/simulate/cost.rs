//! The cost of a run against AWS, said before it is played.

use std::io::{self, BufRead, IsTerminal, Write};

use mesh_cost::TOKYO;
use mesh_simulate::cost::consumption;
use mesh_simulate::load::Load;

use super::Arguments;

/// Says what a run costs in the cloud, and asks whether to play it.
pub(super) fn is_agreed(load: &Load, arguments: &Arguments) -> bool {
    eprintln!("{}", estimate(load, arguments.ramp()));
    if arguments.yes {
        return true;
    }
    if !io::stdin().is_terminal() {
        eprintln!("Say --yes to play it without being asked.");
        return false;
    }
    eprint!("Play it? [y/N] ");
    let _ = io::stderr().flush();
    let mut answer = String::new();
    let read = io::stdin().lock().read_line(&mut answer);
    read.is_ok() && ["y", "yes"].contains(&answer.trim().to_lowercase().as_str())
}

fn estimate(load: &Load, is_ramp: bool) -> String {
    let Some(used) = consumption(load) else {
        let seconds = load.duration().as_secs();
        return format!(
            "This run costs money. How much is not known before: it sends what AWS takes in {seconds} seconds."
        );
    };
    let cost = TOKYO.cost(&used);
    let parts: Vec<_> =
        cost.parts().iter().map(|(part, dollars)| format!("  {part:<12} {dollars:>8.3}")).collect();
    let more = if is_ramp {
        "\nThat is the first step; each of the next costs about twice the one before."
    } else {
        ""
    };
    format!(
        "This run costs about {:.2} US dollars ({} of {}, without free tiers):\n{}{more}",
        cost.total(),
        TOKYO.region,
        TOKYO.date,
        parts.join("\n")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn estimates_say_the_sum_and_its_parts() {
        let load = Load { warm_up_seconds: 0.0, ..Load::seed() };
        let text = estimate(&load, false);
        assert!(text.contains("about 0.9") && text.contains("messages"), "{text}");
        assert!(estimate(&load, true).contains("first step"));
        assert!(estimate(&Load { max_connections: Some(1), ..load }, false).contains("not known"));
    }
}
