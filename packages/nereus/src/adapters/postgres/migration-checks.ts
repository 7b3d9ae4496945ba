import type { CollectionShape } from "../../ports/store.ts";
import { checksFor, type FieldCheck, type ShapeCheck } from "../declared-shape.ts";
import { migrationRefused, type Refusal, reasonOf } from "../migration-refusal.ts";
import { columnValue, fieldValue, isAbsent, isMisfit, textOf } from "./field-values.ts";
import { identifier, textLiteral } from "./identifiers.ts";
import { columnsAfter, columnsOf, declaredIn, type Entry, filledOf, isCovered, outdatedFields } from "./layouts.ts";
import { conversion, fillIn } from "./migration-fixes.ts";
import { type PostgresClient, rowsOn } from "./pool.ts";
import { ownStatement, unprepared } from "./reads.ts";
import { dependentViews } from "./statements.ts";
import { toStored } from "./stored-text.ts";
import { type FieldColumns, tableName, uniqueKey } from "./table-definition.ts";

/** Where the documents are asked. */
interface Place {
  readonly client: PostgresClient;
  readonly store: string;
  readonly schema: string;
}

/** A table, with its columns as they are to be. */
interface Source {
  readonly schema: string;
  readonly table: string;
  readonly columns: FieldColumns;
}

/**
 * Refuses shapes that the stored documents do not fit, all in one error.
 *
 * @throws NereusError `STORE_MIGRATION_REFUSED`
 */
export async function refuseMisfits(
  place: Place,
  shapes: readonly CollectionShape[],
  entries: ReadonlyMap<string, Entry>,
): Promise<void> {
  const refusals: Refusal[] = [];
  for (const shape of shapes) {
    const entry = entries.get(shape.name);
    if (entry === undefined || isCovered(shape, entry)) continue;
    const source = { schema: place.schema, table: entry.table, columns: columnsAfter(entry.layout, shape) };
    for (const check of checksFor(declaredIn(entry.layout), shape)) {
      const refusal = await refusalOf(place.client, shape.name, source, check);
      if (refusal !== undefined) refusals.push(refusal);
    }
    refusals.push(...(await viewsInTheWay(place, shape.name, entry, source.columns)));
  }
  if (refusals.length === 0) return;
  const introduction = [
    "-- Adapt this SQL, run it on the database, and start again.",
    "-- For a projection it is enough to raise its projector's version.",
  ].join("\n");
  throw migrationRefused(place.store, introduction, refusals);
}

async function refusalOf(
  client: PostgresClient,
  collection: string,
  source: Source,
  check: ShapeCheck,
): Promise<Refusal | undefined> {
  const [row] = await rowsOn(client, unprepared(countOf(source, check)));
  const documents = Number(row?.[0] ?? 0);
  if (documents === 0) return undefined;
  const reason = reasonOf(collection, check, documents);
  return { collection, reason, fix: `${commentOf(reason)}\n${sqlFor(source, check)}` };
}

/** A column that has to be computed in another way cannot be replaced while a view of the user's looks at it. */
async function viewsInTheWay(
  { client, schema }: Place,
  collection: string,
  { table, layout }: Entry,
  columns: FieldColumns,
): Promise<readonly Refusal[]> {
  const outdated = columnsOf(outdatedFields(layout, new Map(columns)), new Map(layout.fields));
  if (outdated.length === 0) return [];
  const rows = await rowsOn(client, ownStatement(schema, dependentViews).with(schema, table, outdated));
  if (rows.length === 0) return [];
  const views = rows.map(([name]) => String(name));
  const reason = `the table ${table} has columns that have to be computed anew, and views look at them: ${views.join(", ")}`;
  return [{ collection, reason, fix: [commentOf(reason), ...views.map((view) => `DROP VIEW ${view};`)].join("\n") }];
}

/** In JSON no name can break out of the comment. */
function commentOf(reason: string): string {
  return `-- ${JSON.stringify(reason).slice(1, -1)}:`;
}

function countOf(source: Source, check: ShapeCheck): string {
  if (check.on === "unique")
    return `SELECT sum(documents)::bigint FROM (${duplicates(source, check.fields)}) AS shared`;
  return `SELECT count(*) FROM ${tableName(source.schema, source.table)} WHERE ${conditionOf(check)}`;
}

function conditionOf({ on, field, type }: FieldCheck): string {
  return on === "required" ? isAbsent(field) : isMisfit(field, type);
}

/** SQL that is right as it stands but for the values, which only the user knows. */
function sqlFor(source: Source, check: ShapeCheck): string {
  if (check.on === "unique") return `${duplicates(source, check.fields)};`;
  const name = tableName(source.schema, source.table);
  const condition = conditionOf(check);
  const key = textLiteral(toStored(check.field));
  const shown = check.on === "type" ? `, ${fieldValue({ field: check.field })} AS value` : "";
  const value =
    check.on === "type" ? conversion(textOf(fieldValue({ field: check.field })), check.type) : fillIn(check.type);
  // jsonb puts the keys into an order of its own, which means nothing to the library.
  const changed = `(_data::jsonb || jsonb_build_object(${key}, ${value}))::json`;
  return [
    `SELECT _tenant, _id${shown} FROM ${name} WHERE ${condition};`,
    `UPDATE ${name} SET _version = _version + 1, _data = ${changed} WHERE ${condition};`,
  ].join("\n");
}

function duplicates({ schema, table, columns }: Source, fields: readonly string[]): string {
  const filled = filledOf(fields, columns);
  const key = uniqueKey(schema, filled);
  const shown = filled.map(
    (one) => `min(${columnValue(schema, one, "text")}) AS ${identifier(toStored(one.field) || "_")}`,
  );
  const list = ["_tenant", ...shown, "count(*) AS documents", "string_agg(_id, ', ') AS ids"];
  return (
    `SELECT ${list.join(", ")} FROM ${tableName(schema, table)} WHERE ${key} IS NOT NULL ` +
    `GROUP BY _tenant, ${key} HAVING count(*) > 1`
  );
}
