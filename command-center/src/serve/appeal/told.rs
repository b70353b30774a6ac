//! What a citizen is told of a case, in their words, Chinese and English. Pure.
//!
//! Only what happened is told, by whom, and what is next by when: what the city's people wrote to each other is theirs.

use super::life::Appeal;
use crate::api::case_view::names;
use crate::city::Names;
use crate::command::case::{Case, State};
use crate::command::clock::{Stage, Working};
use crate::command::step::{CheckResult, Fact, Step, VerifyResult};
use model::{Duties, EventTime};
use serde::Serialize;
use utoipa::ToSchema;

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = AppealStep)]
pub(crate) struct Told {
    pub(crate) at: i64,
    /// received, followed, or as the steps of cases are called.
    pub(crate) step: &'static str,
    pub(crate) text: Names,
}

/// What is next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = AppealNext)]
pub(crate) struct Next {
    pub(crate) text: Names,
    /// By when, epoch milliseconds; null where no limit runs.
    pub(crate) by: Option<i64>,
}

/// What words need that is not in a step.
pub(crate) struct Speaker<'a> {
    pub(crate) unit_name: &'a dyn Fn(&str) -> Names,
    pub(crate) duties: &'a Duties,
    pub(crate) working: &'a Working,
}

/// What happened, first to last. `own` is the case that was made for the appeal or that it follows, `came_to` the one
/// that it leads to, the same where it was merged into no other; both with their steps.
pub(crate) fn steps(
    appeal: &Appeal,
    (own, own_steps): (&Case, &[Step]),
    (came_to, came_to_steps): (&Case, &[Step]),
    speaker: &Speaker<'_>,
) -> Vec<Told> {
    let since = |steps: &[Step], from: EventTime| -> Vec<Told> {
        steps.iter().filter(|step| step.version > 1 && step.at >= from).filter_map(|step| speaker.step(step)).collect()
    };
    let (step, en, zh) = if appeal.said.follows {
        ("followed", "You follow what somebody reported before.", "您已关注他人已反映的同一问题")
    } else {
        ("received", "We have it.", "已收到您的诉求")
    };
    let mut told = vec![Told { at: appeal.received_at.0, step, text: names(en, zh) }];
    told.extend(since(own_steps, appeal.received_at));
    if own.id != came_to.id {
        let voided = own_steps.iter().rev().find(|step| matches!(step.what, Fact::Voided { .. }));
        told.extend(since(came_to_steps, voided.map_or(appeal.received_at, |step| step.at)));
    }
    told
}

impl Speaker<'_> {
    /// A step in a citizen's words; none where it says nothing to them.
    fn step(&self, step: &Step) -> Option<Told> {
        let (en, zh): (String, String) = match &step.what {
            Fact::Dispatched { unit, .. } | Fact::Transferred { unit, .. } => {
                let name = (self.unit_name)(unit);
                let name = |language: &str| name.get(language).map_or(unit.as_str(), String::as_str).to_owned();
                (format!("Sent to {}.", name("en")), format!("已派遣至{}", name("zh")))
            }
            Fact::Suspended { until, .. } => {
                let day = self.day(*until);
                (format!("Put off until {day}."), format!("暂缓处置至 {day}"))
            }
            Fact::OutsideReviewed { upheld: true, reason, where_to, .. } => (
                format!("It is not the city's to do: {reason} Where to go: {where_to} You may ask for a second look."),
                format!("不属于本市受理范围：{reason} 建议渠道：{where_to} 您可申请复核一次"),
            ),
            fact => {
                let (en, zh) = plain(fact)?;
                (en.to_owned(), zh.to_owned())
            }
        };
        Some(Told { at: step.at.0, step: step.what.name(), text: names(&en, &zh) })
    }

    fn day(&self, at: EventTime) -> String {
        let at = jiff::Timestamp::from_millisecond(at.0).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        self.working.zone.to_datetime(at).date().to_string()
    }

    /// What is next for a case, by when; none where it is over.
    pub(crate) fn next(&self, case: &Case) -> Option<Next> {
        let (en, zh, by) = match case.state {
            State::Reported | State::Outside | State::Verified => {
                let limit = self.duties.classes.get(&case.class).map(|class| class.dispatch);
                let after = |limit: model::Limit| {
                    let Working { calendar, zone } = self.working;
                    limit.unit.after(case.reported_at, limit.span(calendar), calendar, zone)
                };
                ("Somebody looks at it and takes it up.", "核实情况，属实即立案", limit.map(after))
            }
            State::Registered | State::Dispatched | State::Handling | State::Feedback => {
                let due = case.clock(Stage::Total).and_then(|clock| clock.due_at);
                ("It is to be done.", "办结", due)
            }
            State::Suspended => ("Work goes on.", "恢复处置", case.suspended_until),
            State::Rejected | State::Closed | State::Evaluated | State::Void => return None,
        };
        Some(Next { text: names(en, zh), by: by.map(|at| at.0) })
    }
}

