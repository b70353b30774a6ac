//! Starting a stream: from the last checkpoint, alone or as one process of a cluster.

use crate::checkpoint::{Checkpointer, Loaded, Store, ToCheckpoint};
use crate::city::{City, CityStage};
use crate::cluster::{self, Links, Meeting, States};
use crate::egress::{Egress, ToSink};
use crate::flow::{Operators, Workers};
use crate::handle::{CheckpointReport, StreamHandle};
use crate::local::{LocalRules, RestoreError, Slot};
use crate::place::Place;
use crate::programs::Programs;
use crate::shared::Shared;
use crate::sink::{Ends, Past, Sink, Tail};
use crate::source::Source;
use crate::wide::{Shard, WideStage};
use crate::{Event, StreamError, StreamSettings};
use bus::{EventLog, Topic};
use model::{Offset, PARTITIONS, Partition};
use rules::engine::WideRules;
use std::ops::Range;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

/// What the workers of a process begin with.
struct Share {
    /// Of its own partitions, in their order.
    slots: Vec<Slot>,
    /// Of its own shards, in their order.
    shards: Vec<Shard>,
    /// In the first process, as is what writes.
    city: Option<City>,
    writer: Option<Writer>,
    links: Option<Links>,
}

/// What the first process begins with beside it.
struct Writer {
    store: Store,
    past: Arc<Past>,
    tail: Tail,
    /// Where each partition goes on, its own or not.
    starts: Vec<Offset>,
}

/// What else the first process runs: it writes what is found and saves what is known.
struct Writing {
    to_sink: Sender<ToSink>,
    to_checkpoint: Sender<ToCheckpoint>,
    sink: JoinHandle<()>,
    checkpointer: JoinHandle<Result<(), StreamError>>,
}

pub(crate) fn start(log: Arc<dyn EventLog>, settings: &StreamSettings) -> Result<StreamHandle, StreamError> {
    let place = cluster::place(settings)?;
    let programs = Arc::new(Programs::new(Arc::clone(&log), settings.clone()));
    let Share { slots, shards, city, writer, links } =
        if place.is_first() { lead(&log, &programs, settings, place)? } else { follow(&programs, settings)? };
    let shared = Arc::new(Shared::new(place, settings.limits));
    let report = Arc::new(Mutex::new(CheckpointReport::default()));
    let writing = writer.map(|writer| write(writer, &log, &shared, settings, &report)).transpose()?;
    let mut city = city.map(|city| CityStage::new(city, Arc::clone(&programs)));

    let starts: Vec<(Partition, Offset)> = slots.iter().map(|slot| (slot.partition(), slot.next())).collect();
    let mut slots_by_worker: Vec<Vec<Slot>> = (0..place.threads).map(|_| Vec::new()).collect();
    let thread = |partition| place.thread(place.owner(partition)).expect("a process gets its own share");
    slots.into_iter().for_each(|slot| slots_by_worker[thread(slot.partition())].push(slot));
    let mut shards_by_worker: Vec<Vec<Shard>> = (0..place.threads).map(|_| Vec::new()).collect();
    shards.into_iter().for_each(|shard| shards_by_worker[thread(shard.number())].push(shard));
    let operators = place.own().zip(slots_by_worker.into_iter().zip(shards_by_worker));
    let operators = operators.map(|(worker, (slots, shards))| Operators {
        source: Source::new(worker, Arc::clone(&log), Arc::clone(&shared), &starts),
        local_rules: LocalRules::new(slots, Arc::clone(&programs), Arc::clone(&shared)),
        wide_rules: WideStage::new(shards, Arc::clone(&programs)),
        city_relations: city.take(),
        egress: writing.as_ref().map(|to| Egress::new(worker, Arc::clone(&shared), to.to_sink.clone())),
    });
    let operators = operators.collect();

    // Watched before the first read: an append in between wakes the source once too often instead of never.
    let watching = Arc::downgrade(&shared);
    log.watch(
        Topic::Observations,
        Arc::new(move || {
            if let Some(shared) = watching.upgrade() {
                shared.wake_all();
            }
        }),
    );
    let mut handle = StreamHandle::new(log, Arc::clone(&shared), report);
    if let Some(Writing { to_sink, to_checkpoint, sink, checkpointer }) = writing {
        // The sink ends when the last worker is gone.
        drop(to_sink);
        handle.writes(to_checkpoint, sink, checkpointer);
    }
    let hosts = settings.cluster.as_ref().map_or(&[][..], |cluster| &cluster.hosts[..]);
    handle.works(Workers::start(operators, shared, links.map(|links| (links, hosts)))?);
    Ok(handle)
}

