import { plainDigits } from "./decimal.ts";
import type { Scalar, StoredForm } from "./stored-form.ts";

/** Whether a scalar of JSON is read by a form without parts. */
export function admits(form: StoredForm, value: Scalar): boolean {
  const { type, enum: values, format, anyOf, allOf } = form;
  if (anyOf !== undefined) return anyOf.some((one) => admits(one, value));
  if (allOf !== undefined) return allOf.every((one) => admits(one, value));
  if (values !== undefined) return values.includes(value);
  if (type === "object" || type === "array") return false;
  if (format === "bigint" && Number.isSafeInteger(value)) return true;
  switch (type) {
    case "null":
      return value === null;
    case "integer":
      return Number.isSafeInteger(value);
    case "string":
      return typeof value === "string" && isText(form, value);
    case undefined:
      return true;
    default:
      return typeof value === type;
  }
}

function isText({ format, template, scale = 0, precision = 0 }: StoredForm, text: string): boolean {
  if (template !== undefined) return patternOf(template).test(text);
  switch (format) {
    case "date-time":
      return /^(?:\d{4}|[+-]\d{6})-\d\d-\d\dT/.test(text) && !Number.isNaN(Date.parse(text));
    case "bigint":
      return /^-?\d+$/.test(text);
    case "decimal": {
      const [whole = "", fraction = ""] = plainDigits(text)?.split(".") ?? ["", "x".repeat(scale + 1)];
      return fraction.length <= scale && whole.replace(/^-?0?/, "").length <= precision - scale;
    }
    default:
      return true;
  }
}

/** Texts that begin, go on and end with the texts of a template; what stands between them is not looked at. */
function patternOf(template: readonly StoredForm[]): RegExp {
  const parts = template.map(({ enum: values }) =>
    values === undefined ? "[^]*" : `(?:${values.map((value) => escaped(String(value))).join("|")})`,
  );
  return new RegExp(`^${parts.join("")}$`);
}

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
}

/** The form of one value of JSON: that value, and no other. */
export function formOfValue(value: unknown): StoredForm {
  if (value === null || value === undefined) return { type: "null" };
  if (Array.isArray(value)) {
    return { type: "array", prefixItems: value.map(formOfValue), items: false, minItems: value.length };
  }
  if (typeof value !== "object") return { enum: [value as Scalar] };
  const properties = Object.fromEntries(Object.entries(value).map(([name, one]) => [name, formOfValue(one)]));
  return { type: "object", properties, required: Object.keys(properties), additionalProperties: false };
}
