#!/usr/bin/env bash
# Makes the servers that test/engines needs available, and fails when it cannot: these tests are never skipped.
# Each test starts its own server on a free port, with its data in a temporary folder.
set -euo pipefail

fail() {
  echo "test/engines/setup.sh: $*" >&2
  exit 1
}

postgres_bin() {
  ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -n 1
}

install_postgres() {
  command -v apt-get >/dev/null || fail "PostgreSQL is missing and there is no apt-get here; install PostgreSQL 14 or newer under /usr/lib/postgresql/<version>/bin"
  [ "$(id -u)" = 0 ] || fail "PostgreSQL is missing; run 'sudo apt-get install -y postgresql', or this script as root"
  echo "installing PostgreSQL" >&2
  export DEBIAN_FRONTEND=noninteractive
  # The package would start a server of its own on port 5432, which no test uses.
  mkdir -p /etc/postgresql-common
  [ -e /etc/postgresql-common/createcluster.conf ] || echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.conf
  apt-get update -q >&2 || fail "apt-get update failed; is there a network?"
  apt-get install -q -y --no-install-recommends postgresql >&2 || fail "apt-get install postgresql failed"
}

[ -n "$(postgres_bin)" ] || install_postgres
bin=$(postgres_bin)
[ -x "$bin/postgres" ] && [ -x "$bin/initdb" ] || fail "no postgres and initdb in ${bin:-/usr/lib/postgresql}"
if [ "$(id -u)" = 0 ]; then
  # PostgreSQL refuses to run as root.
  id postgres >/dev/null 2>&1 || fail "there is no user 'postgres' to run the server as"
fi
echo "PostgreSQL: $("$bin/postgres" --version)"

redis_program() {
  command -v redis-server || command -v redis-check-rdb
}

install_redis() {
  command -v apt-get >/dev/null || fail "Redis is missing and there is no apt-get here; install Redis 7.0 or newer, with redis-server in /usr/bin or /usr/local/bin"
  [ "$(id -u)" = 0 ] || fail "Redis is missing; run 'sudo apt-get install -y redis-tools', or this script as root"
  echo "installing Redis" >&2
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -q >&2 || fail "apt-get update failed; is there a network?"
  # Not redis-server: that package starts a server of its own on port 6379. This one brings the same binary under the name redis-check-rdb.
  apt-get install -q -y --no-install-recommends redis-tools >&2 || fail "apt-get install redis-tools failed"
}

redis_program >/dev/null || install_redis
program=$(redis_program) || fail "no redis-server and no redis-check-rdb after the installation"
echo "Redis: $(bash -c 'exec -a redis-server "$0" --version' "$program")"

java_is_there() {
  command -v javac >/dev/null && command -v mvn >/dev/null
}

install_java() {
  command -v apt-get >/dev/null || fail "a JDK and Maven are missing and there is no apt-get here; install a JDK 17 or newer and Maven, for Elasticsearch"
  [ "$(id -u)" = 0 ] || fail "a JDK and Maven are missing; run 'sudo apt-get install -y openjdk-17-jdk-headless maven', or this script as root"
  echo "installing a JDK and Maven" >&2
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -q >&2 || fail "apt-get update failed; is there a network?"
  apt-get install -q -y --no-install-recommends openjdk-17-jdk-headless maven >&2 || fail "apt-get install openjdk-17-jdk-headless maven failed"
}

java_is_there || install_java
bash "$(dirname "$0")/elasticsearch/install.sh"

# PROGRAM PACKAGE NAME: a server from a package, without the one that the package would start, now and at the next start of the machine.
need_server() {
  local program=$1 package=$2 name=$3
  command -v "$program" >/dev/null && return
  command -v apt-get >/dev/null || fail "$name is missing and there is no apt-get here; install it as $program in /usr/bin or /usr/local/bin"
  [ "$(id -u)" = 0 ] || fail "$name is missing; run 'sudo apt-get install -y $package', or this script as root"
  echo "installing $name" >&2
  export DEBIAN_FRONTEND=noninteractive
  local policy=/usr/sbin/policy-rc.d made=
  [ -e "$policy" ] || { printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod +x "$policy" && made=yes; }
  apt-get update -q >&2 || fail "apt-get update failed; is there a network?"
  local installed=yes
  apt-get install -q -y --no-install-recommends "$package" >&2 || installed=
  [ -z "$made" ] || rm "$policy"
  systemctl disable "$package" >&2 2>&1 || true
  [ -n "$installed" ] || fail "apt-get install $package failed"
}

need_server prometheus-alertmanager prometheus-alertmanager Alertmanager
echo "Alertmanager: $(prometheus-alertmanager --version 2>&1 | head -n 1)"
need_server prometheus prometheus Prometheus
echo "Prometheus: $(prometheus --version 2>&1 | head -n 1)"
export PATH=$PATH:/usr/sbin
need_server haproxy haproxy HAProxy
echo "HAProxy: $(haproxy -v | head -n 1)"
need_server docker-compose docker-compose "docker-compose (no Docker is needed, it only reads our files)"
echo "docker-compose: $(docker-compose version --short)"

bash "$(dirname "$0")/otelcol/install.sh"
bash "$(dirname "$0")/jaeger/install.sh"
bash "$(dirname "$0")/kubernetes/install.sh"
