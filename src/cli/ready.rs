//! `lattice ready`: tasks that could be begun now.

use super::context::Context;
use super::format::Format;
use super::list::{Form, checked_fields};
use super::output::Done;
use super::write::OutputArgs;
use crate::app::Failure;

/// For whom, and how many.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Also what is assigned to this actor [env: LATTICE_ACTOR]
    #[arg(long)]
    actor: Option<String>,
    /// Also what is assigned to this session
    #[arg(long, value_name = "SESSION")]
    name: Option<String>,
    /// Only tasks of these statuses [default: backlog,planned]
    #[arg(long, value_name = "A,B,…", value_delimiter = ',')]
    status: Option<Vec<String>>,
    /// At most so many
    #[arg(long, value_name = "N", value_parser = super::parse::count)]
    limit: Option<usize>,
    /// In JSON, the short form of each task
    #[arg(long)]
    compact: bool,
    /// Only these fields, such as name,status,title
    #[arg(long, value_name = "A,B,…", value_delimiter = ',', conflicts_with = "compact")]
    fields: Option<Vec<String>>,
    /// The form of the output
    #[arg(long, value_enum, help_heading = "Output")]
    format: Option<Format>,
    #[command(flatten)]
    output: OutputArgs,
}

/// Lists them, best first.
pub fn run(args: Args, context: &Context) -> Result<Done, Failure> {
    let fields = args.fields.as_deref().map(checked_fields).transpose()?;
    let who = context.asker(args.name, args.actor);
    let listing = context.reader()?.ready_list(&who, args.status.as_deref(), args.limit)?;
    Form { compact: args.compact, fields, format: args.format, output: args.output }.answer(&listing)
}
