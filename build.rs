//! The binary's debug information, compressed: a backtrace has its lines all the same, at a third of the size.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    // What links elsewhere has its own ways.
    if std::env::var("CARGO_CFG_TARGET_OS").is_ok_and(|system| system == "linux") {
        println!("cargo:rustc-link-arg-bins=-Wl,--compress-debug-sections=zlib");
    }
}
