//! The storm guard: beyond so many open incidents of a rule in a subdistrict, one incident says so.

use super::plan::Kind;
use super::{Name, Open, Relations, Step};
use crate::ast::Each;
use std::collections::BTreeMap;
use std::sync::Arc;

impl Relations {
    /// Inhibits what opens while enough others are open, and ends the storms that are over.
    pub(super) fn guard(&mut self, step: &mut Step) {
        let plan = Arc::clone(&self.plan);
        let mut openings: BTreeMap<(u32, String), Vec<Name>> = BTreeMap::new();
        for name in step.opened.iter().filter(|name| plan.roles[name.0 as usize].guard.is_some()) {
            for code in plan.codes(name.0, &name.1, &Kind::Area(Each::Subdistrict)) {
                openings.entry((name.0, code)).or_default().push(name.clone());
            }
        }
        for ((role, code), names) in openings {
            let Some((storm, max_open)) = plan.roles[role as usize].guard else { continue };
            let storm: Name = (storm, code.as_str().into());
            let open_before = self.count(role, &code) - names.len();
            for (place, name) in names.iter().enumerate() {
                if open_before + place < max_open as usize {
                    continue;
                }
                let Some(open) = self.open[name.0 as usize].get_mut(&name.1) else { continue };
                open.in_storm = true;
                let (severity, evidence) = (open.severity, open.evidence.clone());
                if self.get(&storm).is_none() {
                    self.open_own(&storm, Open::made(severity, None), evidence.into_iter().collect(), step);
                }
            }
        }
        for (role, code) in std::mem::take(&mut step.relieved) {
            let Some((storm, max_open)) = plan.roles[role as usize].guard else { continue };
            let storm: Name = (storm, code.as_str().into());
            if self.get(&storm).is_some() && self.count(role, &code) < max_open as usize {
                self.close(&storm, None, step);
                self.calm(role, &code, step);
            }
        }
    }

    /// The storm of an incident's rule in its subdistrict.
    pub(super) fn storm_over(&self, name: &Name) -> Option<&Open> {
        let (storm, _) = self.plan.roles[name.0 as usize].guard?;
        let code = self.plan.codes(name.0, &name.1, &Kind::Area(Each::Subdistrict)).into_iter().next()?;
        self.open[storm as usize].get(code.as_str())
    }

    /// Has all incidents of a rule in a subdistrict stand for themselves again.
    fn calm(&mut self, role: u32, code: &str, step: &mut Step) {
        let place = (role, Kind::Area(Each::Subdistrict), code.to_owned());
        for key in self.index.get(&place).into_iter().flatten() {
            if let Some(open) = self.open[role as usize].get_mut(key)
                && std::mem::take(&mut open.in_storm)
            {
                step.touched.insert((role, Arc::clone(key)));
            }
        }
    }

    /// How many incidents of a rule are open in a subdistrict.
    fn count(&self, role: u32, code: &str) -> usize {
        let place = (role, Kind::Area(Each::Subdistrict), code.to_owned());
        self.index.get(&place).map_or(0, |keys| keys.len())
    }
}
