//! What the doctor finds about servers: the store's PostgreSQL, the identity provider, the history's InfluxDB, the MQTT
//! broker.
//!
//! It asks and changes nothing. Addresses are shown without what is secret in them.

use crate::city;
use crate::cluster::ClusterArgs;
use crate::config::Config;
use crate::doctor::Finding;
use crate::failure::{Failure, chain};
use history::InfluxHistory;
use ingest::BrokerSettings;
use std::net::{TcpListener, ToSocketAddrs};
use std::time::Duration;

/// How long a broker may take to answer.
const ANSWER_MAX: Duration = Duration::from_secs(5);

fn told(error: &(dyn std::error::Error + 'static)) -> String {
    chain(error).replace('\n', ";")
}

/// Whether the command center's PostgreSQL is there and does what the store relies on.
pub fn store(config: &Config) -> Result<Vec<Finding>, Failure> {
    const PART: &str = "store";
    let Some(address) = config.center.store() else { return Ok(Vec::new()) };
    let state = match city::runtime()?.block_on(command_center::examine_store(address)) {
        Ok(state) => state,
        Err(error) => {
            let mend = "is PostgreSQL running, can this machine reach it, and are user, password and database right?";
            return Ok(vec![Finding::bad(PART, told(&error), mend)]);
        }
    };
    let used = if state.is_used { "; a command center writes to it" } else { "" };
    let mut found = vec![Finding::good(PART, format!("PostgreSQL {}{used}", state.version))];
    if !state.may_create {
        let mend = "GRANT CREATE ON SCHEMA public TO its user, or make that user the database's owner";
        found.push(Finding::bad(PART, "its user may not make tables", mend));
    }
    if !matches!(&*state.collation, "C" | "POSIX" | "C.UTF-8" | "C.utf8") || state.encoding != "UTF8" {
        let what = format!("its texts are {} in the order of {}", state.encoding, state.collation);
        let mend =
            "make the database with ENCODING 'UTF8' LC_COLLATE 'C' TEMPLATE template0, or lists come in another order";
        found.push(Finding::warning(PART, what, mend));
    }
    if !state.not_durable.is_empty() {
        let what = format!("{} is off: a crash of its machine can lose cases", state.not_durable.join(" and "));
        found.push(Finding::bad(PART, what, "turn it on in postgresql.conf and restart PostgreSQL"));
    }
    Ok(found)
}

/// Whether the identity provider is there, and is the one that is meant.
pub fn oidc(config: &Config) -> Result<Option<Finding>, Failure> {
    const PART: &str = "sign-in";
    let settings = match config.center.oidc() {
        Ok(None) => return Ok(None),
        Ok(Some(settings)) => settings,
        Err(error) => return Ok(Some(Finding::bad(PART, error.to_string(), "mend the file, see deploy/oidc.toml"))),
    };
    let issuer = settings.issuer.clone();
    Ok(Some(match city::runtime()?.block_on(command_center::examine_oidc(settings)) {
        Ok(()) => Finding::good(PART, format!("the identity provider {issuer}")),
        Err(why) => {
            let mend = "is the issuer right, can this machine reach it, and does it know its certificate (ca_file)?";
            Finding::bad(PART, format!("the identity provider {issuer}: {why}"), mend)
        }
    }))
}

/// Whether the history's InfluxDB is there, with the buckets that are wanted.
pub fn history(config: &Config) -> Vec<Finding> {
    const PART: &str = "history";
    let Some(settings) = config.influx().transpose() else { return Vec::new() };
    let examined = settings.and_then(InfluxHistory::new).and_then(|history| history.examine());
    let state = match examined {
        Ok(state) => state,
        Err(error) => {
            let mend = "is InfluxDB running, can this machine reach it, and are organisation and token right?";
            return vec![Finding::bad(PART, told(&error), mend)];
        }
    };
    let mut found = vec![Finding::good(PART, format!("InfluxDB {}", state.version))];
    for (bucket, held, wanted) in state.buckets {
        let days =
            |seconds: i64| if seconds == 0 { "for ever".to_owned() } else { format!("{} days", seconds / 86_400) };
        found.push(match held {
            None => Finding::good(PART, format!("the bucket {bucket} is made at the first start")),
            Some(held) if held == wanted => Finding::good(PART, format!("the bucket {bucket} keeps {}", days(held))),
            Some(held) => {
                let what = format!("the bucket {bucket} keeps {}, the settings say {}", days(held), days(wanted));
                let mend = format!("influx bucket update --id ID --retention {wanted}s, or change history.keep_*");
                Finding::warning(PART, what, mend)
            }
        });
    }
    found
}

/// Whether the broker answers, lets us in, and lets us read what devices publish.
pub fn broker(config: &Config) -> Result<Vec<Finding>, Failure> {
    const PART: &str = "broker";
    if config.mqtt.broker.is_empty() {
        return Ok(Vec::new());
    }
    let url = &config.mqtt.broker;
    // The user and password of the address are not for the screen.
    let shown = url.rsplit('@').next().unwrap_or(url);
    let settings = BrokerSettings {
        url: url.clone(),
        client_id: format!("{}-doctor", config.mqtt.client_id),
        filters: config.mqtt.topics.clone(),
    };
    let probe = async { tokio::time::timeout(ANSWER_MAX, ingest::probe(&settings)).await };
    let mend = "is it running, can this machine reach it, and are user and password right?";
    let probed = match city::runtime()?.block_on(probe) {
        Ok(Ok(probed)) => probed,
        Ok(Err(error)) => return Ok(vec![Finding::bad(PART, format!("{shown}: {}", told(&error)), mend)]),
        Err(_) => return Ok(vec![Finding::bad(PART, format!("{shown} did not answer within {ANSWER_MAX:?}"), mend)]),
    };
    let version = probed.version.map_or_else(String::new, |version| format!(", {version}"));
    let mut found = vec![Finding::good(PART, format!("{shown} answers{version}"))];
    for filter in probed.refused {
        let mend =
            "let this user read the topics of devices: `citywatch devices add --kind ingest` and `export-acl` write it";
        found.push(Finding::bad(PART, format!("{shown} does not let us subscribe to {filter}"), mend));
    }
    if found.len() == 1 {
        // What a broker does with a backlog it tells nobody; so the doctor says what to look for.
        let what = "a backlog while citywatch is away is kept only if the broker is set so";
        let mend = "Mosquitto: persistence true, max_queued_messages 0 (deploy/mosquitto/mosquitto.conf has all)";
        found.push(Finding::note(PART, what, mend));
    }
    Ok(found)
}

/// Whether the processes of the rules stage can come together, as far as one of them can see before they do: they
/// listen only until all are there.
pub fn cluster(args: &ClusterArgs, config: &Config) -> Vec<Finding> {
    const PART: &str = "cluster";
    let cluster = match args.cluster(config, true) {
        Ok(None) => return Vec::new(),
        Ok(Some(cluster)) => cluster,
        Err(failure) => return vec![Finding::bad(PART, failure.to_string(), "docs/servers.md shows how it is set up")],
    };
    let (own, count) = (&cluster.hosts[cluster.process], cluster.hosts.len());
    let mut found = vec![match TcpListener::bind(own) {
        Ok(_) => Finding::good(PART, format!("process {} of {count} can listen at {own}", cluster.process)),
        Err(error) => {
            let mend = "its line of the hosts file is an address of this machine, where nothing else listens";
            Finding::bad(PART, format!("{own} cannot be listened at: {error}"), mend)
        }
    }];
    let mut is_private = true;
    for (process, address) in cluster.hosts.iter().enumerate() {
        match address.to_socket_addrs() {
            Ok(addresses) => is_private &= addresses.into_iter().all(|address| address.ip().is_loopback()),
            Err(error) => {
                let what = format!("process {process}, at {address}, is not known here: {error}");
                found.push(Finding::bad(PART, what, "name it as this machine's DNS or /etc/hosts does"));
            }
        }
    }
    if !is_private {
        let what = "what goes between the processes is neither encrypted nor authenticated";
        found.push(Finding::note(PART, what, "keep their addresses in a network of their own, or in a VPN"));
    }
    found
}
