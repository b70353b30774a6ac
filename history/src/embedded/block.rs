//! The bytes of a block: rows in order, series by series, each number as short as it may be without loss.
//!
//! `runs | (key step | rows | bytes)* | (times | column*)*`, all counts and steps as varints. Times are differences of
//! differences, so a steady sensor takes a byte a row. A column is decimal, where all its numbers are whole multiples
//! of a power of ten (then differences of those multiples), or plain 8 bytes a number.

use super::row::{Key, Row};

/// Decimal places that are tried; column kinds 0 to 6 are their number.
const PLACES: [f64; 7] = [1.0, 10.0, 100.0, 1e3, 1e4, 1e5, 1e6];
/// The column kind of plain numbers.
const PLAIN: u8 = 255;
/// Whole numbers below this are exact in an `f64`.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// Appends the block of these rows, which are in order and no two for one place. Times count from `base`.
pub(super) fn encode<const N: usize>(rows: &[Row<N>], base: i64, out: &mut Vec<u8>) {
    let runs: Vec<&[Row<N>]> = rows.chunk_by(|a, b| a.key == b.key).collect();
    let mut bodies = Vec::with_capacity(rows.len() * 3 * (N + 1));
    put(out, runs.len() as u64);
    let mut key = 0;
    for run in runs {
        let start = bodies.len();
        encode_run(run, base, &mut bodies);
        put(out, run[0].key - key);
        put(out, run.len() as u64);
        put(out, (bodies.len() - start) as u64);
        key = run[0].key;
    }
    out.extend_from_slice(&bodies);
}

fn encode_run<const N: usize>(run: &[Row<N>], base: i64, out: &mut Vec<u8>) {
    let (mut time, mut step) = (base, 0);
    for row in run {
        let next = row.time.wrapping_sub(time);
        put_signed(out, next.wrapping_sub(step));
        (time, step) = (row.time, next);
    }
    for column in 0..N {
        let numbers = || run.iter().map(|row| row.values[column]);
        match PLACES.iter().position(|place| numbers().all(|number| decimal(number, *place).is_some())) {
            Some(kind) => {
                out.push(kind as u8);
                let mut before = 0;
                for number in numbers() {
                    let whole = decimal(number, PLACES[kind]).expect("all numbers of the column were tried");
                    put_signed(out, whole - before);
                    before = whole;
                }
            }
            None => {
                out.push(PLAIN);
                numbers().for_each(|number| out.extend_from_slice(&number.to_le_bytes()));
            }
        }
    }
}

/// The whole multiple of `1 / place` that a number is, if it comes back from it bit for bit.
fn decimal(number: f64, place: f64) -> Option<i64> {
    let whole = (number * place).round();
    if whole.abs() >= EXACT {
        return None;
    }
    let whole = whole as i64;
    ((whole as f64 / place).to_bits() == number.to_bits()).then_some(whole)
}

/// Appends to `out` the rows of a block whose series `wanted` names; `None` if the bytes are no block.
///
/// `wanted` is asked once for each series, in order.
pub(super) fn decode<const N: usize>(
    bytes: &[u8],
    base: i64,
    mut wanted: impl FnMut(Key) -> bool,
    out: &mut Vec<Row<N>>,
) -> Option<()> {
    let mut heads = Reader(bytes);
    let runs = heads.take()?;
    let mut bodies = heads.clone();
    for _ in 0..runs {
        bodies.take()?;
        bodies.take()?;
        bodies.take()?;
    }
    let mut key: Key = 0;
    for _ in 0..runs {
        key = key.checked_add(heads.take()?)?;
        let rows = usize::try_from(heads.take()?).ok()?;
        let (body, rest) = bodies.0.split_at_checked(usize::try_from(heads.take()?).ok()?)?;
        bodies.0 = rest;
        if wanted(key) {
            decode_run(Reader(body), key, rows, base, out)?;
        }
    }
    bodies.0.is_empty().then_some(())
}

