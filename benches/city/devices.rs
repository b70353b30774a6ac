//! A hundred thousand devices, 11,111 messages a second with three values each, one alarm rule, everything durable and
//! stored: the log, history, the command center's store. The scenario that ThingsBoard publishes for a million devices.

use crate::device::Device;
use crate::process::{City, PATIENCE};
use std::io::Read;
use std::time::{Duration, Instant};

const DEVICES: u64 = 100_000;
const RATE: u64 = 11_111;
const CONNECTIONS: u64 = 50;
/// Until every device was heard once.
const WARM: Duration = Duration::from_secs(10);
const MEASURED: Duration = Duration::from_secs(20);
/// One message in so many crosses the threshold.
const ALARM_EVERY: u64 = 1_000;

/// Prints the table.
pub fn run() {
    let goals = "sustained, 20 µs CPU a message";
    crate::goal::head("P5", "100,000 devices, 11,111 messages a second of three values", goals);
    println!("{:>8}  {:>10}  {:>16}  {:>8}", "devices", "messages/s", "CPU µs a message", "RSS MB");
    let mut runs: Vec<[f64; 3]> = (0..3).map(|_| measure()).collect();
    runs.sort_by(|a, b| a[1].total_cmp(&b[1]));
    let [rate, cpu, resident] = runs[1];
    println!("{DEVICES:>8}  {rate:>10.0}  {cpu:>16.1}  {resident:>8.0}");
}

fn measure() -> [f64; 3] {
    let city = City::start(DEVICES);
    let start = Instant::now();
    let (port, total) = (city.port, WARM + MEASURED);
    std::thread::scope(|scope| {
        let senders: Vec<_> =
            (0..CONNECTIONS).map(|connection| scope.spawn(move || send(port, connection, start, total))).collect();
        std::thread::sleep((start + WARM).saturating_duration_since(Instant::now()));
        let (cpu, began) = (city.cpu_seconds(), Instant::now());
        std::thread::sleep((start + total).saturating_duration_since(Instant::now()));
        let (used, took) = (city.cpu_seconds() - cpu, began.elapsed().as_secs_f64());
        let sent: u64 = senders.into_iter().map(|sender| sender.join().expect("a device works")).sum();
        // All were acknowledged within a moment of the last, or the rate is not sustained.
        assert!(start.elapsed() < total + Duration::from_secs(5), "the rate is not sustained");
        let rate = sent as f64 / total.as_secs_f64();
        [rate, used * 1e6 / (rate * took), city.resident_mb()]
    })
}

/// Sends this connection's share, each message at its time, and waits for the last acknowledgement.
fn send(port: u16, connection: u64, start: Instant, length: Duration) -> u64 {
    let mut device = Device::connect(port, &format!("gateway-{connection}")).expect("the endpoint accepts");
    let mut acknowledgements = device.stream.try_clone().expect("a socket can be cloned");
    let messages = RATE * length.as_secs() / CONNECTIONS;
    let drain = std::thread::spawn(move || {
        acknowledgements.set_read_timeout(Some(PATIENCE)).expect("a time-out can be set");
        let mut all = vec![0; 4 * messages as usize];
        acknowledgements.read_exact(&mut all).expect("every message is acknowledged");
    });
    for number in 0..messages {
        let at = start + Duration::from_nanos((number * CONNECTIONS + connection) * 1_000_000_000 / RATE);
        if let Some(rest) = at.checked_duration_since(Instant::now()) {
            std::thread::sleep(rest);
        }
        let count = number * CONNECTIONS + connection;
        let level = if count.is_multiple_of(ALARM_EVERY) { 0.95 } else { 0.5 };
        let payload = format!(r#"{{"values":{{"level_m":{level},"flow_m3s":0.41,"velocity_ms":0.9}}}}"#);
        let id = (number % 60_000) as u16 + 1;
        let topic = format!("city/drainage/L{}", count % DEVICES);
        device.publish(id, &topic, payload.as_bytes()).expect("the endpoint reads");
    }
    drain.join().expect("every message is acknowledged");
    messages
}
