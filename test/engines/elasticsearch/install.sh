#!/usr/bin/env bash
# Lays out a real Elasticsearch from Maven Central, where its own libraries are, in .cache/elasticsearch-<version>: once, some
# 70 MB. What is not there is missing from this server: the life cycle (its setting is refused), pipelines, scripts, ES|QL.
# MVN_ARGS: extra words for mvn. The jars are Elastic's, for tests only; nothing of them is in a package of ours.
set -euo pipefail

sources=$(cd "$(dirname "$0")" && pwd)
version=$(sed -n 's#.*<es.version>\(.*\)</es.version>.*#\1#p' "$sources/server.pom.xml")
home="$sources/../../../.cache/elasticsearch-$version"

fail() {
  echo "test/engines/elasticsearch/install.sh: $*" >&2
  exit 1
}

# The descriptor inside Elastic's jar, less modulename: here the server runs on the class path, not the module path.
elastic_module() { # MODULE_DIR NAME
  local unpacked descriptor
  unpacked=$(mktemp -d)
  descriptor="META-INF/es-plugins/$2/plugin-descriptor.properties"
  (cd "$unpacked" && jar xf "$1/$2-$version.jar" "$descriptor")
  grep -v '^modulename=' "$unpacked/$descriptor" >"$1/plugin-descriptor.properties"
  rm -rf "$unpacked"
}

own_module() { # MODULES_DIR NAME CLASS
  local classes
  classes=$(mktemp -d)
  mkdir -p "$1/$2"
  javac -nowarn -proc:none -cp "$building/lib/*" -d "$classes" "$sources/$2"/*.java
  jar cf "$1/$2/$2.jar" -C "$classes" .
  printf '%s\n' "name=$2" "description=$2" "version=$version" "elasticsearch.version=$version" java.version=17 "classname=$3" \
    >"$1/$2/plugin-descriptor.properties"
  rm -rf "$classes"
}

if [ ! -e "$home" ]; then
  for program in javac jar mvn; do
    command -v "$program" >/dev/null || fail "there is no $program; install a JDK 17 or newer and Maven (apt-get install -y openjdk-17-jdk-headless maven)"
  done
  echo "installing Elasticsearch $version" >&2
  mkdir -p "$(dirname "$home")"
  building=$(mktemp -d "$home.XXXXXX")
  trap 'rm -rf "$building"' EXIT
  for part in server security; do
    mvn -q -B -Dstyle.color=never ${MVN_ARGS:-} -f "$sources/$part.pom.xml" "-Des.home=$building" package >&2 || fail "mvn could not fetch the jars; is there a network?"
  done
  elastic_module "$building/modules/transport-netty4" transport-netty4
  elastic_module "$building/modules-security/x-pack-core" x-pack-core
  elastic_module "$building/modules-security/x-pack-security" x-pack-security
  mkdir -p "$building/classes"
  javac -nowarn -proc:none -cp "$building/lib/*" -d "$building/classes" "$sources/server"/*.java
  own_module "$building/modules" root RootPlugin
  own_module "$building/modules-security" analysis EmailAnalysisPlugin
  # All or nothing: a folder of that name is complete.
  mv -T "$building" "$home"
fi
java=$(java -version 2>&1 | head -n 1)
echo "Elasticsearch: $version on $java"
