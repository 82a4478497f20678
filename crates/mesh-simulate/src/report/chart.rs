//! Lines over time, as inline SVG.

use std::fmt::Write;

/// A chart of lines over time, as inline SVG.
pub(super) struct Chart<'a> {
    pub(super) title: &'a str,
    /// The unit of the vertical axis.
    pub(super) unit: &'a str,
    /// The unit of the horizontal axis.
    pub(super) below: &'a str,
    /// Name and points of each line, the points in order.
    pub(super) lines: Vec<(&'a str, Vec<(f64, f64)>)>,
}

const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 240.0;
const LEFT: f64 = 64.0;
const RIGHT: f64 = 12.0;
const TOP: f64 = 12.0;
const BOTTOM: f64 = 34.0;
/// Steps of a scale, for about five marks.
const STEPS: [f64; 4] = [1.0, 2.0, 5.0, 10.0];

impl Chart<'_> {
    pub(super) fn svg(&self) -> String {
        let points = || self.lines.iter().flat_map(|(_, points)| points);
        let top = points().map(|(_, y)| *y).fold(0.0, f64::max);
        let first = points().map(|(x, _)| *x).fold(f64::INFINITY, f64::min);
        let last = points().map(|(x, _)| *x).fold(0.0, f64::max);
        let mut svg = format!("<figure><figcaption>{} <small>{}</small>", self.title, self.unit);
        for (index, (name, _)) in self.lines.iter().enumerate() {
            let _ = write!(svg, r#" <span class="key line{index}">{name}</span>"#);
        }
        svg += "</figcaption>";
        if !first.is_finite() {
            return svg + "<p>Nothing was measured.</p></figure>";
        }
        let step = step(top);
        let highest = (top / step).ceil().max(1.0) * step;
        let span = if last > first { last - first } else { 1.0 };
        let at_x = |x: f64| LEFT + (x - first) / span * (WIDTH - LEFT - RIGHT);
        let at_y = |y: f64| TOP + (1.0 - y / highest) * (HEIGHT - TOP - BOTTOM);
        let _ = write!(svg, r#"<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{}">"#, self.title);
        let mut mark = 0.0;
        while mark <= highest * 1.001 {
            let y = at_y(mark);
            let (end, text) = (WIDTH - RIGHT, number(mark));
            let _ = write!(svg, r#"<path class="grid" d="M{LEFT} {y:.1}H{end}"/>"#);
            let _ =
                write!(svg, r#"<text x="{:.1}" y="{:.1}" class="side">{text}</text>"#, LEFT - 6.0, y + 4.0);
            mark += step;
        }
        let base = HEIGHT - BOTTOM + 20.0;
        for (x, class) in [(first, "start"), (last, "end")] {
            let text = number(x);
            let _ = write!(svg, r#"<text x="{:.1}" y="{base}" class="{class}">{text}</text>"#, at_x(x));
        }
        let middle = f64::midpoint(LEFT, WIDTH);
        let _ = write!(svg, r#"<text x="{middle}" y="{base}" class="middle">{}</text>"#, self.below);
        for (index, (name, points)) in self.lines.iter().enumerate() {
            let path: Vec<_> =
                points.iter().map(|(x, y)| format!("{:.1},{:.1}", at_x(*x), at_y(*y))).collect();
            let _ = write!(svg, r#"<polyline class="line{index}" points="{}"/>"#, path.join(" "));
            // Pointed at, each point says what it is.
            for (x, y) in points {
                let (cx, cy, text) = (at_x(*x), at_y(*y), number(*y));
                let _ = write!(
                    svg,
                    r#"<circle class="line{index}" cx="{cx:.1}" cy="{cy:.1}" r="2"><title>{name}: {text} {} at {}</title></circle>"#,
                    self.unit,
                    number(*x)
                );
            }
        }
        svg + "</svg></figure>"
    }
}

/// The span between marks at the side.
fn step(top: f64) -> f64 {
    let rough = (top / 5.0).max(1e-6);
    let magnitude = 10_f64.powf(rough.log10().floor());
    let steps = STEPS.map(|step| step * magnitude);
    steps.into_iter().find(|step| *step >= rough * 0.999).unwrap_or(magnitude * 10.0)
}

/// Few digits, and no more than the number has.
fn number(number: f64) -> String {
    let digits = if number >= 100.0 || number.fract() == 0.0 {
        0
    } else if number >= 1.0 {
        1
    } else {
        3
    };
    format!("{number:.digits$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_round_numbers() {
        for (top, expected) in [(0.7, 0.2), (1.0, 0.2), (4.0, 1.0), (97.0, 20.0), (340_000.0, 100_000.0)] {
            assert!((step(top) - expected).abs() < expected / 1e6, "{top}: {}", step(top));
        }
    }

    #[test]
    fn lines_stay_inside() {
        let points = (0..100_u32).map(|x| (f64::from(x), f64::from(x * x))).collect();
        let chart =
            Chart { title: "t", unit: "ms", below: "s", lines: vec![("p50", points), ("none", vec![])] };
        let svg = chart.svg();
        for part in svg.split("cx=\"").skip(1) {
            let mut numbers = part.split('"');
            let (x, y): (f64, f64) =
                (numbers.next().unwrap().parse().unwrap(), numbers.nth(1).unwrap().parse().unwrap());
            assert!((LEFT..=WIDTH).contains(&x) && (TOP..=HEIGHT - BOTTOM).contains(&y), "{x} {y}");
        }
        let empty = Chart { title: "t", unit: "ms", below: "s", lines: vec![] };
        assert!(empty.svg().contains("Nothing was measured"));
    }
}
