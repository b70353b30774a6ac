//! `citywatch accounts` and `citywatch tokens`: who may use the command center of the citywatch that runs here.
//!
//! They go through the socket in the data directory: whoever may open it owns the data anyway.

use crate::failure::{Failure, chain};
use crate::lines::DataDir;
use crate::retry::Desk;
use crate::socket;
use clap::builder::PossibleValuesParser;
use clap::{Args, Subcommand};
use command_center::{AdminAnswer, AdminRequest, NewAccount, NewToken, Role, Scope};
use model::EventTime;
use serde::{Deserialize, Serialize};
use std::io::{Read, Write};

/// `accounts`.
#[derive(Subcommand)]
pub enum Accounts {
    /// Make an account; without --password-stdin its password is made and told once
    Add(AddAccount),
    /// List the accounts, one a line
    List(List),
    /// An account may no longer sign in; its sessions end
    Disable(Named),
    /// An account may sign in again
    Enable(Named),
    /// Another password for an account, told once; its sessions end
    ResetPassword(Named),
    /// An account signs in by the identity provider too
    Link(Link),
}

/// `tokens`.
#[derive(Subcommand)]
pub enum Tokens {
    /// Make a token for a machine; it is told once
    Add(AddToken),
    /// List the tokens, one a line
    List(List),
    /// End a token, by its id
    Revoke(Named),
}

/// `accounts add`.
#[derive(Args)]
pub struct AddAccount {
    /// Its name
    name: String,
    /// What it may be; may be given several times
    #[arg(long, required = true, value_parser = PossibleValuesParser::new(Role::ALL.iter().map(|role| role.name())))]
    role: Vec<String>,
    /// Code of a district or subdistrict, may be given several times; the whole city if left out
    #[arg(long, value_name = "CODE")]
    area: Vec<String>,
    /// The unit whose cases it handles, with the role unit
    #[arg(long)]
    unit: Option<String>,
    /// Take the password from standard input
    #[arg(long)]
    password_stdin: bool,
    #[command(flatten)]
    data: DataDir,
}

/// `tokens add`.
#[derive(Args)]
pub struct AddToken {
    /// Its name, as in drainage-group
    name: String,
    /// What it may do; may be given several times
    #[arg(long, required = true, value_parser = PossibleValuesParser::new(Scope::ALL.iter().map(|scope| scope.name())))]
    scope: Vec<String>,
    /// Code of a district or subdistrict, may be given several times; the whole city if left out
    #[arg(long, value_name = "CODE")]
    area: Vec<String>,
    /// The unit whose cases it handles, with the scope cases:handle
    #[arg(long)]
    unit: Option<String>,
    /// Days until it ends; never if left out
    #[arg(long)]
    days: Option<u32>,
    #[command(flatten)]
    data: DataDir,
}

/// Which one.
#[derive(Args)]
pub struct Named {
    /// An account's name, or a token's id as `list` prints it
    name: String,
    #[command(flatten)]
    data: DataDir,
}

/// `accounts link`.
#[derive(Args)]
pub struct Link {
    /// The account's name
    name: String,
    /// Who it is at the identity provider: the claim `sub`
    #[arg(long)]
    subject: String,
    #[command(flatten)]
    data: DataDir,
}

/// How they are listed.
#[derive(Args)]
pub struct List {
    #[command(flatten)]
    data: DataDir,
    /// A line each for people, or one JSON a line
    #[arg(long, value_enum, default_value = "table")]
    format: crate::dead_letter::Format,
}

/// What goes over the socket.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Request {
    admin: AdminRequest,
    by: String,
}

impl Accounts {
    /// Runs it.
    pub fn run(self) -> Result<(), Failure> {
        match self {
            Accounts::Add(add) => add.run(),
            Accounts::List(list) => list.run(AdminRequest::Accounts),
            Accounts::Disable(Named { name, data }) => {
                told(&data, AdminRequest::SetDisabled { name, disabled: true }, "disabled")
            }
            Accounts::Enable(Named { name, data }) => {
                told(&data, AdminRequest::SetDisabled { name, disabled: false }, "enabled")
            }
            Accounts::ResetPassword(Named { name, data }) => {
                told(&data, AdminRequest::ResetPassword { name }, "password")
            }
            Accounts::Link(Link { name, subject, data }) => {
                told(&data, AdminRequest::LinkAccount { name, subject }, "link")
            }
        }
    }
}

impl Tokens {
    /// Runs it.
    pub fn run(self) -> Result<(), Failure> {
        match self {
            Tokens::Add(add) => {
                let scopes = add.scope.iter().filter_map(|name| Scope::named(name)).collect();
                let AddToken { name, area: areas, unit, days, data, .. } = add;
                told(&data, AdminRequest::AddToken(NewToken { name, scopes, areas, unit, days }), "token")
            }
            Tokens::List(list) => list.run(AdminRequest::Tokens),
            Tokens::Revoke(Named { name, data }) => told(&data, AdminRequest::RevokeToken { id: name }, "revoked"),
        }
    }
}

