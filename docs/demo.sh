#!/usr/bin/env bash
# Plays the main job in a temporary folder: prints each command and what it really answers.
# Usage: docs/demo.sh PATH/TO/lattice
set -euo pipefail

lattice_bin=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
folder=$(mktemp -d "${TMPDIR:-/tmp}/lattice-demo.XXXXXX")
trap 'rm -rf "$folder"' EXIT
cd "$folder"
bin=$folder/bin
mkdir "$bin"
ln -s "$lattice_bin" "$bin/lattice"
export PATH=$bin:$PATH LATTICE_ACTOR=agent:demo
unset LATTICE_ROOT

say() { printf '\n\033[1m# %s\033[0m\n' "$*"; }
run() {
  printf '$ %s\n' "$*"
  eval "$*"
}

git init -q project
cd project
git config user.name Demo
git config user.email demo@example.com

say "A tracker, whole or not at all"
run lattice init --project-code LAT --project-name Demo

say "Three tasks; the second needs the first"
run "lattice create 'Read the log' --priority high --description 'Parse each line once.'"
run "lattice create 'Draw the chart' --priority critical"
run "lattice create 'Write the manual' --tags docs"
run lattice link LAT-2 depends_on LAT-1
run lattice ready
run lattice blocked

say "An agent plans the task that comes first, takes it and works on it"
run lattice next
run "echo 'Stream the file; one pass; test with a torn last line.' | lattice plan LAT-1 --file -"
run lattice next --claim
run "lattice comment LAT-1 'The last line may be torn: handled.' --role review"
run lattice status LAT-1 review
run lattice status LAT-1 done
run lattice comments LAT-1

say "What is there now"
run lattice list
run lattice show LAT-2

say "Any question, in SQL that can only read"
run "lattice sql 'SELECT short_id, title, status FROM tasks ORDER BY id'"
run "lattice sql 'SELECT actor, events, tasks FROM activity'"

say "The tree for git: sorted, complete, each file replaced whole or not at all"
run lattice export
run git add .lattice
run "git commit -qm 'tracker: first export'"
run lattice assign LAT-3 human:ada
run lattice export
run git --no-pager diff --stat
run git --no-pager diff -U0 --no-color -- .lattice/events

say "And the tracker proves that it is whole"
run lattice doctor
