-- Lets people read their own rows and no others, by row-level security. When you want it; after roles.sql and the first
-- start of the collector, as a superuser (it makes a role). All of it or nothing:
--
--   psql -d telemetry --single-transaction --set=ON_ERROR_STOP=1 -f row-security.sql
--
-- Then for each of them:
--
--   CREATE ROLE alice LOGIN IN ROLE tts_otel_user;
--   GRANT CONNECT ON DATABASE telemetry TO alice;
--   INSERT INTO user_readers (role, user_id) VALUES ('alice', '4711');
--
-- Whoever is in tts_otel_user sees the rows of logs, spans, requests and errors that carry their user_id. Everybody else sees
-- what their rights allow, as before. Running this again changes nothing; to undo it: ALTER TABLE … DISABLE ROW LEVEL SECURITY.

DO $$
BEGIN
  IF current_setting('server_version_num')::integer < 150000 THEN
    RAISE EXCEPTION 'row-security.sql needs PostgreSQL 15 or newer: before, a view shows the rows of its owner';
  END IF;
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'tts_otel_user') THEN
    CREATE ROLE tts_otel_user NOLOGIN;
  END IF;
END
$$;

CREATE TABLE IF NOT EXISTS user_readers (
  role name PRIMARY KEY,
  user_id text NOT NULL
);

-- With the rights of its owner, so that nobody else needs to see the table. Of others it tells nothing: who asks is the
-- session's user, whatever role they have put on.
CREATE OR REPLACE FUNCTION user_id_of(reader name) RETURNS text
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
  AS 'SELECT user_id FROM user_readers WHERE role = reader AND pg_has_role(session_user, reader, ''MEMBER'')';
REVOKE ALL ON FUNCTION user_id_of FROM PUBLIC;
GRANT EXECUTE ON FUNCTION user_id_of TO tts_otel_user;

GRANT USAGE ON SCHEMA public TO tts_otel_user;
GRANT SELECT ON logs, spans, requests, errors TO tts_otel_user;

DO $$
DECLARE
  name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['logs', 'spans'] LOOP
    EXECUTE format('DROP POLICY IF EXISTS append ON %I', name);
    EXECUTE format('DROP POLICY IF EXISTS whole ON %I', name);
    EXECUTE format('DROP POLICY IF EXISTS own ON %I', name);
    EXECUTE format('CREATE POLICY append ON %I FOR INSERT WITH CHECK (true)', name);
    -- Subqueries run once for a statement, not once for a row.
    EXECUTE format('CREATE POLICY whole ON %I FOR SELECT USING ((SELECT NOT pg_has_role(current_user, ''tts_otel_user'', ''MEMBER'')))', name);
    EXECUTE format('CREATE POLICY own ON %I FOR SELECT TO tts_otel_user USING (user_id = (SELECT user_id_of(current_user)))', name);
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
  END LOOP;
END
$$;