/// The first process, or the only one: takes up the checkpoint, and gives the others of a cluster what is theirs of it.
fn lead(
    log: &Arc<dyn EventLog>,
    programs: &Programs,
    settings: &StreamSettings,
    place: Place,
) -> Result<Share, StreamError> {
    let store = Store::open(&settings.data_dir)?;
    let (store, Resumed { mut slots, mut shards, city, ends }) = resume(log, store, programs, settings)?;
    let past = Arc::new(Past::new(&**log, ends)?);
    let tail = Tail::read(&**log, Arc::clone(&past), settings.limits.tail_incidents)?;
    let starts = slots.iter().map(Slot::next).collect();
    let links = match settings.cluster.as_ref().filter(|_| !place.is_alone()) {
        None => None,
        Some(cluster) => Some(Meeting::new(settings, cluster)?.gather(|process| -> States {
            let slots = slots.iter().filter(|slot| place.process_of(slot.partition()) == process);
            let shards = shards.iter().filter(|shard| place.process_of(shard.number()) == process);
            (slots.map(Slot::copy).collect(), shards.map(Shard::state).collect())
        })?),
    };
    slots.retain(|slot| place.process_of(slot.partition()) == place.process);
    shards.retain(|shard| place.process_of(shard.number()) == place.process);
    Ok(Share { slots, shards, city: Some(city), writer: Some(Writer { store, past, tail, starts }), links })
}

/// Another process of a cluster: gets its states from the first one, which has read them whole.
fn follow(programs: &Programs, settings: &StreamSettings) -> Result<Share, StreamError> {
    let cluster = settings.cluster.as_ref().expect("only a cluster has other processes");
    let ((partitions, states), links) = Meeting::new(settings, cluster)?.join()?;
    let cannot = |error: RestoreError| match error {
        RestoreError::Program(error) => error,
        RestoreError::Bytes(reason) => StreamError::Refused {
            process: 0,
            address: cluster.hosts[0].clone(),
            reason: format!("its state: {reason}"),
        },
    };
    let slots = partitions.into_iter().map(|state| Slot::restore(state.summary, &state.engine, programs));
    let shards = states.into_iter().map(|state| Shard::restore(state.summary, &state.rules, programs));
    Ok(Share {
        slots: slots.collect::<Result<_, _>>().map_err(cannot)?,
        shards: shards.collect::<Result<_, _>>().map_err(cannot)?,
        city: None,
        writer: None,
        links: Some(links),
    })
}

/// Starts what writes and what saves.
fn write(
    writer: Writer,
    log: &Arc<dyn EventLog>,
    shared: &Arc<Shared>,
    settings: &StreamSettings,
    report: &Arc<Mutex<CheckpointReport>>,
) -> Result<Writing, StreamError> {
    for (partition, start) in (0..PARTITIONS).zip(writer.starts) {
        shared.update_partition(partition, |known| known.durable = start);
    }
    let (to_sink, at_sink) = channel();
    let (to_checkpoint, at_checkpoint) = channel();
    let abandon = to_checkpoint.clone();
    shared.on_failure(move || {
        let _ = abandon.send(ToCheckpoint::Abandon);
    });
    let sink = Sink::new(Arc::clone(log), Arc::clone(shared), to_checkpoint.clone(), writer.tail);
    let checkpointer = Checkpointer {
        log: Arc::clone(log),
        shared: Arc::clone(shared),
        store: writer.store,
        past: writer.past,
        every: settings.checkpoint_every,
        observe: Arc::clone(&settings.observe),
        report: Arc::clone(report),
    };
    let sink = spawn("stream-sink", Arc::clone(shared), move || sink.run(&at_sink))?;
    let checkpointer = spawn("stream-checkpoint", Arc::clone(shared), move || checkpointer.run(&at_checkpoint))?;
    Ok(Writing { to_sink, to_checkpoint, sink, checkpointer })
}

/// What a stream begins with.
struct Resumed {
    slots: Vec<Slot>,
    shards: Vec<Shard>,
    city: City,
    /// Where the topics ended before its checkpoint.
    ends: Ends,
}

