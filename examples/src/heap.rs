//! What the allocator keeps of what is free.

use std::hint::black_box;

/// Has glibc's allocator keep up to 16 MiB that are free at the end of its heap, instead of 128 KiB; other allocators take no
/// notice. To be called once, at the start of a program that carries many bytes.
///
/// The buffers of a busy connection come and go by a megabyte and more a turn, those of several tunnels by more than four. Whatever
/// of that is given back to the kernel has to be mapped and cleared again a moment later (benches/README.md has what that costs).
pub fn keep_free() {
    // A mapping that is freed raises the size from which on memory is mapped to its own, and what may lie free at the end of the
    // heap to twice that (mallopt(3), M_MMAP_THRESHOLD). `mallopt` itself would be unsafe code.
    const MAPPING: usize = 8 << 20;
    drop(black_box(Vec::<u8>::with_capacity(MAPPING)));
}
