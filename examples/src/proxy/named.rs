use std::ffi::OsStr;

use clap::builder::{PossibleValue, TypedValueParser};
use clap::error::{ContextKind, ContextValue};
use clap::{Arg, Command, Error};

/// Reads what a variable or its flag says. What is wrong with it is told under both names, since clap does not tell which it was.
#[derive(Debug, Clone)]
pub(crate) struct Named<P>(P);

pub(crate) const fn named<P>(parser: P) -> Named<P> {
    Named(parser)
}

impl<P: TypedValueParser> TypedValueParser for Named<P> {
    type Value = P::Value;

    fn parse_ref(
        &self,
        command: &Command,
        argument: Option<&Arg>,
        value: &OsStr,
    ) -> Result<P::Value, Error> {
        self.0
            .parse_ref(command, argument, value)
            .map_err(|mut error| {
                if let Some((argument, variable)) =
                    argument.and_then(|argument| Some((argument, argument.get_env()?)))
                {
                    let both = format!("{argument} or {}", variable.to_string_lossy());
                    error.insert(ContextKind::InvalidArg, ContextValue::String(both));
                }
                error
            })
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        self.0.possible_values()
    }
}