fn decode_run<const N: usize>(
    mut body: Reader<'_>,
    key: Key,
    rows: usize,
    base: i64,
    out: &mut Vec<Row<N>>,
) -> Option<()> {
    let start = out.len();
    // Each row takes a byte for its time at least, so damaged bytes cannot ask for much.
    if rows > body.0.len() {
        return None;
    }
    let (mut time, mut step) = (base, 0_i64);
    for _ in 0..rows {
        step = step.wrapping_add(body.take_signed()?);
        time = time.wrapping_add(step);
        out.push(Row { key, time, values: [0.0; N] });
    }
    for column in 0..N {
        let kind = body.byte()?;
        if kind == PLAIN {
            let (numbers, rest) = body.0.split_at_checked(8 * rows)?;
            body.0 = rest;
            for (row, number) in out[start..].iter_mut().zip(numbers.chunks_exact(8)) {
                row.values[column] = f64::from_le_bytes(number.try_into().expect("chunks of eight bytes"));
            }
        } else {
            let place = *PLACES.get(usize::from(kind))?;
            let mut whole = 0_i64;
            for row in &mut out[start..] {
                whole = whole.wrapping_add(body.take_signed()?);
                row.values[column] = whole as f64 / place;
            }
        }
    }
    body.0.is_empty().then_some(())
}

fn put(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

fn put_signed(out: &mut Vec<u8>, number: i64) {
    put(out, (number << 1 ^ number >> 63) as u64);
}

#[derive(Clone)]
struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn byte(&mut self) -> Option<u8> {
        let (byte, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*byte)
    }

    fn take(&mut self) -> Option<u64> {
        let first = self.byte()?;
        if first < 0x80 {
            return Some(u64::from(first));
        }
        let mut number = u64::from(first & 0x7f);
        for shift in (7..64).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(number);
            }
        }
        None
    }

    fn take_signed(&mut self) -> Option<i64> {
        let number = self.take()?;
        Some((number >> 1) as i64 ^ -((number & 1) as i64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

    fn run<S: Strategy>(strategy: &S, test: impl Fn(S::Value) -> Result<(), TestCaseError>) {
        let config = Config { cases: 2_000, failure_persistence: None, ..Config::default() };
        let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
        runner.run(strategy, test).unwrap();
    }

    fn number() -> impl Strategy<Value = f64> {
        let decimal = (-2_000_i64..2_000, 0..7_usize).prop_map(|(whole, kind)| whole as f64 / PLACES[kind]);
        let odd = prop::sample::select(vec![0.0, -0.0, f64::MAX, f64::MIN_POSITIVE, EXACT, -EXACT, 0.1 + 0.2, 5e-324]);
        prop_oneof![6 => decimal, 1 => prop::num::f64::NORMAL, 1 => odd]
    }

    fn rows() -> impl Strategy<Value = Vec<Row<2>>> {
        let place = (0..4_u64, prop_oneof![0..500_i64, prop::num::i64::ANY.prop_map(|time| time / 4)]);
        prop::collection::btree_map(place, [number(), number()], 1..80).prop_map(|rows| {
            let row = |((key, time), values)| Row { key: key << 31, time, values };
            rows.into_iter().map(row).collect()
        })
    }

    #[test]
    fn rows_come_back_bit_for_bit() {
        run(&(rows(), -1_000..1_000_i64, 0..5_u64), |(rows, base, only)| {
            let mut bytes = Vec::new();
            encode(&rows, base, &mut bytes);
            let mut back: Vec<Row<2>> = Vec::new();
            decode(&bytes, base, |key| key >> 31 == only || only == 4, &mut back).unwrap();
            let expected: Vec<_> = rows.into_iter().filter(|row| row.key >> 31 == only || only == 4).collect();
            let bits = |rows: &[Row<2>]| rows.iter().map(|row| (row.place(), row.values.map(f64::to_bits))).collect();
            let (back, expected): (Vec<_>, Vec<_>) = (bits(&back), bits(&expected));
            prop_assert_eq!(back, expected);
            Ok(())
        });
    }

    #[test]
    fn damaged_bytes_never_panic() {
        run(&(rows(), prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4)), |(rows, damage)| {
            let mut bytes = Vec::new();
            encode(&rows, 0, &mut bytes);
            for (at, byte) in damage {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
            let mut back: Vec<Row<2>> = Vec::new();
            decode(&bytes, 0, |_| true, &mut back);
            prop_assert!(back.len() <= bytes.len());
            Ok(())
        });
    }

    #[test]
    fn a_steady_sensor_takes_about_two_bytes_a_row() {
        let value = |minute: i64| (120 + minute % 7) as f64 / 100.0;
        let rows: Vec<Row<1>> =
            (0..1_000).map(|minute| Row { key: 7, time: minute * 60_000, values: [value(minute)] }).collect();
        let mut bytes = Vec::new();
        encode(&rows, 0, &mut bytes);
        assert!(bytes.len() < 2_050, "{} bytes", bytes.len());
    }
}
