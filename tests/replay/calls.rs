//! What system calls mean for the disk. A call of which it is not known that it changes no file, or
//! what it changes, is an error: nothing is passed over.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;

use crate::disk::{Ino, Op, folder};
use crate::strace::{Call, bytes, number, path};

/// Calls that change nothing of which a power cut could leave a part. Of permissions and owners the
/// models know nothing.
const HARMLESS: &[&str] = &[
    "access",
    "arch_prctl",
    "brk",
    "chmod",
    "clock_gettime",
    "clock_nanosleep",
    "exit",
    "exit_group",
    "faccessat",
    "faccessat2",
    "fadvise64",
    "fchmod",
    "fchmodat",
    "fchown",
    "flock",
    "fstat",
    "fstatfs",
    "futex",
    "getcwd",
    "getdents64",
    "getegid",
    "geteuid",
    "getgid",
    "getpid",
    "getppid",
    "getrandom",
    "gettid",
    "getuid",
    "lstat",
    "madvise",
    "mprotect",
    "mremap",
    "munmap",
    "newfstatat",
    "poll",
    "ppoll",
    "pread64",
    "prlimit64",
    "readlink",
    "readlinkat",
    "rseq",
    "rt_sigaction",
    "rt_sigprocmask",
    "rt_sigreturn",
    "sched_getaffinity",
    "sched_yield",
    "set_robust_list",
    "set_tid_address",
    "sigaltstack",
    "stat",
    "statfs",
    "statx",
    "sysinfo",
    "umask",
    "uname",
];

/// What an open file is.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Target {
    File(Ino),
    Folder(String),
    /// The index of SQLite's log, which is made anew by whoever comes first.
    Index,
    /// Outside of the project, and not written to.
    Elsewhere,
}

#[derive(Clone, Debug)]
struct Open {
    target: Target,
    at: usize,
    appends: bool,
}

/// A project while its programs run, one after the other.
pub struct Model {
    root: String,
    pub ops: Vec<Op>,
    names: BTreeMap<String, Ino>,
    /// All that were ever there. None has the name of a file.
    pub folders: BTreeSet<String>,
    /// By number.
    lengths: Vec<usize>,
    open: HashMap<i64, Open>,
    /// Whether the running program has said something.
    said: bool,
}

impl Model {
    /// Of a project with these files and folders (those without bytes), which are on disk.
    pub fn new(root: &Path, there: Vec<(String, Option<Vec<u8>>)>) -> Self {
        let root = root.to_str().unwrap().to_owned();
        let (ops, names, lengths, open) = (Vec::new(), BTreeMap::new(), Vec::new(), HashMap::new());
        let folders = BTreeSet::from([String::new()]);
        let mut model = Self { root, ops, names, folders, lengths, open, said: false };
        for (path, content) in there {
            let ino = model.create(path.clone());
            match content {
                Some(data) => {
                    model.write(ino, 0, data);
                }
                None => drop(model.folders.insert(path)),
            }
        }
        model.flush_all();
        model
    }

    /// What a program did, from its start to its end.
    pub fn feed(&mut self, calls: &[Call]) -> Result<(), String> {
        self.open.clear();
        self.said = false;
        for call in calls {
            if call.result.is_ok() && !HARMLESS.contains(&call.name.as_str()) {
                self.call(call).ok_or_else(|| format!("a call that is not understood: {}", short(call)))?;
            }
        }
        Ok(())
    }

