//! How the process takes its memory.

use rustix::thread::disable_transparent_huge_pages;
use tracing::debug;

/// Takes memory in small pages. The allocator asks for pages of 2 MiB where there are such, and the process has 7 MB more for
/// them (`docs/benchmarks.md`).
pub fn use_small_pages() {
    // A sandbox may not know of them. Then there are none.
    if let Err(error) = disable_transparent_huge_pages(true) {
        debug!(%error, "memory may come in large pages");
    }
}
