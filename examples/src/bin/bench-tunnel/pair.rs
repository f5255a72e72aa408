use serde::Serialize;

use crate::row::median;

/// One figure of two builds of this program.
#[derive(Debug, Serialize)]
pub(crate) struct Pair {
    pub(crate) figure: &'static str,
    /// Of the two that follow.
    pub(crate) unit: &'static str,
    pub(crate) this: f64,
    pub(crate) other: f64,
    /// The mean of the rounds' ratios of this to the other.
    pub(crate) ratio: f64,
    /// The standard error of that mean.
    pub(crate) error: f64,
    /// The median of the same.
    pub(crate) median: f64,
}

impl Pair {
    /// Of what this and the other had, round by round.
    pub(crate) fn new(figure: &'static str, unit: &'static str, values: &[Vec<f64>]) -> Self {
        let rounds = values[0].iter().zip(&values[1]);
        let ratios: Vec<f64> = rounds.map(|(this, other)| this / other).collect();
        let count = ratios.len() as f64;
        let ratio = ratios.iter().sum::<f64>() / count;
        let squares: f64 = ratios.iter().map(|each| (each - ratio).powi(2)).sum();
        Self {
            figure,
            unit,
            this: median(&values[0]),
            other: median(&values[1]),
            ratio,
            error: (squares / (count - 1.0) / count).sqrt(),
            median: median(&ratios),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Pair;

    #[test]
    fn a_ratio_is_the_mean_of_the_rounds_with_its_standard_error() {
        let rounds = [vec![1.0, 2.0, 12.0], vec![1.0, 1.0, 2.0]];
        let pair = Pair::new("figure", "s", &rounds);
        // Of 1, 2 and 6: a variance of 7 among three.
        assert!((pair.ratio - 3.0).abs() < 1e-9, "{pair:?}");
        let error = (7.0_f64 / 3.0).sqrt();
        assert!((pair.error - error).abs() < 1e-9, "{pair:?}");
        assert!((pair.median - 2.0).abs() < 1e-9, "{pair:?}");
        assert_eq!((pair.this, pair.other), (2.0, 1.0));
    }
}