/// Steps whose words are always the same.
fn plain(fact: &Fact) -> Option<(&'static str, &'static str)> {
    Some(match fact {
        Fact::Verified { result: VerifyResult::Real, .. } => ("Somebody looked: it is so.", "已核实，情况属实"),
        Fact::Verified { result: VerifyResult::NotFound, .. } => {
            ("Somebody looked and did not find it.", "已核实，未发现所述情况")
        }
        Fact::Verified { result: VerifyResult::CannotTell, .. } => {
            ("Somebody looked and could not tell; it is looked at again.", "暂不能确定，将再次核实")
        }
        Fact::Registered { .. } => ("Taken up: the time limit runs.", "已立案，开始计时"),
        Fact::Accepted { .. } => ("The unit works on it.", "处置单位已签收，正在处置"),
        Fact::Returned { .. } => ("Sent back: another unit will get it.", "处置单位已退回，将另行派遣"),
        Fact::FedBack { .. } => ("The unit says that it is done; it is checked next.", "处置单位反馈已处置，等待核查"),
        Fact::ExtensionGranted { .. } => ("The unit was given more time.", "处置时限已延长"),
        Fact::Resumed { .. } => ("Work goes on.", "恢复处置"),
        Fact::Checked { result: CheckResult::Fixed, .. } => ("Checked: it is done.", "核查通过，已结案"),
        Fact::Checked { result: CheckResult::NotFixed, .. } => {
            ("Checked: it is not done; the unit goes on.", "核查未通过，继续处置")
        }
        Fact::SelfCleared { .. } => ("It ended by itself.", "情况已自行消除，已结案"),
        Fact::PartsDone => ("All parts of it are done.", "各部分均已办结"),
        Fact::Voided { .. } => ("Somebody reported the same: both are handled as one.", "与他人反映的同一问题合并办理"),
        Fact::Unmerged { .. } => ("It is another matter: handled by itself again.", "经核实为另一问题，单独办理"),
        Fact::Joined { .. } => ("A sensor found the same.", "传感器也监测到同一情况"),
        Fact::Separated { .. } => ("What the sensor found is another matter.", "经核实，传感器告警为另一问题"),
        Fact::Urged { .. } => ("The unit was urged.", "已督办"),
        Fact::AskedAgain { .. } => ("You asked for a second look: somebody looks again.", "您已申请复核，将再次核实"),
        Fact::Reopened { .. } => ("Opened again: the time limit runs anew.", "已重新立案，重新计时"),
        Fact::Breached { stage: Stage::Handle | Stage::Total, .. } => ("It is late.", "已超时限"),
        Fact::Called { level: Some(_), who, .. } if who.is_empty() => {
            ("Nobody is on duty at the level above: nobody there could be told.", "上级此时无人值班，未能上报")
        }
        Fact::Called { level: Some(_), .. } => ("Those at the level above were told.", "已上报上一级"),
        _ => return None,
    })
}

/// Where a case stands, in a few words.
pub(crate) fn state(case: &Case) -> Names {
    let (en, zh) = match case.state {
        State::Outside => ("looked at once more", "复核中"),
        State::Rejected if case.outside.is_some() => ("not the city's to do", "不属受理范围"),
        State::Reported => ("waits for somebody to look", "待核实"),
        State::Rejected => ("looked at and not found", "未发现，不予立案"),
        State::Verified => ("found to be so", "已核实"),
        State::Registered => ("taken up", "已立案"),
        State::Dispatched => ("sent to a unit", "已派遣"),
        State::Handling => ("being worked on", "处置中"),
        State::Suspended => ("put off", "暂缓"),
        State::Feedback => ("being checked", "待核查"),
        State::Closed | State::Evaluated => ("done", "已办结"),
        State::Void => ("merged", "已合并"),
    };
    names(en, zh)
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::AreaLevel;

    #[test]
    fn of_a_late_case_citizens_are_told_whom_that_reached() {
        let climbs_to = Some(AreaLevel::City);
        let called = |level: Option<AreaLevel>, who: &[&str]| Fact::Called {
            level,
            units: Vec::new(),
            who: who.iter().map(|name| (*name).to_owned()).collect(),
        };
        let said = |fact: &Fact| plain(fact).map(|(en, _)| en);
        assert_eq!(said(&Fact::Breached { stage: Stage::Handle, climbs_to }), Some("It is late."));
        assert_eq!(said(&called(climbs_to, &["gao"])), Some("Those at the level above were told."));
        let nobody = "Nobody is on duty at the level above: nobody there could be told.";
        assert_eq!(said(&called(climbs_to, &[])), Some(nobody));
        assert_eq!(said(&called(None, &["wen"])), None, "that a unit was reminded is the unit's");
    }
}
