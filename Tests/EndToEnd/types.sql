-- A database with every type of PostgreSQL, with the values at the edges of each, and tables and names of every kind.
CREATE EXTENSION hstore;
CREATE EXTENSION citext;
CREATE EXTENSION ltree;
CREATE EXTENSION cube;
CREATE EXTENSION isn;

CREATE TYPE mood AS ENUM ('happy', 'sad', 'it''s "complicated", really', 'ß');
CREATE TYPE pair AS (number int, label text);
CREATE TYPE nested AS (id bigint, inner_pair pair, list text[], amount numeric, at timestamptz);
CREATE TYPE textrange AS RANGE (subtype = text);
CREATE TYPE U&"m\0022\0301'\0301" AS ENUM (U&'''\0301');
-- Types that people named as PostgreSQL's own.
CREATE SCHEMA own;
CREATE TYPE own.money AS RANGE (subtype = float8);
CREATE TYPE own.date AS (year int, week int);
CREATE TYPE own.interval AS ENUM ('day');
CREATE TYPE own.oid AS RANGE (subtype = int8);
CREATE DOMAIN own.numeric AS pg_catalog.numeric(5,2);
CREATE DOMAIN posint AS int CHECK (value > 0);
CREATE DOMAIN tiny AS posint CHECK (value < 100);
CREATE DOMAIN price AS numeric(10,2);
CREATE DOMAIN special_price AS price NOT NULL;
CREATE DOMAIN tags AS text[];
CREATE DOMAIN a_pair AS pair;
CREATE DOMAIN cash AS money;
CREATE DOMAIN document AS jsonb;
CREATE DOMAIN instant AS timestamptz;
CREATE DOMAIN feeling AS mood;

CREATE TABLE numbers (
  id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, s smallint, i integer, b bigint, n numeric, n10_2 numeric(10,2),
  n38_38 numeric(38,38), n38_0 numeric(38,0), n39 numeric(39,0), n50_10 numeric(50,10), n5_m2 numeric(5,-2),
  n3_5 numeric(3,5), n1000 numeric(1000,500), r real, d double precision, m money, o oid, truth boolean,
  x xid, x8 xid8, lsn pg_lsn, doubled int GENERATED ALWAYS AS (i / 2) STORED);
INSERT INTO numbers (s, i, b, n, n10_2, n38_38, n38_0, n39, n50_10, n5_m2, n3_5, n1000, r, d, m, o, truth, x, x8, lsn) VALUES
  (-32768, -2147483648, -9223372036854775808, 'NaN', -99999999.99, '-0.99999999999999999999999999999999999999',
   '-99999999999999999999999999999999999999', '-999999999999999999999999999999999999999', -1e39::numeric(50,10), -9999900,
   -0.00999, -10::numeric ^ 499, 'NaN', 'NaN', '-92233720368547758.08', 0, false, '0', '0', '0/0'),
  (32767, 2147483647, 9223372036854775807, 'Infinity', 99999999.99, '0.99999999999999999999999999999999999999',
   '99999999999999999999999999999999999999', '999999999999999999999999999999999999999',
   '1234567890123456789012345678901234567890.0123456789', 9999900, 0.00999, 0.5 ^ 400, 'Infinity', 'Infinity',
   '92233720368547758.07', 4294967295, true, '4294967295', '18446744073709551615', 'FFFFFFFF/FFFFFFFF'),
  (0, 0, 0, '-Infinity', 0, 0, 0, 0, 0, 0, 0, 0, '-Infinity', '-Infinity', 0, 2147483648, null, '2147483648',
   '9223372036854775808', '16/B374D848'),
  (1, -1, 9007199254740993, ('1' || repeat('0', 2000) || '.' || repeat('7', 1500))::numeric, 0.01, 1e-38, 1, 10, 1e-10, 100,
   0.00001, 1e-500, '-0', '-0', 0.01, 1, true, '1', '1', '0/1'),
  (null, null, null, 1.10, null, null, null, null, null, null, null, null, 1e-45, 5e-324, null, null, null, null, null, null),
  (null, null, null, 1.100, null, null, null, null, null, null, null, null, 3.4028235e38, 1.7976931348623157e308,
   -0.01, null, null, null, null, null),
  (null, null, null, -0.0000000000000000000000000000000000000000000001, null, null, null, null, null, null, null, null,
   1.1754944e-38, 0.1, 1.1, null, null, null, null, null),
  (null, null, null, 0.000, null, null, null, null, null, null, null, null, 16777217, 9007199254740993, -0.5, null, null,
   null, null, null),
  (DEFAULT, null, null, null, null, null, null, null, null, null, null, null, 1/3::real, 2/3::double precision, null, null,
   null, null, null, null);

-- NaN where the column has a precision: the column is carried as text.
CREATE TABLE nan_price (id int PRIMARY KEY, price numeric(10,2) NOT NULL, cost numeric(6,3), "key" numeric(5,0) UNIQUE NOT NULL);
INSERT INTO nan_price VALUES (1, 1.10, 'NaN', 1), (2, 'NaN', 1.5, 'NaN'), (3, -3.00, null, 3);

CREATE TABLE texts (
  id serial PRIMARY KEY, t text, v varchar(20), c char(5), q "char", n name, ci citext, lt ltree, e mood, x xml,
  b bytea, collated text COLLATE "C");
INSERT INTO texts (t, v, c, q, n, ci, lt, e, x, b, collated) VALUES
  ('', '', '', '', '', '', '', 'happy', '<a b="1">ü &amp; <!-- c --></a>', '', ''),
  (E'a\nb\r\nc\td\\e\u0001\u007f', E'x\n', 'ab', 'a', 'pg_class', 'MiXeD', 'Top.Science.Astronomy', 'ß', '', '\x00', 'z'),
  ('"quoted", ''single'', comma; --comment /* */ {{ jinja }} {% if %} $1 %s', '"', '  x', '"', 'a"b', 'É', 'a', 'it''s "complicated", really',
   null, '\xdeadbeef00ff', 'NULL'),
  ('𝔘𝔫𝔦𝔠𝔬𝔡𝔢 😀👩‍👩‍👧‍👦 🇩🇪', '日本語', 'äöüß€', E'\\377', 'ñ', 'ẞ', 'b.c', 'sad', '<é/>', decode(repeat('ff', 70000), 'hex'), 'null'),
  (E'\u0627\u0644\u0639\u0631\u0628\u064A\u0629 \u05E2\u05D1\u05E8\u05D9\u05EA \u202Ertl\u202C e\u0301 \u00e9 \uFEFF \u200B \u2028 \uFFFD \uFFFF \U0010FFFF',
   'x', ' ', ' ', ' ', null, null, null, null, null, E'\u00a0');

INSERT INTO texts (t) SELECT repeat(chr(1 + n * 1049), 3) FROM generate_series(1, 900) n WHERE n * 1049 NOT BETWEEN 55295 AND 57343;
-- Stored out of line: one that compresses, one that does not, of a megabyte each.
CREATE TABLE toasted (id int PRIMARY KEY, t text, b bytea, j jsonb, a int[]);
ALTER TABLE toasted ALTER t SET STORAGE EXTERNAL;
INSERT INTO toasted VALUES
  (1, repeat('wéir', 250000), decode(repeat('00ff', 500000), 'hex'), jsonb_build_object('k', repeat('x', 300000)),
   ARRAY(SELECT generate_series(1, 100000))),
  (2, (SELECT string_agg(md5(n::text), '' ORDER BY n) FROM generate_series(1, 32768) n),
   (SELECT string_agg(decode(md5(n::text), 'hex'), '' ORDER BY n) FROM generate_series(1, 65536) n), null, '{}');

CREATE TABLE moments (
  id serial PRIMARY KEY, dt date, ts timestamp, ts3 timestamp(3), tz timestamptz, ti time, ti0 time(0), tt timetz,
  iv interval, iv_d interval day to second(2), dom instant);
INSERT INTO moments (dt, ts, ts3, tz, ti, tt, iv, iv_d, dom) VALUES
  ('infinity', 'infinity', 'infinity', 'infinity', '24:00:00', '24:00:00-15:59:59', '178000000 years', '1 day', 'infinity'),
  ('-infinity', '-infinity', '-infinity', '-infinity', '00:00:00', '00:00:00+15:59:59', '-178000000 years', '-1 day', '-infinity'),
  ('5874897-12-31', '294246-12-31 23:59:59.999999', '9999-12-31 23:59:59.999', '294246-12-31 23:59:59.999999+00',
   '23:59:59.999999', '12:34:56.789+05:30', '-1 mons +5 days -00:00:00.000001', '3 days 04:05:06.78', '1970-01-01 00:00:00+00'),
  ('4713-01-01 BC', '4713-01-01 00:00:00 BC', '0001-01-01 00:00:00.001', '4713-01-01 00:00:00+00 BC', '00:00:00.000001',
   '00:00:00.000001+00', '2562047788:00:54.775807', '-00:00:00.01', '4713-01-01 00:00:00+00 BC'),
  ('0044-03-15 BC', '0044-03-15 12:00:00 BC', '1969-12-31 23:59:59.999', '0044-03-15 12:00:00+00 BC', '12:00', '12:00+00',
   '1 year 2 mons -3 days +04:05:06', '00:00:00', '2026-03-29 02:30:00+01'),
  ('1582-10-10', '1969-12-31 23:59:59.999999', '2000-02-29 00:00:00', '1883-11-18 12:03:57.999999-04:56:02', '01:02:03.4',
   '01:02:03.4-08', '00:00:00', '12:00:00', '2026-10-25 02:30:00+02'),
  ('0001-01-01', '0001-01-01 00:00:00', '1900-02-28 23:59:59.9999', '2016-12-31 23:59:60+00', '04:05:06.000007', null,
   '-2147483648 mons', null, null),
  ('1970-01-01', '1970-01-01 00:00:00.000001', null, '1970-01-01 00:00:00+00', null, null,
   '2147483647 mons 2147483647 days', null, null),
  (null, null, null, null, null, null, null, null, null);

CREATE TABLE documents (id uuid PRIMARY KEY, j json, jb jsonb, dom document, h hstore);
INSERT INTO documents VALUES
  ('00000000-0000-0000-0000-000000000000', '{"a" : 1, "a":2,  "b": [1,  null]}', '{"a": 1, "a": 2, "z": null}', '[]', 'a=>1, "b c"=>NULL, "q\"" => "\\x"'),
  ('ffffffff-ffff-ffff-ffff-ffffffffffff', '123456789012345678901234567890.123456789012345678901234567890',
   '123456789012345678901234567890.1234567890', '1e400', ''),
  ('A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11', '"nul \u0000 pair \ud83d\ude00"', '"😀\u007f"', 'null', null),
  ('a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a12', 'null', '1.10', '{"": {"": [[[]]]}}', '""=>""'),
  ('a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a13', ('  {"deep":' || repeat('[', 500) || repeat(']', 500) || '} ')::json,
   (repeat('[', 200) || repeat(']', 200))::jsonb, null, null);
INSERT INTO documents SELECT md5(n::text)::uuid, to_json(n), to_jsonb(n * 1e300), null, null FROM generate_series(1, 50) n;

CREATE TABLE arrays (
  id int PRIMARY KEY, i int[], deep int[][][], lower int[], t text[], n numeric[], d float8[], e mood[], p pair[], b bytea[],
  tz timestamptz[], dt date[], m money[], u uuid[], j jsonb[], rg int4range[], bo bool[], dom tags, iv int2vector, h hstore[],
  r real[], ti interval[], dp price[]);
INSERT INTO arrays VALUES
  (1, '{1,null,3}', '{{{1,2},{3,4}},{{5,6},{7,null}}}', '[2:4]={1,2,3}', ARRAY['a"b', 'NULL', null, '', E'\n\\,{}', '😀'],
   '{NaN,Infinity,-Infinity,1.10,12345678901234567890123456789012345678901234567890.1}', '{NaN,Infinity,-Infinity,-0,1e-300,0.1}',
   ARRAY['happy', 'it''s "complicated", really']::mood[], ARRAY[(1, 'a,"b')::pair, null, (null, null)::pair],
   ARRAY['\x00ff'::bytea, ''], '{infinity,-infinity,"0044-03-15 12:00:00+00 BC",2026-01-01 00:00:00.000001+00}',
   '{infinity,0044-03-15 BC,5874897-12-31}', '{1.5,-2}', '{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}',
   ARRAY['{"a": 1e400}'::jsonb, 'null', null], '{"[1,5)",empty,"(,)"}', '{t,f,null}', '{x,null}', '1 2 3',
   ARRAY['a=>1'::hstore, null], '{1.1,3.4028235e38,NaN}', '{"1 mon -3 days",00:00:00}', '{1.10,2}'),
  (2, '{}', '{}', '[0:0]={9}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '', '{}', '{}', '{}', '{}');
INSERT INTO arrays (id) VALUES (3);

CREATE TABLE composites (id int PRIMARY KEY, p pair, ne nested, dom a_pair, tb numbers);
INSERT INTO composites SELECT 1, (1, E'a\n"b"')::pair, (9007199254740993, (2, 'x')::pair, '{a,null}'::text[], 'NaN'::numeric, 'infinity'::timestamptz)::nested, (3, 'y')::pair, whole
  FROM numbers whole WHERE id = 1;
INSERT INTO composites VALUES (2, null, null, null, null), (3, (null, null), (null, null, null, 1.10, null), (null, '')::pair, null);

CREATE TABLE domains (id posint PRIMARY KEY, t tiny, p price, sp special_price, c cash, f feeling, o instant);
INSERT INTO domains VALUES (1, 99, 1.10, 2.20, 3, 'sad', 'infinity'), (2147483647, null, null, 0, null, null, null);

CREATE TABLE own.types (m own.money, d own.date, i own.interval, o own.oid, n own.numeric, a own.date[]);
INSERT INTO own.types VALUES ('[1,2.5)', ROW(2026, 5)::own.date, 'day', '[1,3)', 1.5, ARRAY[ROW(1, 2)::own.date]);

CREATE TABLE ranges (
  id int PRIMARY KEY, i int4range, n numrange, ts tsrange, tz tstzrange, d daterange, t textrange, mi int4multirange, md datemultirange);
INSERT INTO ranges VALUES
  (1, '[1,5]', '(1.10,NaN]', '[2026-01-01,infinity)', '["0044-03-15 12:00:00+00 BC",2026-01-01 00:00+02)', '(,5874897-12-31)',
   '["a,b",c)', '{[1,3],[5,8)}', '{}'),
  (2, 'empty', '(,)', 'empty', '(,)', '[infinity,]', '(,)', '{}', '{[2026-01-01,2026-02-01),(2027-01-01,)}'),
  (3, null, null, null, null, null, null, null, null);

CREATE TABLE nets (id int PRIMARY KEY, ip inet, net cidr, mac macaddr, mac8 macaddr8, bits bit(4), many bit varying, one bit);
INSERT INTO nets VALUES
  (1, '::1', '::/0', 'ff:ff:ff:ff:ff:ff', '08:00:2b:01:02:03:04:05', B'0101', repeat('01', 500)::varbit, B'1'),
  (2, '192.168.0.1/24', '10.0.0.0/8', '00:00:00:00:00:00', '00:00:00:00:00:00:00:00', B'0000', '', B'0'),
  (3, '2001:db8::ff00:42:8329/64', '2001:db8::/32', null, null, null, null, null);

CREATE TABLE shapes (
  id int PRIMARY KEY, p point, l line, s lseg, b box, h path, g polygon, c circle, v tsvector, q tsquery, cu cube, isbn isbn13,
  re regclass, ty regtype, jp jsonpath, ti tid, snap pg_snapshot);
INSERT INTO shapes VALUES
  (1, '(1.1,-0)', '{1,2,3}', '[(0,0),(1e300,1e-300)]', '(1,1),(0,0)', '[(0,0),(1,1)]', '((0,0),(1,1),(1,0))', '<(0,0),NaN>',
   'fat:2,4A cat:3 ''it''''s''', 'fat & (rat | !cat) <-> x', '(1,2),(3,4)', '978-3-16-148410-0', 'numbers', 'numeric(10,2)',
   '$.a[*] ? (@ > 1)', '(1,2)', '10:20:10,14,15'),
  (2, '(NaN,Infinity)', null, null, null, '((0,0))', null, null, '', '', '1', null, null, null, null, null, null);