    fn call(&mut self, call: &Call) -> Option<()> {
        let Ok(result) = &call.result else { return Some(()) };
        let arg = |at: usize| call.args.get(at).map(String::as_str);
        let count = |text: &str| text.split(' ').next()?.parse::<usize>().ok();
        match call.name.as_str() {
            "execve" => Some(()).filter(|()| self.open.is_empty() && !self.said),
            "clone" | "clone3" => {
                Some(()).filter(|()| call.args.iter().any(|arg| arg.contains("CLONE_THREAD")))
            }
            "prctl" => Some(()).filter(|()| arg(0) == Some("PR_SET_NAME")),
            "ioctl" => Some(()).filter(|()| matches!(arg(1), Some("TCGETS" | "TIOCGWINSZ"))),
            "mmap" => {
                let writes = arg(2)?.contains("PROT_WRITE") && arg(3)?.contains("MAP_SHARED");
                let is_index = || path(arg(4)?).filter(|path| path.ends_with("-shm"));
                if writes && !arg(3)?.contains("MAP_ANONYMOUS") { is_index().map(drop) } else { Some(()) }
            }
            "open" => self.open(arg(1)?, result),
            "openat" => self.open(arg(2)?, result),
            "close" => {
                self.open.remove(&number(arg(0)?)?);
                Some(())
            }
            "fcntl" if arg(1)?.starts_with("F_DUPFD") => {
                let open = self.open.get(&number(arg(0)?)?)?.clone();
                self.open.insert(number(result)?, open).is_none().then_some(())
            }
            "fcntl" => {
                let of_locks = ["SETLK", "GETLK", "SETLKW"];
                let name = arg(1)?.strip_prefix("F_").unwrap_or_default();
                let is_lock = of_locks.contains(&name.strip_prefix("OFD_").unwrap_or(name));
                (is_lock || ["GETFD", "SETFD", "GETFL"].contains(&name)).then_some(())
            }
            "read" => self.advance(arg(0)?, count(result)?),
            "lseek" => self.open.get_mut(&number(arg(0)?)?).map(|open| open.at = count(result).unwrap_or(0)),
            "write" | "writev" => self.written(number(arg(0)?)?, None, bytes(arg(1)?)?, count(result)?),
            "pwrite64" => {
                self.written(number(arg(0)?)?, Some(count(arg(3)?)?), bytes(arg(1)?)?, count(result)?)
            }
            "ftruncate" => {
                let len = count(arg(1)?)?;
                match self.open.get(&number(arg(0)?)?)?.target {
                    Target::File(ino) => self.truncate(ino, len),
                    Target::Index => {}
                    _ => return None,
                }
                Some(())
            }
            "fsync" | "fdatasync" => {
                match self.open.get(&number(arg(0)?)?)?.target.clone() {
                    Target::File(ino) => self.ops.push(Op::Sync { ino }),
                    Target::Folder(path) => self.ops.push(Op::SyncFolder { path }),
                    Target::Index | Target::Elsewhere => {}
                }
                Some(())
            }
            "syncfs" | "sync" => {
                self.flush_all();
                Some(())
            }
            "rename" => self.rename(&self.place(None, arg(0)?)?, &self.place(None, arg(1)?)?),
            "renameat" | "renameat2" => {
                let exchange = arg(4).is_some_and(|flags| !["0", "RENAME_NOREPLACE"].contains(&flags));
                let (from, to) = (self.place(arg(0), arg(1)?)?, self.place(arg(2), arg(3)?)?);
                if exchange { None } else { self.rename(&from, &to) }
            }
            "unlink" | "rmdir" => self.unlink(&self.place(None, arg(0)?)?),
            "unlinkat" => self.unlink(&self.place(arg(0), arg(1)?)?),
            "mkdir" => self.make_folder(self.place(None, arg(0)?)?),
            "mkdirat" => self.make_folder(self.place(arg(0), arg(1)?)?),
            _ => None,
        }
    }

    /// The path inside of the project, if it is there.
    fn inside(&self, path: &str) -> Option<String> {
        let rest = path.strip_prefix(&self.root)?;
        let parts: Vec<&str> = rest.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
        ((rest.is_empty() || rest.starts_with('/')) && !parts.contains(&"..")).then(|| parts.join("/"))
    }

    /// The path that is named by an argument, relative to an open folder or to the project.
    fn place(&self, base: Option<&str>, name: &str) -> Option<String> {
        let name = String::from_utf8(bytes(name)?).ok()?;
        if name.starts_with('/') {
            return self.inside(&name);
        }
        let base = base.map_or_else(|| Some(self.root.clone()), path)?;
        self.inside(&format!("{base}/{name}"))
    }

