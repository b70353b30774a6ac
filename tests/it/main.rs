//! Tests of the whole house: its style, and the built binary from MQTT to incidents.

mod tidy;
