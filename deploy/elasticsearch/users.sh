#!/usr/bin/env bash
# Once Elasticsearch runs, with its superuser's password (ELASTIC_PASSWORD) in the environment: three users that have no more rights
# than they need, and their passwords. Running it again sets the passwords again. At ELASTICSEARCH_URL.
#
#   tts_otel_writer  the collectors: appends, and removes days that are over
#   tts_otel_reader  Grafana: reads log records
#   tts_otel_owner   people: erasing a person, dead letters
set -euo pipefail

# By standard input: whoever lists processes sees no password.
put() {
  curl --silent --show-error --fail --max-time 30 --output /dev/null --config - <<EOF
request = PUT
url = "$ELASTICSEARCH_URL/_security/$1"
user = "elastic:$ELASTIC_PASSWORD"
header = "Content-Type: application/json"
data = "$(sed 's/["\\]/\\&/g' <<<"$2")"
EOF
}

# NAME PASSWORD RIGHTS
user() {
  put "role/$1" "$3"
  put "user/$1" "{\"password\": \"$2\", \"roles\": [\"$1\"]}"
  echo "$1"
}

user tts_otel_writer "$ES_WRITER_PASSWORD" '{"cluster": ["monitor", "manage_index_templates", "read_ilm"], "indices": [{"names": ["tts-api-*"], "privileges": ["create_doc", "create_index", "view_index_metadata", "delete_index"]}, {"names": ["tts-api-dead-letters"], "privileges": ["read", "delete", "maintenance"]}]}'
user tts_otel_reader "$ES_READER_PASSWORD" '{"cluster": ["monitor"], "indices": [{"names": ["tts-api-2*"], "privileges": ["read", "view_index_metadata"]}]}'
user tts_otel_owner "$ES_OWNER_PASSWORD" '{"cluster": ["monitor", "manage_index_templates"], "indices": [{"names": ["tts-api-*"], "privileges": ["read", "delete", "create_doc", "view_index_metadata", "maintenance"]}]}'
