//! A PostgreSQL of the tests' own: started on a free loopback port, killed, started again, gone with who started it.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// A running server; dropped, it ends, and its data goes.
pub struct Postgres {
    script: Child,
    commands: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    port: u16,
    databases: u32,
}

impl Postgres {
    pub fn start() -> Postgres {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let script = project().join("deploy/test/postgres.sh");
        // Beside the temporary folders of others, for it is another user's.
        let folder = std::env::temp_dir().join(format!("citywatch-postgres-{}-{port}", std::process::id()));
        let mut command = Command::new(script);
        command.arg(folder).arg(port.to_string()).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut script = command.spawn().unwrap();
        let (commands, answers) = (script.stdin.take(), BufReader::new(script.stdout.take().unwrap()));
        let mut server = Postgres { script, commands, answers, port, databases: 0 };
        server.hear("ready");
        server
    }

    /// The address of a new and empty database.
    pub fn database(&mut self) -> String {
        self.databases += 1;
        let name = format!("city{}", self.databases);
        self.tell(&format!("database {name}"));
        self.hear("database");
        format!("postgres://postgres@127.0.0.1:{}/{name}", self.port)
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
        assert_eq!(line.trim(), expected, "is PostgreSQL installed? deploy/test/install.sh does");
    }
}

/// The project's folder, from whichever of its crates.
fn project() -> &'static Path {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors();
    crates.filter(|folder| folder.join("deploy/test").is_dir()).last().unwrap()
}

impl Drop for Postgres {
    fn drop(&mut self) {
        drop(self.commands.take());
        let _ = self.script.wait();
    }
}
