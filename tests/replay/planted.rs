//! Faults planted in recordings: each is a program that forgets one thing, and each must be found.

use crate::cuts::Explorer;
use crate::disk::Op;
use crate::meet::Shared;
use crate::scenes::{self, Scene};
use crate::{explore, is_possible, say};

/// What is forgotten.
#[derive(Clone, Copy, Debug)]
enum Fault {
    /// No file is flushed.
    FilesUnflushed,
    /// No folder is flushed.
    FoldersUnflushed,
    /// Files get their names before they are flushed.
    NamedTooEarly,
    /// Files are written under their own names.
    WrittenInPlace,
    /// The acknowledgement comes before the first flush.
    DoneTooEarly,
}

impl Fault {
    /// The calls as this program would have made them.
    fn plant(self, scene: &mut Scene) {
        let rest = scene.ops.split_off(scene.log().from);
        let names: Vec<(String, String)> = rest.iter().filter_map(renamed).collect();
        let mut after: Vec<Op> = Vec::new();
        for op in rest {
            match (self, &op) {
                (Self::FilesUnflushed, Op::Sync { .. }) | (Self::FoldersUnflushed, Op::SyncFolder { .. }) => {
                }
                (Self::NamedTooEarly, Op::Rename { .. }) | (Self::DoneTooEarly, Op::Done) => {
                    let flush = after.iter().position(|op| matches!(op, Op::Sync { .. }));
                    after.insert(flush.unwrap_or(after.len()), op);
                }
                (Self::WrittenInPlace, Op::Rename { .. }) => {}
                (Self::WrittenInPlace, Op::Create { path, ino }) => {
                    let name = names.iter().find(|(from, _)| from == path).map_or(path, |(_, to)| to);
                    after.push(Op::Create { path: name.clone(), ino: *ino });
                }
                _ => after.push(op),
            }
        }
        scene.ops.extend(after);
    }
}

fn renamed(op: &Op) -> Option<(String, String)> {
    match op {
        Op::Rename { from, to } => Some((from.clone(), to.clone())),
        _ => None,
    }
}

#[test]
fn every_fault_that_is_planted_is_found() {
    if !is_possible() {
        return;
    }
    let export = || scenes::export("export", 3);
    let planted: [(Fault, &dyn Fn() -> Scene); 8] = [
        (Fault::FilesUnflushed, &export),
        (Fault::FilesUnflushed, &scenes::init),
        (Fault::FoldersUnflushed, &export),
        (Fault::FoldersUnflushed, &scenes::init),
        (Fault::NamedTooEarly, &export),
        (Fault::WrittenInPlace, &export),
        (Fault::WrittenInPlace, &scenes::init),
        (Fault::DoneTooEarly, &scenes::import),
    ];
    for (fault, record) in planted {
        let mut scene = record();
        fault.plant(&mut scene);
        let tally = explore(&Explorer::default(), &Shared::default(), &scene, 250);
        let name = scene.log().name;
        say(&format!("replay: {fault:?} in {name}: {} lost, {} corrupt", tally.lost, tally.corrupt));
        assert!(tally.bad() > 0, "{fault:?} in {name} was not found");
    }
}
