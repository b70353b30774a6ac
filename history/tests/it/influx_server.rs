//! An InfluxDB of the tests' own: started on a free loopback port, killed, started again, gone with who started it.

use history::{InfluxAddress, InfluxSettings};
use model::Millis;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{LazyLock, Once};

/// A running server; dropped, it ends, and its data goes.
pub struct Influx {
    script: Child,
    commands: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    port: u16,
}

/// The server, which is built where it is missing; that takes minutes, once.
fn built() -> PathBuf {
    static BUILD: Once = Once::new();
    let server = project().join("target/influxdb/influxd");
    BUILD.call_once(|| {
        let script = project().join("deploy/test/influxdb/build.sh");
        assert!(Command::new(script).arg(&server).status().unwrap().success(), "InfluxDB could not be built");
    });
    server
}

impl Influx {
    pub fn start() -> Influx {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let script = project().join("deploy/test/influxdb.sh");
        let folder = std::env::temp_dir().join(format!("citywatch-influxdb-{}-{port}", std::process::id()));
        let mut command = Command::new(script);
        command.arg(built()).arg(folder).arg(port.to_string()).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut script = command.spawn().unwrap();
        let (commands, answers) = (script.stdin.take(), BufReader::new(script.stdout.take().unwrap()));
        let mut server = Influx { script, commands, answers, port };
        server.hear("ready");
        server
    }

    /// The address of buckets that are not there yet, as a setting.
    pub fn setting(&self) -> String {
        static BUCKETS: AtomicU32 = AtomicU32::new(0);
        let bucket = BUCKETS.fetch_add(1, Ordering::Relaxed);
        format!("http://test-token@127.0.0.1:{}/city/b{bucket}", self.port)
    }

    /// The same, read.
    pub fn address(&self) -> InfluxAddress {
        InfluxAddress::new(&self.setting()).unwrap()
    }

    /// As `kill -9`.
    pub fn kill(&mut self) {
        self.tell("kill");
        self.hear("kill");
    }

    /// Starts it again, on the same port and data.
    pub fn restart(&mut self) {
        self.tell("start");
        self.hear("start");
    }

    fn tell(&mut self, what: &str) {
        writeln!(self.commands.as_mut().unwrap(), "{what}").unwrap();
    }

    fn hear(&mut self, expected: &str) {
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        assert_eq!(line.trim(), expected);
    }
}

/// The project's folder, from whichever of its crates.
fn project() -> &'static Path {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors();
    crates.filter(|folder| folder.join("deploy/test").is_dir()).last().unwrap()
}

impl Drop for Influx {
    fn drop(&mut self) {
        drop(self.commands.take());
        let _ = self.script.wait();
    }
}

/// Settings for buckets of their own on one server that all tests share, which keep for ever.
pub fn settings(utc_offset: Millis) -> InfluxSettings {
    // It is never dropped; it ends as its input ends, with this process.
    static SERVER: LazyLock<Influx> = LazyLock::new(Influx::start);
    InfluxSettings { utc_offset, retention: None, ..InfluxSettings::new(SERVER.address()) }
}
