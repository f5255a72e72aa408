use std::ffi::OsString;

use clap::builder::Resettable;
use clap::{Error, Parser};

/// Parses `arguments`, without the name of the program, as its process would, but for the environment: no variable counts.
///
/// # Errors
/// As clap has it, with the text that the program would print.
pub fn parse_only<P: Parser>(
    arguments: impl IntoIterator<Item = impl Into<OsString>>,
) -> Result<P, Error> {
    let command = P::command().mut_args(|argument| argument.env(Resettable::Reset));
    let matches = command
        .no_binary_name(true)
        .try_get_matches_from(arguments.into_iter().map(Into::into))?;
    P::from_arg_matches(&matches)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Parser)]
    struct Cli {
        /// Every process of a test has this variable.
        #[arg(long, env = "CARGO_MANIFEST_DIR", default_value = "default")]
        folder: String,
    }

    #[test]
    fn the_environment_does_not_count() {
        let none: [&str; 0] = [];
        assert_ne!(Cli::parse_from(["program"]).folder, "default");
        assert_eq!(
            parse_only::<Cli>(none).expect("it parses").folder,
            "default"
        );
        let given = parse_only::<Cli>(["--folder", "given"]);
        assert_eq!(given.expect("it parses").folder, "given");
        assert!(parse_only::<Cli>(["--other"]).is_err());
    }
}
