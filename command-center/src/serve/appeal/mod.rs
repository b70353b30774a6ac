//! Appeals 诉求: what citizens say, by the page, the hotline, or Open311; what they are told; how they judge it.
//!
//! What it promises: an appeal is a fold of its steps on `serve`; each makes one case, once, or follows one; name and
//! telephone never stand on the bus. What it does not do: it decides nothing about a case. Cases are `command`'s, and a
//! merge is a case that is void as a duplicate of another, which an operator takes back like any other.
//!
//! `step` is what stands on the bus, `life` the fold and what a reporter may do, `key` how an appeal is named, `told` the
//! words for citizens; these are pure. `intake`, `acts`, `import` and `replay` do it in the store.

pub(crate) mod acts;
pub(crate) mod import;
pub(crate) mod intake;
pub(crate) mod key;
pub(crate) mod life;
pub(crate) mod photos;
pub(crate) mod replay;
pub(crate) mod step;
pub(crate) mod told;

#[cfg(test)]
mod tests;
