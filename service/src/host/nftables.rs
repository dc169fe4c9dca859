//! The kernel's packet filter, by nft(8) and its JSON (libnftables-json(5)).
//!
//! A ruleset is one transaction: the kernel takes all of it or nothing.

use serde_json::{Value, json};

use super::process::{Limits, ProcessError, ProcessSpec, run};
use super::program;

/// Why the packet filter could not be told or asked.
#[derive(Debug, thiserror::Error)]
pub enum NftablesError {
    /// nft is missing.
    #[error("nft is not installed: install it (package nftables on Debian)")]
    Missing,
    /// It cannot be run, or refuses.
    #[error(transparent)]
    Process(#[from] ProcessError),
    /// It says what is not understood.
    #[error("nft says what is not understood: {0}")]
    Answer(#[from] serde_json::Error),
}

/// A chain that packets go through by themselves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseChain {
    /// Family of its table, such as `ip` or `inet`.
    pub family: String,
    /// Its table.
    pub table: String,
    /// Its name.
    pub name: String,
    /// Where packets come in, such as `forward`.
    pub hook: String,
    /// What becomes of a packet of which no rule decides: `accept` or `drop`.
    pub policy: String,
}

/// Carries commands out, as one transaction.
///
/// # Errors
/// Nothing has changed.
pub async fn apply(commands: &[Value]) -> Result<(), NftablesError> {
    nft(&["-j", "-f", "-"], &serde_json::to_vec(&json!({ "nftables": commands }))?).await.map(drop)
}

/// The chains that packets go through by themselves, of all tables.
///
/// # Errors
/// nft is missing or may not look.
pub async fn base_chains() -> Result<Vec<BaseChain>, NftablesError> {
    let answer: Value = serde_json::from_slice(&nft(&["-j", "list", "chains"], b"").await?)?;
    let chains = answer.get("nftables").and_then(Value::as_array).into_iter().flatten().filter_map(|entry| entry.get("chain"));
    Ok(chains.filter_map(base_chain).collect())
}

/// The names of the tables of a family.
///
/// # Errors
/// nft is missing or may not look.
pub async fn tables(family: &str) -> Result<Vec<String>, NftablesError> {
    let answer: Value = serde_json::from_slice(&nft(&["-j", "list", "tables", family], b"").await?)?;
    let tables = answer.get("nftables").and_then(Value::as_array).into_iter().flatten().filter_map(|entry| entry.get("table"));
    Ok(tables.filter_map(|table| Some(table.get("name")?.as_str()?.to_owned())).collect())
}

fn base_chain(chain: &Value) -> Option<BaseChain> {
    let text = |key: &str| chain.get(key).and_then(Value::as_str).map(str::to_owned);
    Some(BaseChain { family: text("family")?, table: text("table")?, name: text("name")?, hook: text("hook")?, policy: text("policy")? })
}

async fn nft(arguments: &[&str], input: &[u8]) -> Result<Vec<u8>, NftablesError> {
    let program = program::find("nft").ok_or(NftablesError::Missing)?;
    let mut spec = ProcessSpec::new(program).arguments(arguments.iter().copied());
    spec.environment.push(("LC_ALL".into(), "C.UTF-8".into()));
    Ok(run(spec, input, Limits::default()).await?.require_success()?.stdout)
}
