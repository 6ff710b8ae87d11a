//! What the process denies to others from its first moment.

use rustix::process::{DumpableBehavior, set_dumpable_behavior};
use tracing::debug;

/// Writes no core dump, and lets no other process of the same user read the memory: keys and tokens are in
/// it. `SECURITY.md` says what cannot be helped.
pub fn keep_memory_private() {
    // Fails on no Linux that is still maintained; without it, the program is no worse than others.
    if let Err(error) = set_dumpable_behavior(DumpableBehavior::NotDumpable) {
        debug!(%error, "the process stays dumpable");
    }
}
