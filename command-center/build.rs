//! Puts the built page, `web/dist`, into the binary; without it the table is empty and the program says how to build it.

use flate2::Compression;
use flate2::write::GzEncoder;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

fn main() {
    let root = PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it"));
    let out = PathBuf::from(std::env::var_os("OUT_DIR").expect("cargo sets it"));
    let dist = root.join("web/dist");
    // While a path that it watches is not there, cargo builds the crate again each time. Where the folder cannot be
    // made, that is all that happens.
    let _ = fs::create_dir_all(&dist);
    println!("cargo::rerun-if-changed={}", dist.display());
    println!("cargo::rerun-if-changed=build.rs");
    let mut files = BTreeMap::new();
    walk(&dist, &dist, &mut files);
    let mut table = String::from("static FILES: &[File] = &[\n");
    for (index, (name, path)) in files.iter().enumerate() {
        println!("cargo::rerun-if-changed={}", path.display());
        let bytes = fs::read(path).expect("a listed file can be read");
        let gzip = compressed(&bytes).filter(|gzip| gzip.len() < bytes.len() * 9 / 10).map(|gzip| {
            let place = out.join(format!("page-{index}.gz"));
            fs::write(&place, gzip).expect("the build's folder takes files");
            place
        });
        let gzip = gzip.map_or("None".to_owned(), |place| format!("Some(include_bytes!({place:?}))"));
        let tag = fnv(&bytes);
        writeln!(
            table,
            "    File {{ path: {name:?}, plain: include_bytes!({path:?}), gzip: {gzip}, tag: \"{tag:016x}\" }},"
        )
        .expect("text takes text");
    }
    table.push_str("];\n");
    fs::write(out.join("page.rs"), table).expect("the build's folder takes files");
}

fn walk(root: &Path, dir: &Path, files: &mut BTreeMap<String, PathBuf>) {
    let Ok(entries) = fs::read_dir(dir) else { return };
    for path in entries.map(|entry| entry.expect("a listed folder can be read").path()) {
        if path.is_dir() {
            walk(root, &path, files);
        } else {
            let name = path.strip_prefix(root).expect("walked from the root");
            files.insert(name.to_string_lossy().replace('\\', "/"), path.clone());
        }
    }
}

fn compressed(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).ok()?;
    encoder.finish().ok()
}

/// FNV-1a, 64 bits: tells two builds of a file apart.
fn fnv(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}
