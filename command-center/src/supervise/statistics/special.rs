//! The special functions that the rest is made of.
//!
//! Formulas are those of the Digital Library of Mathematical Functions (dlmf.nist.gov), named by number. Continued
//! fractions are evaluated by the method of Lentz as modified by Thompson and Barnett (J. Comput. Phys. 64, 1986).

/// Terms of a series or fraction at most. All that are used here end far earlier; at the bound the value stands as it is.
const TERMS_MAX: usize = 10_000;
/// What stands for zero in a denominator of Lentz's method.
const TINY: f64 = 1e-300;

/// The logarithm of the gamma function above zero: Stirling's series (5.11.1) from 12 on, below it by 5.5.1.
pub(super) fn ln_gamma(x: f64) -> f64 {
    assert!(x > 0.0, "the gamma function is asked for above zero");
    let (mut x, mut product) = (x, 1.0);
    while x < 12.0 {
        product *= x;
        x += 1.0;
    }
    let square = x * x;
    let series = (1.0 / 12.0
        - (1.0 / 360.0
            - (1.0 / 1260.0 - (1.0 / 1680.0 - (1.0 / 1188.0 - (691.0 / 360_360.0) / square) / square) / square)
                / square)
            / square)
        / x;
    (x - 0.5) * x.ln() - x + 0.918_938_533_204_672_8 + series - product.ln()
}

/// The logarithm of the number of ways to choose `few` of `many`.
pub(super) fn ln_choose(many: u64, few: u64) -> f64 {
    let ln_factorial = |n: u64| ln_gamma(n as f64 + 1.0);
    ln_factorial(many) - ln_factorial(few) - ln_factorial(many - few)
}

/// The regularised incomplete beta function I_x(a, b): 8.17.22, and 8.17.4 for the other half.
pub(super) fn beta_below(x: f64, a: f64, b: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    if x >= 1.0 {
        return 1.0;
    }
    let front = (ln_gamma(a + b) - ln_gamma(a) - ln_gamma(b) + a * x.ln() + b * (-x).ln_1p()).exp();
    if x > (a + 1.0) / (a + b + 2.0) {
        return 1.0 - front / b / beta_fraction(1.0 - x, b, a);
    }
    front / a / beta_fraction(x, a, b)
}

/// The fraction of 8.17.22.
fn beta_fraction(x: f64, a: f64, b: f64) -> f64 {
    lentz(|n| {
        let m = (n / 2) as f64;
        if n % 2 == 0 {
            m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m))
        } else {
            -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0))
        }
    })
}

/// 1 + d(1)/(1 + d(2)/(1 + …)).
fn lentz(term: impl Fn(usize) -> f64) -> f64 {
    let not_zero = |value: f64| if value.abs() < TINY { TINY } else { value };
    let (mut value, mut up, mut down) = (1.0_f64, 1.0_f64, 0.0_f64);
    for n in 1..TERMS_MAX {
        let term = term(n);
        down = 1.0 / not_zero(1.0 + term * down);
        up = not_zero(1.0 + term / up);
        let change = up * down;
        value *= change;
        if (change - 1.0).abs() < 1e-15 {
            break;
        }
    }
    value
}

/// The regularised upper incomplete gamma function Q(a, x): the series 8.7.1 where x is small, the fraction 8.9.2 where
/// it is large, so that neither tail loses its digits.
pub(super) fn gamma_above(a: f64, x: f64) -> f64 {
    if x < a + 1.0 { 1.0 - gamma_series(a, x) } else { gamma_fraction(a, x) }
}

/// The regularised lower incomplete gamma function P(a, x).
pub(super) fn gamma_below(a: f64, x: f64) -> f64 {
    if x < a + 1.0 { gamma_series(a, x) } else { 1.0 - gamma_fraction(a, x) }
}

fn gamma_series(a: f64, x: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    let (mut term, mut sum) = (1.0 / a, 1.0 / a);
    for n in 1..TERMS_MAX {
        term *= x / (a + n as f64);
        sum += term;
        if term < sum * 1e-16 {
            break;
        }
    }
    sum * (a * x.ln() - x - ln_gamma(a)).exp()
}

