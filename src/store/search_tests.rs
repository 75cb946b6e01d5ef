//! What searching must never get wrong.

use super::*;
use crate::store::{Store, TaskFilter, search};

#[test]
fn texts_are_taken_apart_in_the_same_way_in_the_index_and_beside_it() {
    let store = Store::in_memory().unwrap();
    let made: String = store
        .read(|reader| {
            let sql = "SELECT sql FROM sqlite_schema WHERE name = 'search'";
            reader.conn.query_row(sql, [], |row| row.get(0)).sql()
        })
        .unwrap();
    let plain = made.replace("content='', contentless_delete=1, ", "");
    assert_eq!(plain, search::ASIDE);
}

#[test]
fn nothing_that_somebody_types_is_an_operator() {
    let store = Store::in_memory().unwrap();
    let hostile = [
        "NEAR(a b)",
        "a AND",
        "NOT",
        "OR",
        "a:b",
        "{title}: x",
        "-title : x",
        "^a",
        "a + b",
        "a*b*",
        "(((a",
        "'a",
        "a\u{1}b",
        "\"a",
        "a\"\"b\"",
        "rank MATCH 1",
        "šŽ 漢字",
        "a🎉b",
        "\u{301}a",
        "\u{fdfa}",
        "x; DROP TABLE tasks; --",
        "*a",
        "a**",
    ];
    for text in hostile {
        let words = crate::domain::search::Words::parse(text).unwrap();
        let found = store.read(|reader| reader.search(&words, &TaskFilter::default()));
        assert_eq!(found.unwrap(), [], "{text:?}");
        assert_eq!(store.read(|reader| reader.searched(&words)).unwrap(), [""; 0], "{text:?}");
    }
}
