//! The binary without debug information: a backtrace names its functions all the same, a panic its file and line, and
//! the file is two thirds as large. Tests and benchmarks keep theirs.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    // What links elsewhere has its own ways.
    if std::env::var("CARGO_CFG_TARGET_OS").is_ok_and(|system| system == "linux") {
        println!("cargo:rustc-link-arg-bins=-Wl,--strip-debug");
    }
}
