//! Incidents about incidents: `inhibits`, `correlate` and `max_open`.
//!
//! It takes the transitions of one entry, in the order of the entries, and gives what becomes of them: numbered anew,
//! marked with what inhibits them, and with those that follow from them. It looks at transitions and the registry, never
//! at readings or a clock, and knows nothing of partitions: of whose transitions it is given, it keeps the open incidents.
//! An opening costs its companions and those that it inhibits, and the logarithm of what is open.

mod city;
mod correlate;
mod open;
mod plan;
mod saved;
mod storm;

pub use city::CityRelations;
pub use plan::Plan;

use model::{EventTime, Evidence, IncidentState, Transition, TransitionKind, incident_id};
use open::{Group, Open};
use plan::Kind;
use rustc_hash::FxHashMap;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use uuid::Uuid;

/// An incident that is open: its role in the plan and its key.
type Name = (u32, Arc<str>);

/// The open incidents and what they are to each other.
#[derive(Debug)]
pub struct Relations {
    plan: Arc<Plan>,
    /// By role and key.
    open: Vec<BTreeMap<Arc<str>, Open>>,
    /// Keys of open incidents by what finds them.
    index: FxHashMap<(u32, Kind, String), BTreeSet<Arc<str>>>,
    /// By role and key: when an incident was cleared, where whoever evaluates the rule does not know it: of the
    /// incidents made here, and of those that a mark moved to a later time. At most one for each rule and key.
    cleared: Vec<BTreeMap<Arc<str>, i64>>,
}

/// What one step does.
#[derive(Debug, Default)]
struct Step {
    at: i64,
    /// Each incident's own transitions.
    told: Vec<(u32, Transition)>,
    opened: BTreeSet<Name>,
    /// Incidents that may be inhibited by others than before.
    touched: BTreeSet<Name>,
    /// Incidents of rules with `correlate` that lost a member.
    shrunk: BTreeSet<Name>,
    /// Role and subdistrict where a rule with a storm guard lost an incident.
    relieved: BTreeSet<(u32, String)>,
    /// Incidents told elsewhere that were told there.
    told_elsewhere: BTreeSet<Name>,
}

impl Relations {
    /// With nothing open.
    pub fn new(plan: Arc<Plan>) -> Relations {
        let count = plan.roles.len();
        let (open, cleared) = (vec![BTreeMap::new(); count], vec![BTreeMap::new(); count]);
        Relations { plan, open, index: FxHashMap::default(), cleared }
    }

    /// Puts in the place of the transitions of one entry, those from `from` on, what becomes of them.
    pub fn apply(&mut self, out: &mut Vec<Transition>, from: usize) {
        let mut made: Vec<Transition> = out.drain(from..).collect();
        if made.len() > 1 {
            sort(&mut made);
        }
        let mut steps: BTreeMap<(i64, u32), Vec<(u32, Transition)>> = BTreeMap::new();
        // Role, key, time and place among those of this time, and whether the incident was over, of the one before.
        let mut before: Option<(u32, String, i64, u32, bool)> = None;
        for transition in made {
            let role = self.plan.role_of(&transition.rule).expect("transitions come from the plan's rules");
            let opened = transition.transition == TransitionKind::Opened;
            let same = before.as_ref().filter(|(other, key, ..)| *other == role && *key == transition.key);
            let not_before = match same {
                Some((_, _, time, _, over)) => time.saturating_add(i64::from(*over)),
                None => self.not_before(role, &transition.key, opened),
            };
            let time = transition.time.0.max(not_before);
            let place = same.filter(|(_, _, before, ..)| *before == time).map_or(0, |(.., place, _)| place + 1);
            let over = transition.state == IncidentState::Cleared;
            before = Some((role, transition.key.clone(), time, place, over));
            steps.entry((time, place)).or_default().push((role, transition));
        }
        for ((at, _), made) in steps {
            let mut step = Step { at, ..Step::default() };
            for (role, transition) in made {
                self.take(role, transition, &mut step);
            }
            self.finish(step, out);
        }
        sort(&mut out[from..]);
    }

