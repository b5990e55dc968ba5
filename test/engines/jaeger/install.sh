#!/usr/bin/env bash
# Builds Jaeger into .cache/jaeger-<version>/jaeger: once, some three minutes on two cores. go.sum pins every module. Its web page
# is a placeholder, because that is built apart; its API is whole.
set -euo pipefail

sources=$(cd "$(dirname "$0")" && pwd)
version=$(sed -n 's#^require github.com/jaegertracing/jaeger v##p' "$sources/go.mod")
home="$sources/../../../.cache/jaeger-$version"

fail() {
  echo "test/engines/jaeger/install.sh: $*" >&2
  exit 1
}

if [ ! -e "$home/jaeger" ]; then
  command -v go >/dev/null || fail "there is no go; install Go 1.26 or newer (https://go.dev/dl/), for the OpenTelemetry Collector and Jaeger"
  echo "building Jaeger $version" >&2
  building=$(mktemp -d)
  trap 'rm -rf "$building"' EXIT
  # A copy: the build may add to go.mod.
  cp "$sources"/go.mod "$sources"/go.sum "$sources"/tools.go "$building"
  (cd "$building" && go build -mod=mod -trimpath -ldflags='-s -w' -o jaeger github.com/jaegertracing/jaeger/cmd/jaeger >&2) || fail "go could not build it; is there a network?"
  mkdir -p "$home"
  mv "$building/jaeger" "$home/jaeger"
fi
echo "Jaeger: $version"