    fn open(&mut self, flags: &str, result: &str) -> Option<()> {
        let flags: BTreeSet<&str> = flags.split('|').collect();
        let writes = flags.contains("O_WRONLY") || flags.contains("O_RDWR");
        let found = path(result)?;
        let target = match self.inside(&found) {
            _ if flags.contains("O_TMPFILE") => return None,
            None if writes && !found.starts_with("/dev/") => return None,
            None => Target::Elsewhere,
            Some(path) if path.ends_with("-shm") => Target::Index,
            Some(path) if self.folders.contains(&path) => Target::Folder(path),
            Some(path) => match self.names.get(&path) {
                Some(ino) => Target::File(*ino),
                None if flags.contains("O_CREAT") => Target::File(self.create(path)),
                None => return None,
            },
        };
        if let (Target::File(ino), true) = (&target, flags.contains("O_TRUNC"))
            && self.lengths[*ino as usize] > 0
        {
            self.truncate(*ino, 0);
        }
        let appends = flags.contains("O_APPEND");
        self.open.insert(number(result)?, Open { target, at: 0, appends });
        Some(())
    }

    fn advance(&mut self, file: &str, count: usize) -> Option<()> {
        // Standard input was not opened here.
        if let Some(open) = self.open.get_mut(&number(file)?) {
            open.at += count;
        }
        Some(())
    }

    fn written(&mut self, file: i64, at: Option<usize>, mut data: Vec<u8>, count: usize) -> Option<()> {
        if count > data.len() {
            return None;
        }
        data.truncate(count);
        let Some(open) = self.open.get_mut(&file) else {
            // What the caller hears first is the acknowledgement.
            if file == 1 && !std::mem::replace(&mut self.said, true) {
                self.ops.push(Op::Done);
            }
            return [1, 2].contains(&file).then_some(());
        };
        let ino = match open.target {
            Target::File(ino) => ino,
            Target::Index => return Some(()),
            _ => return None,
        };
        let place = at.unwrap_or(if open.appends { self.lengths[ino as usize] } else { open.at });
        if at.is_none() {
            open.at = place + count;
        }
        self.write(ino, place, data);
        Some(())
    }

    fn write(&mut self, ino: Ino, at: usize, data: Vec<u8>) {
        let length = &mut self.lengths[ino as usize];
        *length = (*length).max(at + data.len());
        self.ops.push(Op::Write { ino, at, data });
    }

    fn truncate(&mut self, ino: Ino, len: usize) {
        self.lengths[ino as usize] = len;
        self.ops.push(Op::Truncate { ino, len });
    }

    fn create(&mut self, path: String) -> Ino {
        let ino = Ino::try_from(self.lengths.len()).unwrap();
        self.lengths.push(0);
        self.names.insert(path.clone(), ino);
        self.ops.push(Op::Create { path, ino });
        ino
    }

    fn make_folder(&mut self, path: String) -> Option<()> {
        self.folders.insert(path.clone());
        self.create(path);
        Some(())
    }

    /// Files only, and in one folder: the models know no more.
    fn rename(&mut self, from: &str, to: &str) -> Option<()> {
        if self.folders.contains(from) || folder(from) != folder(to) {
            return None;
        }
        let ino = self.names.remove(from)?;
        self.names.insert(to.to_owned(), ino);
        self.ops.push(Op::Rename { from: from.to_owned(), to: to.to_owned() });
        Some(())
    }

    fn unlink(&mut self, path: &str) -> Option<()> {
        if !path.ends_with("-shm") {
            self.names.remove(path)?;
            self.ops.push(Op::Unlink { path: path.to_owned() });
        }
        Some(())
    }

    /// Flushes every file and every folder: `syncfs`.
    fn flush_all(&mut self) {
        let files = 0..Ino::try_from(self.lengths.len()).unwrap();
        self.ops.extend(files.map(|ino| Op::Sync { ino }));
        self.ops.extend(self.folders.iter().map(|path| Op::SyncFolder { path: path.clone() }));
    }
}

fn short(call: &Call) -> String {
    let args: Vec<String> = call.args.iter().map(|arg| arg.chars().take(80).collect()).collect();
    let paths: Vec<String> = call.args.iter().filter_map(|arg| path(arg)).collect();
    format!("{}({}) = {:?} {paths:?}", call.name, args.join(", "), call.result)
}
