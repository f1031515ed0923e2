#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# build.sh [DIR [MESON OPTION...]]: configures DIR (build) if it is new, and
# builds. Warnings are errors when CI is set. TARGETS: what to build, if not all.
set -eu
cd "$(dirname "$0")/.."

dir=${1:-build}
[ $# -eq 0 ] || shift
[ -z "${CI:-}" ] || set -- --werror "$@"
[ -f "$dir/build.ninja" ] || meson setup "$dir" "$@" >"$dir.log" 2>&1 || {
  cat "$dir.log" >&2
  exit 1
}
rm -f "$dir.log"
ninja -C "$dir" ${JOBS:+-j "$JOBS"} ${TARGETS:-} >"$dir/build.log" 2>&1 || {
  grep -E 'error|warning|FAILED|undefined' "$dir/build.log" >&2
  exit 1
}
