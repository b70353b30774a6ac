//! Tests of ingest against the real embedded log, over real sockets.

mod bad_input;
mod city;
mod decode;
mod endpoint;
mod hostile;
mod ticks;
mod wire;
