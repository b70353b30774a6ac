//! A Kafka of the tests' own: started on a free loopback port, killed, started again, gone with who started it.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{LazyLock, Once};

/// A running broker; dropped, it ends, and its data goes.
pub struct Kafka {
    script: Child,
    commands: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    port: u16,
}

/// One broker that all tests share which do not kill it: each takes a prefix of its own. It is never dropped; it ends as
/// its input ends, with this process.
pub static SHARED: LazyLock<Kafka> = LazyLock::new(Kafka::start);

/// The server's jars, which are fetched where they are missing.
fn fetched() -> PathBuf {
    static FETCH: Once = Once::new();
    let folder = project().join("target/kafka");
    FETCH.call_once(|| {
        let script = project().join("deploy/test/kafka/fetch.sh");
        let fetched = Command::new(script).arg(&folder).status().unwrap().success();
        assert!(fetched, "Kafka could not be fetched: are mvn and java there? deploy/test/install.sh installs them");
    });
    folder.join("libs")
}

impl Kafka {
    pub fn start() -> Kafka {
        // Both at once, so that they are two.
        let listeners = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
        let [port, controller] = listeners.map(|listener| listener.local_addr().unwrap().port());
        let folder = std::env::temp_dir().join(format!("citywatch-kafka-{}-{port}", std::process::id()));
        let mut command = Command::new(project().join("deploy/test/kafka.sh"));
        command.arg(fetched()).arg(folder).arg(port.to_string()).arg(controller.to_string());
        let mut script = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (commands, answers) = (script.stdin.take(), BufReader::new(script.stdout.take().unwrap()));
        let mut server = Kafka { script, commands, answers, port };
        server.hear("ready");
        server
    }

    /// Its address as `host:port`.
    pub fn broker(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// As `kill -9`.
    pub fn kill(&mut self) {
        self.tell("kill");
    }

    /// Starts it again, on the same port and data.
    pub fn restart(&mut self) {
        self.tell("start");
    }

    fn tell(&mut self, what: &str) {
        writeln!(self.commands.as_mut().unwrap(), "{what}").unwrap();
        self.hear(what);
    }

    fn hear(&mut self, expected: &str) {
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        assert_eq!(line.trim(), expected, "is Java installed? deploy/test/install.sh does");
    }
}

/// The project's folder, from whichever of its crates.
fn project() -> &'static Path {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors();
    crates.filter(|folder| folder.join("deploy/test").is_dir()).last().unwrap()
}

impl Drop for Kafka {
    fn drop(&mut self) {
        drop(self.commands.take());
        let _ = self.script.wait();
    }
}