    /// Goes on with another plan from here, at `at` or later. Incidents made here, by rules that are not there any more
    /// or not `unchanged`, end with the reason given; those of other rules must have ended before.
    pub(super) fn change(
        mut self,
        plan: &Arc<Plan>,
        unchanged: &dyn Fn(&str) -> bool,
        (at, reason): (i64, &str),
        out: &mut Vec<Transition>,
    ) -> Relations {
        self.end_changed(plan, unchanged, (at, reason), out);
        let mut next = self.under(plan);
        let touched = next.names().collect();
        next.finish(Step { at, touched, ..Step::default() }, out);
        next
    }

    /// Ends the incidents made here that the other plan does not go on with.
    fn end_changed(
        &mut self,
        plan: &Plan,
        unchanged: &dyn Fn(&str) -> bool,
        (at, reason): (i64, &str),
        out: &mut Vec<Transition>,
    ) {
        let mut step = Step { at, ..Step::default() };
        for role in 0..self.plan.roles.len() as u32 {
            let was = &self.plan.roles[role as usize];
            let now = plan.role_of(&was.rule.id);
            let guard = |plan: &Plan, role: u32| plan.roles[role as usize].guard.map(|(_, max_open)| max_open);
            let before = self.plan.role_of(&was.rule.id);
            let stays = match before.zip(now) {
                _ if !was.is_ours => true,
                Some((before, now)) if was.is_storm => guard(&self.plan, before) == guard(plan, now),
                _ => {
                    let goes_on = |now: u32| plan.roles[now as usize].is_ours && unchanged(&was.rule.id);
                    was.correlate().is_none() || now.is_some_and(goes_on)
                }
            };
            if !stays {
                for key in self.open[role as usize].keys().cloned().collect::<Vec<_>>() {
                    self.close(&(role, key), Some(reason), &mut step);
                }
            }
        }
        self.finish(step, out);
    }

    /// The incidents that are open, of those that `wanted` says, each as it was told last, with the first reading of
    /// its opening.
    pub(super) fn standing(&self, wanted: &dyn Fn(&Transition) -> bool) -> Vec<Transition> {
        let stands = |name: Name| {
            let told = self.transition(&name, TransitionKind::Updated);
            let evidence = self.get(&name).and_then(|open| open.evidence.clone());
            Transition { evidence: evidence.into_iter().collect(), ..told }
        };
        self.names().map(stands).filter(|one| wanted(one)).collect()
    }

    /// All that is open.
    fn names(&self) -> impl Iterator<Item = Name> {
        let by_role = self.open.iter().enumerate();
        by_role.flat_map(|(role, open)| open.keys().map(move |key| (role as u32, Arc::clone(key))))
    }

    /// A transition of an incident is no earlier than this.
    fn not_before(&self, role: u32, key: &str, opened: bool) -> i64 {
        if opened {
            self.cleared[role as usize].get(key).map_or(i64::MIN, |cleared| cleared.saturating_add(1))
        } else {
            self.open[role as usize].get(key).map_or(i64::MIN, |open| open.told_at)
        }
    }

    /// Follows one transition of a rule that others evaluate.
    fn take(&mut self, role: u32, mut transition: Transition, step: &mut Step) {
        let name: Name = (role, transition.key.as_str().into());
        let was = transition.time.0;
        transition.time = EventTime(step.at);
        if transition.transition == TransitionKind::Opened {
            if transition.opened_at != transition.time {
                transition.opened_at = transition.time;
                transition.id = incident_id(&self.plan.prefix, &transition.rule, &transition.key, transition.opened_at);
            }
            self.cleared[role as usize].remove(&name.1);
            let by_thousands = self.plan.roles[role as usize].by_thousands;
            self.insert(&name, Open { by_thousands, ..Open::of(&transition) }, step);
        } else if let Some(open) = self.open[role as usize].get_mut(&name.1) {
            open.count();
            open.told_at = step.at;
            open.severity = transition.severity;
            open.stale = transition.stale == Some(true);
            open.message = transition.message.clone();
            transition.id = open.id;
            transition.revision = open.revision;
            transition.opened_at = EventTime(open.opened_at);
            transition.shown_from = open.shown_from;
            if transition.state == IncidentState::Cleared {
                transition.inhibited_by = std::mem::take(&mut open.inhibited_by);
                self.remove(&name, step);
                if step.at != was {
                    self.cleared[role as usize].insert(Arc::clone(&name.1), step.at);
                }
            }
        }
        step.told.push((role, transition));
    }

