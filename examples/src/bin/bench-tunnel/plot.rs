use std::fmt;

/// Points on logarithmic scales, beside a straight line for linear growth from the first of them; displays as SVG.
pub(crate) struct Plot<'a> {
    pub(crate) title: &'a str,
    pub(crate) x: &'a str,
    pub(crate) y: &'a str,
    pub(crate) points: &'a [(f64, f64)],
}

const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 400.0;
const LEFT: f64 = 70.0;
const BOTTOM: f64 = 50.0;
const TOP: f64 = 40.0;
const RIGHT: f64 = 20.0;

/// From a power of ten to a power of ten.
struct Scale {
    low: i32,
    high: i32,
    from: f64,
    to: f64,
}

impl Scale {
    fn over(values: impl Iterator<Item = f64> + Clone, from: f64, to: f64) -> Self {
        let low = values.clone().fold(f64::INFINITY, f64::min);
        let high = values.fold(0.0, f64::max);
        let (low, high) = (low.log10().floor() as i32, high.log10().ceil() as i32);
        Self {
            low,
            high: high.max(low + 1),
            from,
            to,
        }
    }

    fn place(&self, value: f64) -> f64 {
        let share = (value.log10() - f64::from(self.low)) / f64::from(self.high - self.low);
        self.from + share * (self.to - self.from)
    }

    fn ticks(&self) -> impl Iterator<Item = f64> {
        (self.low..=self.high).map(|power| 10f64.powi(power))
    }
}

impl fmt::Display for Plot<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(&(first_x, first_y)) = self.points.first() else {
            return Ok(());
        };
        let linear = |x: f64| first_y * x / first_x;
        let last_x = self
            .points
            .iter()
            .fold(first_x, |most, point| most.max(point.0));
        let x = Scale::over(self.points.iter().map(|point| point.0), LEFT, WIDTH - RIGHT);
        let heights = self
            .points
            .iter()
            .map(|point| point.1)
            .chain([linear(last_x)]);
        let y = Scale::over(heights, HEIGHT - BOTTOM, TOP);
        writeln!(
            f,
            r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12">
<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>
<text x="{}" y="16" text-anchor="middle" font-size="13">{}</text>"#,
            WIDTH / 2.0,
            self.title
        )?;
        for tick in x.ticks() {
            let at = x.place(tick);
            writeln!(
                f,
                r##"<path d="M{at:.1} {TOP}V{}" stroke="#ddd"/><text x="{at:.1}" y="{}" text-anchor="middle">{tick}</text>"##,
                HEIGHT - BOTTOM,
                HEIGHT - BOTTOM + 16.0
            )?;
        }
        for tick in y.ticks() {
            let at = y.place(tick);
            writeln!(
                f,
                r##"<path d="M{LEFT} {at:.1}H{}" stroke="#ddd"/><text x="{}" y="{at:.1}" text-anchor="end" dy="4">{tick}</text>"##,
                WIDTH - RIGHT,
                LEFT - 6.0
            )?;
        }
        writeln!(
            f,
            r##"<path d="M{:.1} {:.1}L{:.1} {:.1}" stroke="#888" stroke-dasharray="5 4"/>"##,
            x.place(first_x),
            y.place(first_y),
            x.place(last_x),
            y.place(linear(last_x))
        )?;
        let place = |point: &(f64, f64)| format!("{:.1},{:.1}", x.place(point.0), y.place(point.1));
        let places: Vec<String> = self.points.iter().map(place).collect();
        writeln!(
            f,
            r##"<polyline points="{}" fill="none" stroke="#06c" stroke-width="2"/>"##,
            places.join(" ")
        )?;
        writeln!(
            f,
            r##"<text x="{}" y="{}" text-anchor="middle">{}</text>
<text x="{}" y="{}" text-anchor="end">{}</text>
<text x="{}" y="{}" text-anchor="end" fill="#888">dashed: linear from the first point</text>
</svg>"##,
            WIDTH / 2.0,
            HEIGHT - 12.0,
            self.x,
            LEFT - 10.0, // beside the title, which may be as wide as the plot
            TOP - 8.0,
            self.y,
            WIDTH - RIGHT,
            HEIGHT - 12.0
        )
    }
}

/// The slope of the straight line through the logarithms that fits best: 1 is linear growth.
pub(crate) fn power(points: &[(f64, f64)]) -> f64 {
    let logs: Vec<(f64, f64)> = points.iter().map(|(x, y)| (x.ln(), y.ln())).collect();
    let count = logs.len() as f64;
    let mean_x = logs.iter().map(|(x, _)| x).sum::<f64>() / count;
    let mean_y = logs.iter().map(|(_, y)| y).sum::<f64>() / count;
    let covariance: f64 = logs.iter().map(|(x, y)| (x - mean_x) * (y - mean_y)).sum();
    let variance: f64 = logs.iter().map(|(x, _)| (x - mean_x).powi(2)).sum();
    covariance / variance
}
