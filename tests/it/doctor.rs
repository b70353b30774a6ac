//! `citywatch doctor` against what it judges: free and taken ports, files, a broker that is not there.

use crate::process::{command, free_port};
use serde_json::Value;
use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// Exit code and findings of a doctor over this configuration.
fn doctor(folder: &Path, config: &str) -> (i32, Vec<Value>) {
    let path = folder.join("city.toml");
    fs::write(&path, config).unwrap();
    let output = command(&["doctor", "--config", path.to_str().unwrap(), "--format", "json"]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let findings = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    (output.status.code().unwrap(), findings)
}

/// The findings about a part that are not good.
fn bad(findings: &[Value], part: &str) -> Vec<String> {
    let of_part = findings.iter().filter(|finding| finding["part"] == part);
    let bad = of_part.filter(|finding| finding["state"] != "good");
    bad.map(|finding| format!("{}: {} -> {}", finding["state"], finding["what"], finding["mend"])).collect()
}

#[test]
fn a_fresh_city_is_well_and_nothing_is_left_behind() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    fs::create_dir(&data).unwrap();
    fs::set_permissions(&data, fs::Permissions::from_mode(0o700)).unwrap();
    let config = format!(
        "data_dir = \"data\"\nmqtt.listen = \"127.0.0.1:{}\"\nhttp.listen = \"127.0.0.1:{}\"\n",
        free_port(),
        free_port()
    );
    let (code, findings) = doctor(folder.path(), &config);
    assert_eq!(code, 0, "{findings:?}");
    assert!(findings.iter().any(|finding| finding["part"] == "rules" && finding["state"] == "good"), "{findings:?}");
    assert_eq!(fs::read_dir(&data).unwrap().count(), 0, "the doctor leaves nothing");
}

#[test]
fn what_is_wrong_is_named_with_its_mend() {
    let folder = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let (port, nobody) = (taken.local_addr().unwrap().port(), free_port());
    let at = |name: &str| folder.path().join(name);
    fs::create_dir(at("data")).unwrap();
    fs::set_permissions(at("data"), fs::Permissions::from_mode(0o755)).unwrap();
    fs::write(at("devices"), "d:secret\n").unwrap();
    fs::set_permissions(at("devices"), fs::Permissions::from_mode(0o644)).unwrap();
    fs::write(at("rules.yaml"), "rules:\n  - id: Wrong\n").unwrap();
    fs::write(at("sensors.csv"), "sensor,domain,lon,lat,interval_s\ns1,air,116.4,39.9,60\n").unwrap();
    let (code, findings) = doctor(
        folder.path(),
        &format!(
            "data_dir = \"data\"\nmqtt.listen = \"127.0.0.1:{port}\"\nhttp.listen = \"\"\nmqtt.credentials = \"devices\"\n\
             mqtt.broker = \"mqtt://user:hidden@127.0.0.1:{nobody}\"\n\
             registry.paths = [\"sensors.csv\"]\nrules.paths = [\"rules.yaml\"]\n"
        ),
    );
    assert_eq!(code, 1, "{findings:?}");
    for (part, told) in [
        ("data directory", "chmod 700"),
        ("credentials", "chmod 600"),
        ("mqtt endpoint", "change the port"),
        ("broker", "is it running"),
        ("registry", "1 sensors are in no area"),
        ("rules", "rules check"),
    ] {
        let found = bad(&findings, part);
        assert!(found.iter().any(|found| found.contains(told)), "{part}: {found:?} of {findings:?}");
    }
    let all = format!("{findings:?}");
    assert!(!all.contains("hidden"), "the broker's password is not for the screen");
}
