//! How it stands with Kafka, for the doctor: it asks and changes nothing.

use super::client::{Heard, REQUEST_MAX};
use super::topics::{Admin, admin, asker, metadata, wanted};
use super::{KafkaLog, KafkaSettings};
use crate::BusError;
use futures_executor::block_on;
use rdkafka::admin::{AdminOptions, ConfigResource, ResourceSpecifier};
use rdkafka::metadata::MetadataTopic;
use std::time::Instant;

/// How it stands with the Kafka of a city.
#[derive(Clone, Debug)]
pub struct KafkaState {
    /// Brokers that run.
    pub brokers: usize,
    /// What they say of their version. Brokers from version 4 on say nothing.
    pub version: Option<String>,
    /// The topics of the city, those that are missing too.
    pub topics: Vec<KafkaTopic>,
}

/// How it stands with a topic.
#[derive(Clone, Debug)]
pub struct KafkaTopic {
    /// Its name in Kafka.
    pub name: String,
    /// Its partitions; 0 where it is missing.
    pub partitions: usize,
    /// How many it must have.
    pub wanted: usize,
    /// Partitions that nobody leads.
    pub leaderless: usize,
    /// Copies of each record: the fewest of its partitions.
    pub copies: usize,
    /// Copies that are in sync: the fewest of its partitions.
    pub in_sync: usize,
    /// `min.insync.replicas`: so many copies must have a record before it is acknowledged. Unknown is not told.
    pub min_in_sync: Option<usize>,
    /// Whether a copy that missed records may lead.
    pub may_lose: bool,
    /// Settings that differ: name, what it is, what this city's configuration says.
    pub differs: Vec<(String, String, String)>,
}

impl KafkaLog {
    /// Looks at the brokers and the topics of a city.
    pub fn examine(settings: &KafkaSettings) -> Result<KafkaState, BusError> {
        let heard = Heard::default();
        let admin = admin(settings, &heard)?;
        let found =
            metadata(&asker(settings, &heard)?, settings, &heard, Instant::now() + REQUEST_MAX.min(settings.wait))?;
        let wanted = wanted(settings);
        let held =
            |name: &str| found.topics().iter().find(|topic| topic.name() == name && !topic.partitions().is_empty());
        let names: Vec<&str> = wanted.iter().map(|(name, ..)| &**name).filter(|name| held(name).is_some()).collect();
        let mut asked: Vec<ResourceSpecifier<'_>> = names.iter().map(|name| ResourceSpecifier::Topic(name)).collect();
        asked.extend(found.brokers().first().map(|broker| ResourceSpecifier::Broker(broker.id())));
        let told =
            describe(&admin, &asked).map_err(|error| heard.failed(&settings.place(), "tell its settings", error))?;
        let version = told.last().filter(|_| asked.len() > names.len()).and_then(|broker| {
            let version = broker.get("inter.broker.protocol.version")?;
            version.value.clone()
        });
        let topics = wanted.iter().map(|(name, partitions, kept)| {
            let told = names.iter().position(|known| known == name).and_then(|at| told.get(at));
            state(name, *partitions as usize, kept, held(name), told)
        });
        Ok(KafkaState { brokers: found.brokers().len(), version, topics: topics.collect() })
    }
}

/// The settings of each, in their order. A broker answers for itself alone, so it is asked on its own.
fn describe(admin: &Admin, asked: &[ResourceSpecifier<'_>]) -> Result<Vec<ConfigResource>, String> {
    let options = AdminOptions::new().request_timeout(Some(REQUEST_MAX));
    let (brokers, topics): (Vec<_>, Vec<_>) = asked.iter().partition(|one| matches!(one, ResourceSpecifier::Broker(_)));
    let mut told = Vec::new();
    for group in [topics, brokers].into_iter().filter(|group| !group.is_empty()) {
        let group = block_on(admin.describe_configs(group, &options)).map_err(|error| error.to_string())?;
        for one in group {
            told.push(one.map_err(|code| code.to_string())?);
        }
    }
    Ok(told)
}

fn state(
    name: &str,
    wanted: usize,
    kept: &[(&'static str, String)],
    held: Option<&MetadataTopic>,
    told: Option<&ConfigResource>,
) -> KafkaTopic {
    let partitions = held.map_or(&[][..], |topic| topic.partitions());
    let setting = |name: &str| told.and_then(|told| told.get(name)?.value.clone());
    let fewest = |count: fn(&rdkafka::metadata::MetadataPartition) -> usize| partitions.iter().map(count).min();
    let differs = kept.iter().filter_map(|(key, wanted)| {
        let is = setting(key)?;
        (is != *wanted).then(|| ((*key).to_owned(), is, wanted.clone()))
    });
    KafkaTopic {
        name: name.to_owned(),
        partitions: partitions.len(),
        wanted,
        leaderless: partitions.iter().filter(|partition| partition.leader() < 0).count(),
        copies: fewest(|partition| partition.replicas().len()).unwrap_or(0),
        in_sync: fewest(|partition| partition.isr().len()).unwrap_or(0),
        min_in_sync: setting("min.insync.replicas").and_then(|least| least.parse().ok()),
        may_lose: setting("unclean.leader.election.enable").is_some_and(|may| may == "true"),
        differs: differs.collect(),
    }
}
