//! The accounts as Mosquitto reads them: a password file and an access list.

use super::file::Accounts;
use ingest::Right;

/// How the topics of the incident feed begin.
const FEED: &str = "citywatch/incidents";

/// The lines of `password_file`.
pub fn passwords(accounts: &Accounts) -> String {
    accounts.iter().map(|(name, entry)| format!("{name}:{}\n", entry.secret)).collect()
}

/// The lines of `acl_file`. What stands in no line is denied.
pub fn access_list(accounts: &Accounts) -> String {
    let mut text = "# Written by `citywatch devices export-acl`. What stands in no line is denied.\n\
        # A device or gateway writes what is its own.\n\
        pattern write city/+/%u\n\
        pattern write city/+/%u/batch\n"
        .to_owned();
    for (name, entry) in accounts {
        text.push_str(&match entry.right {
            Right::Publish => continue,
            Right::Subscribe => format!("\n# Follows the incident feed.\nuser {name}\ntopic read {FEED}/#\n"),
            Right::Ingest => format!(
                "\n# citywatch: reads what devices write.\nuser {name}\ntopic read city/#\ntopic read $SYS/broker/version\n"
            ),
        });
    }
    text
}