    /// What follows from the incidents that were opened and cleared, then what inhibits what; writes all of it.
    fn finish(&mut self, mut step: Step, out: &mut Vec<Transition>) {
        for place in 0..self.plan.correlates.len() {
            self.correlate(self.plan.correlates[place], &mut step);
        }
        self.guard(&mut step);
        let own: BTreeSet<Name> =
            step.told.iter().filter(|(_, one)| one.state == IncidentState::Open).map(name).collect();
        let touched = step.touched.iter().chain(&step.opened).chain(&step.told_elsewhere).cloned();
        for name in touched.collect::<BTreeSet<Name>>() {
            if !self.open[name.0 as usize].contains_key(&name.1) {
                continue;
            }
            let inhibited_by = self.inhibitors(&name);
            let open = self.open[name.0 as usize].get_mut(&name.1).expect("it was there two lines before");
            // What is told elsewhere knows nothing of the mark, so the mark is told behind it again.
            let again = step.told_elsewhere.contains(&name) && !inhibited_by.is_empty();
            if open.inhibited_by == inhibited_by && !again {
                continue;
            }
            open.inhibited_by = inhibited_by;
            if !own.contains(&name) && open.count_mark() {
                open.told_at = open.told_at.max(step.at);
                open.show();
                out.push(self.transition(&name, TransitionKind::Updated));
            }
        }
        for (role, mut transition) in step.told {
            if let (IncidentState::Open, Some(open)) =
                (transition.state, self.open[role as usize].get_mut(transition.key.as_str()))
            {
                open.show();
                transition.inhibited_by.clone_from(&open.inhibited_by);
                transition.shown_from = open.shown_from;
            }
            out.push(transition);
        }
    }

    /// What inhibits an open incident, ascending.
    fn inhibitors(&self, name: &Name) -> Vec<Uuid> {
        let role = &self.plan.roles[name.0 as usize];
        let mut found = Vec::new();
        for (other, kind) in &role.inhibited_by {
            for code in self.plan.codes(name.0, &name.1, kind) {
                let itself = *other == name.0 && *code == *name.1;
                if !itself && !self.plan.is_seen_to(name.0, kind, &name.1, &code) {
                    found.extend(self.open[*other as usize].get(code.as_str()).map(|open| open.id));
                }
            }
        }
        if self.open[name.0 as usize][&name.1].in_storm {
            found.extend(self.storm_over(name).map(|storm| storm.id));
        }
        found.sort_unstable();
        found.dedup();
        found
    }

    /// Notes an incident that opens.
    fn insert(&mut self, name: &Name, open: Open, step: &mut Step) {
        let plan = Arc::clone(&self.plan);
        for kind in &plan.roles[name.0 as usize].kinds {
            for code in plan.codes(name.0, &name.1, kind) {
                self.index.entry((name.0, kind.clone(), code)).or_default().insert(Arc::clone(&name.1));
            }
        }
        self.open[name.0 as usize].insert(Arc::clone(&name.1), open);
        step.opened.insert(name.clone());
        self.touch_inhibited(name, step);
    }

    /// Forgets an incident that is over.
    fn remove(&mut self, name: &Name, step: &mut Step) -> Open {
        let plan = Arc::clone(&self.plan);
        let role = &plan.roles[name.0 as usize];
        for kind in &role.kinds {
            for code in plan.codes(name.0, &name.1, kind) {
                if role.guard.is_some() && *kind == Kind::Area(crate::ast::Each::Subdistrict) {
                    step.relieved.insert((name.0, code.clone()));
                }
                let place = (name.0, kind.clone(), code);
                if let Some(keys) = self.index.get_mut(&place) {
                    keys.remove(&name.1);
                    if keys.is_empty() {
                        self.index.remove(&place);
                    }
                }
            }
        }
        let open = self.open[name.0 as usize].remove(&name.1).expect("only what is open is removed");
        for group in &open.member_of {
            if let Some(group) = self.group_mut(group) {
                group.members.remove(name);
            }
            step.shrunk.insert(group.clone());
        }
        self.touch_inhibited(name, step);
        open
    }

