//! Tells Cargo that the migrations are part of the program: they are embedded
//! by a macro, and Cargo would not notice a new file by itself. Nor would it
//! notice another order of the functions.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=migrations");
    // What the release is linked by.
    println!("cargo:rerun-if-changed=benches/layout/cc");
    println!("cargo:rerun-if-changed=benches/layout/functions.txt");
}
