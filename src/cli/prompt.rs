//! Questions at a terminal. Without one nothing is ever asked.

use std::io::{self, IsTerminal, Write};

use super::output::{complain, output_failed};
use super::text::printable;
use crate::app::{Code, Failure};

/// A person who can be asked.
pub struct Prompt {
    /// Whether the input has ended; then every answer is empty.
    ended: bool,
}

impl Prompt {
    /// The person at the terminal, if both ends of the conversation are one.
    pub fn new() -> Option<Self> {
        (io::stdin().is_terminal() && io::stdout().is_terminal()).then_some(Self { ended: false })
    }

    /// Asks until the answer is empty (`None`) or can be read.
    ///
    /// # Errors
    /// `OUTPUT_FAILED` if the question cannot be shown.
    pub fn ask<T>(
        &mut self,
        question: &str,
        read: impl Fn(&str) -> Result<T, Failure>,
    ) -> Result<Option<T>, Failure> {
        while !self.ended {
            let mut out = io::stdout().lock();
            write!(out, "{question}: ").and_then(|()| out.flush()).map_err(|error| output_failed(&error))?;
            let mut line = String::new();
            // An end of input and unreadable input both mean that nobody answers.
            self.ended = !matches!(io::stdin().read_line(&mut line), Ok(1..));
            let answer = line.trim();
            if answer.is_empty() {
                break;
            }
            match read(answer) {
                Ok(value) => return Ok(Some(value)),
                Err(failure) => complain(&format!("{}\n", printable(&failure.message))),
            }
        }
        Ok(None)
    }

    /// Asks for yes or no; an empty answer is `usual`. Without anybody to answer it is no.
    ///
    /// # Errors
    /// `OUTPUT_FAILED` if the question cannot be shown.
    pub fn confirm(&mut self, question: &str, usual: bool) -> Result<bool, Failure> {
        let choice = if usual { "[Y/n]" } else { "[y/N]" };
        let answer =
            self.ask(&format!("{question}? {choice}"), |text| match text.to_lowercase().as_str() {
                "y" | "yes" => Ok(true),
                "n" | "no" => Ok(false),
                _ => Err(Failure::new(Code::ValidationError, "answer y or n")),
            })?;
        Ok(answer.unwrap_or(usual && !self.ended))
    }
}
