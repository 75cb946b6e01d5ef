//! Real power cuts: ext4 and XFS on loop devices are shut down while the program writes, and mounted
//! again. What was acknowledged, to somebody who is not on that disk, has to be there. The file systems
//! throw away what they have not written (`FS_IOC_SHUTDOWN` without flushing the journal), as their own
//! tests do; a disk's cache is not part of it.
#![allow(unsafe_code, reason = "a control call of the file system")]

use std::collections::BTreeSet;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::mpsc::{Sender, channel};
use std::thread;
use std::time::Duration;

use lattice::app::{App, DEFAULT_WAIT, Failure, Identity, World};
use lattice::domain::Command;
use lattice::domain::command::NewTask;
use rustix::ioctl::{Opcode, Setter, ioctl, opcode};

use crate::cuts::mix;
use crate::sandbox::{INIT, empty, is_root, skip, soak};
use crate::say;
use crate::support::Project;

const CUTS: u64 = 100;
const LEAST: usize = 300_000;
/// Of so many cuts one meets writers that are a process for each command.
const PROCESSES: u64 = 5;

#[test]
fn no_real_power_cut_loses_what_was_acknowledged() {
    if !soak() {
        return;
    }
    // A few show whether it works at all.
    let cuts = std::env::var("LATTICE_CUTS").ok().and_then(|count| count.parse().ok()).unwrap_or(CUTS);
    let kinds: Vec<&str> = ["ext4", "xfs"].into_iter().filter(|kind| can_be_mounted(kind)).collect();
    if kinds.is_empty() {
        return;
    }
    let (mut acknowledged, mut beyond) = (0, 0);
    for number in 0..cuts {
        let kind = kinds[number as usize % kinds.len()];
        let disk = Disk::new(kind).unwrap_or_else(|why| panic!("{kind}: {why}"));
        let Outcome { told, late, there } = disk.cut_while_writing(number);
        let lost: Vec<_> = told.difference(&there).take(5).collect();
        assert!(lost.is_empty(), "cut {number} of {kind}: {lost:?} are lost, of {}", told.len());
        // What was under way may be there or not.
        let more = there.difference(&told).filter(|title| !late.contains(*title)).count();
        assert!(more <= WRITERS, "cut {number} of {kind}: {more} more than were acknowledged");
        acknowledged += told.len();
        beyond += more;
    }
    say(&format!(
        "replay: {cuts} real power cuts of {kinds:?}: {acknowledged} acknowledged, 0 lost, {beyond} under way were there"
    ));
    assert!(cuts < CUTS || acknowledged >= LEAST, "only {acknowledged}");
}

fn can_be_mounted(kind: &str) -> bool {
    if !is_root() {
        skip(&format!("power cuts of {kind}: only root may mount"));
        return false;
    }
    let tried = Disk::new(kind).and_then(|disk| disk.shut_down());
    if let Err(why) = &tried {
        skip(&format!("power cuts of {kind}: {why}"));
    }
    tried.is_ok()
}

fn run(command: &mut process::Command) -> Result<(), String> {
    let output = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    let why = || format!("{command:?}: {}", String::from_utf8_lossy(&output.stderr).trim());
    if output.status.success() { Ok(()) } else { Err(why()) }
}

/// What came of a cut: tasks by their titles.
struct Outcome {
    /// Acknowledged before the cut.
    told: BTreeSet<String>,
    /// Acknowledged while it came. After a real cut nobody hears these, and ext4 says of a flush that it
    /// interrupts itself that it was done.
    late: BTreeSet<String>,
    there: BTreeSet<String>,
}

/// A file system of its own, in which a project lies.
struct Disk {
    project: Project,
    image: PathBuf,
    _folder: tempfile::TempDir,
}

impl Disk {
    fn new(kind: &str) -> Result<Self, String> {
        let project = empty();
        let folder = tempfile::tempdir().unwrap();
        let image = folder.path().join("image");
        // The smallest that XFS can be.
        File::create(&image).unwrap().set_len(320 << 20).unwrap();
        run(process::Command::new(format!("mkfs.{kind}")).arg("-q").arg(&image))?;
        let disk = Self { project, image, _folder: folder };
        disk.mount()?;
        Ok(disk)
    }

