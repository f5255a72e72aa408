use std::fs;
use std::path::PathBuf;

use anyhow::Context;
use clap::{Args, CommandFactory};
use clap_complete::{Shell, generate};
use clap_mangen::Man;

use crate::failure::{EXIT_CODES, Failure};
use crate::output::print;

/// Print the completions of a shell.
///
/// For bash: `hbone completions bash > ~/.local/share/bash-completion/completions/hbone`; for zsh, a file `_hbone` in a folder
/// of `$fpath`; for fish, `~/.config/fish/completions/hbone.fish`.
#[derive(Debug, Args)]
#[command(after_help = EXIT_CODES)]
pub(crate) struct Completions {
    /// For which shell
    #[arg(value_enum)]
    shell: Shell,
}

/// Print the manual page, or write one a subcommand.
#[derive(Debug, Args)]
#[command(after_help = EXIT_CODES)]
pub(crate) struct Manual {
    /// Write `hbone.1` and a page for every subcommand into this folder, instead of printing the first
    #[arg(long)]
    dir: Option<PathBuf>,
}

impl Completions {
    pub(crate) fn run<C: CommandFactory>(self) -> Result<(), Failure> {
        let mut script = Vec::new();
        generate(self.shell, &mut C::command(), "hbone", &mut script);
        print(&script)?;
        Ok(())
    }
}

impl Manual {
    pub(crate) fn run<C: CommandFactory>(self) -> Result<(), Failure> {
        let Some(dir) = &self.dir else {
            let mut page = Vec::new();
            Man::new(C::command()).render(&mut page)?;
            print(&page)?;
            return Ok(());
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
