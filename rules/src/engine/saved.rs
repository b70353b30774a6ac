//! Saved state.
use super::*;
pub(super) fn save(_engine: &Engine, _out: &mut Vec<u8>) {}
pub(super) fn load(
    program: Arc<Program>,
    partition: Partition,
    _bytes: &[u8],
    _out: Option<(EventTime, &mut Vec<Transition>)>,
) -> Result<Engine, RestoreError> {
    Ok(Engine::new(program, partition))
}
