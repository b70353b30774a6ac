//! A Kafka of the tests' own: started on a free loopback port, killed, started again, gone with who started it.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{LazyLock, Once};

/// Running brokers, one or three; dropped, they end, and their data goes.
pub struct Kafka {
    script: Child,
    commands: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    ports: Vec<u16>,
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
    /// One broker.
    pub fn start() -> Kafka {
        Kafka::start_nodes(1, None, &[])
    }

    /// One broker that tells its clients to come by another port of loopback.
    pub fn start_behind(port: u16) -> Kafka {
        Kafka::start_nodes(1, Some(port), &[])
    }

    /// A cluster of three, each of them able to lead it.
    pub fn start_three() -> Kafka {
        Kafka::start_nodes(3, None, &[])
    }

    /// One broker that lets in one user alone, `name:password`; over TLS with the key and certificate in a PEM file.
    pub fn start_for(user: &str, pem: Option<&Path>) -> Kafka {
        let pem = pem.map(|pem| ("KAFKA_PEM", pem.to_str().unwrap()));
        let more: Vec<(&str, &str)> = [("KAFKA_USER", user)].into_iter().chain(pem).collect();
        Kafka::start_nodes(1, None, &more)
    }

    fn start_nodes(nodes: usize, told: Option<u16>, more: &[(&str, &str)]) -> Kafka {
        // All at once, so that each is another.
        let listeners: Vec<TcpListener> = (0..2 * nodes).map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
        let all: Vec<u16> = listeners.iter().map(|listener| listener.local_addr().unwrap().port()).collect();
        drop(listeners);
        let (ports, controllers) = all.split_at(nodes);
        let folder = std::env::temp_dir().join(format!("citywatch-kafka-{}-{}", std::process::id(), ports[0]));
        let mut command = Command::new(project().join("deploy/test/kafka.sh"));
        command.envs(more.iter().copied()).arg(fetched()).arg(folder);
        let of_node = |(port, controller): (&u16, &u16)| format!("{port}:{controller}:{}", told.unwrap_or(*port));
        command.args(ports.iter().zip(controllers).map(of_node));
        let mut script = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (commands, answers) = (script.stdin.take(), BufReader::new(script.stdout.take().unwrap()));
        let mut server = Kafka { script, commands, answers, ports: ports.to_vec() };
        server.hear("ready");
        server
    }

    /// The port of the first one itself.
    pub fn port(&self) -> u16 {
        self.ports[0]
    }

    /// The address of each as `host:port`, with commas between.
    pub fn broker(&self) -> String {
        let all: Vec<String> = self.ports.iter().map(|port| format!("127.0.0.1:{port}")).collect();
        all.join(",")
    }

    /// As `kill -9`, of the first one.
    pub fn kill(&mut self) {
        self.kill_node(1);
    }

    /// Starts it again, on the same port and data.
    pub fn restart(&mut self) {
        self.restart_node(1);
    }

    /// As `kill -9`; they count from 1.
    pub fn kill_node(&mut self, node: usize) {
        self.tell(&format!("kill {node}"));
    }

    /// Starts one again, on the same port and data.
    pub fn restart_node(&mut self, node: usize) {
        self.tell(&format!("start {node}"));
    }

    /// Has a killed one lose so many bytes of the end of each partition of a topic, as a machine that goes down does with
    /// what it acknowledged and had in memory only.
    pub fn cut(&mut self, topic: &str, bytes: u64) {
        self.tell(&format!("cut 1 {topic} {bytes}"));
    }

    fn tell(&mut self, what: &str) {
        writeln!(self.commands.as_mut().unwrap(), "{what}").unwrap();
        self.hear(what.split(' ').next().unwrap());
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
