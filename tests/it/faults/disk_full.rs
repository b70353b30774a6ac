//! Disks that are full: under everything, under the checkpoints, under the store.

use super::until;
use crate::city::{Running, data_dir};
use crate::nothing_lost::{Devices, assert_whole, settings};
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Readings that are acknowledged before a disk is full, and after.
const BETWEEN: u64 = 2_000;

/// A small disk in memory; dropped, it is gone.
struct Disk(PathBuf);

impl Disk {
    fn at(place: &Path, mebibytes: u32) -> Disk {
        fs::create_dir_all(place).unwrap();
        let size = format!("size={mebibytes}m");
        let mounted =
            Command::new("mount").args(["-t", "tmpfs", "-o", &size, "citywatch"]).arg(place).status().unwrap();
        assert!(mounted.success(), "a disk of its own for a test needs root, as Mosquitto and PostgreSQL do");
        Disk(place.to_owned())
    }

    /// Leaves room for so many KiB, if that.
    fn fill(&self, leaves_kib: usize) {
        let mut file = File::create(self.0.join("filler")).unwrap();
        let mut written = 0;
        while let Ok(count @ 1..) = file.write(&[0; 4_096]) {
            written += count as u64;
        }
        file.set_len(written.saturating_sub(leaves_kib as u64 * 1_024)).unwrap();
    }

    fn empty(&self) {
        fs::remove_file(self.0.join("filler")).unwrap();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

fn told(folder: &Path) -> String {
    fs::read_to_string(folder.join("told")).unwrap()
}

#[test]
fn on_a_full_disk_it_ends_and_nothing_acknowledged_is_lost() {
    let temp = tempfile::tempdir().unwrap();
    let disk = Disk::at(&data_dir(temp.path()), 96);
    let port = Running::set_up(temp.path(), settings(temp.path()));
    let mut city = Running::told(temp.path(), port);
    let devices = Devices::start(port);
    for time in 1..=2 {
        let goal = devices.acknowledged() + BETWEEN;
        until("readings are acknowledged", || devices.acknowledged() >= goal);
        disk.fill(256 * time);
        assert_eq!(city.process().wait().code(), Some(70), "{}", told(temp.path()));
        disk.empty();
        city = Running::told(temp.path(), port);
    }
    // Whichever part meets it first says it.
    let said = told(temp.path());
    assert!(said.contains("the disk is full; make room") || said.contains("is the disk full"), "{said}");
    let goal = devices.acknowledged() + BETWEEN;
    until("readings are acknowledged again", || devices.acknowledged() >= goal);
    let ledgers = devices.finish();
    assert!(city.stop().success());
    assert_whole(temp.path(), &ledgers);
}

#[test]
fn without_room_for_checkpoints_or_the_store_the_log_stays_whole() {
    let temp = tempfile::tempdir().unwrap();
    let data = data_dir(temp.path());
    let (checkpoints, store) = (Disk::at(&data.join("stream"), 16), Disk::at(&data.join("center"), 16));
    let port = Running::set_up(temp.path(), settings(temp.path()));
    let mut city = Running::told(temp.path(), port);
    let devices = Devices::start(port);
    let newest = || {
        let names = fs::read_dir(data.join("stream/checkpoints")).unwrap().map(|entry| entry.unwrap().file_name());
        names.filter(|name| name.to_string_lossy().starts_with("manifest-")).max()
    };
    until("readings are acknowledged", || devices.acknowledged() >= BETWEEN && newest().is_some());

    // Without checkpoints a restart takes longer, and that is all.
    checkpoints.fill(0);
    until("told", || told(temp.path()).contains("a checkpoint could not be written, the last one still counts"));
    let goal = devices.acknowledged() + BETWEEN;
    until("readings go on", || devices.acknowledged() >= goal);
    let last = newest();
    checkpoints.empty();
    until("the next checkpoint", || newest() > last);
    // Without its store the command center ends, and the process with it.
    store.fill(0);
    assert_eq!(city.process().wait().code(), Some(70), "{}", told(temp.path()));
    assert!(told(temp.path()).contains("store could not"), "{}", told(temp.path()));
    assert!(told(temp.path()).contains("is the disk full"), "{}", told(temp.path()));
    store.empty();
    let city = Running::told(temp.path(), port);
    let ledgers = devices.finish();
    assert!(city.stop().success());
    assert_whole(temp.path(), &ledgers);
}
