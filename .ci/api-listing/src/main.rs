//! Prints the public API of a crate, a line an item, as rustdoc's JSON at the path given has it. See `.ci/api`.

use std::process::ExitCode;

fn main() -> ExitCode {
    let Some(json) = std::env::args_os().nth(1) else {
        eprintln!("usage: api-listing RUSTDOC.json");
        return ExitCode::FAILURE;
    };
    let listing = public_api::Builder::from_rustdoc_json(json)
        .omit_auto_trait_impls(true)
        .omit_blanket_impls(true)
        .build();
    match listing {
        Ok(api) => {
            print!("{api}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("api-listing: {error}");
            ExitCode::FAILURE
        }
    }
}
