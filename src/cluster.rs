//! The rules stage in several processes: which one this is, by the arguments of `run`, and where the others are.

use crate::city_log;
use crate::config::Config;
use crate::failure::{Failure, read_text};
use clap::Args;
use std::path::{Path, PathBuf};

/// How `run` is told of a cluster.
#[derive(Args)]
pub struct ClusterArgs {
    /// Processes of the rules stage, all with the same configuration but for `data_dir` and addresses
    #[arg(long, value_name = "N", default_value_t = 1)]
    processes: usize,
    /// Which of them this is, from 0
    #[arg(long, value_name = "I", default_value_t = 0)]
    process: usize,
    /// A line `host:port` for each, in their order
    #[arg(long, value_name = "FILE")]
    hosts: Option<PathBuf>,
}

/// The processes of a cluster of more than one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cluster {
    /// Which one this is.
    pub process: usize,
    /// Where each is, in their order.
    pub hosts: Vec<String>,
}

impl ClusterArgs {
    /// The cluster, if it is one; the error is wrong use. `runs_stream` is whether this process has the rules stage.
    pub fn cluster(&self, config: &Config, runs_stream: bool) -> Result<Option<Cluster>, Failure> {
        let ClusterArgs { processes, process, hosts } = self;
        let (processes, process) = (*processes, *process);
        let refuse = |what: String| Err(Failure::usage(what));
        if process >= processes {
            return refuse(format!("--process {process} of --processes {processes}: they count from 0"));
        }
        if processes == 1 {
            return Ok(None);
        }
        if !runs_stream {
            return refuse("--processes divides the rules stage: it needs --role stream".to_owned());
        }
        if config.log.kafka.is_empty() {
            return refuse(format!("--processes {processes} needs a log that several processes share: set log.kafka"));
        }
        let Some(hosts) = hosts else {
            return refuse(format!("--processes {processes} needs --hosts FILE, a line host:port for each"));
        };
        let most = model::PARTITIONS as usize / config.stream.workers;
        if processes > most {
            return refuse(format!(
                "--processes {processes} with stream.workers = {}: the log has {} partitions, so at most {most} can be",
                config.stream.workers,
                model::PARTITIONS
            ));
        }
        let lines = read_hosts(hosts)?;
        if lines.len() < processes {
            return refuse(format!(
                "{} has {} lines, and --processes {processes} needs one host:port for each",
                hosts.display(),
                lines.len()
            ));
        }
        Ok(Some(Cluster { process, hosts: lines.into_iter().take(processes).collect() }))
    }
}

impl Cluster {
    /// The role that a process of the rules stage has on the log; the first one writes what is found.
    pub fn role(process: usize) -> String {
        if process == 0 { city_log::STREAM.to_owned() } else { format!("{}-{process}", city_log::STREAM) }
    }
}

/// The lines of a hosts file but for empty ones and comments.
fn read_hosts(path: &Path) -> Result<Vec<String>, Failure> {
    let text = read_text(path)?;
    let lines = text.lines().map(str::trim).enumerate();
    let lines = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
    let mut hosts: Vec<String> = Vec::new();
    for (index, line) in lines {
        let place = format!("{}:{}", path.display(), index + 1);
        let port = line.rsplit_once(':').filter(|(host, _)| !host.is_empty()).map(|(_, port)| port.parse::<u16>());
        if !matches!(port, Some(Ok(1..))) {
            return Err(Failure::usage(format!("{place}: \"{line}\" is no host:port")));
        }
        if hosts.iter().any(|known| known == line) {
            return Err(Failure::usage(format!(
                "{place}: {line} is there twice; each process has an address of its own"
            )));
        }
        hosts.push(line.to_owned());
    }
    Ok(hosts)
}
