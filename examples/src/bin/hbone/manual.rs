use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;

use anyhow::Context;
use clap::{Args, CommandFactory};
use clap_complete::{Shell, generate};
use clap_mangen::Man;

use crate::failure::Failure;

/// Print the completions of a shell.
///
/// For bash: `hbone completions bash > ~/.local/share/bash-completion/completions/hbone`; for zsh, a file `_hbone` in a folder
/// of `$fpath`; for fish, `~/.config/fish/completions/hbone.fish`.
#[derive(Debug, Args)]
pub(crate) struct Completions {
    /// For which shell
    #[arg(value_enum)]
    shell: Shell,
}

/// Print the manual page, or write one a subcommand.
#[derive(Debug, Args)]
pub(crate) struct Manual {
    /// Write `hbone.1` and a page for every subcommand into this folder, instead of printing the first
    #[arg(long)]
    dir: Option<PathBuf>,
}

impl Completions {
    pub(crate) fn run<C: CommandFactory>(self) -> Result<(), Failure> {
        let mut script = Vec::new();
        generate(self.shell, &mut C::command(), "hbone", &mut script);
        Ok(io::stdout().write_all(&script)?)
    }
}

impl Manual {
    pub(crate) fn run<C: CommandFactory>(self) -> Result<(), Failure> {
        let Some(dir) = &self.dir else {
            return Ok(Man::new(C::command()).render(&mut io::stdout())?);
        };
        let context = || {
            format!(
                "writing pages into {}; name a folder that can be written to",
                dir.display()
            )
        };
        fs::create_dir_all(dir)
            .with_context(context)
            .map_err(Failure::Input)?;
        clap_mangen::generate_to(C::command(), dir)
            .with_context(context)
            .map_err(Failure::Input)
    }
}
