#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Fuzzes every target, or those named, for so many seconds each.
#
#     tests/fuzz/run.sh SECONDS [TARGET...]
#
# Builds with clang in build-fuzz (or $FUZZ_BUILD). First a planted bug must be
# found. Inputs that crash a target are left in that folder; the inputs that
# were found interesting are kept in its found/TARGET and used next time.
set -eu

seconds=${1:?usage: $0 SECONDS [TARGET...]}
shift
root=$(cd "$(dirname "$0")/../.." && pwd)
build=${FUZZ_BUILD:-$root/build-fuzz}

if [ ! -f "$build/build.ninja" ]; then
  CC=clang meson setup "$build" "$root" -Dfuzz=true -Db_lundef=false \
    -Db_sanitize=address,undefined -Dc_args=-fsanitize=fuzzer-no-link
fi

targets=$*
if [ -z "$targets" ]; then
  targets=$(cd "$root/tests/fuzz" &&
    ls fuzz_*.c | sed -e 's/^fuzz_//' -e 's/\.c$//' | grep -v '^main$')
fi
programs=
for target in $targets safetensors; do
  programs="$programs tests/fuzz/fuzz-$target"
done
ninja -C "$build" $programs tests/engine/io/corpus-table.txt

# Where a target's seeds are: the corpus has links to devices and files of
# gigabytes in it, so only small regular files are taken.
corpus=$build/tests/engine/io/corpus
seeds_of () {
  case $1 in
    safetensors) echo "$corpus/tensors" ;;
    zip | index) echo "$corpus/weights" ;;
    processor) echo "$corpus/audio $corpus/image" ;;
    config | json | pickle | vocab) echo "$corpus/$1" ;;
    bpe | tokenizer) echo "$root/tests/data/bpe" ;;
    image | png | ppm) echo "$root/tests/data/image" ;;
    wav) echo "$root/tests/data/audio" ;;
    element) echo "$root/tests/data/scripts" ;;
  esac
}

copy_seeds () {
  n=0
  for file in $(find $(seeds_of "$1") -type f -size -64k | tr ' ' '?'); do
    n=$((n + 1))
    cp -- $file "$2/$n"
  done
}

export ASAN_OPTIONS=allocator_may_return_null=1:detect_leaks=1
export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
# GLib's own allocator hides mistakes.
export G_SLICE=always-malloc
cd "$build"

mkdir -p found/planted
copy_seeds safetensors found/planted
if D2V_FUZZ_PLANT=1 tests/fuzz/fuzz-safetensors -max_total_time=60 \
  found/planted > planted.log 2>&1; then
  echo "the planted bug was not found: see $build/planted.log" >&2
  exit 1
fi
echo "the planted bug was found"
rm -f crash-*

failed=0
for target in $targets; do
  mkdir -p "found/$target" "seeds/$target"
  copy_seeds "$target" "seeds/$target"
  echo "== $target: $seconds s"
  if ! "tests/fuzz/fuzz-$target" -max_total_time="$seconds" -max_len=65536 \
    -rss_limit_mb=2048 -timeout=10 -print_final_stats=1 \
    "found/$target" "seeds/$target" > "$target.log" 2>&1; then
    echo "$target failed: see $build/$target.log" >&2
    failed=1
  fi
  grep -E 'number_of_executed_units|new_units_added|peak_rss' "$target.log" || :
done
exit $failed
