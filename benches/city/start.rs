//! The binary's size, and how long the demo takes from its start to its first incident.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(120);

/// Killed when it goes.
struct Demo(Child);

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Prints the table.
pub fn run() {
    let binary = std::fs::metadata(env!("CARGO_BIN_EXE_citywatch")).expect("the binary is there").len();
    let mut runs: Vec<[f64; 2]> = (0..3).map(|_| measure()).collect();
    runs.sort_by(|a, b| a[0].total_cmp(&b[0]));
    let [first, live] = runs[1];
    crate::goal::head("P15", "the binary and the demo's start", "60 MB, 5 s to the first incident");
    println!("{:>10}  {:>18}  {:>16}", "binary MB", "first incident s", "six hours played s");
    println!("{:>10.1}  {first:>18.2}  {live:>16.2}", binary as f64 / 1e6);
}

fn measure() -> [f64; 2] {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let data = folder.path().join("demo");
    let began = Instant::now();
    let child = Command::new(env!("CARGO_BIN_EXE_citywatch"))
        .args(["demo", "--mqtt", "127.0.0.1:0", "--http", "127.0.0.1:0", "--data-dir"])
        .arg(&data)
        .stdout(Stdio::piped())
        .spawn();
    let mut demo = Demo(child.expect("the binary can be started"));
    let mut lines = BufReader::new(demo.0.stdout.take().expect("it is piped")).lines().map_while(Result::ok);
    lines.find(|line| line.contains("Ctrl-C")).expect("it welcomes");
    let mut stream = UnixStream::connect(data.join("citywatch.sock")).expect("the socket is served");
    stream.set_read_timeout(Some(PATIENCE)).expect("a time-out can be set");
    stream.write_all(b"{\"ask\":\"incidents\",\"domain\":null,\"from\":null,\"follow\":true}\n").expect("it reads");
    let first = BufReader::new(stream).lines().map_while(Result::ok).nth(1);
    assert!(first.is_some(), "an incident comes");
    let first = began.elapsed().as_secs_f64();
    lines.find(|line| line.contains("now live")).expect("it goes live");
    [first, began.elapsed().as_secs_f64()]
}
