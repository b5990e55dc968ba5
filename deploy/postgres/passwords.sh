#!/bin/sh
# After collector/sql/roles.sql, at the first start of the database: the passwords of its three users, from the environment.
set -eu
psql -v ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" \
  -v owner="$OWNER_PASSWORD" -v writer="$WRITER_PASSWORD" -v reader="$READER_PASSWORD" <<'SQL'
ALTER ROLE tts_otel_owner PASSWORD :'owner';
ALTER ROLE tts_otel_writer PASSWORD :'writer';
ALTER ROLE tts_otel_reader PASSWORD :'reader';
SQL
