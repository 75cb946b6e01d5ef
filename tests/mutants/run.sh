#!/bin/sh
# Plants every fault of mutants.txt in a copy of the tree, one at a time, and runs the check that has to
# fail: `sh tests/mutants/run.sh`, or with a NAME for one of them. The copy is target/mutants/tree, what
# the last check of each said is beside it. 1 if a fault survives, or cannot be planted.
set -u
cd "$(dirname "$0")/../.." || exit 1
only=${1:-}
table=tests/mutants/mutants.txt
place=$PWD/target/mutants
tree=$place/tree
tab=$(printf '\t')
failed=0 caught=0
mkdir -p "$tree" || exit 1
export CARGO_TARGET_DIR="$place/build"

# The dependencies that are built already. The compiler replaces what it makes, cargo writes its notes
# in place: only the former may be shared with the real folder.
if [ ! -d "$CARGO_TARGET_DIR" ] && [ -d target/debug/deps ]; then
    mkdir -p "$CARGO_TARGET_DIR/debug"
    cp -Rp target/debug/.fingerprint target/debug/build "$CARGO_TARGET_DIR/debug"
    cp -al target/debug/deps "$CARGO_TARGET_DIR/debug/deps" 2>/dev/null ||
        cp -Rp target/debug/deps "$CARGO_TARGET_DIR/debug"
fi

# Makes the copy what the tree is. What is equal keeps its time, so that it is not built again; what
# differs gets a new one, because cargo goes by that.
files() {
    (cd "$1" && find . \( -name target -o -path ./.git -o -path ./fuzz/found -o -path ./fuzz/artifacts \) -prune -o -type f -print | LC_ALL=C sort)
}
files "$PWD" >"$place/wanted"
files "$tree" | LC_ALL=C comm -13 "$place/wanted" - | while IFS= read -r file; do
    rm -f "$tree/$file"
done
while IFS= read -r file; do
    cmp -s "$file" "$tree/$file" && continue
    mkdir -p "$(dirname "$tree/$file")"
    cp "$file" "$tree/$file" || exit 1
done <"$place/wanted"

# Runs a command in the copy; what it says goes to the file named second.
inside() {
    (cd "$tree" && sh -c "$1") >"$place/$2.log" 2>&1
}

bad() {
    echo "$1"
    failed=1
}

lines() {
    awk -F "$tab" -v only="$only" 'only == "" || $1 == only' "$table"
}
lines >"$place/lines"
[ -s "$place/lines" ] || bad "$only: there is no such mutant"

# Without a fault every check passes, and is one: a filter that fits no test passes too.
: >"$place/failing"
cut -f 2 "$place/lines" | sort -u >"$place/checks"
while IFS= read -r check <&3; do
    if inside "$check" unpatched && grep -q '^test result: ok\. [1-9]' "$place/unpatched.log"; then
        echo "without a mutant: $check: passes"
    else
        tail -n 30 "$place/unpatched.log"
        bad "without a mutant: $check: does not pass"
        echo "$check" >>"$place/failing"
    fi
done 3<"$place/checks"

while IFS=$tab read -r name check _ <&3; do
    patch="$PWD/tests/mutants/$name.patch"
    started=$(date +%s)
    if grep -qxF "$check" "$place/failing"; then
        bad "$name: not tried"
        continue
    fi
    if ! inside "patch -p1 -s -f --dry-run -i '$patch'" "$name"; then
        cat "$place/$name.log"
        bad "$name: the patch does not apply"
        continue
    fi
    inside "patch -p1 -s -f --no-backup-if-mismatch -i '$patch'" "$name"
    if ! inside "$check --no-run" "$name"; then
        tail -n 30 "$place/$name.log"
        bad "$name: does not build"
    elif inside "$check" "$name"; then
        bad "$name: SURVIVED ($(($(date +%s) - started)) s)"
    else
        echo "$name: caught ($(($(date +%s) - started)) s)"
        caught=$((caught + 1))
    fi
    inside "patch -p1 -s -f -R --no-backup-if-mismatch -i '$patch'" undone || exit 1
done 3<"$place/lines"
echo "mutants: $caught of $(($(wc -l <"$place/lines"))) were caught"
exit $failed
