#!/usr/bin/env bash
# Builds an official OpenTelemetry Collector from a manifest, by default the one of collector/otelcol/builder-config.yaml, into
# .cache/otelcol/<its name>: once for each state of that file, some three minutes on two cores. Go's own checks hold the modules
# to the public record of their sums.
#
#   install.sh [MANIFEST]
set -euo pipefail

root=$(cd "$(dirname "$0")/../../.." && pwd)
manifest=${1:-"$root/collector/otelcol/builder-config.yaml"}
home="$root/.cache/otelcol"
name=$(sed -n 's/^  name: //p' "$manifest")
version=$(sed -n 's/^  version: //p' "$manifest")

fail() {
  echo "test/engines/otelcol/install.sh: $*" >&2
  exit 1
}

if ! cmp -s "$manifest" "$home/$name.yaml"; then
  command -v go >/dev/null || fail "there is no go; install Go 1.26 or newer (https://go.dev/dl/), for the OpenTelemetry Collector and Jaeger"
  echo "building the OpenTelemetry Collector $version: $name" >&2
  building=$(mktemp -d)
  trap 'rm -rf "$building"' EXIT
  GOBIN="$building/bin" go install "go.opentelemetry.io/collector/cmd/builder@v$version" >&2 || fail "go could not fetch the builder; is there a network?"
  (cd "$building" && bin/builder --config "$manifest" >"$building/log" 2>&1) || { tail -n 20 "$building/log" >&2; fail "the builder failed"; }
  mkdir -p "$home"
  mv "$building/_build/$name" "$home/$name"
  # Last: with it the folder is complete.
  cp "$manifest" "$home/$name.yaml"
fi
echo "OpenTelemetry Collector: $("$home/$name" --version)"
