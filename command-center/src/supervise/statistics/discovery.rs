//! Many tests at once: how often a finding may be false.

/// The p-values of many tests, adjusted so that of those at or below a limit no larger share is false on average.
///
/// Y. Benjamini, Y. Hochberg, "Controlling the false discovery rate", J. R. Stat. Soc. B 57 (1995), step-up.
pub fn adjusted(p_values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by(|a, b| p_values[*b].total_cmp(&p_values[*a]));
    let (mut adjusted, mut least) = (vec![1.0; p_values.len()], 1.0_f64);
    for (above, index) in order.into_iter().enumerate() {
        let rank = p_values.len() - above;
        least = least.min(p_values[index] * (p_values.len() as f64 / rank as f64));
        adjusted[index] = least;
    }
    adjusted
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The fifteen p-values of section 3.2 of Benjamini and Hochberg (1995): at 5 % their procedure finds the first four.
    #[test]
    fn the_example_of_the_paper_finds_four() {
        let paper = [
            0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719, 0.6528,
            0.7590, 1.0,
        ];
        let found = adjusted(&paper);
        assert_eq!(found.iter().filter(|p| **p <= 0.05).count(), 4);
        assert!((found[0] - 0.0015).abs() < 1e-15 && (found[3] - 0.0095 * 15.0 / 4.0).abs() < 1e-15);
        assert_eq!(adjusted(&[]), Vec::<f64>::new());
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
        #[test]
        fn what_is_found_is_what_the_procedure_says(p_values in proptest::collection::vec(0.0..1.0_f64, 1..40), limit in 0.001..0.5_f64) {
            let found = adjusted(&p_values);
            let mut sorted = p_values.clone();
            sorted.sort_by(f64::total_cmp);
            let count = p_values.len();
            let last = (1..=count).rev().find(|rank| sorted[rank - 1] * (count as f64 / *rank as f64) <= limit).unwrap_or(0);
            prop_assert_eq!(found.iter().filter(|p| **p <= limit).count(), last);
            prop_assert!(found.iter().zip(&p_values).all(|(after, before)| before <= after && *after <= 1.0));
        }
    }
}
