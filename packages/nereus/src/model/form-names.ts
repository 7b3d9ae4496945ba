import { isAnything, type StoredForm } from "./stored-form.ts";

/** The most alternatives that a message names. */
const most = 4;

/** A form in a few words, for messages. */
export function formName(form: StoredForm): string {
  const { type, format, enum: values, anyOf, allOf, template, $ref } = form;
  if (values !== undefined)
    return listed(
      values.map((value) => JSON.stringify(value)),
      " | ",
    );
  if (anyOf !== undefined) return anyOf.length === 0 ? "nothing" : listed(anyOf.map(formName), " or ");
  if (allOf !== undefined) return listed(allOf.map(formName), " and ");
  if (isAnything(form)) return "anything";
  if ($ref !== undefined) return "object";
  if (format === "decimal") return `decimal with ${form.scale} digits after the point`;
  if (format !== undefined) return format === "bigint" ? "bigint" : "date";
  if (template !== undefined) return `text of the form ${template.map(templatePart).join("")}`;
  if (type === "array") return listName(form);
  return names[type ?? ""] ?? "anything";
}

const names: Readonly<Record<string, string>> = {
  string: "text",
  integer: "whole number",
  number: "number",
  boolean: "boolean",
  null: "null",
  object: "object",
};

function listName({ prefixItems, items }: StoredForm): string {
  if (prefixItems !== undefined) return `tuple of ${prefixItems.length}`;
  return items === undefined || items === false || isAnything(items) ? "list" : `list of ${formName(items)}`;
}

function templatePart(part: StoredForm): string {
  return part.enum === undefined ? `\${${formName(part)}}` : String(part.enum[0]);
}

function listed(texts: readonly string[], separator: string): string {
  const shown = texts.slice(0, most).join(separator);
  return texts.length > most ? `${shown}${separator}…` : shown;
}