    /// Has those looked at that an incident inhibits or did.
    fn touch_inhibited(&self, name: &Name, step: &mut Step) {
        for (victim, kind) in &self.plan.roles[name.0 as usize].inhibits {
            let keys = self.index.get(&(*victim, kind.clone(), name.1.to_string()));
            step.touched.extend(keys.into_iter().flatten().map(|key| (*victim, Arc::clone(key))));
        }
    }

    /// Opens an incident that nothing but other incidents made.
    fn open_own(&mut self, name: &Name, mut open: Open, evidence: Vec<Evidence>, step: &mut Step) {
        let at = step.at.max(self.not_before(name.0, &name.1, true));
        (open.opened_at, open.told_at, open.revision) = (at, at, 1);
        open.by_thousands = self.plan.roles[name.0 as usize].by_thousands;
        let rule = &self.plan.roles[name.0 as usize].rule.id;
        open.id = incident_id(&self.plan.prefix, rule, &name.1, EventTime(at));
        open.evidence = evidence.first().cloned();
        self.insert(name, open, step);
        let transition = Transition { evidence, ..self.transition(name, TransitionKind::Opened) };
        step.told.push((name.0, transition));
    }

    /// Ends an incident that was made here.
    fn close(&mut self, name: &Name, reason: Option<&str>, step: &mut Step) {
        let open = self.open[name.0 as usize].get_mut(&name.1).expect("only what is open is closed");
        open.count();
        open.told_at = open.told_at.max(step.at);
        let (told_at, members) = (open.told_at, open.group.as_mut().map(|group| std::mem::take(&mut group.members)));
        let told = self.transition(name, TransitionKind::Cleared);
        step.told.push((name.0, Transition { reason: reason.map(str::to_owned), ..told }));
        for member in members.into_iter().flatten() {
            if let Some(member) = self.open[member.0 as usize].get_mut(&member.1) {
                member.member_of.retain(|group| group != name);
            }
        }
        self.remove(name, step);
        self.cleared[name.0 as usize].insert(Arc::clone(&name.1), told_at);
    }

    /// A transition of an open incident as it stands, without evidence.
    fn transition(&self, name: &Name, kind: TransitionKind) -> Transition {
        let (role, open) = (&self.plan.roles[name.0 as usize], &self.open[name.0 as usize][&name.1]);
        let cleared = kind == TransitionKind::Cleared;
        Transition {
            id: open.id,
            rule: role.rule.id.clone(),
            key: name.1.to_string(),
            domain: role.rule.domain,
            severity: open.severity,
            state: if cleared { IncidentState::Cleared } else { IncidentState::Open },
            transition: kind,
            revision: open.newest_revision(),
            time: EventTime(open.told_at),
            opened_at: EventTime(open.opened_at),
            evidence: Vec::new(),
            message: open.message.clone(),
            stale: (open.stale && !cleared).then_some(true),
            reason: None,
            inhibited_by: open.all_inhibitors(),
            members: open.group.as_ref().map_or(Vec::new(), |group| group.ids.clone()),
            storm: if role.is_storm { role.rule.relations.max_open } else { None },
            shown_from: open.shown_from,
        }
    }

    fn get(&self, name: &Name) -> Option<&Open> {
        self.open[name.0 as usize].get(&name.1)
    }

    fn group_mut(&mut self, name: &Name) -> Option<&mut Group> {
        self.open[name.0 as usize].get_mut(&name.1)?.group.as_deref_mut()
    }
}

fn name((role, transition): &(u32, Transition)) -> Name {
    (*role, transition.key.as_str().into())
}

/// By key, rule, time and revision: which came first is no part of the meaning.
pub(super) fn sort(transitions: &mut [Transition]) {
    let order = |one: &Transition| (one.time, one.revision);
    transitions.sort_by(|a, b| (&a.key, &a.rule, order(a)).cmp(&(&b.key, &b.rule, order(b))));
}
