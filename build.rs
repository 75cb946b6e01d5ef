//! Tells Cargo that the migrations are part of the program: they are embedded
//! by a macro, and Cargo would not notice a new file by itself.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=migrations");
}