impl AddAccount {
    fn run(self) -> Result<(), Failure> {
        let mut password = None;
        if self.password_stdin {
            let mut text = String::new();
            std::io::stdin().read_to_string(&mut text).map_err(Failure::usage)?;
            password = Some(text.trim_end_matches(['\r', '\n']).to_owned());
        }
        let roles = self.role.iter().filter_map(|name| Role::named(name)).collect();
        let AddAccount { name, area: areas, unit, data, .. } = self;
        told(&data, AdminRequest::AddAccount(NewAccount { name, roles, areas, unit, password }), "password")
    }
}

impl List {
    fn run(&self, request: AdminRequest) -> Result<(), Failure> {
        let answer = ask(&self.data, request)?;
        let mut out = std::io::stdout().lock();
        let json = self.format == crate::dead_letter::Format::Json;
        let when = |at: Option<i64>| at.map_or_else(|| "-".to_owned(), |at| EventTime(at).to_string());
        let areas = |areas: &[String]| if areas.is_empty() { "city".to_owned() } else { areas.join(",") };
        match answer {
            AdminAnswer::Accounts(accounts) => {
                for one in accounts {
                    if json {
                        writeln!(out, "{}", serde_json::to_string(&one).map_err(Failure::internal)?)?;
                        continue;
                    }
                    let roles: Vec<&str> = one.roles.iter().map(|role| role.name()).collect();
                    let (state, unit) = (if one.disabled { "disabled" } else { "active" }, one.unit.as_deref());
                    let (roles, areas, unit) = (roles.join(","), areas(&one.areas), unit.unwrap_or("-"));
                    writeln!(out, "{:<24} {roles:<28} {areas:<24} {unit:<28} {state}", one.name)?;
                }
            }
            AdminAnswer::Tokens(tokens) => {
                for one in tokens {
                    if json {
                        writeln!(out, "{}", serde_json::to_string(&one).map_err(Failure::internal)?)?;
                        continue;
                    }
                    let scopes: Vec<&str> = one.scopes.iter().map(|scope| scope.name()).collect();
                    let (scopes, areas, ends) = (scopes.join(","), areas(&one.areas), when(one.expires_at));
                    let state = if one.revoked_at.is_some() { "revoked" } else { "active" };
                    writeln!(out, "{} {:<24} {scopes:<32} {areas:<24} ends {ends} {state}", one.id, one.name)?;
                }
            }
            other => return Err(unexpected(&other)),
        }
        Ok(out.flush()?)
    }
}

/// Asks, and tells the secret that was made, if one was.
fn told(data: &DataDir, request: AdminRequest, what: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    match ask(data, request)? {
        AdminAnswer::Done { id, secret: Some(secret) } => {
            eprintln!("citywatch: {id}: the {what} is told this once");
            writeln!(out, "{secret}")?;
        }
        AdminAnswer::Done { id, secret: None } => writeln!(out, "{id}: done")?,
        AdminAnswer::Missing(name) => {
            eprintln!("citywatch: there is no \"{name}\", or it ended before");
            return Err(Failure::No);
        }
        AdminAnswer::Refused(why) => {
            eprintln!("citywatch: refused: {why}");
            return Err(Failure::No);
        }
        other => return Err(unexpected(&other)),
    }
    Ok(out.flush()?)
}

fn unexpected(answer: &AdminAnswer) -> Failure {
    Failure::internal(format!("an answer to another question came: {answer:?}"))
}

/// Asks the citywatch that runs on this data directory.
pub fn ask(data: &DataDir, admin: AdminRequest) -> Result<AdminAnswer, Failure> {
    let login = ["USER", "LOGNAME"].iter().find_map(|name| std::env::var(name).ok());
    let by = format!("socket/{}", login.unwrap_or_else(|| "unknown".to_owned()));
    let Some(mut answer) = socket::ask(&data.data_dir, &socket::Request::Admin(Request { admin, by }))? else {
        let data = data.data_dir.display();
        return Err(Failure::usage(format!("no citywatch runs on \"{data}\": start it, or name its --data-dir")));
    };
    let line = answer.next()?.ok_or_else(|| Failure::internal("citywatch gave no answer"))?;
    serde_json::from_str(&line).map_err(Failure::internal)
}

/// Does what a command asks for; the answer's line, or why it could not be tried.
pub async fn answer(desk: &Desk, request: Request) -> Result<String, String> {
    let admin = desk.admin.get().ok_or("the command center does not run here")?;
    let answer = admin.answer(request.admin, &request.by).await.map_err(|error| chain(&error))?;
    serde_json::to_string(&answer).map_err(|error| chain(&error))
}
