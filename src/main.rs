//! The `lattice` program.

fn main() -> std::process::ExitCode {
    lattice::cli::main(std::env::args_os())
}
