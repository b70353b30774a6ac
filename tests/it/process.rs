//! The built binary as a process: started, listened to, killed. Waits are for conditions and have a deadline.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

/// Nothing here takes this long on the slowest machine that we know; what does is stuck.
pub const DEADLINE: Duration = Duration::from_secs(120);

/// A running citywatch; dropped, it is killed.
pub struct Process {
    child: Child,
    lines: Receiver<String>,
    /// What it said so far, for messages of failing tests.
    heard: Vec<String>,
}

/// `citywatch` with these arguments.
pub fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_citywatch"));
    command.args(args).stdin(Stdio::null());
    command
}

/// Runs to the end.
pub fn run(args: &[&str]) -> Output {
    command(args).output().expect("the binary can be started")
}

/// Runs to the end, which must be good; gives standard output.
pub fn run_well(args: &[&str]) -> String {
    let output = run(args);
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "citywatch {args:?}: {}\n{told}", output.status);
    String::from_utf8(output.stdout).expect("output is text")
}

/// A port that was free a moment ago: for processes that must come back at the same one.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
    listener.local_addr().expect("a bound socket has an address").port()
}

/// Real data sets: `CITYWATCH_DATA`, else `shared/data` beside the project; `None` if a machine has none.
pub fn data(set: &str) -> Option<PathBuf> {
    let named = std::env::var_os("CITYWATCH_DATA").map(PathBuf::from);
    let beside = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/data");
    let folder = named.clone().unwrap_or(beside).join(set);
    if folder.is_dir() {
        return Some(folder);
    }
    assert!(named.is_none(), "CITYWATCH_DATA has no {set}");
    eprintln!("left out: no real data on this machine (set CITYWATCH_DATA)");
    None
}

impl Process {
    /// Starts it; its standard output is listened to.
    pub fn start(args: &[&str]) -> Process {
        Process::of(command(args))
    }

    /// The same of a command that was made ready.
    pub fn of(mut command: Command) -> Process {
        let mut child = command.stdout(Stdio::piped()).spawn().expect("the binary can be started");
        let output = BufReader::new(child.stdout.take().expect("standard output is piped"));
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Process { child, lines, heard: Vec::new() }
    }

    /// The next line of its standard output that `wanted` makes something of.
    pub fn wait_for<T>(&mut self, what: &str, mut wanted: impl FnMut(&str) -> Option<T>) -> T {
        let until = Instant::now() + DEADLINE;
        loop {
            match self.lines.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(line) => {
                    let found = wanted(&line);
                    self.heard.push(line);
                    if let Some(found) = found {
                        return found;
                    }
                }
                Err(RecvTimeoutError::Timeout) => panic!("no {what} in time; heard {:#?}", self.heard),
                Err(RecvTimeoutError::Disconnected) => panic!("it ended without {what}; heard {:#?}", self.heard),
            }
        }
    }

    /// As `kill -9`.
    pub fn kill(mut self) {
        self.child.kill().expect("a running child can be killed");
        self.child.wait().expect("a killed child can be waited for");
    }

    /// As Ctrl-C, and then the end.
    pub fn stop(mut self) -> ExitStatus {
        self.signal("-INT");
        self.wait()
    }

    /// The most memory that it ever held, in MiB.
    pub fn most_memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("it runs");
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB"));
        peak.and_then(|peak| peak.trim().parse::<u64>().ok()).expect("the kernel says it in kB") / 1_024
    }

    /// Sends it a signal, as in "-STOP".
    pub fn signal(&self, signal: &str) {
        let id = self.child.id().to_string();
        let sent = Command::new("kill").args([signal, &id]).status().expect("there is a kill command");
        assert!(sent.success());
    }

    /// The end, which must come by itself.
    pub fn wait(&mut self) -> ExitStatus {
        let until = Instant::now() + DEADLINE;
        // Standard output closes when the process ends, so this waits without polling.
        while self.lines.recv_timeout(until.saturating_duration_since(Instant::now())).is_ok() {}
        assert!(Instant::now() < until, "it did not end in time");
        self.child.wait().expect("a child can be waited for")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
