//! The dataflow: with `link`, the one module that names timely. Operators are structs of their own; here they are only
//! wired.
//!
//! Every worker builds the same graph: observations → local-rules → egress, and from local-rules, exchanged by shard,
//! → wide-rules, all to the first worker → city-relations → egress. Of a cluster all goes to the egress of the first
//! process, and back from there, orders → owners, goes what has become durable and what is to be copied. The timestamp is an ingest epoch, a counter; event time is data. Local rules wait for nobody;
//! wide ones for what all partitions tell, which is data too, so no operator looks at a frontier.

use crate::StreamError;
use crate::city::{CityStage, CopyCity, ToCity};
use crate::cluster::Links;
use crate::egress::Egress;
use crate::link::{self, Open};
use crate::local::{Found, LocalRules};
use crate::shared::{Epoch, Order, Shared, lock};
use crate::source::{Next, Source, Work};
use crate::wide::{CopyShard, ToWide, WideStage};
use serde::{Deserialize, Serialize};
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use timely::communication::WorkerGuards;
use timely::container::CapacityContainerBuilder;
use timely::dataflow::channels::pact::{Exchange, ParallelizationContract, Pipeline};
use timely::dataflow::operators::Concat;
use timely::dataflow::operators::generic::OutputBuilder;
use timely::dataflow::operators::generic::builder_rc::OperatorBuilder;
use timely::dataflow::operators::generic::operator::{Operator, source};
use timely::dataflow::{Scope, StreamVec};
use timely::execute::execute_from;
use timely::progress::operate::FrontierInterest;
use timely::worker::Worker;
use timely::{CommunicationConfig, WorkerConfig};

/// The operators of one worker.
pub(crate) struct Operators {
    pub(crate) source: Source,
    pub(crate) local_rules: LocalRules,
    pub(crate) wide_rules: WideStage,
    /// In the first worker.
    pub(crate) city_relations: Option<CityStage>,
    /// In the first process.
    pub(crate) egress: Option<Egress>,
}

/// The worker threads. Dropping it waits for them; never drop it in async code.
pub(crate) struct Workers {
    threads: WorkerGuards<()>,
    links: Option<Open>,
}

impl Workers {
    /// Starts a thread for each set of operators. A panic or an error in one ends all, through `shared`. In a cluster,
    /// with the connections to the other processes and the addresses of all.
    pub(crate) fn start(
        operators: Vec<Operators>,
        shared: Arc<Shared>,
        cluster: Option<(Links, &[String])>,
    ) -> Result<Workers, StreamError> {
        let place = shared.place;
        let (builders, links) = match cluster {
            Some((links, hosts)) => {
                let (builders, open) = link::allocators(links, hosts, place, &shared)?;
                (builders, Some(open))
            }
            // Without others there is nothing to be held beside the builders.
            None => (CommunicationConfig::Process(place.threads).try_build().map_err(StreamError::Threads)?.0, None),
        };
        // On a small machine spinning only takes the core from the thread that one waits for.
        let worker = WorkerConfig::default().idle_spin(Duration::ZERO);
        let slots: Vec<_> = operators.into_iter().map(|operators| Mutex::new(Some(operators))).collect();
        let run = move |worker: &mut Worker| {
            let index = worker.index();
            name_thread(&thread_name(index));
            let thread = place.thread(index).expect("timely counts workers as we do");
            let operators = lock(&slots[thread]).take().expect("a worker starts once");
            let outcome = catch_unwind(AssertUnwindSafe(|| run(worker, operators, &shared)));
            if let Err(panic) = outcome {
                shared.fail(StreamError::Panicked { thread: thread_name(index), what: panic_text(&*panic) });
            }
            for dataflow in worker.installed_dataflows() {
                worker.drop_dataflow(dataflow);
            }
        };
        let threads = execute_from(builders, Box::new(()), worker, run).map_err(StreamError::Threads)?;
        Ok(Workers { threads, links })
    }

    /// Waits for the threads to end, and lets the other processes know.
    pub(crate) fn join(self) {
        for ended in self.threads.join() {
            ended.expect("panics were caught inside");
        }
        if let Some(links) = self.links {
            links.close();
        }
    }
}

/// What a panic said.
pub(crate) fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message").to_owned()
}

fn thread_name(index: usize) -> String {
    format!("stream:{index}")
}

/// timely names its threads itself; this is the name that `top -H` and profilers show. Only Linux has the file.
fn name_thread(name: &str) {
    let _ = std::fs::write("/proc/thread-self/comm", name);
}

