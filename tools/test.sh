#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# test.sh [MESON TEST OPTION...]: installs what is missing, builds, and runs
# all tests. The last line is "N passed, N failed, N skipped".
set -eu
cd "$(dirname "$0")/.."

tools/packages.sh build run test
echo "Building ..."
tools/build.sh build
echo "Testing ..."
status=0
meson test -C build --no-rebuild --print-errorlogs --num-processes 2 "$@" ||
  status=$?
python3 tools/count_tests.py build/meson-logs/testlog.json || status=1
exit "$status"
