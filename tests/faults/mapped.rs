//! A disk without room behind mapped memory: blocks smaller than the steps in which SQLite asks for it.

use std::process::Command;

use crate::injector::Ending;
use crate::sandbox::{empty, is_root, skip};

/// Exit 135 would be the shell's word for a death by SIGBUS.
#[test]
fn a_full_disk_with_small_blocks_kills_nobody() {
    if !is_root() {
        skip("disks with small blocks: only root may mount them");
        return;
    }
    let script = r#"
        truncate -s 8M "$1/image" && mkfs.ext4 -q -b 1024 -m 0 -O ^has_journal "$1/image" || exit 77
        mkdir "$1/disk" && mount -o loop "$1/image" "$1/disk" || exit 77
        cd "$1/disk"; shift
        "$1" init --project-code LAT --quiet >/dev/null && "$1" create first --quiet >/dev/null
        rm -f .lattice/lattice.db-shm
        dd if=/dev/zero of=ballast bs=1024 2>/dev/null
        # Room for the bytes that SQLite takes, none for what lies between them.
        truncate -s -${ROOM}K ballast
        "$1" list >/dev/null; echo "list $?"
        "$1" show LAT-1 --quiet >/dev/null; echo "show $?"
        "$1" export --file - >/dev/null; echo "export $?"
        "$1" create second --json; echo "create $?"
        "$1" create third; echo "create $?"
        rm ballast; "$1" create last --quiet >/dev/null; echo "after $?"
        "$1" doctor --quiet; echo "doctor $?"
        cd /; umount "$OLDPWD"
    "#;
    for room in ["0", "8", "12", "20"] {
        let project = empty();
        let program = project.command(["list"]);
        let mut command = Command::new("unshare");
        command.args(["-m", "sh", "-c", script, "sh"]).arg(project.path()).arg(program.get_program());
        command.env("LATTICE_ACTOR", "agent:test").env("ROOM", room);
        let ending = Ending::of(command);
        if ending.status == Some(77) {
            skip(&format!("disks with small blocks: {}", ending.stderr.trim()));
            return;
        }
        let said = |line: &str| ending.stdout.lines().filter(|found| *found == line).count();
        for line in ["list 0", "show 0", "export 0", "after 0", "doctor 0"] {
            assert_eq!(said(line), 1, "{line} with {room} KiB: {ending:#?}");
        }
        assert_eq!(said("create 4") + said("create 0"), 2, "{room} KiB: {ending:#?}");
        let told = ending.stdout.contains("\"error\"") && ending.stderr.contains("Hint: ");
        assert!(told || said("create 0") > 0, "{room} KiB: {ending:#?}");
        assert!(!ending.stderr.contains("panicked"), "{ending:#?}");
    }
}
