//! Inserts of several rows by one statement.

/// Rows of one statement at most. Each number of rows is a statement of its own, which connections keep prepared, so
/// these are few.
pub(super) const ROWS_MAX: usize = 8;

/// The statement that inserts so many rows; `into` names the table and its columns.
pub(super) fn insert(into: &str, columns: usize, rows: usize) -> String {
    let row = |row: usize| {
        let values = (1..=columns).map(|column| format!("${}", row * columns + column));
        format!("({})", values.collect::<Vec<_>>().join(", "))
    };
    format!("INSERT INTO {into} VALUES {}", (0..rows).map(row).collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    #[test]
    fn values_are_counted_through_the_rows() {
        assert_eq!(super::insert("t (a, b)", 2, 1), "INSERT INTO t (a, b) VALUES ($1, $2)");
        assert_eq!(super::insert("t (a, b)", 2, 3), "INSERT INTO t (a, b) VALUES ($1, $2), ($3, $4), ($5, $6)");
    }
}
