#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| hbone_fuzz::exchange(data));
