//! Claims that are there already, and where a caller wants them. Rules: gateway.md §4.13, and the API server's own.

use serde::{Deserialize, Serialize};

use super::fields::Field;
use super::mount_path::MountPath;
use crate::config::Config;
use crate::core::grpc_status::Status;
use crate::core::layout::volume;
use crate::core::names::{LABEL_MAX, ObjectName, is_dns_label};

/// Claims and mounts of a request.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Volumes {
    /// What the pod gets.
    pub claims: Vec<Claim>,
    /// Where the sandbox's container sees it.
    pub mounts: Vec<Mount>,
}

/// A `persistentVolumeClaim` volume.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Claim {
    /// What mounts call it.
    pub name: String,
    /// The claim in the sandboxes' namespace.
    pub claim: ObjectName,
    /// Whether the sandbox may write to it.
    pub access: Access,
}

/// A mount of one.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Mount {
    /// Of which volume.
    pub name: String,
    /// Where.
    pub path: MountPath,
    /// Which part of the volume; the whole of it where none is said.
    pub sub_path: Option<String>,
    /// Whether the sandbox may write to it.
    pub access: Access,
}

/// Whether something may be written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Access {
    /// Only read.
    ReadOnly,
    /// Read and written.
    ReadWrite,
}

impl Access {
    /// As Kubernetes' `readOnly` says it.
    #[must_use]
    pub const fn is_read_only(self) -> bool {
        matches!(self, Self::ReadOnly)
    }
}

impl Volumes {
    /// Reads a list of volumes.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` naming the field.
    pub fn read_claims(&mut self, field: &Field<'_>) -> Result<(), Status> {
        for volume in field.list()? {
            let claim = claim(&volume)?;
            if self.claims.iter().any(|other| other.name == claim.name) {
                return Err(volume.refuse(format!("the name {} is given to two volumes", claim.name)));
            }
            self.claims.push(claim);
        }
        Ok(())
    }

    /// Reads a list of mounts. The volumes they name may be read later: see [`Volumes::agree`].
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` naming the field.
    pub fn read_mounts(&mut self, config: &Config, field: &Field<'_>) -> Result<(), Status> {
        for mount in field.list()? {
            let read = self::mount(config, &mount)?;
            if let Some(other) = self.mounts.iter().find(|other| other.path.is_same(&read.path)) {
                return Err(mount.refuse(format!("{} and {} are one directory", other.path.as_str(), read.path.as_str())));
            }
            self.mounts.push(read);
        }
        Ok(())
    }

    /// Whether each mount is of a volume that allows it.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` naming the mount, whose list is called `path`.
    pub fn agree(&self, path: &str) -> Result<(), Status> {
        for (at, mount) in self.mounts.iter().enumerate() {
            let refuse = |why: String| Err(Status::invalid_argument(format!("{path}[{at}].{why}")));
            match self.claims.iter().find(|claim| claim.name == mount.name) {
                None => return refuse(format!("name: there is no volume {}", mount.name)),
                Some(claim) if claim.access.is_read_only() && !mount.access.is_read_only() => {
                    return refuse(format!("read_only: volume {} is read-only", mount.name));
                }
                Some(_) => {}
            }
        }
        Ok(())
    }
}

fn claim(field: &Field<'_>) -> Result<Claim, Status> {
    let (mut name, mut source) = (None, None);
    for (key, part) in field.object()? {
        match key {
            "name" => name = Some(volume_name(&part)?),
            "persistent_volume_claim" => source = Some(claim_source(&part)?),
            _ => return Err(part.unknown("name and persistent_volume_claim")),
        }
    }
    let name = name.ok_or_else(|| field.refuse("name is missing"))?;
    let (claim, access) = source.ok_or_else(|| field.refuse("persistent_volume_claim is missing"))?;
    Ok(Claim { name, claim, access })
}

fn volume_name(field: &Field<'_>) -> Result<String, Status> {
    let name = field.text()?;
    if !is_dns_label(name) {
        return Err(field.refuse(format!("{name:?} is not a DNS label of at most {LABEL_MAX} characters")));
    }
    if volume::ALL.contains(&name) {
        return Err(field.refuse(format!("{name} is what the driver calls a volume of its own")));
    }
    Ok(name.to_owned())
}

fn claim_source(field: &Field<'_>) -> Result<(ObjectName, Access), Status> {
    let (mut claim, mut access) = (None, Access::ReadOnly);
    for (key, part) in field.object()? {
        match key {
            "claim_name" => claim = Some(claim_name(&part)?),
            "read_only" => access = part.either(Access::ReadOnly, Access::ReadWrite)?,
            _ => return Err(part.unknown("claim_name and read_only")),
        }
    }
    Ok((claim.ok_or_else(|| field.refuse("claim_name is missing"))?, access))
}

/// Claims of other sandboxes are named after their template, and are nobody else's to read.
fn claim_name(field: &Field<'_>) -> Result<ObjectName, Status> {
    let name = field.object_name()?.ok_or_else(|| field.refuse("must not be empty"))?;
    let own = name.as_str().strip_prefix(volume::WORKSPACE).is_some_and(|rest| rest.starts_with('-'));
    if own {
        Err(field.refuse(format!("claims called {}-… are workspaces of sandboxes, and not for others to mount", volume::WORKSPACE)))
    } else {
        Ok(name)
    }
}

fn mount(config: &Config, field: &Field<'_>) -> Result<Mount, Status> {
    let (mut name, mut path, mut sub_path, mut access) = (None, None, None, Access::ReadOnly);
    for (key, part) in field.object()? {
        match key {
            "name" => name = Some(part.text()?.to_owned()),
            "mount_path" => path = Some(MountPath::check(config, part.text()?).map_err(|why| part.refuse(why))?),
            "sub_path" => sub_path = Some(relative_path(&part)?),
            "read_only" => access = part.either(Access::ReadOnly, Access::ReadWrite)?,
            _ => return Err(part.unknown("name, mount_path, sub_path and read_only")),
        }
    }
    let name = name.ok_or_else(|| field.refuse("name is missing"))?;
    let path = path.ok_or_else(|| field.refuse("mount_path is missing"))?;
    Ok(Mount { name, path, sub_path, access })
}

/// A path within a volume, which cannot lead out of it.
fn relative_path(field: &Field<'_>) -> Result<String, Status> {
    let text = field.text()?;
    let why = if text.is_empty() {
        "must not be empty"
    } else if text.trim() != text || text.chars().any(char::is_control) {
        "has a control character, or a blank at an end"
    } else if text.starts_with('/') {
        "must be relative to the volume"
    } else if text.split('/').any(|part| part == "..") {
        "must not contain '..'"
    } else {
        return Ok(text.to_owned());
    };
    Err(field.refuse(why))
}
