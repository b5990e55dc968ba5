#!/usr/bin/env bash
# Builds what reads our Kubernetes manifests with Kubernetes's own types into .cache/kubernetes-check: once for each state of its
# sources, less than a minute. go.sum pins every module.
set -euo pipefail

sources=$(cd "$(dirname "$0")" && pwd)
home="$sources/../../../.cache/kubernetes-check"

fail() {
  echo "test/engines/kubernetes/install.sh: $*" >&2
  exit 1
}

if ! cmp -s "$sources/go.sum" "$home/go.sum" || ! cmp -s "$sources/main.go" "$home/main.go"; then
  command -v go >/dev/null || fail "there is no go; install Go 1.26 or newer (https://go.dev/dl/)"
  echo "building the check of Kubernetes manifests" >&2
  mkdir -p "$home"
  (cd "$sources" && go build -mod=readonly -trimpath -o "$home/kubernetes-check" . >&2) || fail "go could not build it; is there a network?"
  # Last: with them it is complete.
  cp "$sources/main.go" "$sources/go.sum" "$home"
fi
echo "Kubernetes: types $(sed -n 's#.*k8s.io/api ##p' "$sources/go.mod" | head -n 1)"
