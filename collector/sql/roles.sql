-- Three users for a collector, in a database that holds nothing but its telemetry. As a superuser, before the first start:
--
--   createdb telemetry
--   psql -d telemetry --single-transaction --set=ON_ERROR_STOP=1 -f roles.sql
--   psql -d telemetry -c '\password tts_otel_owner'    and so on for each: they have none yet, which lets nobody in
--
-- DATABASE_ADMIN_URL is for tts_otel_owner, DATABASE_URL for tts_otel_writer, DATABASE_READ_URL for tts_otel_reader.
-- The rights on tables come from the collector, each time it starts. Running this again changes nothing.

DO $$
DECLARE
  name text;
BEGIN
  -- Owns the tables: migrations, partitions, retention, erasure.
  -- The writer appends and cannot read, but what alerts remember; the reader reads and cannot write.
  FOREACH name IN ARRAY ARRAY['tts_otel_owner', 'tts_otel_writer', 'tts_otel_reader'] LOOP
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) THEN
      EXECUTE format('CREATE ROLE %I LOGIN', name);
    END IF;
  END LOOP;

  EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
  EXECUTE format('GRANT CONNECT ON DATABASE %I TO tts_otel_owner, tts_otel_writer, tts_otel_reader', current_database());
  -- For batches that go through a temporary table.
  EXECUTE format('GRANT TEMPORARY ON DATABASE %I TO tts_otel_writer', current_database());
END
$$;

REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE, CREATE ON SCHEMA public TO tts_otel_owner;
GRANT USAGE ON SCHEMA public TO tts_otel_writer, tts_otel_reader;

-- A person's question must not take the server from the collector. These are defaults of a session, not walls: the walls
-- are the rights.
ALTER ROLE tts_otel_reader CONNECTION LIMIT 20;
ALTER ROLE tts_otel_reader SET statement_timeout = '10s';
ALTER ROLE tts_otel_reader SET lock_timeout = '2s';
ALTER ROLE tts_otel_reader SET idle_in_transaction_session_timeout = '60s';
ALTER ROLE tts_otel_reader SET default_transaction_read_only = on;
ALTER ROLE tts_otel_reader SET jit = off;
