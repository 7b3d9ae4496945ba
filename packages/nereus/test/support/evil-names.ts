import { globSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type pg from "pg";
import type { TestDatabase } from "./postgres.ts";

/** Types that the statements of the adapters name. */
const types = ["text", "json", "jsonb", "uuid", "bytea", "name", "oid", "regclass"];

/** What the names in the sources of an adapter may mean. */
function sourceOf(adapter: string): string {
  const root = fileURLToPath(new URL(`../../src/adapters/${adapter}`, import.meta.url));
  return globSync("**/*.{ts,sql}", { cwd: root })
    .map((file) => readFileSync(`${root}/${file}`, "utf8"))
    .join("\n");
}

function namesIn(source: string, pattern: RegExp): readonly string[] {
  return [...new Set([...source.matchAll(pattern)].map(([, name = ""]) => name.toLowerCase()))];
}

/**
 * Makes a schema `evil` with a function, an operator, a type and a table for each of PostgreSQL's own that an adapter uses, and for
 * each table of the store. What is called of them raises; the tables are empty.
 */
export async function shadow(database: TestDatabase, adapter: string): Promise<number> {
  const source = sourceOf(adapter);
  const functions = namesIn(source, /\b([a-z_][a-z0-9_]*)\s*\(/gi);
  const tables = namesIn(source, /\b(pg_[a-z_]+|nereus_[a-z_]+|messages)\b/g);
  const client = await database.pool.connect();
  try {
    await client.query("BEGIN");
    await client.query("SET LOCAL search_path TO pg_catalog");
    await client.query("SELECT set_config('evil.functions', $1, true)", [JSON.stringify(functions)]);
    await client.query("SELECT set_config('evil.tables', $1, true)", [JSON.stringify(tables)]);
    await client.query("SELECT set_config('evil.types', $1, true)", [JSON.stringify(types)]);
    await client.query(makeShadows);
    await client.query("COMMIT");
    const { rows } = await client.query(
      "SELECT count(*)::integer AS n FROM pg_proc WHERE pronamespace = 'evil'::regnamespace",
    );
    return rows[0].n;
  } finally {
    client.release(true);
  }
}

const makeShadows = `DO $do$
DECLARE
  one record;
  body constant text := ' LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION ''evil %%'', ''%s''; END $$';
  number integer := 0;
BEGIN
  CREATE SCHEMA evil;
  CREATE FUNCTION evil.refused() RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'evil type'; END $$;
  FOR one IN SELECT value AS name FROM json_array_elements_text(current_setting('evil.types')::json) LOOP
    EXECUTE format('CREATE DOMAIN evil.%I AS pg_catalog.%I CHECK (evil.refused())', one.name, one.name);
  END LOOP;
  FOR one IN
    SELECT p.proname, pg_get_function_identity_arguments(p.oid) AS arguments, format_type(p.prorettype, NULL) AS result, p.proretset
    FROM pg_proc AS p
    WHERE p.pronamespace = 'pg_catalog'::regnamespace AND p.prokind IN ('f', 'a')
      AND p.proname IN (SELECT value FROM json_array_elements_text(current_setting('evil.functions')::json))
  LOOP
    BEGIN
      EXECUTE format('CREATE FUNCTION evil.%I(%s) ', one.proname, replace(one.arguments, 'OUT ', 'INOUT '))
        || CASE WHEN one.arguments LIKE '%OUT %' THEN '' ELSE 'RETURNS ' || CASE WHEN one.proretset THEN 'SETOF ' ELSE '' END || one.result END
        || format(body, one.proname);
    EXCEPTION WHEN OTHERS THEN NULL; -- what only the server's own code can take
    END;
  END LOOP;
  FOR one IN
    SELECT o.oprname, format_type(o.oprleft, NULL) AS l, format_type(o.oprright, NULL) AS r, o.oprleft, format_type(o.oprresult, NULL) AS result
    FROM pg_operator AS o
    WHERE o.oprnamespace = 'pg_catalog'::regnamespace
      AND o.oprname IN ('=', '<>', '<', '<=', '>', '>=', '||', '->', '->>', '#>>', '#>', '~', '+', '-', '*', '%', '@>', '?', '/')
  LOOP
    number := number + 1;
    BEGIN
      EXECUTE format('CREATE FUNCTION evil.op_%s(%s%s) RETURNS %s ', number, CASE WHEN one.oprleft = 0 THEN '' ELSE one.l || ', ' END, one.r, one.result)
        || format(body, replace(one.oprname, '%', '%%'));
      EXECUTE format('CREATE OPERATOR evil.%s (%s RIGHTARG = %s, FUNCTION = evil.op_%s)', one.oprname,
        CASE WHEN one.oprleft = 0 THEN '' ELSE 'LEFTARG = ' || one.l || ',' END, one.r, number);
    EXCEPTION WHEN OTHERS THEN NULL;
    END;
  END LOOP;
  FOR one IN SELECT value AS name FROM json_array_elements_text(current_setting('evil.tables')::json) LOOP
    EXECUTE format('CREATE TABLE evil.%I ()', one.name);
  END LOOP;
  CREATE COLLATION evil."C" (provider = icu, locale = 'de-u-ks-level1', deterministic = false);
END
$do$`;

/** A pool whose sessions look for names in `evil` first, and before that among temporary tables and types of their own. */
export function evilPool(database: TestDatabase): pg.Pool {
  const pool = database.anotherPool({ options: "-c search_path=evil,pg_catalog" });
  pool.on("connect", (client) => {
    const temporary = ["nereus_messages", "nereus_collections", "pg_class", "pg_namespace"];
    for (const table of temporary) void client.query(`CREATE TEMP TABLE ${table} ()`);
    for (const type of types) {
      void client.query(`CREATE DOMAIN pg_temp.${type} AS pg_catalog.${type} CHECK (evil.refused())`);
    }
  });
  return pool;
}
