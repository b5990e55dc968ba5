import { expect, test } from 'vitest'
import { createSqlReader, readStatement } from '../../src/instrument/sql-statement.ts'

test.each([
  ["SELECT 'a secret'", 'SELECT ?'],
  ["SELECT 'it''s a secret', n FROM t", 'SELECT ?, n FROM t'],
  [String.raw`SELECT E'a \' secret' || x`, 'SELECT ? || x'],
  [String.raw`SELECT e'\\', x`, 'SELECT ?, x'],
  ["SELECT U&'d\\0061ta' , X'1F', b'01', n'x'", 'SELECT ?'],
  ['SELECT $$a secret$$, $tag$ it is $$ secret $tag$ || x', 'SELECT ? || x'],
  ['SELECT $1::int, $2', 'SELECT $1::int, $2'],
  ['SELECT 1, -2.5, .5, 1e-9, 0xFF, 0b1, 0o7, 1_000_000, 1.', 'SELECT ?, -?'],
  ['SELECT a1, _2, t.c3, foo$4, ü5', 'SELECT a1, _2, t.c3, foo$4, ü5'],
  ['SELECT "a ""quoted"" name", U&"d\\0061ta" FROM "T 1"', 'SELECT "a ""quoted"" name", U&"d\\0061ta" FROM "T 1"'],
  ['SELECT a -- a secret\nFROM t', 'SELECT a FROM t'],
  ['SELECT /* a /* nested */ secret */ a', 'SELECT a'],
  ["SELECT '--', a /* 'secret */ FROM t", 'SELECT ?, a FROM t'],
  ['SELECT a - -1, b --1', 'SELECT a - -?, b'],
  ["WHERE a IN (1, 'b', 3) AND b IN ($1, $2)", 'WHERE a IN (?) AND b IN ($1, $2)'],
  ["VALUES (1, 'a'), (2, 'b')", 'VALUES (?), (?)'],
  ["ARRAY[1, 2]::int[] || '{3,4}'", 'ARRAY[?]::int[] || ?'],
  ["data ? 'key' AND data->>'other' = 'x'", 'data ? ? AND data->>? = ?'],
  ['a = true AND b IS NULL AND c = FALSE', 'a = ? AND b IS NULL AND c = ?'],
  ["timestamp '2026-01-01' + interval '1 day'", 'timestamp ? + interval ?'],
  ['  SELECT\n\t1  ;\n', 'SELECT ? ;'],
  ["SELECT 'no end of a secret", 'SELECT ?'],
  ['SELECT $$ no end of a secret', 'SELECT ?'],
  ['SELECT /* no end of a secret', 'SELECT'],
  ['', ''],
])('%s is told as %s', (text, told) => {
  expect(readStatement(text).text).toBe(told)
})

test.each([
  ['SELECT * FROM wuser_table WHERE username = ?', 'SELECT wuser_table'],
  ['INSERT INTO shipping_details (order_id) SELECT order_id FROM orders WHERE order_id = 1', 'INSERT shipping_details SELECT orders'],
  ['SELECT * FROM songs, artists WHERE songs.artist_id = artists.id', 'SELECT songs artists'],
  ['SELECT d FROM (SELECT * FROM orders o JOIN customers c ON o.id = c.id)', 'SELECT SELECT orders customers'],
  [`SELECT * FROM "song list", app."T 1" AS t, x`, 'SELECT "song list" app."T 1" x'],
  ['select id from Songs s left join lateral (select 1 from b) q on true', 'select Songs select b'],
  ['WITH old AS (DELETE FROM songs RETURNING *) SELECT count(*) FROM old', 'DELETE songs SELECT old'],
  ['UPDATE ONLY songs SET title = a.name FROM artists a WHERE a.id = 1', 'UPDATE songs artists'],
  ['INSERT INTO t VALUES (1) ON CONFLICT DO UPDATE SET a = 1', 'INSERT t'],
  ['SELECT a FROM t FOR NO KEY UPDATE', 'SELECT t'],
  ['DELETE FROM t USING u WHERE t.id = u.id', 'DELETE t u'],
  ['MERGE INTO t USING s ON t.i = s.i WHEN MATCHED THEN UPDATE SET x = 1', 'MERGE t s UPDATE'],
  ['SELECT extract(year FROM born), a IS DISTINCT FROM b FROM people', 'SELECT people'],
  ['SELECT 1 FROM a UNION ALL SELECT 2 FROM b ORDER BY 1, 2', 'SELECT a SELECT b'],
  ['CREATE TABLE IF NOT EXISTS app.songs (id int REFERENCES t ON DELETE CASCADE)', 'CREATE TABLE app.songs'],
  ['CREATE UNIQUE INDEX CONCURRENTLY ON songs (title)', 'CREATE INDEX songs'],
  ['DROP TABLE IF EXISTS songs', 'DROP TABLE songs'],
  ['ALTER ROLE app PASSWORD 0', 'ALTER'],
  ['GRANT SELECT ON songs TO app', 'GRANT'],
  ['COPY songs FROM STDIN', 'COPY songs'],
  ['TRUNCATE TABLE songs', 'TRUNCATE songs'],
  ['BEGIN; SELECT 1 FROM songs; COMMIT', 'BEGIN SELECT songs COMMIT'],
  ['EXPLAIN ANALYZE SELECT * FROM t', 'EXPLAIN SELECT t'],
  ['LISTEN user_4711', 'LISTEN'],
  ['CALL add_song($1)', 'CALL add_song'],
  ['a secret that is no SQL', undefined],
  ["'a secret'", undefined],
])('%s is summed up as %s', (text, summary) => {
  expect(readStatement(text).summary).toBe(summary)
})

test('a summary ends before 255 characters, with a whole name', () => {
  const tables = Array.from({ length: 100 }, (_, index) => `schema_of_many.table_${index}`)
  const { summary } = readStatement(`SELECT * FROM ${tables.join(', ')}`)
  expect(summary!.length).toBeLessThanOrEqual(255)
  expect(summary!.split(' ').slice(1)).toEqual(tables.slice(0, summary!.split(' ').length - 1))
})

test.each(["'", '"', '$', '$a$', '/*', '--', '(', 'a.', 'FROM ', 'SELECT 1,', "E'\\", '1', ';', 'ü'])(
  'a megabyte of %j takes no longer than its first part',
  (piece) => {
    const started = performance.now()
    const { text } = readStatement(piece.repeat(1_000_000 / piece.length))
    expect(text.length).toBeLessThanOrEqual(8_192)
    // Quadratic work would take minutes.
    expect(performance.now() - started).toBeLessThan(2_000)
  },
)

test('statements are read once while they are in use, and memory stays bounded', () => {
  const readSql = createSqlReader()
  const first = readSql('SELECT 1 FROM songs')
  const long = `SELECT ${'a, '.repeat(5_000)} b`
  for (let index = 0; index < 3_000; index++) {
    readSql(`SELECT '${index}${'x'.repeat(1_000)}'`)
    expect(readSql('SELECT 1 FROM songs')).toBe(first)
  }
  expect(readSql(long)).not.toBe(readSql(long))
})
