-- The command center's database: psql -v password=SECRET -f citywatch.sql, as an administrator.
-- Then in citywatch's configuration: center.store = "postgres://citywatch:SECRET@127.0.0.1/citywatch"
-- Its texts are in the order of their bytes, as in SQLite. citywatch makes its tables itself.
CREATE ROLE citywatch LOGIN PASSWORD :'password';
CREATE DATABASE citywatch OWNER citywatch ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C.UTF-8' TEMPLATE template0;
