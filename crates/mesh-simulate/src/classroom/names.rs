//! The names of a run's groups, nodes, variables and events: a board that shows them looks as in a lesson.

/// Groups, and those that follow have a number.
const GROUPS: [&str; 12] = [
    "Foxes", "Cats", "Owls", "Bears", "Whales", "Otters", "Hares", "Storks", "Tigers", "Pandas", "Deer",
    "Frogs",
];
/// Nicknames, more than a class needs; those that follow have a number.
const NODES: [&str; 48] = [
    "Aoi", "Haru", "Mio", "Ren", "Sora", "Yui", "Kai", "Nana", "Riku", "Emi", "Taro", "Hana", "Leo", "Momo",
    "Ken", "Saki", "Yuto", "Rin", "Dai", "Koko", "Jun", "Mei", "Ryo", "Aya", "Shin", "Noa", "Toma", "Ema",
    "Itsuki", "Rio", "Asahi", "Yuna", "Gen", "Suzu", "Nagi", "Chie", "Hiro", "Miku", "Kota", "Fumi", "Maki",
    "Yuki", "Tetsu", "Ai", "Nao", "Ritsu", "Kiko", "Sena",
];
/// Variables; those that follow have a number.
const VARIABLES: [&str; 5] = ["score", "x", "y", "lives", "speed"];
/// Events, one after the other.
const EVENTS: [&str; 6] = ["jump", "goal", "hello", "go", "my turn", "level up"];

/// The name of a group.
pub(super) fn group_name(group: usize) -> String {
    numbered(&GROUPS, group)
}

/// The nickname of a node. The same place has another name in each group.
pub(super) fn node_name(group: usize, node: usize) -> String {
    let first = group * 7;
    let round = node / NODES.len() * NODES.len();
    numbered(&NODES, round + (first + node) % NODES.len())
}

/// The name of a variable.
pub(super) fn variable_name(index: usize) -> String {
    numbered(&VARIABLES, index)
}

/// The name of an event.
pub(super) fn event_name(number: usize) -> String {
    EVENTS[number % EVENTS.len()].to_owned()
}

/// The id of a node, as those of living clients 32 hex digits, and different in each run. Where nodes have no name,
/// as hosts, they are called by the first six: a multiplication by an odd number makes them different.
pub(super) fn node_id(run: u32, group: usize, node: usize) -> String {
    let shown = (group * 512 + node + 1).wrapping_mul(0x9e_3779) & 0xff_ffff;
    format!("{shown:06x}{run:08x}{group:08x}{node:010x}")
}

fn numbered(names: &[&str], index: usize) -> String {
    let name = names[index % names.len()];
    match index / names.len() {
        0 => name.to_owned(),
        round => format!("{name} {}", round + 1),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn names_of_a_group_are_different() {
        for group in [0, 3, 11, 50] {
            let names: HashSet<_> = (0..500).map(|node| node_name(group, node)).collect();
            assert_eq!(names.len(), 500);
        }
        assert_eq!((0..100).map(group_name).collect::<HashSet<_>>().len(), 100);
        assert_eq!(
            (node_name(0, 0), node_name(0, 48), group_name(12)),
            ("Aoi".into(), "Aoi 2".into(), "Foxes 2".into())
        );
    }

    #[test]
    fn ids_differ_in_what_is_shown_of_them() {
        let ids = (0..30).flat_map(|group| (0..500).map(move |node| node_id(7, group, node)));
        let shown: HashSet<_> =
            ids.inspect(|id| assert_eq!(id.len(), 32)).map(|id| id[..6].to_owned()).collect();
        assert_eq!(shown.len(), 30 * 500);
    }
}
