#!/usr/bin/env bash
# Lays out a real Elasticsearch from Maven Central, where its own libraries are, in .cache/elasticsearch-<version>: once, some
# 70 MB. What is not there is missing from this server: pipelines, scripts, ES|QL, and of the life cycle all but what lifecycle/
# does, on a server with users (on others its setting is refused).
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

# Compiled again when its source has changed.
own_module() { # MODULES_DIR NAME CLASS [EXTENDED_MODULE]
  local made="$1/$2/$2.jar" out
  [ ! -e "$made" ] || [ -n "$(find "$sources/$2" -newer "$made")" ] || return 0
  out=$(mktemp -d)
  javac -nowarn -proc:none -cp "$home/lib/*:$1/${4-}/*" -d "$out/classes" "$sources/$2"/*.java
  jar cf "$out/$2.jar" -C "$out/classes" .
  mkdir -p "$1/$2"
  printf '%s\n' "name=$2" "description=$2" "version=$version" "elasticsearch.version=$version" java.version=17 "classname=$3" \
    "extended.plugins=${4-}" >"$1/$2/plugin-descriptor.properties"
  mv "$out/$2.jar" "$made"
  rm -rf "$out"
}

for program in javac jar mvn; do
  command -v "$program" >/dev/null || fail "there is no $program; install a JDK 17 or newer and Maven (apt-get install -y openjdk-17-jdk-headless maven)"
done
if [ ! -e "$home" ]; then
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
  # All or nothing: a folder of that name is complete, but for our own modules.
  mv -T "$building" "$home"
fi
own_module "$home/modules" root RootPlugin
own_module "$home/modules-security" analysis EmailAnalysisPlugin
own_module "$home/modules-security" lifecycle LifecyclePlugin x-pack-core
java=$(java -version 2>&1 | head -n 1)
echo "Elasticsearch: $version on $java"
