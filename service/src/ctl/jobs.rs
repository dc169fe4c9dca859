//! `jobs` and `job-cancel`: work that takes a while.

use clap::Subcommand;
use lodge_dbus_interfaces::options::NoOptions;
use lodge_dbus_interfaces::proxies::JobProxy;
use lodge_dbus_interfaces::types::JobState;
use lodge_dbus_interfaces::{JOB_INTERFACE, paths};
use zbus::proxy::CacheProperties;

use super::failure::{Failure, Outcome, is_no_object};
use super::inventory::{self, Object};
use super::json;
use super::output::Output;
use super::service::Service;
use super::table::Table;
use super::uri::Bus;

/// Commands of this group.
#[derive(Subcommand)]
pub enum Command {
    /// List the jobs that are at work, and those that ended a short while ago
    #[command(after_help = "Examples:\n  lodgectl jobs\n  lodgectl jobs --json")]
    Jobs {
        /// Print all properties as JSON, named as on the bus
        #[arg(long)]
        json: bool,
    },
    /// Ask a job to stop and undo what it did
    #[command(after_help = "Example:\n  lodgectl job-cancel 3")]
    JobCancel {
        /// Its number, as in `jobs`
        #[arg(value_name = "NUMBER")]
        number: u32,
    },
}

/// Runs a command of this group.
pub async fn run(command: Command, bus: Bus, output: Output) -> Outcome {
    let service = Service::connect(bus).await?;
    match command {
        Command::Jobs { json } => {
            let mut jobs = inventory::objects(&service, JOB_INTERFACE).await?;
            jobs.sort_by_key(|job| number(job.path.as_str()));
            output.text(if json { json::pretty(&jobs.iter().map(Object::json).collect()) } else { table(&jobs).render(output.quiet) })
        }
        Command::JobCancel { number } => {
            let job = JobProxy::builder(&service.connection).path(paths::job(number)).cache_properties(CacheProperties::No);
            job.build().await?.cancel(&NoOptions {}).await.map_err(|error| match error {
                error if is_no_object(&error) => format!("there is no job {number}; lodgectl jobs lists those that there are").into(),
                other => Failure::from(other),
            })?;
            output.confirm(format_args!("Job {number} was asked to stop"))
        }
    }
}

/// A job's number; 0 where the path is not a job's.
pub fn number(path: &str) -> u32 {
    path.strip_prefix(paths::JOBS).and_then(|rest| rest.strip_prefix('/')).and_then(|number| number.parse().ok()).unwrap_or(0)
}

/// The names of the objects that a job works on; paths of those that have none as they are.
pub fn objects(job: &Object) -> String {
    job.texts("Objects").into_iter().map(name).collect::<Vec<_>>().join(", ")
}

/// What an object is called: a volume by its pool and its own name, as in `images/disk.qcow2`.
fn name(path: String) -> String {
    let volume = || paths::volume_name(&path).map(|(pool, volume)| format!("{pool}/{volume}"));
    paths::domain_name(&path).or_else(|| paths::pool_name(&path)).or_else(volume).unwrap_or(path)
}

fn table(jobs: &[Object]) -> Table {
    let mut table = Table::new(["Number", "Operation", "Objects", "State", "Progress"]);
    for job in jobs {
        let progress = if job.flag("ProgressValid") { format!("{:.0} %", job.fraction("Progress") * 100.0) } else { "-".to_owned() };
        let state = match JobState::from(job.text("State")) {
            JobState::Failed => format!("failed: {}", job.text("Message")),
            state => state.to_string(),
        };
        table.row(vec![number(job.path.as_str()).to_string(), job.text("Operation").to_owned(), objects(job), state, progress]);
    }
    table
}
