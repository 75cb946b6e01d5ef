//! `docs/errors.md` has one row for each code, in order, with the exit status that it ends with.
#![allow(clippy::unwrap_used, clippy::panic, clippy::disallowed_methods, reason = "a test may fail")]

use lattice::app::Code;

#[test]
fn every_code_has_its_row() {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/errors.md")).unwrap();
    let rows: Vec<(String, String)> = text
        .lines()
        .filter_map(|line| line.strip_prefix("| `"))
        .map(|rest| {
            let mut cells = rest.split('|').map(str::trim);
            (cells.next().unwrap().trim_matches('`').to_owned(), cells.next().unwrap().to_owned())
        })
        .collect();
    let codes: Vec<(String, String)> = Code::ALL
        .iter()
        .map(|code| (code.as_str().to_owned(), code.exit_class().status().to_string()))
        .collect();
    assert_eq!(rows, codes);
}
