#!/bin/sh
# Writes functions.txt: what everyday commands of the program named first run, most used first
# (`sh benches/layout/record.sh target/layout/…/lattice`, or `make layout`). The program has to have its
# symbols. Needs valgrind.
set -eu
program=$(realpath "$1")
names=$(realpath "$(dirname "$0")")/functions.txt
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
mkdir "$place/project"
cd "$place/project"
unset LATTICE_ROOT LATTICE_LOCK_TIMEOUT
export LATTICE_ACTOR=agent:layout
"$program" init --project-code LAY --quiet >/dev/null
for number in $(seq 300); do
    printf '{"as":"t%d","create":{"title":"Task %d","description":"What it says.","tags":["a"]}}\n' "$number" "$number"
    printf '{"comment":{"task":"$t%d","text":"A word on it"}}\n' "$number"
    printf '{"plan":{"task":"$t%d","text":"# Plan\\n\\nStep by step."}}\n' "$number"
done | "$program" batch --quiet >/dev/null

number=0
record() {
    number=$((number + 1))
    valgrind --quiet --tool=callgrind --demangle=no --callgrind-out-file="$place/$number.out" \
        "$program" "$@" >"$place/said" 2>&1 || { echo "lattice $*: $(cat "$place/said")" >&2; exit 1; }
}
record show LAY-7
record show LAY-7 --json
record next
record next --json
record list --limit 20
record list --limit 50 --json
record create "One more"
record create "One more" --json
record comment LAY-8 "A word"
record status LAY-9 in_planning
record status LAY-9 planned
record next --claim
record update LAY-10 priority=high
record assign LAY-11 agent:other
record plan LAY-12
record comments LAY-13
record search word
record link LAY-14 blocks LAY-15

for out in "$place"/*.out; do
    sed -n "s/^c\{0,1\}fn=([0-9]*) //p" "$out" | sed "s/'.*//; s/17h[0-9a-f]*E.*//; s/\.llvm\.[0-9]*\$//; s/Cs[0-9A-Za-z]*_/Cs_/g" | sort -u
done | grep -v '^0x\|^(' | LC_ALL=C sort | uniq -c | LC_ALL=C sort -k1,1nr -k2 | awk '{ print $2 }' >"$place/names"
[ -s "$place/names" ] || { echo "$program has no symbols" >&2; exit 1; }
mv "$place/names" "$names"
echo "$(wc -l <"$names") functions"
