#!/usr/bin/env bash
# Makes the browser that test/browser needs available, and fails when it cannot: these tests are never skipped.
set -euo pipefail

fail() {
  echo "test/browser/setup.sh: $*" >&2
  exit 1
}

chromium_program() {
  command -v chromium || command -v chromium-browser || command -v google-chrome
}

install_chromium() {
  command -v apt-get >/dev/null || fail "Chromium is missing and there is no apt-get here; install Chromium or Chrome"
  [ "$(id -u)" = 0 ] || fail "Chromium is missing; run 'sudo apt-get install -y chromium', or this script as root"
  echo "installing Chromium" >&2
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -q >&2 || fail "apt-get update failed; is there a network?"
  apt-get install -q -y --no-install-recommends chromium fonts-dejavu-core >&2 || fail "apt-get install chromium failed"
}

chromium_program >/dev/null || install_chromium
program=$(chromium_program) || fail "no chromium after the installation"
echo "Chromium: $("$program" --version 2>/dev/null)"
