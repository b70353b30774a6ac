//! The rules stage over real logs: the same incidents at any number of workers and however often it is killed.

mod backpressure;
mod city;
mod damage;
mod determinism;
mod kill;
mod reload;
mod run;
