#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| hbone_fuzz::struct_codec(data));
