//! Every target in one program, so that `.ci/fuzz` links once: the variable `FUZZ_TARGET` says which.
#![no_main]

use std::env;
use std::sync::LazyLock;

use hbone_fuzz::TARGETS;

static TARGET: LazyLock<fn(&[u8])> = LazyLock::new(|| {
    let name = env::var("FUZZ_TARGET").expect("FUZZ_TARGET names a target");
    let target = TARGETS.iter().find(|(known, _)| *known == name);
    target
        .unwrap_or_else(|| panic!("there is no target {name}"))
        .1
});

libfuzzer_sys::fuzz_target!(|data: &[u8]| TARGET(data));