-- Tables of every kind.
CREATE TABLE empty_one (id bigint PRIMARY KEY, at timestamptz NOT NULL, amount numeric, tags text[]);
CREATE TABLE no_key (a int, b text);
INSERT INTO no_key VALUES (1, 'x'), (1, 'x'), (null, null), (null, null);
CREATE TABLE one_null (only_column text);
INSERT INTO one_null VALUES (null), (null);
CREATE TABLE dropped (a int, gone text, b text NOT NULL, also_gone int[], c date);
INSERT INTO dropped VALUES (1, 'x', 'y', '{1}', '2026-01-01');
ALTER TABLE dropped DROP COLUMN gone, DROP COLUMN also_gone;
ALTER TABLE dropped ADD COLUMN d int NOT NULL DEFAULT 7, ADD COLUMN e text DEFAULT 'later';
INSERT INTO dropped VALUES (2, 'z', null, 8, null);
CREATE UNLOGGED TABLE unlogged (id int PRIMARY KEY);
INSERT INTO unlogged VALUES (1);
CREATE TABLE no_columns ();
INSERT INTO no_columns DEFAULT VALUES;
CREATE TABLE measurements (city int, at timestamptz, value numeric, PRIMARY KEY (city, at)) PARTITION BY LIST (city);
CREATE TABLE measurements_1 PARTITION OF measurements FOR VALUES IN (1) PARTITION BY RANGE (at);
CREATE TABLE measurements_1a PARTITION OF measurements_1 FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
CREATE TABLE measurements_1b PARTITION OF measurements_1 DEFAULT;
CREATE TABLE measurements_rest (value numeric, at timestamptz NOT NULL, city int NOT NULL);
ALTER TABLE measurements ATTACH PARTITION measurements_rest DEFAULT;
INSERT INTO measurements SELECT n % 5, timestamptz '2026-01-01 00:00+00' + n * interval '3 hours', n / 7.0 FROM generate_series(1, 1000) n;
CREATE TABLE parent (id int PRIMARY KEY, t text);
CREATE TABLE child (extra int) INHERITS (parent);
INSERT INTO parent VALUES (1, 'p'), (2, 'q');
INSERT INTO child VALUES (1, 'same id as the parent''s', 9), (3, 'c', 9);
CREATE TABLE deferred (id int PRIMARY KEY DEFERRABLE INITIALLY DEFERRED, number int REFERENCES numbers DEFERRABLE, "unique" int UNIQUE);
INSERT INTO deferred VALUES (1, 2, 5), (2, 1, null), (3, 3, null);

