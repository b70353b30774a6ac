//! The open incidents as bytes, and under another plan.

use super::super::codec::{Broken, Reader, Writer};
use super::open::Elsewhere;
use super::{Group, Name, Open, Plan, Relations, Step};
use model::{EventTime, Evidence, EvidencePosition, Severity};
use std::collections::BTreeSet;
use std::sync::Arc;
use uuid::Uuid;

impl Relations {
    /// Appends all of it: the same state gives the same bytes.
    pub(crate) fn save(&self, writer: &mut Writer<'_>) {
        let names: Vec<Name> = self.names().collect();
        writer.unsigned(names.len() as u64);
        for name in &names {
            writer.unsigned(u64::from(name.0));
            writer.text(&name.1);
            save_open(&self.open[name.0 as usize][&name.1], writer);
        }
        writer.unsigned(self.cleared.iter().map(|cleared| cleared.len() as u64).sum());
        for (role, cleared) in self.cleared.iter().enumerate() {
            for (key, at) in cleared {
                writer.unsigned(role as u64);
                writer.text(key);
                writer.signed(*at);
            }
        }
    }

    /// Takes up what [`Relations::save`] wrote under an equal plan.
    pub(crate) fn load(plan: Arc<Plan>, reader: &mut Reader<'_>) -> Result<Relations, Broken> {
        let mut relations = Relations::new(plan);
        let roles = relations.open.len();
        for _ in 0..reader.count()? {
            let name = load_name(reader, roles)?;
            let open = load_open(reader, roles)?;
            relations.insert(&name, open, &mut Step::default());
        }
        for _ in 0..reader.count()? {
            let (role, key) = load_name(reader, roles)?;
            relations.cleared[role as usize].insert(key, reader.signed()?);
        }
        Ok(relations)
    }

    /// The same incidents under another plan; those of rules that it lacks are left out.
    pub(super) fn under(&self, plan: &Arc<Plan>) -> Relations {
        let now = |role: u32| {
            let was = &self.plan.roles[role as usize];
            let now = plan.role_of(&was.rule.id)?;
            if was.is_storm { plan.roles[now as usize].storm } else { Some(now) }
        };
        let name_now = |name: &Name| Some((now(name.0)?, Arc::clone(&name.1)));
        let mut next = Relations::new(Arc::clone(plan));
        for name in self.names() {
            let mut open = self.open[name.0 as usize][&name.1].clone();
            let Some(name) = name_now(&name) else { continue };
            open.by_thousands |= plan.roles[name.0 as usize].by_thousands;
            open.member_of = open.member_of.iter().filter_map(name_now).collect();
            if let Some(group) = &mut open.group {
                group.members = group.members.iter().filter_map(name_now).collect();
            }
            next.insert(&name, open, &mut Step::default());
        }
        for (role, cleared) in self.cleared.iter().enumerate() {
            if let Some(role) = now(role as u32) {
                next.cleared[role as usize].clone_from(cleared);
            }
        }
        next
    }
}

fn save_name(name: &Name, writer: &mut Writer<'_>) {
    writer.unsigned(u64::from(name.0));
    writer.text(&name.1);
}

fn load_name(reader: &mut Reader<'_>, roles: usize) -> Result<Name, Broken> {
    let role = reader.index()?;
    if role as usize >= roles {
        return Err(Broken);
    }
    Ok((role, reader.text()?.into()))
}

fn save_ids(ids: &[Uuid], writer: &mut Writer<'_>) {
    writer.unsigned(ids.len() as u64);
    ids.iter().for_each(|id| writer.0.extend_from_slice(id.as_bytes()));
}

fn load_id(reader: &mut Reader<'_>) -> Result<Uuid, Broken> {
    Uuid::from_slice(reader.bytes(16)?).map_err(|_| Broken)
}

fn save_open(open: &Open, writer: &mut Writer<'_>) {
    writer.0.extend_from_slice(open.id.as_bytes());
    writer.signed(open.opened_at);
    writer.signed(open.told_at);
    writer.unsigned(u64::from(open.revision));
    writer.flag(open.by_thousands);
    writer.option(open.elsewhere.as_deref(), |writer, elsewhere| {
        save_ids(&elsewhere.inhibited_by, writer);
        writer.unsigned(u64::from(elsewhere.marks));
    });
    writer.unsigned(open.severity as u64);
    writer.flag(open.stale);
    writer.option(open.message.as_deref(), Writer::text);
    writer.option(open.evidence.as_ref(), |writer, evidence| {
        writer.text(&evidence.sensor);
        writer.text(&evidence.metric);
        writer.signed(evidence.time.0);
        writer.number(evidence.value);
        writer.unsigned(u64::from(evidence.position.partition));
        writer.unsigned(evidence.position.offset);
    });
    save_ids(&open.inhibited_by, writer);
    writer.unsigned(u64::from(open.shown_from));
    writer.flag(open.in_storm);
    writer.unsigned(open.member_of.len() as u64);
    open.member_of.iter().for_each(|name| save_name(name, writer));
    writer.option(open.group.as_deref(), |writer, group| {
        writer.unsigned(group.members.len() as u64);
        group.members.iter().for_each(|name| save_name(name, writer));
        save_ids(&group.ids, writer);
    });
}

fn load_open(reader: &mut Reader<'_>, roles: usize) -> Result<Open, Broken> {
    Ok(Open {
        id: load_id(reader)?,
        opened_at: reader.signed()?,
        told_at: reader.signed()?,
        revision: reader.index()?,
        by_thousands: reader.flag()?,
        elsewhere: reader
            .option(|reader| Ok(Box::new(Elsewhere { inhibited_by: reader.list(load_id)?, marks: reader.index()? })))?,
        severity: *Severity::ALL.get(reader.unsigned()? as usize).ok_or(Broken)?,
        stale: reader.flag()?,
        message: reader.option(|reader| reader.text().map(str::to_owned))?,
        evidence: reader.option(|reader| {
            Ok(Evidence {
                sensor: reader.text()?.to_owned(),
                metric: reader.text()?.to_owned(),
                time: EventTime(reader.signed()?),
                value: reader.number()?,
                position: EvidencePosition { partition: reader.index()?, offset: reader.unsigned()? },
            })
        })?,
        inhibited_by: reader.list(load_id)?,
        shown_from: reader.index()?,
        in_storm: reader.flag()?,
        member_of: reader.list(|reader| load_name(reader, roles))?,
        group: reader.option(|reader| {
            let members = reader.list(|reader| load_name(reader, roles))?.into_iter().collect::<BTreeSet<Name>>();
            Ok(Box::new(Group { members, ids: reader.list(load_id)? }))
        })?,
    })
}