fn run(worker: &mut Worker, operators: Operators, shared: &Arc<Shared>) {
    worker.dataflow::<Epoch, _, _>(|scope| {
        let work = observations(scope, operators.source, shared);
        let (found, wide_work) = local_rules(work, operators.local_rules, shared);
        let (states, city_work) = wide_rules(wide_work, operators.wide_rules, shared);
        let found_wide = city_relations(city_work, operators.city_relations, shared);
        let found = found.concat(states).concat(found_wide);
        let place = shared.place;
        if place.is_alone() {
            egress(found, Pipeline, operators.egress);
        } else {
            egress(found, Exchange::new(move |found: &Found| found.taker(place) as u64), operators.egress);
            owners(orders(scope, shared), shared);
        }
    });
    // Everything that can happen arrives as an activation, so the worker sleeps until there is one.
    while worker.has_dataflows() && !shared.failed() {
        worker.step_or_park(None);
    }
}

fn observations<'scope>(
    scope: Scope<'scope, Epoch>,
    mut operator: Source,
    shared: &Arc<Shared>,
) -> StreamVec<'scope, Epoch, Work> {
    let shared = Arc::clone(shared);
    source(scope, "observations", move |capability, info| {
        let again = scope.activator_for(Rc::clone(&info.address));
        let wake = scope.worker().sync_activator_for(info.address.to_vec());
        shared.worker(scope.index()).arm(move || {
            // A worker that is gone needs no waking.
            let _ = wake.activate();
        });
        let mut capability = Some(capability);
        let mut work = Vec::new();
        move |output| {
            let Some(held) = capability.as_mut() else { return };
            match operator.on_activation(&mut work) {
                Ok(Next::End) => capability = None,
                Ok(next) => {
                    held.downgrade(&operator.epoch());
                    output.session(held).give_iterator(work.drain(..));
                    if next == Next::Again {
                        again.activate();
                    }
                }
                // The capability stays: giving it up would claim progress that did not happen.
                Err(error) => shared.fail(error),
            }
        }
    })
}

fn local_rules<'scope>(
    work: StreamVec<'scope, Epoch, Work>,
    mut operator: LocalRules,
    shared: &Arc<Shared>,
) -> (StreamVec<'scope, Epoch, Found>, StreamVec<'scope, Epoch, WideWork>) {
    let shared = Arc::clone(shared);
    let scope = work.scope();
    let worker = scope.index();
    let mut builder = OperatorBuilder::new("local-rules".to_owned(), scope);
    let mut input = builder.new_input(work, Pipeline);
    builder.set_notify_for(0, FrontierInterest::Never);
    let (found, found_stream) = builder.new_output();
    let (wide, wide_stream) = builder.new_output();
    let mut found = OutputBuilder::<_, CapacityContainerBuilder<Vec<Found>>>::from(found);
    let mut wide = OutputBuilder::<_, CapacityContainerBuilder<Vec<WideWork>>>::from(wide);
    let mut tell = Vec::new();
    builder.build(move |_| {
        move |_| {
            let (mut found, mut wide) = (found.activate(), wide.activate());
            input.for_each_stamp(|capability, containers| {
                let (mut found, mut wide) = (found.session(&capability), wide.session(&capability));
                for work in containers.flat_map(|container| container.drain(..)) {
                    // After a failure nothing more is applied: the worker is about to end.
                    if shared.failed() {
                        return;
                    }
                    match work {
                        Work::CopyShard(shard) => wide.give(WideWork::Copy(worker, shard)),
                        Work::CopyCity(city) => wide.give(WideWork::CopyCity(worker, city)),
                        Work::Copy(partition) => found.give(operator.copy(partition)),
                        Work::Read(partition, records) => match operator.on_read(partition, &records, &mut tell) {
                            Ok(one) => found.give(one),
                            Err(error) => shared.fail(error),
                        },
                    }
                    wide.give_iterator(tell.drain(..).map(WideWork::Told));
                }
            });
        }
    });
    (found_stream, wide_stream)
}

/// What the wide rules of a worker get.
#[derive(Clone, Debug, Serialize, Deserialize)]
enum WideWork {
    Told(ToWide),
    /// For the worker, itself.
    Copy(usize, CopyShard),
    /// For what comes behind it in the same worker.
    CopyCity(usize, CopyCity),
}

/// What the relations of the city get.
#[derive(Clone, Debug, Serialize, Deserialize)]
enum CityWork {
    Told(ToCity),
    Copy(CopyCity),
}

