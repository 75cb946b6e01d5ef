//! The names inside `.lattice/`, and what must be true of a path before SQLite
//! may see it.

use std::fs::File;
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

use crate::store::StoreError;

/// The database inside `.lattice/`.
pub(in crate::store) const DATABASE: &str = "lattice.db";
/// The file that writers queue on.
pub(super) const LOCK: &str = "lock";
/// The file by which a `restore` asks everybody to let go.
pub(super) const RESTORING: &str = "restoring";
/// What SQLite appends to a database's name for its own files.
pub(super) const SIDECARS: [&str; 3] = ["-wal", "-shm", "-journal"];
/// SQLite's smallest page: no database is shorter, but SQLite opens a shorter
/// file as a new empty database.
const SHORTEST: u64 = 512;

/// How a file that somebody else may have put there is opened: no link is followed, and nobody waits
/// for the other end of a pipe.
pub(super) fn plain_flags() -> i32 {
    (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed()
}

/// Opens a regular file to read it.
///
/// # Errors
/// As opening; `InvalidInput` if it is something else.
pub(super) fn open_plain(path: &Path) -> io::Result<File> {
    let file = File::options().read(true).custom_flags(plain_flags()).open(path)?;
    match file.metadata()?.is_file() {
        true => Ok(file),
        false => Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file")),
    }
}

/// The database's path inside `lattice_dir`.
pub(super) fn database(lattice_dir: &Path) -> PathBuf {
    lattice_dir.join(DATABASE)
}

/// The path of the file that SQLite keeps beside `path`: `suffix` is `-wal`,
/// `-shm` or `-journal`.
pub(in crate::store) fn sidecar(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_os_string();
    name.push(suffix);
    PathBuf::from(name)
}

/// The length in bytes of the file at `path`, 0 if there is none.
pub(super) fn length(path: &Path) -> u64 {
    path.symlink_metadata().map_or(0, |meta| meta.len())
}

/// Refuses a database path that SQLite would follow, adopt or hang on: a link,
/// a device, an empty file, and links and devices in the place of its journals.
/// Looks without opening: closing any descriptor of the database drops the locks
/// that SQLite holds on it in this process.
///
/// # Errors
/// `Missing`, `SymlinkRefused`, `UnsafePath`, `NotADatabase`, `Denied`.
pub(super) fn inspect(path: &Path) -> Result<(), StoreError> {
    let meta = path.symlink_metadata().map_err(|e| StoreError::from_io(&e, path))?;
    let path = path.to_path_buf();
    if meta.is_symlink() {
        return Err(StoreError::SymlinkRefused { path });
    }
    if !meta.is_file() {
        return Err(StoreError::UnsafePath { path });
    }
    if meta.len() < SHORTEST {
        return Err(StoreError::NotADatabase { path });
    }
    SIDECARS.iter().try_for_each(|suffix| inspect_sidecar(sidecar(&path, suffix)))
}

/// SQLite opens whatever has the name of its journal, and waits for ever where that is a pipe.
fn inspect_sidecar(path: PathBuf) -> Result<(), StoreError> {
    match path.symlink_metadata() {
        Ok(meta) if meta.is_symlink() => Err(StoreError::SymlinkRefused { path }),
        Ok(meta) if !meta.is_file() => Err(StoreError::UnsafePath { path }),
        _ => Ok(()),
    }
}

/// Refuses to write where SQLite's locks and shared memory do not hold: on
/// network file systems, and on operating systems that nobody has tried. What
/// runs over FUSE cannot be told apart and is let through.
///
/// # Errors
/// `NetworkFileSystem`, `Unsupported`, or why the directory cannot be looked at.
pub(super) fn refuse_network(dir: &Path) -> Result<(), StoreError> {
    if !cfg!(any(target_os = "linux", target_os = "macos")) {
        return Err(StoreError::Unsupported { platform: std::env::consts::OS });
    }
    let facts = rustix::fs::statfs(dir).map_err(|e| StoreError::from_io(&e.into(), dir))?;
    match network_kind(&facts) {
        Some(kind) => Err(StoreError::NetworkFileSystem { kind, path: dir.to_path_buf() }),
        None => Ok(()),
    }
}

#[cfg(target_os = "linux")]
fn network_kind(facts: &rustix::fs::StatFs) -> Option<&'static str> {
    // The field is signed or unsigned, 32 or 64 bits, by architecture; the
    // number itself has 32 bits everywhere.
    kind_of_magic(facts.f_type as u32)
}

/// The numbers are those of `statfs(2)` and of the file systems' own headers.
#[cfg(any(target_os = "linux", test))]
fn kind_of_magic(magic: u32) -> Option<&'static str> {
    Some(match magic {
        0x6969 => "nfs",
        0x517B => "smb",
        0xFF53_4D42 => "cifs",
        0xFE53_4D42 => "smb2",
        0x0102_1997 => "9p",
        0x5346_414F | 0x6B41_4653 => "afs",
        0x7375_7245 => "coda",
        0x564C => "ncp",
        0x00C3_6400 => "ceph",
        0x0BD0_0BD3 => "lustre",
        0x1983_0326 => "beegfs",
        0x786F_4256 => "vboxsf",
        _ => return None,
    })
}

#[cfg(not(target_os = "linux"))]
fn network_kind(facts: &rustix::fs::StatFs) -> Option<&'static str> {
    let name: Vec<u8> = facts.f_fstypename.iter().map(|c| *c as u8).take_while(|byte| *byte != 0).collect();
    ["nfs", "smbfs", "afpfs", "webdav", "9p"].into_iter().find(|kind| kind.as_bytes() == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn network_file_systems_are_known_by_their_numbers() {
        assert_eq!(kind_of_magic(0x6969), Some("nfs"));
        assert_eq!(kind_of_magic(0xFF53_4D42), Some("cifs"));
        assert_eq!(kind_of_magic(0xEF53), None, "ext4");
        assert_eq!(kind_of_magic(0x0102_1994), None, "tmpfs");
        assert_eq!(kind_of_magic(0x6573_5546), None, "fuse");
    }

    #[test]
    fn links_devices_and_empty_files_are_refused_without_opening_them() {
        let dir = tempfile::tempdir().unwrap();
        let path = database(dir.path());
        assert!(matches!(inspect(&path), Err(StoreError::Missing { .. })));
        std::fs::write(&path, b"x").unwrap();
        assert!(matches!(inspect(&path), Err(StoreError::NotADatabase { .. })));
        std::fs::remove_file(&path).unwrap();
        std::os::unix::fs::symlink("/dev/zero", &path).unwrap();
        assert!(matches!(inspect(&path), Err(StoreError::SymlinkRefused { .. })));
        std::fs::remove_file(&path).unwrap();
        std::fs::write(&path, [0; 512]).unwrap();
        assert!(inspect(&path).is_ok());
        let pipe = sidecar(&path, "-journal");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        assert!(matches!(inspect(&path), Err(StoreError::UnsafePath { .. })));
        std::fs::remove_file(&pipe).unwrap();
        std::fs::remove_file(&path).unwrap();
        std::fs::create_dir(&path).unwrap();
        assert!(matches!(inspect(&path), Err(StoreError::UnsafePath { .. })));
    }
}