-- Names.
CREATE SCHEMA sales;
CREATE SCHEMA "Mixed Schema";
CREATE TABLE sales."order" (id int PRIMARY KEY, "select" int, "group" text);
CREATE TABLE "order" (id int PRIMARY KEY, "user" text, "table" text, "from" timestamptz, "null" int, "true" bool);
CREATE TABLE "Order" (id int PRIMARY KEY, "userId" text);
CREATE TABLE "Mixed Schema"."Mixed Case" ("Id" int PRIMARY KEY, "ID" int, id int, "iD_2" int, "a b" int, "a-b" int, "a""b" int,
  "a'b" int, "a.b" int, "a;b--" int, "{{ x }}" int, "%s" int, "é" int, "É" int, "日本" int, "😀" int, " lead" int, "1st" int,
  "_" int, "tab	x" int, "back\slash" int, "$$" int, "?" int);
CREATE TABLE "a ""quoted"" 'name' {{ t }}; --" (id int PRIMARY KEY, x text NOT NULL);
CREATE TABLE "日本語テーブル" (id int, "名前" text);
CREATE TABLE "ÄÖÜ" (id int);
CREATE TABLE "a/b\..\..\c" (id int);
-- One name in two forms of Unicode; marks that join with a quote, a brace or a line break before them.
CREATE TABLE U&"caf\00e9" (id int PRIMARY KEY, U&"\00e9" int, U&"e\0301" int);
CREATE TABLE U&"cafe\0301" (id int PRIMARY KEY);
CREATE TABLE U&"t\0022\0301'\0301{{\0301" (U&"c\0022\0301'\0301" int, U&"{\0301%{\0301{" numeric, U&"a\000D\000Ab\000Dc\000Ad" text,
  U&"b\000D\0022\005C" numeric, e U&"m\0022\0301'\0301");
