//! A citywatch that runs for a test, and what its data directory holds.

use crate::process::{Process, command, free_port, run_well};
use serde_json::Value;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};

/// `citywatch run` over a folder; started again there, it is the same city at the same port.
pub struct Running {
    process: Process,
    port: u16,
    page: String,
}

/// Settings of a city in feed time.
pub fn feed_config(registry: &[&Path], rules: &[&Path]) -> String {
    let list = |paths: &[&Path]| {
        let quoted: Vec<String> = paths.iter().map(|path| format!("\"{}\"", path.display())).collect();
        quoted.join(", ")
    };
    format!(
        "time.source = \"feed\"\nregistry.paths = [{}]\nrules.paths = [{}]\nstream.checkpoint_every = \"200ms\"\n",
        list(registry),
        list(rules)
    )
}

/// Where the city of a folder keeps its data.
pub fn data_dir(folder: &Path) -> PathBuf {
    folder.join("data")
}

impl Running {
    /// Starts it with these settings, at a free port.
    pub fn start(folder: &Path, settings: &str) -> Running {
        Running::again(folder, Running::set_up(folder, settings))
    }

    /// Writes its settings; gives its port.
    pub fn set_up(folder: &Path, settings: &str) -> u16 {
        let port = free_port();
        let text = format!(
            "data_dir = \"data\"\nmqtt.listen = \"127.0.0.1:{port}\"\nhttp.listen = \"127.0.0.1:0\"\n{settings}"
        );
        fs::write(folder.join("city.toml"), text).expect("the folder can be written");
        port
    }

    /// Starts what [`Running::set_up`] has set up.
    pub fn again(folder: &Path, port: u16) -> Running {
        Running::of(Process::of(Running::command(folder)), port)
    }

    /// The same, and what it says on standard error goes to the end of the folder's file `told`.
    pub fn told(folder: &Path, port: u16) -> Running {
        let mut command = Running::command(folder);
        let told = fs::File::options().create(true).append(true).open(folder.join("told")).expect("it can be written");
        command.stderr(told);
        Running::of(Process::of(command), port)
    }

    fn command(folder: &Path) -> Command {
        let config = folder.join("city.toml");
        command(&["run", "--config", config.to_str().expect("paths are text")])
    }

    fn of(mut process: Process, port: u16) -> Running {
        process.wait_for("endpoint", |line| line.starts_with("mqtt endpoint on ").then_some(()));
        let link = |line: &str| Some(line.strip_prefix("page: ")?.split(' ').next()?.to_owned());
        let page = process.wait_for("page", link);
        Running { process, port, page }
    }

    /// Its port on loopback.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The link that signs in to its page.
    pub fn page(&self) -> String {
        self.page.clone()
    }

    /// Its endpoint as a URL.
    pub fn broker(&self) -> String {
        format!("mqtt://127.0.0.1:{}", self.port)
    }

    /// Its process.
    pub fn process(&mut self) -> &mut Process {
        &mut self.process
    }

    /// As Ctrl-C.
    pub fn stop(self) -> ExitStatus {
        self.process.stop()
    }

    /// As `kill -9`.
    pub fn kill(self) {
        self.process.kill();
    }
}

/// All transitions of the city of a folder, as `incidents tail` prints them.
pub fn incidents(folder: &Path) -> String {
    let data = data_dir(folder);
    run_well(&["incidents", "tail", "--no-follow", "--data-dir", data.to_str().expect("paths are text")])
}

/// The lines without where their evidence stands on the log: that differs between two logs, and nothing else does.
pub fn without_positions(lines: &str) -> Vec<String> {
    let strip = |line: &str| {
        let mut transition: Value = serde_json::from_str(line).expect("a transition is JSON");
        for evidence in transition["evidence"].as_array_mut().expect("evidence is a list") {
            let evidence = evidence.as_object_mut().expect("evidence is an object");
            assert!(evidence.remove("offset").is_some() && evidence.remove("partition").is_some());
        }
        let mut text = String::new();
        write!(text, "{transition}").expect("writing to memory does not fail");
        text
    };
    lines.lines().map(strip).collect()
}
