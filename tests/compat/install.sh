#!/bin/sh
# Installs the Python predecessor into a folder and prints its program. Says why where it cannot.
set -u
python=$1
folder=$(mkdir -p "$2" && cd "$2" && pwd)
program=$folder/bin/lattice

skip() {
    echo "skipped: $1" >&2
    exit 1
}

if [ ! -x "$program" ]; then
    command -v "$python" >/dev/null || skip "there is no $python"
    "$python" -c 'import sys; sys.exit(sys.version_info < (3, 12))' ||
        skip "the predecessor needs Python 3.12; name one: make compat PYTHON=…"
    "$python" -m venv "$folder" >&2 || skip "$python makes no virtual environment"
    "$folder/bin/pip" install --quiet --disable-pip-version-check 'lattice-tracker>=0.2,<0.3' >&2 ||
        skip "the predecessor cannot be installed"
fi
echo "$program"
