#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# packages.sh PURPOSE...: installs the Debian packages that are missing for
# each purpose: build, run, test or fuzz. Needs root or sudo only when there is
# something to install.
set -eu

build="gcc libc6-dev meson ninja-build pkg-config libglib2.0-dev
  libgstreamer1.0-dev libopenblas-dev libjansson-dev libzip-dev libpng-dev
  libvulkan-dev glslang-tools python3-minimal"
run="gstreamer1.0-tools gstreamer1.0-plugins-base gstreamer1.0-plugins-good
  gstreamer1.0-plugins-bad"
test="g++ libgstreamer-plugins-base1.0-dev gstreamer1.0-x python3
  mesa-vulkan-drivers vulkan-validationlayers python3-gi gir1.2-gstreamer-1.0"
fuzz="clang libclang-rt-14-dev"

wanted=
for purpose in "$@"; do
  case $purpose in
    build) wanted="$wanted $build" ;;
    run) wanted="$wanted $run" ;;
    test) wanted="$wanted $test" ;;
    fuzz) wanted="$wanted $fuzz" ;;
    *) echo "packages.sh: unknown purpose $purpose" >&2; exit 2 ;;
  esac
done

missing=
for package in $wanted; do
  dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null |
    grep -q '^installed$' || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

echo "Installing:$missing"
root=
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || {
    echo "packages.sh: run as root, or install sudo, or install these" \
      "yourself:$missing" >&2
    exit 1
  }
  root=sudo
fi
export DEBIAN_FRONTEND=noninteractive
$root apt-get update -qq
# shellcheck disable=SC2086
$root apt-get install -y -qq --no-install-recommends $missing >/dev/null
