use hbone_examples::terminal_safe;
use serde::Serialize;

use crate::failure::Failure;
use crate::output::print;

/// Prints a value as JSON that cannot change what a terminal shows.
pub(crate) fn print_json(value: &impl Serialize) -> Result<(), Failure> {
    let json = serde_json::to_string_pretty(value)?;
    print(format!("{}\n", terminal_safe::json(&json)).as_bytes())?;
    Ok(())
}
