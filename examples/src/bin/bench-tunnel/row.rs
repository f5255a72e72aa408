use serde::Serialize;

/// A line of the table.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Row {
    pub(crate) figure: String,
    /// Of the three that follow.
    pub(crate) unit: &'static str,
    pub(crate) ours: f64,
    pub(crate) base: f64,
    pub(crate) direct: Option<f64>,
    /// What is judged: the median of the rounds' ratios of ours to the base, or ours where the bar is absolute.
    pub(crate) measured: f64,
    /// The least and the most of it in any round.
    pub(crate) range: (f64, f64),
    pub(crate) must: f64,
    pub(crate) aim: f64,
    pub(crate) met: Met,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Met {
    Aim,
    Must,
    Missed,
}

/// Which way is up.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Better {
    Less,
    More,
}

impl Row {
    /// Ours against the base, round by round. `values` has ours, the base and perhaps plain TCP.
    pub(crate) fn compared(
        figure: &str,
        unit: &'static str,
        values: &[Vec<f64>],
        better: Better,
        bars: (f64, f64),
    ) -> Self {
        let ratios: Vec<f64> = values[0]
            .iter()
            .zip(&values[1])
            .map(|(a, b)| a / b)
            .collect();
        let measured = median(&ratios);
        let least = ratios.iter().copied().fold(f64::INFINITY, f64::min);
        let most = ratios.iter().copied().fold(0.0, f64::max);
        Self {
            figure: figure.to_owned(),
            unit,
            ours: median(&values[0]),
            base: median(&values[1]),
            direct: values
                .get(2)
                .map(|values| median(values))
                .filter(|direct| *direct > 0.0),
            measured,
            range: (least, most),
            must: bars.0,
            aim: bars.1,
            met: Met::judge(measured, better, bars),
        }
    }

    /// Ours against a bar in the same unit.
    pub(crate) fn absolute(
        figure: &str,
        unit: &'static str,
        (ours, base): (f64, f64),
        better: Better,
        bars: (f64, f64),
    ) -> Self {
        Self {
            figure: figure.to_owned(),
            unit,
            ours,
            base,
            direct: None,
            measured: ours,
            range: (ours, ours),
            must: bars.0,
            aim: bars.1,
            met: Met::judge(ours, better, bars),
        }
    }
}

impl Met {
    fn judge(measured: f64, better: Better, (must, aim): (f64, f64)) -> Self {
        let reaches = |bar: f64| match better {
            Better::Less => measured <= bar,
            Better::More => measured >= bar,
        };
        match (reaches(aim), reaches(must)) {
            (true, _) => Self::Aim,
            (false, true) => Self::Must,
            (false, false) => Self::Missed,
        }
    }
}

pub(crate) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}