fn gamma_fraction(a: f64, x: f64) -> f64 {
    // 8.9.2 as 1/(x+1−a−…): Legendre's fraction, contracted.
    let not_zero = |value: f64| if value.abs() < TINY { TINY } else { value };
    let mut bottom = x + 1.0 - a;
    let (mut up, mut down) = (1.0 / TINY, 1.0 / not_zero(bottom));
    let mut value = down;
    for n in 1..TERMS_MAX {
        let term = -(n as f64) * (n as f64 - a);
        bottom += 2.0;
        down = 1.0 / not_zero(term * down + bottom);
        up = not_zero(bottom + term / up);
        let change = up * down;
        value *= change;
        if (change - 1.0).abs() < 1e-15 {
            break;
        }
    }
    value * (a * x.ln() - x - ln_gamma(a)).exp()
}

/// How much of Student's distribution with `freedom` degrees of freedom lies above `t` (Abramowitz and Stegun 26.7.1).
pub fn student_above(t: f64, freedom: f64) -> f64 {
    let beyond = 0.5 * beta_below(freedom / (freedom + t * t), freedom / 2.0, 0.5);
    if t >= 0.0 { beyond } else { 1.0 - beyond }
}

/// How much of the normal distribution lies as far from its middle as `z`, on either side (7.11.2).
pub fn normal_two_sided(z: f64) -> f64 {
    gamma_above(0.5, z * z / 2.0)
}

/// Where a function that rises from below zero to above it passes zero, between two bounds.
pub(super) fn root(mut low: f64, mut high: f64, rising: impl Fn(f64) -> f64) -> f64 {
    // Each step halves the stretch: after 200 nothing of a number of 64 bits is left between the bounds.
    for _ in 0..200 {
        let middle = f64::midpoint(low, high);
        if middle <= low || middle >= high {
            break;
        }
        if rising(middle) < 0.0 {
            low = middle;
        } else {
            high = middle;
        }
    }
    f64::midpoint(low, high)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn close(found: f64, wanted: f64) {
        assert!((found - wanted).abs() <= 1e-12 * wanted.abs().max(1e-3), "{found} is not {wanted}");
    }

    /// Reference: scipy 1.17 (scipy.special.gammaln, betainc, gammaincc; scipy.stats.norm.sf, t.sf).
    #[test]
    fn the_functions_have_their_known_values() {
        for (x, value) in [
            (0.5, 0.5723649429247001),
            (1.0, 0.0),
            (3.7, 1.428072326665388),
            (12.0, 17.502307845873887),
            (171.5, 709.1431630309283),
            (1e6, 12815504.569147611),
        ] {
            assert!((ln_gamma(x) - value).abs() <= 1e-14 * value.abs().max(1.0), "{x}: {}", ln_gamma(x));
        }
        close(beta_below(0.3, 2.0, 3.0), 0.3483);
        close(beta_below(0.9, 50.0, 7.5), 0.7378764286881687);
        close(beta_below(0.02, 1.5, 80.0), 0.6442726781339909);
        close(beta_below(0.5, 1000.0, 1000.0), 0.5);
        close(gamma_above(0.5, 0.3), 0.4385780260809997);
        close(gamma_above(10.0, 30.0), 7.121750862815593e-06);
        close(gamma_above(100.0, 80.0), 0.9828916869648668);
        close(gamma_above(3.0, 0.1), 0.9998453469297354);
        close(student_above(2.228138851964939, 10.0), 0.02500000000090432);
        close(student_above(-0.5, 3.0), 0.6742760175759245);
        close(normal_two_sided(-1.959963984540054), 0.05);
        close(normal_two_sided(1.0), 0.31731050786291415);
        close(normal_two_sided(6.0), 1.9731752900753e-9);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
        #[test]
        fn the_two_halves_make_one(a in 0.1..500.0_f64, b in 0.1..500.0_f64, x in 0.0..1.0_f64) {
            prop_assert!((beta_below(x, a, b) + beta_below(1.0 - x, b, a) - 1.0).abs() < 1e-9);
            prop_assert!((gamma_below(a, b) + gamma_above(a, b) - 1.0).abs() < 1e-12);
        }

        #[test]
        fn choosing_is_what_pascal_says(many in 1..400_u64, share in 0.0..1.0_f64) {
            let few = (share * many as f64) as u64;
            let sum = ln_choose(many, few).exp() + if few > 0 { ln_choose(many, few - 1).exp() } else { 0.0 };
            prop_assert!((sum.ln() - ln_choose(many + 1, few)).abs() < 1e-10);
        }
    }
}
