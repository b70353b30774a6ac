//! The real Mosquitto, installed by `deploy/test/install.sh` where it is missing.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Once;
use std::time::{Duration, Instant};

pub struct Mosquitto {
    directory: PathBuf,
    port: u16,
    child: Option<Child>,
}

/// The project's folder, from whichever of its crates.
fn project() -> &'static Path {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors();
    crates.filter(|folder| folder.join("deploy/test").is_dir()).last().unwrap()
}

/// Installs the broker and its clients, where they are missing.
fn install() {
    static INSTALL: Once = Once::new();
    INSTALL.call_once(|| {
        let script = project().join("deploy/test/install.sh");
        assert!(Command::new(&script).status().unwrap().success(), "{} failed", script.display());
    });
}

/// What `mosquitto_sub` prints of `count` messages, each `{retain} {qos} {topic} {payload}`; it waits 60 s for them.
pub fn subscribed(address: SocketAddr, version: &str, filter: &str, count: usize) -> Vec<String> {
    install();
    let (host, port, count) = (address.ip().to_string(), address.port().to_string(), count.to_string());
    let mut command = Command::new("mosquitto_sub");
    command.args(["-h", &host, "-p", &port, "-V", version, "-t", filter, "-q", "1", "-C", &count, "-W", "60"]);
    let output = command.args(["-F", "%r %q %t %p"]).stderr(Stdio::inherit()).output().unwrap();
    assert!(output.status.success(), "mosquitto_sub: {}", output.status);
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

impl Mosquitto {
    /// Starts a broker on a free port that keeps sessions and their queues in `directory`.
    pub fn start(directory: &Path) -> Mosquitto {
        Mosquitto::start_with(directory, "")
    }

    /// The same with more lines of configuration for its listener.
    pub fn start_with(directory: &Path, more: &str) -> Mosquitto {
        install();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let config = format!(
            "listener {port} 127.0.0.1\n{more}allow_anonymous true\nlog_dest none\nuser root\npersistence true\n\
             persistence_location {}/\nautosave_on_changes true\nautosave_interval 1\n\
             max_inflight_messages 100\nmax_queued_messages 0\n",
            directory.display()
        );
        Mosquitto::start_as(directory, port, &config)
    }

    /// Starts one with a configuration that listens on this port.
    pub fn start_as(directory: &Path, port: u16, config: &str) -> Mosquitto {
        std::fs::write(directory.join("mosquitto.conf"), config).unwrap();
        let mut broker = Mosquitto { directory: directory.to_owned(), port, child: None };
        broker.again();
        broker
    }

    /// Starts it again after it was stopped.
    pub fn again(&mut self) {
        let mut command = Command::new("/usr/sbin/mosquitto");
        command.arg("-c").arg(self.directory.join("mosquitto.conf")).stdout(Stdio::null()).stderr(Stdio::null());
        self.child = Some(command.spawn().unwrap());
        let address: SocketAddr = ([127, 0, 0, 1], self.port).into();
        let deadline = Instant::now() + Duration::from_secs(20);
        while TcpStream::connect(address).is_err() {
            assert!(Instant::now() < deadline, "mosquitto does not listen");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// SIGTERM: it saves its sessions.
    pub fn stop(&mut self) {
        let mut child = self.child.take().unwrap();
        assert!(Command::new("kill").arg(child.id().to_string()).status().unwrap().success());
        child.wait().unwrap();
    }

    /// As `kill -9`.
    pub fn kill(&mut self) {
        let mut child = self.child.take().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// Forgets all sessions; it must be stopped.
    pub fn forget(&self) {
        std::fs::remove_file(self.directory.join("mosquitto.db")).unwrap();
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn url(&self) -> String {
        format!("mqtt://127.0.0.1:{}", self.port)
    }
}

impl Drop for Mosquitto {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }
}
