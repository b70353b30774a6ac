//! `citywatch`: the one binary. Arguments in, one subcommand run, an exit code out.
//!
//! Exit codes are a contract: 0 good, 1 the answer is no, 2 wrong use, 70 internal. A panic on any thread is a broken
//! invariant and ends the process with 70; what is on the disk stays right, because nothing relies on an orderly end.

mod appeals;
mod asyncapi;
mod audit;
mod behind;
mod change;
mod city;
mod city_log;
mod cluster;
mod config;
mod config_schema;
mod config_servers;
mod config_time;
mod counts;
mod dead_letter;
mod demo;
mod devices;
mod doctor;
mod doctor_kafka;
mod doctor_servers;
mod explain;
mod failure;
mod in_force;
mod incidents;
mod inputs;
mod lines;
mod listen;
mod measured;
mod past;
mod people;
mod progress;
mod readings;
mod registry;
mod remote;
mod replay;
mod retry;
mod rule_info;
mod rule_tests;
mod rules;
mod run;
mod signed;
mod simulate;
mod socket;
mod stage;
mod stop;
mod supervise;
mod tail;
mod why_not;
mod workbench;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// The software a city runs on: sensor feeds in, judged cases out.
#[derive(Parser)]
#[command(version, propagate_version = true, max_term_width = 100, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Start a small city on this machine: sensors, endpoint, log, rules, incidents
    Demo(demo::Demo),
    /// Run citywatch for a city, by a configuration file
    Run(run::Run),
    /// Publish recorded readings by MQTT
    Replay(replay::Replay),
    /// Publish what the sensors of the city would measure in a scenario, with known truth
    Simulate(simulate::Simulate),
    /// Check, test and backtest detection rules
    #[command(subcommand)]
    Rules(rules::Rules),
    /// What the rules found
    #[command(subcommand)]
    Incidents(incidents::Incidents),
    /// What ingest refused
    #[command(subcommand)]
    DeadLetter(dead_letter::DeadLetter),
    /// The sensors, areas and metrics
    #[command(subcommand)]
    Registry(registry::RegistryCommand),
    /// How the city's units did their work
    #[command(subcommand)]
    Supervise(supervise::Supervise),
    /// What citizens say
    #[command(subcommand)]
    Appeals(appeals::Appeals),
    /// Who may use the command center: people
    #[command(subcommand)]
    Accounts(people::Accounts),
    /// Who may use the command center: machines
    #[command(subcommand)]
    Tokens(people::Tokens),
    /// What people and machines did
    #[command(subcommand)]
    Audit(audit::Audit),
    /// The credentials of sensors, gateways and utilities
    #[command(subcommand)]
    Devices(devices::Devices),
    /// Print the OpenAPI description of the API
    Openapi,
    /// Print the AsyncAPI description of the topics
    Asyncapi,
    /// Can it reach what it needs; what is wrong, and the mend
    Doctor(doctor::Doctor),
    /// The configuration file
    #[command(subcommand)]
    Config(config::ConfigCommand),
}

fn openapi() -> Result<(), failure::Failure> {
    use std::io::Write;
    Ok(writeln!(std::io::stdout(), "{}", command_center::openapi())?)
}

fn main() -> ExitCode {
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        report(panic);
        // The default report went out; other threads must not go on beside a broken invariant.
        std::process::exit(i32::from(failure::INTERNAL));
    }));
    let outcome = match Cli::parse().command {
        Command::Demo(demo) => demo.run(),
        Command::Run(run) => run.run(),
        Command::Replay(replay) => replay.run(),
        Command::Simulate(simulate) => simulate.run(),
        Command::Rules(rules) => rules.run(),
        Command::Incidents(incidents) => incidents.run(),
        Command::DeadLetter(dead_letter) => dead_letter.run(),
        Command::Registry(registry) => registry.run(),
        Command::Supervise(supervise) => supervise.run(),
        Command::Appeals(appeals) => appeals.run(),
        Command::Accounts(accounts) => accounts.run(),
        Command::Tokens(tokens) => tokens.run(),
        Command::Audit(audit) => audit.run(),
        Command::Devices(devices) => devices.run(),
        Command::Openapi => openapi(),
        Command::Asyncapi => asyncapi::run(),
        Command::Doctor(doctor) => doctor.run(),
        Command::Config(config) => config.run(),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}
