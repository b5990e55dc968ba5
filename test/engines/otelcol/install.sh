#!/usr/bin/env bash
# Builds the official OpenTelemetry Collector of collector/otelcol/builder-config.yaml into .cache/otelcol/tts-otelcol: once for
# each state of that file, some three minutes on two cores. Go's own checks hold the modules to the public record of their sums.
set -euo pipefail

root=$(cd "$(dirname "$0")/../../.." && pwd)
manifest="$root/collector/otelcol/builder-config.yaml"
home="$root/.cache/otelcol"
version=$(sed -n 's/^  version: //p' "$manifest")

fail() {
  echo "test/engines/otelcol/install.sh: $*" >&2
  exit 1
}

if ! cmp -s "$manifest" "$home/builder-config.yaml"; then
  command -v go >/dev/null || fail "there is no go; install Go 1.26 or newer (https://go.dev/dl/), for the OpenTelemetry Collector and Jaeger"
  echo "building the OpenTelemetry Collector $version" >&2
  building=$(mktemp -d)
  trap 'rm -rf "$building"' EXIT
  GOBIN="$building/bin" go install "go.opentelemetry.io/collector/cmd/builder@v$version" >&2 || fail "go could not fetch the builder; is there a network?"
  (cd "$building" && bin/builder --config "$manifest" >"$building/log" 2>&1) || { tail -n 20 "$building/log" >&2; fail "the builder failed"; }
  mkdir -p "$home"
  mv "$building/_build/tts-otelcol" "$home/tts-otelcol"
  # Last: with it the folder is complete.
  cp "$manifest" "$home/builder-config.yaml"
fi
echo "OpenTelemetry Collector: $("$home/tts-otelcol" --version)"
