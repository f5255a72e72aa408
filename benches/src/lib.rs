//! Benchmarks live in `benches/`, one file a subject; this library is empty.
