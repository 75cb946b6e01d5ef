//! `lattice set-project-code`: the letters that short ids begin with.

use super::context::Context;
use super::output::Done;
use super::write::WriteArgs;
use crate::app::Failure;
use crate::domain::Command;
use crate::view::config as shape;

/// Which code.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// 1 to 5 letters or digits, a letter first; new tasks are called CODE-1, CODE-2, …
    code: String,
    /// Change a code that is set; short ids given out before stay as they are
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    write: WriteArgs,
}

/// Sets the code.
pub fn run(args: Args, context: &Context) -> Result<Done, Failure> {
    let mut app = context.writer()?;
    let outcome = app.execute(&context.identity_or_program(&args.write), |_| {
        Ok(Command::SetProjectCode { code: args.code, force: args.force })
    })?;
    let prefix = app.read(|reader| Ok(reader.config()?))?.short_id_prefix().unwrap_or_default();
    drop(app);
    let done = args.write.output.reply(
        || shape::code(&prefix),
        || "ok".to_owned(),
        || format!("New tasks are called {prefix}-1, {prefix}-2 and so on"),
    );
    Ok(done.after(&outcome))
}
