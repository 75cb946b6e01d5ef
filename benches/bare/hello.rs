//! What starting a process costs, and nothing else.
#![expect(clippy::print_stdout, reason = "this is all that the program does")]

fn main() {
    println!("hello");
}
