//! The dataflow: the one module that names timely. Operators are structs of their own; here they are only wired.
//!
//! Every worker builds the same graph: observations → local-rules → egress. The timestamp is an ingest epoch, a
//! counter; event time is data. Nothing is exchanged between workers here, and no worker waits for another.

use crate::StreamError;
use crate::egress::Egress;
use crate::local::{Found, LocalRules};
use crate::shared::{Epoch, Shared, lock};
use crate::source::{Next, Source, Work};
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use timely::communication::WorkerGuards;
use timely::dataflow::channels::pact::Pipeline;
use timely::dataflow::operators::generic::operator::{Operator, source};
use timely::dataflow::{Scope, StreamVec};
use timely::worker::Worker;
use timely::{CommunicationConfig, Config, WorkerConfig};

/// The operators of one worker.
pub(crate) struct Operators {
    pub(crate) source: Source,
    pub(crate) local_rules: LocalRules,
    pub(crate) egress: Egress,
}

/// The worker threads. Dropping it waits for them; never drop it in async code.
pub(crate) struct Workers(WorkerGuards<()>);

impl Workers {
    /// Starts a thread for each set of operators. A panic or an error in one ends all, through `shared`.
    pub(crate) fn start(operators: Vec<Operators>, shared: Arc<Shared>) -> Result<Workers, StreamError> {
        let communication = CommunicationConfig::Process(operators.len());
        // On a small machine spinning only takes the core from the thread that one waits for.
        let worker = WorkerConfig::default().idle_spin(Duration::ZERO);
        let slots: Vec<_> = operators.into_iter().map(|operators| Mutex::new(Some(operators))).collect();
        let run = move |worker: &mut Worker| {
            let index = worker.index();
            name_thread(&thread_name(index));
            let operators = lock(&slots[index]).take().expect("a worker starts once");
            let outcome = catch_unwind(AssertUnwindSafe(|| run(worker, operators, &shared)));
            if let Err(panic) = outcome {
                shared.fail(StreamError::Panicked { thread: thread_name(index), what: panic_text(&*panic) });
            }
            for dataflow in worker.installed_dataflows() {
                worker.drop_dataflow(dataflow);
            }
        };
        timely::execute(Config { communication, worker }, run).map(Workers).map_err(StreamError::Threads)
    }

    /// Waits for the threads to end.
    pub(crate) fn join(self) {
        for ended in self.0.join() {
            ended.expect("panics were caught inside");
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
        let found = local_rules(work, operators.local_rules, shared);
        egress(found, operators.egress);
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
        shared.workers[scope.index()].arm(move || {
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
) -> StreamVec<'scope, Epoch, Found> {
    let shared = Arc::clone(shared);
    work.unary(Pipeline, "local-rules", move |_, _| {
        move |input, output| {
            input.for_each_stamp(|capability, containers| {
                let mut session = output.session(&capability);
                for work in containers.flat_map(|container| container.drain(..)) {
                    // After a failure nothing more is applied: the worker is about to end.
                    if shared.failed() {
                        return;
                    }
                    match operator.on_work(work) {
                        Ok(found) => session.give(found),
                        Err(error) => shared.fail(error),
                    }
                }
            });
        }
    })
}

fn egress(found: StreamVec<'_, Epoch, Found>, mut operator: Egress) {
    found.sink(Pipeline, "egress", move |(input, _)| {
        input.for_each_stamp(|_, containers| {
            for found in containers.flat_map(|container| container.drain(..)) {
                operator.on_found(found);
            }
        });
        operator.on_flush();
    });
}