    fn mount(&self) -> Result<(), String> {
        run(process::Command::new("mount").args(["-o", "loop"]).arg(&self.image).arg(self.project.path()))
    }

    /// A process that another test is just starting holds what was open here until it begins.
    fn unmount(&self) -> Result<(), String> {
        for _ in 0..100 {
            if run(process::Command::new("umount").arg(self.project.path())).is_ok() {
                return Ok(());
            }
            thread::sleep(Duration::from_millis(50));
        }
        run(process::Command::new("umount").arg(self.project.path()))
    }

    fn shut_down(&self) -> Result<(), String> {
        shut_down(self.project.path()).map_err(|error| error.to_string())
    }

    /// Cuts the power under writers.
    fn cut_while_writing(&self, number: u64) -> Outcome {
        // Nothing flushes what this writes: its own acknowledgement has to be enough.
        self.project.ok(INIT);
        let (lot, processes) = (mix(number), number.is_multiple_of(PROCESSES));
        let after = if processes { 1 + lot % 100 } else { 500 + lot % 9_000 };
        let (tells, hears) = channel();
        let mut told = BTreeSet::new();
        let mut late = BTreeSet::new();
        thread::scope(|scope| {
            for writer in 0..if processes { WRITERS } else { 1 } {
                let tells = tells.clone();
                scope.spawn(move || if processes { self.many(writer, &tells) } else { self.one(&tells) });
            }
            drop(tells);
            told.extend(hears.iter().take(after as usize));
            // The moment of the cut is not that of an acknowledgement.
            (0..lot >> 32 & 0xffff).for_each(|step| {
                std::hint::black_box(step);
            });
            told.extend(hears.try_iter());
            self.shut_down().unwrap();
            late.extend(hears.iter());
        });
        self.unmount().unwrap();
        self.mount().unwrap();
        let doctor = self.project.tried(["doctor", "--quiet"]);
        assert_eq!(doctor.status, 0, "cut {number}: {doctor:?}");
        let titles = self.project.json(["sql", "SELECT group_concat(title, ' ') FROM tasks"]);
        let titles = titles["rows"][0][0].as_str().unwrap_or_default();
        Outcome { told, late, there: titles.split_whitespace().map(str::to_owned).collect() }
    }

    /// One process that commits one task after the other, and opens the tracker anew now and then.
    fn one(&self, tells: &Sender<String>) {
        let who = Identity { actor: Some("agent:test".into()), ..Identity::default() };
        let mut titles = 0..;
        let mut some = || -> Result<(), Failure> {
            let world = World::real();
            let mut app = App::open_write(App::locate(&world, self.project.path())?, world, DEFAULT_WAIT)?;
            for title in titles.by_ref().take(200).map(|title| title.to_string()) {
                app.execute(&who, |names| {
                    let task = NewTask { title: title.clone(), ..NewTask::default() };
                    Ok(Command::Create { id: names.fresh_task(), chosen: false, task })
                })?;
                drop(tells.send(title));
            }
            app.close();
            Ok(())
        };
        while some().is_ok() {}
    }

    /// A process for each task, until one fails.
    fn many(&self, writer: usize, tells: &Sender<String>) {
        let titles = (0..).map(|number| format!("{writer}-{number}"));
        let done = titles.take_while(|title| self.project.tried(["create", title, "--quiet"]).status == 0);
        done.for_each(|title| drop(tells.send(title)));
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = self.unmount();
    }
}

const WRITERS: usize = 2;

/// `FS_IOC_SHUTDOWN` with `FS_SHUTDOWN_FLAGS_NOLOGFLUSH`, as in Linux's `uapi/linux/fs.h`.
fn shut_down(mounted: &Path) -> rustix::io::Result<()> {
    const SHUTDOWN: Opcode = opcode::read::<u32>(b'X', 125);
    let folder = rustix::fs::open(mounted, rustix::fs::OFlags::RDONLY, rustix::fs::Mode::empty())?;
    unsafe { ioctl(folder, Setter::<SHUTDOWN, u32>::new(2)) }
}
