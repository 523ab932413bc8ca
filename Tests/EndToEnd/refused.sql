-- What a user who may not read everything sees, and values that the lake cannot hold. READER is the user's name.
CREATE TABLE free (id int PRIMARY KEY, t text);
INSERT INTO free VALUES (1, 'a'), (2, 'b');
CREATE TABLE no_grant (id int);
CREATE TABLE some_columns (id int, secret text);
CREATE TABLE all_columns (id int, t text);
INSERT INTO all_columns VALUES (1, 'x');
-- More than 8 MB, which is read in parts.
CREATE TABLE all_columns_large (id int, t text);
INSERT INTO all_columns_large SELECT n, repeat('x', 1000) FROM generate_series(1, 12000) n;
CREATE TABLE row_security (id int);
INSERT INTO row_security VALUES (1), (2);
ALTER TABLE row_security ENABLE ROW LEVEL SECURITY;
CREATE POLICY odd ON row_security USING (id % 2 = 1);
CREATE SCHEMA closed;
CREATE TABLE closed.inside (id int);
CREATE TABLE late (id int, at timestamp);
INSERT INTO late VALUES (1, '294276-12-31'), (2, '2026-01-01');
CREATE TABLE late_beside_infinity (at timestamptz);
INSERT INTO late_beside_infinity VALUES ('294276-12-31'), ('-infinity'), ('infinity');
CREATE TABLE late_like_infinity (at timestamp);
INSERT INTO late_like_infinity VALUES ('294247-01-10 04:00:54.775807');
CREATE TABLE late_like_minus_infinity (at timestamp);
INSERT INTO late_like_minus_infinity VALUES ('294247-01-10 04:00:54.775809');
CREATE TABLE late_in_between (at timestamp);
INSERT INTO late_in_between VALUES ('294247-01-10 04:00:54.775808');
CREATE TABLE latest (at timestamp);
INSERT INTO latest VALUES ('294247-01-10 04:00:54.775806'), ('infinity'), ('-infinity');
GRANT SELECT ON free, row_security, late, late_beside_infinity, late_like_infinity, late_like_minus_infinity, late_in_between,
  latest TO READER;
GRANT SELECT (id) ON some_columns TO READER;
GRANT SELECT (id, t) ON all_columns, all_columns_large TO READER;
GRANT SELECT ON closed.inside TO READER;
