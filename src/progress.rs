//! The progress bar on standard error: on a terminal only, so that a pipe sees none.

use indicatif::{ProgressBar, ProgressStyle};

/// A bar over so many bytes of input.
pub fn bytes_bar(bytes: u64) -> ProgressBar {
    let style = ProgressStyle::with_template("{wide_bar} {bytes}/{total_bytes}  {eta}").expect("the template is right");
    ProgressBar::new(bytes).with_style(style)
}

/// A bar over so many readings.
pub fn count_bar(readings: u64) -> ProgressBar {
    let style = ProgressStyle::with_template("{wide_bar} {pos}/{len}  {eta}").expect("the template is right");
    ProgressBar::new(readings).with_style(style)
}