/// The state of all partitions from the newest checkpoint that is whole, and where the topics ended before it.
fn resume(
    log: &Arc<dyn EventLog>,
    mut store: Store,
    programs: &Programs,
    settings: &StreamSettings,
) -> Result<(Store, Resumed), StreamError> {
    for sequence in store.sequences()?.into_iter().rev() {
        let Some(loaded) = store.load(sequence, &settings.observe) else { continue };
        match restore(&loaded, programs, settings.workers) {
            Ok(resumed) => {
                if let Some(event) = cut_back(&**log, sequence, &resumed)? {
                    (settings.observe)(&event);
                    continue;
                }
                (settings.observe)(&Event::Resumed { sequence });
                store.resumed(loaded.manifest);
                return Ok((store, resumed));
            }
            Err(RestoreError::Program(error)) => return Err(error),
            Err(RestoreError::Bytes(reason)) => {
                let path = settings.data_dir.clone();
                (settings.observe)(&Event::CheckpointDamaged { path, reason });
            }
        }
    }
    (settings.observe)(&Event::StartedFromTheBeginning);
    let slots = (0..PARTITIONS).map(|partition| Ok(Slot::new(partition, held(&**log, partition)?.start)));
    let slots = slots.collect::<Result<_, StreamError>>()?;
    let shards = (0..WideRules::SHARDS).map(Shard::new).collect();
    Ok((store, Resumed { slots, shards, city: City::new(), ends: Ends::none() }))
}

/// What a checkpoint has read, or had written, and the log no longer holds, if there is any: its state must not go on.
/// Whoever starts from an older one, or from the beginning, finds what the log says now, and again what is gone of it.
fn cut_back(log: &dyn EventLog, sequence: u64, resumed: &Resumed) -> Result<Option<Event>, StreamError> {
    let failed = |source| StreamError::Log { doing: "look at what stands before the checkpoint".to_owned(), source };
    if let Some((topic, partition, offset)) = resumed.ends.cut_back(log).map_err(failed)? {
        let end = log.bounds(topic, partition).map_err(failed)?.end;
        return Ok(Some(Event::CutBack { sequence, topic, partition, offset, end }));
    }
    for (partition, slot) in (0..PARTITIONS).zip(&resumed.slots) {
        let (topic, offset, held) = (Topic::Observations, slot.next(), held(log, partition)?);
        if offset < held.start {
            return Err(StreamError::OffTheLog { partition, offset, held });
        }
        if !bus::fits(log, topic, partition, offset, slot.before()).map_err(failed)? {
            return Ok(Some(Event::CutBack { sequence, topic, partition, offset, end: held.end }));
        }
    }
    Ok(None)
}

/// Takes up all partitions, on as many threads as there will be workers.
fn restore(loaded: &Loaded, programs: &Programs, workers: usize) -> Result<Resumed, RestoreError> {
    let Loaded { manifest, engines, shards, city } = loaded;
    let mut slots: Vec<Option<Result<Slot, RestoreError>>> = (0..PARTITIONS).map(|_| None).collect();
    std::thread::scope(|scope| {
        for places in slots.chunks_mut((PARTITIONS as usize).div_ceil(workers)).enumerate() {
            let (chunk, places) = places;
            let first = chunk * (PARTITIONS as usize).div_ceil(workers);
            scope.spawn(move || {
                for (place, index) in places.iter_mut().zip(first..) {
                    let state = &manifest.states[index];
                    *place = Some(Slot::restore(state.slot.clone(), &engines[index], programs));
                }
            });
        }
    });
    let slots: Result<_, RestoreError> =
        slots.into_iter().map(|slot| slot.expect("every chunk was restored")).collect();
    let shards = manifest.shards.iter().zip(shards);
    let shards = shards.map(|(state, bytes)| Shard::restore(state.slot.clone(), bytes, programs));
    let shards = shards.collect::<Result<_, RestoreError>>()?;
    let city = City::restore(manifest.city.slot.clone(), city, programs)?;
    Ok(Resumed { slots: slots?, shards, city, ends: manifest.ends.clone() })
}

/// What the log holds of the observations of a partition.
pub(crate) fn held(log: &dyn EventLog, partition: Partition) -> Result<Range<Offset>, StreamError> {
    let held = log.bounds(Topic::Observations, partition);
    held.map_err(|source| StreamError::Log { doing: "see how far the observations go".to_owned(), source })
}

fn spawn<T: Send + 'static>(
    name: &str,
    shared: Arc<Shared>,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<JoinHandle<T>, StreamError> {
    let ended = EndsTheStream(name.to_owned(), shared);
    let work = move || {
        let done = work();
        std::mem::forget(ended);
        done
    };
    std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(work)
        .map_err(|error| StreamError::Threads(error.to_string()))
}

/// Dropped by a panic only: takes the other threads down.
struct EndsTheStream(String, Arc<Shared>);

impl Drop for EndsTheStream {
    fn drop(&mut self) {
        let what = "see its message on the standard error".to_owned();
        self.1.fail(StreamError::Panicked { thread: self.0.clone(), what });
    }
}
