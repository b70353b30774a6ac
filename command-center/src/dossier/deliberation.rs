//! A deliberation 群众议事: a major, complex or widely watched case is put to a panel of delegates, members of the CPPCC,
//! citizens, netizens and media: agenda, materials, opinions, a vote, a conclusion that is published. It decides nothing
//! about the case: the conclusion is a reference. Who sits where stands in the store alone. Pure.

use super::{Dossier, Filed, Head, Step};
use crate::command::decide::{Actor, Refused};
use crate::command::text::{note, reason};
use bus::Topic;
use model::EventTime;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;
use uuid::Uuid;

/// Seats of a panel.
pub(crate) const SEATS: std::ops::RangeInclusive<usize> = 3..=49;
/// Points of an agenda, and answers to choose from.
const POINTS_MAX: usize = 20;
const OPTIONS: std::ops::RangeInclusive<usize> = 2..=8;

/// Why a case is put to a panel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = DeliberationCause)]
pub(crate) enum Cause {
    Major,
    Complex,
    /// Widely watched.
    Watched,
}

/// For whom somebody sits on a panel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Seat {
    /// 党代表.
    PartyDelegate,
    /// 人大代表.
    CongressDelegate,
    /// 政协委员.
    CppccMember,
    Citizen,
    Netizen,
    Media,
}

/// How it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = DeliberationState)]
pub(crate) enum State {
    /// Materials and opinions are gathered.
    Gathering,
    Voting,
    Concluded,
    /// For everybody to read.
    Published,
    Withdrawn,
}

/// The case that something is about, and where it lies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct OfCase {
    #[schema(value_type = String)]
    pub(crate) case: Uuid,
    pub(crate) case_number: String,
    pub(crate) class: String,
    pub(crate) district: Option<String>,
    pub(crate) subdistrict: Option<String>,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "step", rename_all = "snake_case")]
pub(crate) enum DeliberationFact {
    Convened {
        of: OfCase,
        cause: Cause,
        question: String,
        agenda: Vec<String>,
        seats: Vec<Seat>,
    },
    MaterialAdded {
        title: String,
        note: String,
    },
    /// Of the seat with this number, from 1.
    OpinionGiven {
        seat: usize,
        note: String,
    },
    VoteCalled {
        options: Vec<String>,
    },
    /// For the option with this number, from 1.
    Voted {
        seat: usize,
        option: usize,
    },
    /// With the votes of each option.
    Concluded {
        note: String,
        tally: Vec<usize>,
    },
    Published,
    Withdrawn {
        reason: String,
    },
}

/// A deliberation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub(crate) struct Deliberation {
    #[serde(flatten)]
    pub(crate) head: Head,
    pub(crate) state: State,
    pub(crate) of: OfCase,
    pub(crate) cause: Cause,
    /// What is asked.
    pub(crate) question: String,
    pub(crate) agenda: Vec<String>,
    /// For whom each seat is, from seat 1.
    pub(crate) seats: Vec<Seat>,
    /// What can be voted for, from option 1.
    pub(crate) options: Vec<String>,
    /// The option that each seat voted for.
    pub(crate) votes: BTreeMap<usize, usize>,
    pub(crate) conclusion: Option<String>,
    #[schema(value_type = Option<i64>)]
    pub(crate) published_at: Option<EventTime>,
}

impl Dossier for Deliberation {
    type Fact = DeliberationFact;
    const KIND: &'static str = "deliberation";
    const TOPIC: Topic = Topic::Serve;

    fn begin(head: Head, what: &DeliberationFact) -> Option<Deliberation> {
        let DeliberationFact::Convened { of, cause, question, agenda, seats } = what else { return None };
        Some(Deliberation {
            head,
            state: State::Gathering,
            of: of.clone(),
            cause: *cause,
            question: question.clone(),
            agenda: agenda.clone(),
            seats: seats.clone(),
            options: Vec::new(),
            votes: BTreeMap::new(),
            conclusion: None,
            published_at: None,
        })
    }

    fn apply(&mut self, step: &Step<DeliberationFact>) {
        match &step.what {
            DeliberationFact::Convened { .. }
            | DeliberationFact::MaterialAdded { .. }
            | DeliberationFact::OpinionGiven { .. } => {}
            DeliberationFact::VoteCalled { options } => {
                self.options.clone_from(options);
                self.state = State::Voting;
            }
            DeliberationFact::Voted { seat, option } => drop(self.votes.insert(*seat, *option)),
            DeliberationFact::Concluded { note, .. } => {
                self.conclusion = Some(note.clone());
                self.state = State::Concluded;
            }
            DeliberationFact::Published => {
                self.published_at = Some(step.at);
                self.state = State::Published;
            }
            DeliberationFact::Withdrawn { .. } => self.state = State::Withdrawn,
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
            is_open: !matches!(self.state, State::Published | State::Withdrawn),
            case: Some(self.of.case),
            district: self.of.district.as_deref(),
            subdistrict: self.of.subdistrict.as_deref(),
            ..Filed::default()
        }
    }

    fn name(what: &DeliberationFact) -> &'static str {
        match what {
            DeliberationFact::Convened { .. } => "convened",
            DeliberationFact::MaterialAdded { .. } => "material_added",
            DeliberationFact::OpinionGiven { .. } => "opinion_given",
            DeliberationFact::VoteCalled { .. } => "vote_called",
            DeliberationFact::Voted { .. } => "voted",
            DeliberationFact::Concluded { .. } => "concluded",
            DeliberationFact::Published => "published",
            DeliberationFact::Withdrawn { .. } => "withdrawn",
        }
    }

    fn offered(&self, _: &Actor) -> Vec<&'static str> {
        match self.state {
            State::Gathering => vec!["opinion", "material", "call-vote", "withdraw"],
            State::Voting => vec!["vote", "conclude", "withdraw"],
            State::Concluded => vec!["publish", "withdraw"],
            State::Published | State::Withdrawn => Vec::new(),
        }
    }
}