INSERT INTO U&"caf\00e9" VALUES (1, 2, 3);
INSERT INTO U&"cafe\0301" VALUES (4), (5);
INSERT INTO U&"t\0022\0301'\0301{{\0301" VALUES (1, 2.5, U&'\0022\0301''\0301', 'NaN', U&'''\0301');
CREATE TABLE internal (rowid int, snapshot_id int, filename text, file_row_number int, file_index int, _ducklake_internal_row_id int,
  oid int, "COLUMNS" text, "__index_level_0__" int, element int, key int, value int, list int);
INSERT INTO "order" VALUES (1, 'u', 't', '2026-01-01', 1, true);
INSERT INTO "Order" VALUES (1, 'U');
INSERT INTO sales."order" VALUES (1, 2, 'g'), (2, 3, null);
INSERT INTO "Mixed Schema"."Mixed Case" SELECT 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23;
INSERT INTO "a ""quoted"" 'name' {{ t }}; --" VALUES (1, 'x');
INSERT INTO "日本語テーブル" VALUES (1, '太郎'), (1, '太郎');
INSERT INTO "ÄÖÜ" VALUES (1);
INSERT INTO "a/b\..\..\c" VALUES (1);
INSERT INTO internal VALUES (1, 2, 'f', 4, 5, 6, 7, 'c', 9, 10, 11, 12, 13);
DO $$
DECLARE long text := repeat('n', 63);
BEGIN
  EXECUTE format('CREATE SCHEMA %I', repeat('s', 63));
  EXECUTE format('CREATE TABLE %I (%I int PRIMARY KEY, %I int)', long, repeat('c', 63), repeat('c', 62) || 'd');
  EXECUTE format('CREATE TABLE %I.%I (%I int PRIMARY KEY REFERENCES public.%I)', repeat('s', 63), repeat('n', 62) || 'm', repeat('k', 63), long);
  EXECUTE format('INSERT INTO %I VALUES (1, 2)', long);
  EXECUTE format('INSERT INTO %I.%I VALUES (1)', repeat('s', 63), repeat('n', 62) || 'm');
  EXECUTE (SELECT format('CREATE TABLE wide (id int PRIMARY KEY, %s)', string_agg(format('c%s %s', n,
    (ARRAY['int', 'text', 'numeric(8,2)', 'date', 'boolean', 'jsonb', 'timestamptz', 'numeric'])[n % 8 + 1]), ', ' ORDER BY n))
    FROM generate_series(1, 199) n);
  INSERT INTO wide (id, c1, c199) VALUES (1, 'one', '0.1'), (2, null, null);
END $$;
