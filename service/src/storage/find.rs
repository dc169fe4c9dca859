//! What pools could be made of: volume groups of the host, file systems and iSCSI targets of a server.
//!
//! The programs that pools of these types need anyway are asked; nothing of what they tell is remembered.

use std::collections::BTreeMap;

use lodge_model::document::Document as _;
use lodge_model::domain::devices::TypeName;
use lodge_model::storage_pool::{PoolDevice, PoolDirectory, PoolHost, PoolSource, PoolSources, PoolType};
use serde::Deserialize;

use super::backends::iscsi;
use super::engine::Storage;
use super::tool::Tool;
use crate::authorization::{Action, Grant};
use crate::error::{Error, ErrorKind, Result};

impl Storage {
    /// Looks for what pools of a type could be made of; `place` says where.
    ///
    /// # Errors
    /// `NotSupported` for types of which nothing can be found, `InvalidXml` when no server is said, those of the programs.
    pub async fn find_sources(&self, grant: Grant, kind: PoolType, place: &PoolSource) -> Result<PoolSources> {
        grant.covers(Action::PoolDefine)?;
        place.validate().map_err(|problems| Error::of_problems(ErrorKind::InvalidXml, &problems))?;
        let sources = match kind {
            PoolType::Logical => volume_groups().await,
            PoolType::Netfs => exports(server(place, kind)?).await,
            PoolType::Iscsi => targets(server(place, kind)?, place).await,
            other => {
                let message = format!("sources of pools of the type '{other}' cannot be looked for; those of logical, netfs and iscsi can");
                return Err(Error::new(ErrorKind::NotSupported, message));
            }
        };
        let sources = sources.map_err(|error| error.in_context(format_args!("cannot look for sources of pools of the type '{kind}'")))?;
        Ok(PoolSources { sources, ..Default::default() })
    }
}

fn server(place: &PoolSource, kind: PoolType) -> Result<&PoolHost> {
    let missing = || {
        let message = format!("it is not said which server is asked for sources of pools of the type '{kind}'; write <host name='…'/>");
        Error::new(ErrorKind::InvalidXml, message)
    };
    place.hosts.first().ok_or_else(missing)
}

#[derive(Deserialize)]
struct Said {
    report: Vec<Part>,
}

#[derive(Deserialize)]
struct Part {
    pv: Vec<Physical>,
}

#[derive(Deserialize)]
struct Physical {
    pv_name: String,
    vg_name: String,
}

async fn volume_groups() -> Result<Vec<PoolSource>> {
    let said: Said = Tool::new("pvs").args(["--reportformat", "json", "-o", "pv_name,vg_name"]).json().await?;
    Ok(groups(said))
}

fn groups(said: Said) -> Vec<PoolSource> {
    let mut groups: BTreeMap<String, Vec<PoolDevice>> = BTreeMap::new();
    // Those of no group yet have an empty name.
    for Physical { pv_name, vg_name } in said.report.into_iter().flat_map(|part| part.pv).filter(|pv| !pv.vg_name.is_empty()) {
        groups.entry(vg_name).or_default().push(PoolDevice { path: pv_name, ..Default::default() });
    }
    let source = |(name, devices)| PoolSource { name: Some(name), devices, format: format("lvm2"), ..Default::default() };
    groups.into_iter().map(source).collect()
}

async fn exports(server: &PoolHost) -> Result<Vec<PoolSource>> {
    let told = Tool::new("showmount").args(["--no-headers", "--exports", "--", &server.name]).done().await?;
    Ok(directories(&String::from_utf8_lossy(&told.stdout), server))
}

/// Lines such as `/srv/images  192.0.2.0/24,(everyone)`.
fn directories(told: &str, server: &PoolHost) -> Vec<PoolSource> {
    let directory = |line: &str| {
        let path = line.trim_end().rsplit_once(char::is_whitespace)?.0.trim_end().to_owned();
        let dir = Some(PoolDirectory { path, ..Default::default() });
        Some(PoolSource { hosts: vec![server.clone()], dir, format: format("nfs"), ..Default::default() })
    };
    told.lines().filter_map(directory).collect()
}

async fn targets(server: &PoolHost, place: &PoolSource) -> Result<Vec<PoolSource>> {
    let portal = iscsi::portal(&server.name, server.port);
    let initiator = place.initiator.as_ref().and_then(|initiator| initiator.iqn.as_ref()).map(|iqn| iqn.name.clone());
    // "nonpersistent": what is found is not written into open-iscsi's database.
    let mut tool =
        Tool::new("iscsiadm").args(["--mode", "discovery", "--type", "sendtargets", "--portal", &portal, "--op", "nonpersistent"]);
    if let Some(initiator) = &initiator {
        tool = tool.args(["--interface", &iscsi::interface(initiator).await?]);
    }
    let told = tool.done().await?;
    Ok(names(&String::from_utf8_lossy(&told.stdout), server, place))
}

/// Lines such as `192.0.2.1:3260,1 iqn.2013-06.com.example:disks`, one for each way to a target.
fn names(told: &str, server: &PoolHost, place: &PoolSource) -> Vec<PoolSource> {
    let mut names: Vec<_> = told.lines().filter_map(|line| line.split_whitespace().nth(1)).collect();
    names.sort_unstable();
    names.dedup();
    let source = |name: &str| PoolSource {
        hosts: vec![server.clone()],
        devices: vec![PoolDevice { path: name.to_owned(), ..Default::default() }],
        initiator: place.initiator.clone(),
        ..Default::default()
    };
    names.into_iter().map(source).collect()
}

fn format(word: &str) -> Option<TypeName> {
    Some(TypeName { kind: Some(word.to_owned()), ..Default::default() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_programs_tell_is_read() {
        let server = PoolHost { name: "nas".into(), ..Default::default() };
        let xml = |sources| PoolSources { sources, ..Default::default() }.to_xml();
        let exports = xml(directories("/srv/a b  192.0.2.0/24,(everyone)\n/srv/c *\n", &server));
        assert!(exports.contains("<dir path='/srv/a b'/>") && exports.contains("<dir path='/srv/c'/>"), "{exports}");
        let told = "192.0.2.1:3260,1 iqn.2013-06.com.example:a\n[2001:db8::1]:3260,1 iqn.2013-06.com.example:a\n";
        let targets = xml(names(told, &server, &PoolSource::default()));
        assert_eq!(targets.matches("<device path='iqn.2013-06.com.example:a'/>").count(), 1, "{targets}");
        let said = r#"{"report": [{"pv": [{"pv_name":"/dev/sdb","vg_name":"g"}, {"pv_name":"/dev/sdc","vg_name":""}, {"pv_name":"/dev/sdd","vg_name":"g"}]}]}"#;
        let groups = groups(serde_json::from_str(said).unwrap());
        assert_eq!((groups.len(), groups[0].devices.len()), (1, 2));
    }
}
