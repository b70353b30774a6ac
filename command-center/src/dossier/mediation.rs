//! A mediation 调处化解 of a dispute on a case: parties, a mediator, sessions, and an agreement or a referral. It changes
//! nothing in the case. Who the parties are stands in the store alone. Pure.

use super::deliberation::OfCase;
use super::{Dossier, Filed, Head, Step};
use crate::command::decide::{Actor, Refused};
use crate::command::text::reason;
use bus::Topic;
use model::EventTime;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Parties of a dispute.
pub(crate) const PARTIES: std::ops::RangeInclusive<usize> = 2..=20;

/// What a party is in a dispute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Party {
    /// 申请人.
    Claimant,
    /// 被申请人.
    Respondent,
    /// 第三人.
    Third,
}

/// Where a dispute is sent that was not settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = MediationReferral)]
pub(crate) enum Referral {
    Notary,
    Arbitration,
    Court,
}

/// How it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = MediationState)]
pub(crate) enum State {
    Open,
    Agreed,
    /// Agreed, and done as agreed.
    Performed,
    Referred,
    Withdrawn,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "step", rename_all = "snake_case")]
pub(crate) enum MediationFact {
    Opened {
        of: OfCase,
        /// What the dispute is about.
        reason: String,
        parties: Vec<Party>,
        /// The office that mediates.
        mediator: String,
    },
    SessionHeld {
        #[schema(value_type = i64)]
        held_at: EventTime,
        /// The parties that were there, by number from 1.
        parties: Vec<usize>,
        minutes: String,
    },
    Agreed {
        note: String,
    },
    Performed {
        note: String,
    },
    Referred {
        to: Referral,
        reason: String,
    },
    Withdrawn {
        reason: String,
    },
}

/// A mediation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub(crate) struct Mediation {
    #[serde(flatten)]
    pub(crate) head: Head,
    pub(crate) state: State,
    pub(crate) of: OfCase,
    /// What the dispute is about.
    pub(crate) matter: String,
    /// What each party is, from party 1.
    pub(crate) parties: Vec<Party>,
    pub(crate) mediator: String,
    /// Sessions so far.
    pub(crate) sessions: u32,
    pub(crate) referral: Option<Referral>,
}

impl Dossier for Mediation {
    type Fact = MediationFact;
    const KIND: &'static str = "mediation";
    const TOPIC: Topic = Topic::Serve;

    fn begin(head: Head, what: &MediationFact) -> Option<Mediation> {
        let MediationFact::Opened { of, reason, parties, mediator } = what else { return None };
        Some(Mediation {
            head,
            state: State::Open,
            of: of.clone(),
            matter: reason.clone(),
            parties: parties.clone(),
            mediator: mediator.clone(),
            sessions: 0,
            referral: None,
        })
    }

    fn apply(&mut self, step: &Step<MediationFact>) {
        match &step.what {
            MediationFact::Opened { .. } => {}
            MediationFact::SessionHeld { .. } => self.sessions += 1,
            MediationFact::Agreed { .. } => self.state = State::Agreed,
            MediationFact::Performed { .. } => self.state = State::Performed,
            MediationFact::Referred { to, .. } => {
                self.referral = Some(*to);
                self.state = State::Referred;
            }
            MediationFact::Withdrawn { .. } => self.state = State::Withdrawn,
        }
    }

    fn head(&self) -> &Head {
        &self.head
    }

    fn head_mut(&mut self) -> &mut Head {
        &mut self.head
    }

    fn filed(&self) -> Filed<'_> {
        Filed {
            state: self.state.name(),
            is_open: matches!(self.state, State::Open | State::Agreed),
            case: Some(self.of.case),
            district: self.of.district.as_deref(),
            subdistrict: self.of.subdistrict.as_deref(),
            ..Filed::default()
        }
    }

    fn name(what: &MediationFact) -> &'static str {
        match what {
            MediationFact::Opened { .. } => "opened",
            MediationFact::SessionHeld { .. } => "session_held",
            MediationFact::Agreed { .. } => "agreed",
            MediationFact::Performed { .. } => "performed",
            MediationFact::Referred { .. } => "referred",
            MediationFact::Withdrawn { .. } => "withdrawn",
        }
    }

    fn offered(&self, _: &Actor) -> Vec<&'static str> {
        match self.state {
            State::Open if self.sessions == 0 => vec!["hold", "refer", "withdraw"],
            State::Open => vec!["hold", "agree", "refer", "withdraw"],
            State::Agreed => vec!["perform", "refer"],
            State::Performed | State::Referred | State::Withdrawn => Vec::new(),
        }
    }
}

impl State {
    fn name(self) -> &'static str {
        match self {
            State::Open => "open",
            State::Agreed => "agreed",
            State::Performed => "performed",
            State::Referred => "referred",
            State::Withdrawn => "withdrawn",
        }
    }
}

impl Mediation {
    /// Takes a dispute up.
    pub(crate) fn open(
        of: OfCase,
        matter: &str,
        parties: Vec<Party>,
        mediator: &str,
    ) -> Result<MediationFact, Refused> {
        if !PARTIES.contains(&parties.len()) {
            let (least, most) = (PARTIES.start(), PARTIES.end());
            return Err(Refused::Invalid(format!("a dispute has {least} to {most} parties")));
        }
        Ok(MediationFact::Opened { of, reason: reason(matter)?, parties, mediator: reason(mediator)? })
    }

    /// A session was held; `at` is now.
    pub(crate) fn hold(
        &self,
        held_at: EventTime,
        parties: &[usize],
        minutes: &str,
        at: EventTime,
    ) -> Result<MediationFact, Refused> {
        self.stands_in(&[State::Open])?;
        if held_at > at {
            return Err(Refused::Invalid("it cannot have been held later than now".to_owned()));
        }
        if let Some(party) = parties.iter().find(|party| !(1..=self.parties.len()).contains(*party)) {
            let most = self.parties.len();
            return Err(Refused::Invalid(format!("there is no party {party}: they are 1 to {most}")));
        }
        Ok(MediationFact::SessionHeld { held_at, parties: parties.to_vec(), minutes: reason(minutes)? })
    }

    /// The parties agree.
    pub(crate) fn agree(&self, terms: &str) -> Result<MediationFact, Refused> {
        self.stands_in(&[State::Open])?;
        if self.sessions == 0 {
            return Err(Refused::State("nobody has met: hold a session first".to_owned()));
        }
        Ok(MediationFact::Agreed { note: reason(terms)? })
    }

    /// It was done as agreed.
    pub(crate) fn perform(&self, text: &str) -> Result<MediationFact, Refused> {
        self.stands_in(&[State::Agreed])?;
        Ok(MediationFact::Performed { note: reason(text)? })
    }

    /// It goes to somebody else.
    pub(crate) fn refer(&self, to: Referral, why: &str) -> Result<MediationFact, Refused> {
        self.stands_in(&[State::Open, State::Agreed])?;
        Ok(MediationFact::Referred { to, reason: reason(why)? })
    }

    /// It is not gone on with.
    pub(crate) fn withdraw(&self, why: &str) -> Result<MediationFact, Refused> {
        self.stands_in(&[State::Open])?;
        Ok(MediationFact::Withdrawn { reason: reason(why)? })
    }

    fn stands_in(&self, states: &[State]) -> Result<(), Refused> {
        if states.contains(&self.state) {
            return Ok(());
        }
        Err(Refused::State(format!("not while the mediation is {}", self.state.name())))
    }
}
