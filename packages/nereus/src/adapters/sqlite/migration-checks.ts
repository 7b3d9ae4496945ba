import type { CollectionShape } from "../../ports/store.ts";
import { checksFor, type FieldCheck, type ShapeCheck } from "../declared-shape.ts";
import { migrationRefused, type Refusal, reasonOf } from "../migration-refusal.ts";
import { ownColumns, uniqueValue } from "./collection-table.ts";
import type { Connection } from "./connection.ts";
import { isAbsent, isMisfit, pathOf, rawValue } from "./field-values.ts";
import { identifier } from "./identifiers.ts";
import { columnsAfter, declaredIn, type Entry, isCovered, isOutdated } from "./layouts.ts";
import { conversion, fillIn } from "./migration-fixes.ts";
import { tableColumns } from "./statements.ts";
import type { FieldColumns } from "./table-definition.ts";

/**
 * Refuses shapes that the stored documents do not fit, all in one error.
 *
 * @throws NereusError `STORE_MIGRATION_REFUSED`
 */
export function refuseMisfits(
  connection: Connection,
  shapes: readonly CollectionShape[],
  entries: ReadonlyMap<string, Entry>,
): void {
  const refusals = shapes.flatMap((shape) => {
    const entry = entries.get(shape.name);
    if (entry === undefined || isCovered(shape, entry)) return [];
    const source = { table: entry.table, columns: columnsAfter(entry.layout, shape) };
    const misfits = checksFor(declaredIn(entry.layout), shape).flatMap(
      (check) => refusalOf(connection, shape.name, source, check) ?? [],
    );
    return [...misfits, ...foreignColumns(connection, shape, entry)];
  });
  if (refusals.length === 0) return;
  const introduction = [
    `-- Adapt this SQL, run it on ${JSON.stringify(connection.path)}, and start again.`,
    "-- For a projection it is enough to raise its projector's version.",
  ].join("\n");
  throw migrationRefused(`sqlite ${connection.path}`, introduction, refusals);
}

/** A table, with its columns as they are to be. */
interface Source {
  readonly table: string;
  readonly columns: FieldColumns;
}

function refusalOf(connection: Connection, collection: string, source: Source, check: ShapeCheck): Refusal | undefined {
  const documents = Number(connection.prepare(countOf(source, check)).get()?.[0] ?? 0);
  if (documents === 0) return undefined;
  const reason = reasonOf(collection, check, documents);
  return { collection, reason, fix: `${commentOf(reason)}\n${sqlFor(source, check)}` };
}

/** In JSON no name can break out of the comment. */
function commentOf(reason: string): string {
  return `-- ${JSON.stringify(reason).slice(1, -1)}:`;
}

/** Columns that a user added to a table that has to be built anew, and that would be lost. */
function foreignColumns(connection: Connection, shape: CollectionShape, { table, layout }: Entry): readonly Refusal[] {
  if (!isOutdated(layout, columnsAfter(layout, shape))) return [];
  const own = new Set([...ownColumns, ...layout.fields.map(([, { column }]) => column)]);
  const columns = connection
    .prepare(tableColumns)
    .all(table)
    .map(([name]) => String(name));
  const foreign = columns.filter((column) => !own.has(column));
  if (foreign.length === 0) return [];
  const reason = `the table ${table} has to be built anew, and has columns of its own: ${foreign.join(", ")}`;
  const drops = foreign.map((column) => `ALTER TABLE ${identifier(table)} DROP COLUMN ${identifier(column)};`);
  return [{ collection: shape.name, reason, fix: [commentOf(reason), ...drops].join("\n") }];
}

function countOf(source: Source, check: ShapeCheck): string {
  if (check.on === "unique") return `SELECT sum(documents) FROM (${duplicates(source, check.fields)})`;
  return `SELECT count(*) FROM ${identifier(source.table)} WHERE ${conditionOf(check)}`;
}

function conditionOf({ on, field, type }: FieldCheck): string {
  return on === "required" ? isAbsent(pathOf(field)) : isMisfit(pathOf(field), type);
}

/** SQL that is right as it stands but for the values, which only the user knows. */
function sqlFor(source: Source, check: ShapeCheck): string {
  if (check.on === "unique") return `${duplicates(source, check.fields)};`;
  const name = identifier(source.table);
  const condition = conditionOf(check);
  const path = pathOf(check.field);
  const shown = check.on === "type" ? `, ${rawValue(path)} AS value` : "";
  const value = check.on === "type" ? conversion(path, check.type) : fillIn(check.type);
  return [
    `SELECT _tenant, _id${shown} FROM ${name} WHERE ${condition};`,
    `UPDATE ${name} SET _version = _version + 1, _data = ${setTo(path, value)} WHERE ${condition};`,
  ].join("\n");
}

function setTo(path: string, value: string): string {
  return `json_set(_data, '${path.replaceAll("'", "''")}', ${value})`;
}

function duplicates({ table, columns: declared }: Source, fields: readonly string[]): string {
  const values = fields.map((field) => uniqueValue(field, declared));
  const shown = values.map((value, at) => `${value} AS ${identifier(fields[at] ?? "")}`);
  const present = values.map((value) => `${value} IS NOT NULL`);
  const columns = ["_tenant", ...shown, "count(*) AS documents", "group_concat(_id, ', ') AS ids"];
  return (
    `SELECT ${columns.join(", ")} FROM ${identifier(table)}${present.length === 0 ? "" : ` WHERE ${present.join(" AND ")}`} ` +
    `GROUP BY ${["_tenant", ...values].join(", ")} HAVING count(*) > 1`
  );
}