impl State {
    /// What everybody may read.
    pub(crate) const OPEN: &'static str = "published";

    fn name(self) -> &'static str {
        match self {
            State::Gathering => "gathering",
            State::Voting => "voting",
            State::Concluded => "concluded",
            State::Published => State::OPEN,
            State::Withdrawn => "withdrawn",
        }
    }
}

impl Deliberation {
    /// Puts a case to a panel.
    pub(crate) fn convene(
        of: OfCase,
        cause: Cause,
        question: &str,
        agenda: &[String],
        seats: Vec<Seat>,
    ) -> Result<DeliberationFact, Refused> {
        if !SEATS.contains(&seats.len()) {
            let (least, most) = (SEATS.start(), SEATS.end());
            return Err(Refused::Invalid(format!("a panel has {least} to {most} seats")));
        }
        if seats.iter().all(|seat| *seat == seats[0]) {
            return Err(Refused::Invalid("a panel has seats of two kinds at least".to_owned()));
        }
        if agenda.len() > POINTS_MAX {
            return Err(Refused::Invalid(format!("an agenda has {POINTS_MAX} points at most")));
        }
        let agenda = agenda.iter().map(|point| reason(point)).collect::<Result<_, _>>()?;
        Ok(DeliberationFact::Convened { of, cause, question: reason(question)?, agenda, seats })
    }

    /// Something to read before the vote.
    pub(crate) fn add_material(&self, title: &str, text: &str) -> Result<DeliberationFact, Refused> {
        self.stands_in(&[State::Gathering])?;
        Ok(DeliberationFact::MaterialAdded { title: reason(title)?, note: note(text)? })
    }

    /// What a seat says.
    pub(crate) fn give_opinion(&self, seat: usize, text: &str) -> Result<DeliberationFact, Refused> {
        self.stands_in(&[State::Gathering])?;
        self.has_seat(seat)?;
        Ok(DeliberationFact::OpinionGiven { seat, note: reason(text)? })
    }

    /// Ends the talk: what is voted on.
    pub(crate) fn call_vote(&self, options: &[String]) -> Result<DeliberationFact, Refused> {
        self.stands_in(&[State::Gathering])?;
        let options: Vec<String> = options.iter().map(|option| reason(option)).collect::<Result<_, _>>()?;
        let is_said_twice = options.iter().enumerate().any(|(at, option)| options[..at].contains(option));
        if !OPTIONS.contains(&options.len()) || is_said_twice {
            let (least, most) = (OPTIONS.start(), OPTIONS.end());
            return Err(Refused::Invalid(format!("a vote has {least} to {most} options, each another")));
        }
        Ok(DeliberationFact::VoteCalled { options })
    }

    /// The vote of a seat, once.
    pub(crate) fn vote(&self, seat: usize, option: usize) -> Result<DeliberationFact, Refused> {
        self.stands_in(&[State::Voting])?;
        self.has_seat(seat)?;
        if self.votes.contains_key(&seat) {
            return Err(Refused::State(format!("seat {seat} has voted")));
        }
        if !(1..=self.options.len()).contains(&option) {
            return Err(Refused::Invalid(format!("there is no option {option}: they are 1 to {}", self.options.len())));
        }
        Ok(DeliberationFact::Voted { seat, option })
    }

    /// What comes of it, when more than half of the seats have voted.
    pub(crate) fn conclude(&self, text: &str) -> Result<DeliberationFact, Refused> {
        self.stands_in(&[State::Voting])?;
        if self.votes.len() * 2 <= self.seats.len() {
            let (voted, seats) = (self.votes.len(), self.seats.len());
            return Err(Refused::State(format!("{voted} of {seats} seats have voted: more than half are needed")));
        }
        Ok(DeliberationFact::Concluded { note: reason(text)?, tally: self.tally() })
    }

    /// For everybody to read.
    pub(crate) fn publish(&self) -> Result<DeliberationFact, Refused> {
        self.stands_in(&[State::Concluded])?;
        Ok(DeliberationFact::Published)
    }

    /// It is not gone on with.
    pub(crate) fn withdraw(&self, why: &str) -> Result<DeliberationFact, Refused> {
        self.stands_in(&[State::Gathering, State::Voting, State::Concluded])?;
        Ok(DeliberationFact::Withdrawn { reason: reason(why)? })
    }

    /// The votes of each option.
    pub(crate) fn tally(&self) -> Vec<usize> {
        let votes = |option: usize| self.votes.values().filter(|vote| **vote == option).count();
        (1..=self.options.len()).map(votes).collect()
    }

    fn has_seat(&self, seat: usize) -> Result<(), Refused> {
        if (1..=self.seats.len()).contains(&seat) {
            return Ok(());
        }
        Err(Refused::Invalid(format!("there is no seat {seat}: they are 1 to {}", self.seats.len())))
    }

    fn stands_in(&self, states: &[State]) -> Result<(), Refused> {
        if states.contains(&self.state) {
            return Ok(());
        }
        Err(Refused::State(format!("not while the deliberation is {}", self.state.name())))
    }
}
