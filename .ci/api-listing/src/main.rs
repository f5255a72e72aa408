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
            for item in api.items().map(ToString::to_string) {
                if !is_told_by_its_impl(&item) {
                    println!("{item}");
                }
            }
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("api-listing: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Whether it is a method of a trait that is mostly derived, and so no news beside `impl Trait for Type`.
fn is_told_by_its_impl(item: &str) -> bool {
    let name = item.split('(').next().unwrap_or_default();
    let method = name.rsplit("::").next().unwrap_or_default();
    let is_derived = ["clone", "cmp", "eq", "fmt", "partial_cmp"].contains(&method)
        || name.contains("::hash<__H: ");
    (item.starts_with("pub fn ") && is_derived)
        || item.starts_with("impl core::marker::StructuralPartialEq for ")
}