fn wide_rules<'scope>(
    work: StreamVec<'scope, Epoch, WideWork>,
    mut operator: WideStage,
    shared: &Arc<Shared>,
) -> (StreamVec<'scope, Epoch, Found>, StreamVec<'scope, Epoch, CityWork>) {
    let shared = Arc::clone(shared);
    let by_worker = Exchange::new(|work: &WideWork| match work {
        WideWork::Told(told) => told.worker as u64,
        WideWork::Copy(worker, _) | WideWork::CopyCity(worker, _) => *worker as u64,
    });
    let mut builder = OperatorBuilder::new("wide-rules".to_owned(), work.scope());
    let mut input = builder.new_input(work, by_worker);
    builder.set_notify_for(0, FrontierInterest::Never);
    let (states, state_stream) = builder.new_output();
    let (city, city_stream) = builder.new_output();
    let mut states = OutputBuilder::<_, CapacityContainerBuilder<Vec<Found>>>::from(states);
    let mut city = OutputBuilder::<_, CapacityContainerBuilder<Vec<CityWork>>>::from(city);
    builder.build(move |_| {
        move |_| {
            let (mut states, mut city) = (states.activate(), city.activate());
            // In the order of arrival, which is that of the log for each partition; epochs do not matter.
            input.for_each_stamp(|capability, containers| {
                let (mut states, mut city) = (states.session(&capability), city.session(&capability));
                for work in containers.flat_map(|container| container.drain(..)) {
                    if shared.failed() {
                        return;
                    }
                    match work {
                        WideWork::Copy(_, shard) => operator.want(shard),
                        WideWork::CopyCity(_, copy) => city.give(CityWork::Copy(copy)),
                        WideWork::Told(told) => match operator.on_told(told) {
                            Ok(told) => city.give(CityWork::Told(told)),
                            Err(error) => shared.fail(error),
                        },
                    }
                    if let Some(state) = operator.copy() {
                        states.give(Found::Shard(Box::new(state)));
                    }
                }
            });
        }
    });
    (state_stream, city_stream)
}

fn city_relations<'scope>(
    work: StreamVec<'scope, Epoch, CityWork>,
    mut operator: Option<CityStage>,
    shared: &Arc<Shared>,
) -> StreamVec<'scope, Epoch, Found> {
    let shared = Arc::clone(shared);
    work.unary(Exchange::new(|_: &CityWork| 0), "city-relations", move |_, _| {
        move |input, output| {
            input.for_each(|capability, container| {
                let mut session = output.session(&capability);
                for work in container.drain(..) {
                    if shared.failed() {
                        return;
                    }
                    let operator = operator.as_mut().expect("all is sent to the first worker");
                    match work {
                        CityWork::Copy(copy) => operator.want(copy),
                        CityWork::Told(told) => {
                            let (partition, next) = (told.partition, told.next);
                            let mut transitions = Vec::new();
                            match operator.on_told(told, &mut transitions) {
                                Ok(()) => session.give(Found::Told { partition, next, transitions }),
                                Err(error) => shared.fail(error),
                            }
                        }
                    }
                    if let Some(state) = operator.copy() {
                        session.give(Found::City(Box::new(state)));
                    }
                }
            });
        }
    })
}

fn egress<P>(found: StreamVec<'_, Epoch, Found>, pact: P, mut operator: Option<Egress>)
where
    P: ParallelizationContract<Epoch, Vec<Found>>,
{
    found.sink(pact, "egress", move |(input, _)| {
        let Some(operator) = &mut operator else { return };
        // In the order of arrival: what wide rules found one after the other may carry falling epochs.
        input.for_each(|_, container| container.drain(..).for_each(|found| operator.on_found(found)));
        operator.on_flush();
    });
}

/// What the first process has to tell the workers of others; it leaves by the first worker.
fn orders<'scope>(scope: Scope<'scope, Epoch>, shared: &Arc<Shared>) -> StreamVec<'scope, Epoch, Order> {
    let shared = Arc::clone(shared);
    source(scope, "orders", move |capability, info| {
        let mut capability = Some(capability).filter(|_| scope.index() == 0);
        if capability.is_some() {
            let wake = scope.worker().sync_activator_for(info.address.to_vec());
            shared.outbox.arm(move || {
                // A worker that is gone needs no waking.
                let _ = wake.activate();
            });
        }
        move |output| {
            let Some(held) = capability.as_mut() else { return };
            let orders = shared.outbox.take();
            held.downgrade(&shared.epoch());
            output.session(held).give_iterator(orders.into_iter());
        }
    })
}

/// Each worker does what it is told.
fn owners(orders: StreamVec<'_, Epoch, Order>, shared: &Arc<Shared>) {
    let shared = Arc::clone(shared);
    orders.sink(Exchange::new(|order: &Order| order.worker as u64), "owners", move |(input, _)| {
        input.for_each(|_, container| container.drain(..).for_each(|order| shared.on_order(order)));
    });
}
