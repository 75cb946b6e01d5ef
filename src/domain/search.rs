//! What a person searches for: plain words, with quotes around those that belong together.

/// The words of a search; at least one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Words(Vec<Word>);

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// What has to be found. Signs within, as in `src/main.rs`, stand for any gap between words.
    pub text: String,
    /// Whether longer words that begin so are meant too.
    pub beginning: Beginning,
}

/// What a word says about longer ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beginning {
    /// It stands in quotes, is short, or ends in a digit: nobody who looks for `LAT-1` means `LAT-12`.
    Whole,
    /// Longer words are found too, behind those that are whole.
    Longer,
    /// It ends in `*`: longer words were asked for.
    Asked,
}

/// Why a text is no search.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoWords {
    /// It holds no letter and no digit.
    Nothing,
    /// It holds more than anybody means.
    TooMuch,
}

/// Words in a search, at most.
pub const MOST_WORDS: usize = 32;
/// Bytes in a search, at most.
pub const MOST_BYTES: usize = 1000;
/// Words of fewer letters are whole: too many begin with them.
const SHORT: usize = 3;

impl Words {
    /// Reads a search. Every sign in it is taken literally, but for `"` and a `*` behind a word.
    ///
    /// # Errors
    /// [`NoWords`].
    pub fn parse(text: &str) -> Result<Self, NoWords> {
        if text.len() > MOST_BYTES {
            return Err(NoWords::TooMuch);
        }
        let mut words = Vec::new();
        for (place, part) in text.split('"').enumerate() {
            // Every second part stood in quotes; the last pair need not be closed.
            if place % 2 == 1 {
                words.extend(Word::new(part, Beginning::Whole));
            } else {
                words.extend(part.split(|c: char| c.is_whitespace() || c.is_control()).filter_map(plain));
            }
        }
        match words.len() {
            0 => Err(NoWords::Nothing),
            1..=MOST_WORDS => Ok(Self(words)),
            _ => Err(NoWords::TooMuch),
        }
    }

    /// The words, all of which have to be found.
    #[must_use]
    pub fn all(&self) -> &[Word] {
        &self.0
    }
}

impl Word {
    /// A text without letters and digits is no word.
    fn new(text: &str, beginning: Beginning) -> Option<Self> {
        let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        text.contains(char::is_alphanumeric).then_some(Self { text, beginning })
    }
}

fn plain(text: &str) -> Option<Word> {
    let bare = text.trim_end_matches('*');
    let letters = bare.chars().rev().take_while(|c| c.is_alphanumeric()).count();
    let beginning = match bare.chars().next_back() {
        _ if bare.len() < text.len() => Beginning::Asked,
        Some(last) if last.is_numeric() || letters < SHORT => Beginning::Whole,
        _ => Beginning::Longer,
    };
    Word::new(bare, beginning)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Vec<(String, Beginning)> {
        let words = Words::parse(text).unwrap();
        words.all().iter().map(|word| (word.text.clone(), word.beginning)).collect()
    }

    #[test]
    fn words_phrases_and_stars() {
        use Beginning::{Asked, Longer, Whole};
        let expected = [("parser", Longer), ("of", Whole), ("lost last", Whole), ("tok", Asked)];
        let expected = expected.map(|(text, beginning)| (text.to_owned(), beginning));
        assert_eq!(parsed("parser of \"lost last\" tok*"), expected);
        assert_eq!(parsed("LAT-1")[0].1, Whole);
        assert_eq!(parsed("main.rs")[0].1, Whole);
        assert_eq!(parsed("open \"quote")[1], ("quote".to_owned(), Whole));
        assert_eq!(parsed("a\0b"), [("a".to_owned(), Whole), ("b".to_owned(), Whole)]);
    }

    #[test]
    fn what_is_no_search() {
        for text in ["", " ", "\"", "\"\"", "*", "- -- ( )", "🎉", "\0", "\" \"*"] {
            assert_eq!(Words::parse(text), Err(NoWords::Nothing), "{text:?}");
        }
        assert_eq!(Words::parse(&"x".repeat(MOST_BYTES + 1)), Err(NoWords::TooMuch));
        assert_eq!(Words::parse(&"x ".repeat(MOST_WORDS + 1)), Err(NoWords::TooMuch));
        assert_eq!(parsed(&"x ".repeat(MOST_WORDS)).len(), MOST_WORDS);
    }
}
