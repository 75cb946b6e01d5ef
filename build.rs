//! Tells Cargo that the migrations are part of the program: they are embedded
//! by a macro, and Cargo would not notice a new file by itself.

#[expect(clippy::print_stdout, reason = "this is how a build script talks to Cargo")]
fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=migrations");
}
