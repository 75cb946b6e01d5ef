//! The least that can be done with an exported tree: read its files, take its events in, write it.
//!
//! Usage: `bare_tree read DIR`, `bare_tree import DIR FILE`, `bare_tree pack DIR FILE`,
//! `bare_tree export FILE DIR`. `read` opens and reads every file. `import` parses every line of the
//! logs and inserts it into the table of events of an empty tracker, durably. `pack` puts all files
//! into one, from which `export` writes them into a folder: each under a temporary name, one flush
//! of the file system, the right names, one more flush.

use std::error::Error;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, TransactionBehavior, params};
use serde_json::Value;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["read", dir] => read(Path::new(dir)),
        ["import", dir, file] => import(Path::new(dir), file),
        ["pack", dir, file] => pack(Path::new(dir), file),
        ["export", file, dir] => export(file, Path::new(dir)),
        _ => Err("usage: bare_tree read|import|pack|export FROM [TO]".into()),
    }
}

/// The files of a tree: all but the database, what SQLite keeps beside it, and the lock.
fn files(dir: &Path) -> Result<Vec<PathBuf>> {
    let (mut found, mut folders) = (Vec::new(), vec![dir.to_path_buf()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder)? {
            let entry = entry?;
            let name = entry.file_name();
            if entry.file_type()?.is_dir() {
                folders.push(entry.path());
            } else if !name.to_string_lossy().starts_with("lattice.db") && name != "lock" {
                found.push(entry.path());
            }
        }
    }
    found.sort();
    Ok(found)
}

fn read(dir: &Path) -> Result<()> {
    let mut bytes = 0;
    for path in files(dir)? {
        bytes += fs::read(path)?.len();
    }
    if bytes == 0 { Err("the tree is empty".into()) } else { Ok(()) }
}

fn import(dir: &Path, file: &str) -> Result<()> {
    let mut conn = Connection::open(file)?;
    conn.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = EXTRA")?;
    let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut seq: i64 = tx.query_row("SELECT max(seq) FROM events", [], |row| row.get(0))?;
    let mut insert = tx.prepare(
        "INSERT INTO events (seq, id, sort_key, ts, type, task_id, resource_id, actor, raw, hash, chain)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, zeroblob(32), zeroblob(32))",
    )?;
    for path in files(dir)? {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if !name.ends_with(".jsonl") || name.starts_with('_') || name == "instance.jsonl" {
            continue;
        }
        for line in fs::read_to_string(&path)?.lines() {
            let event: Value = serde_json::from_str(line)?;
            let text = |member: &str| event.get(member).and_then(Value::as_str);
            let id = text("id").ok_or("an event has no id")?;
            seq += 1;
            insert.execute(params![
                seq,
                id,
                &id[3..],
                text("ts"),
                text("type"),
                text("task_id"),
                text("resource_id"),
                text("actor"),
                line
            ])?;
        }
    }
    drop(insert);
    tx.commit()?;
    conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
    Ok(())
}

fn pack(dir: &Path, file: &str) -> Result<()> {
    let mut out = Vec::new();
    for path in files(dir)? {
        let bytes = fs::read(&path)?;
        let name = path.strip_prefix(dir)?.to_string_lossy().into_owned();
        for part in [name.as_bytes(), &bytes] {
            out.extend((part.len() as u64).to_le_bytes());
            out.extend(part);
        }
    }
    Ok(fs::write(file, out)?)
}

fn export(file: &str, dir: &Path) -> Result<()> {
    let packed = fs::read(file)?;
    let mut rest = packed.as_slice();
    let mut part = || -> Option<&[u8]> {
        let (length, after) = rest.split_at_checked(8)?;
        let (part, after) = after.split_at_checked(u64::from_le_bytes(length.try_into().ok()?) as usize)?;
        rest = after;
        Some(part)
    };
    let mut made = Vec::new();
    while let (Some(name), Some(bytes)) = (part(), part()) {
        let target = dir.join(std::str::from_utf8(name)?);
        let folder = target.parent().ok_or("a file has no folder")?;
        let temporary = folder.join(format!("new-{:012}.tmp", made.len()));
        let open = |path: &Path| OpenOptions::new().write(true).create_new(true).open(path);
        let mut out = match open(&temporary) {
            Err(_) => {
                fs::create_dir_all(folder)?;
                open(&temporary)?
            }
            Ok(out) => out,
        };
        out.write_all(bytes)?;
        made.push((temporary, target));
    }
    let root = File::open(dir)?;
    flush(&root)?;
    for (temporary, target) in made {
        fs::rename(temporary, target)?;
    }
    flush(&root)
}

#[cfg(target_os = "linux")]
fn flush(root: &File) -> Result<()> {
    Ok(rustix::fs::syncfs(root)?)
}

#[cfg(not(target_os = "linux"))]
fn flush(root: &File) -> Result<()> {
    Ok(root.sync_all()?)
}
