import { z } from "zod";
import { definitionOf } from "./element.ts";
import { identifierOf } from "./identity.ts";
import { keepingKeys } from "./lost-keys.ts";
import { referenceOf } from "./reference.ts";
import { relationOf } from "./relation.ts";
import { wireOf } from "./wire.ts";
import { definitionOfSchema, isCodec, isZod, native, type SchemaDefinition, unwrap } from "./zod-schema.ts";

type Schema = z.core.$ZodType;

/** What has fields: a value object or entity inside of a field. */
interface Holder {
  readonly kind: "valueObject" | "entity";
  readonly name: string;
  readonly shape: {
    readonly fields: readonly { readonly name: string; readonly declared: unknown; readonly leavable: boolean }[];
  };
}

const sides = new WeakMap<object, Schema>();
/** What a JSON Schema says besides what Zod finds: defaults in the form that is stored, the rules of identities. */
const notes = new WeakMap<object, Readonly<Record<string, unknown>>>();

/**
 * The schema of what a field looks like in JSON: dates and bigints are text, sets and maps lists, codecs their wire form, value
 * objects and entities objects. It makes rich values of it, for the field's own schema to judge, and is what a JSON Schema is made from.
 */
export function jsonSideOf(field: unknown): Schema {
  return sideOf(field);
}

/** The same, to parse with: it says where it would lose a key. */
export function jsonParserOf(field: unknown): Schema {
  const side = sideOf(field);
  return keepingKeys(side, side);
}

function sideOf(field: unknown): Schema {
  if ((typeof field !== "object" && typeof field !== "function") || field === null) return z.unknown();
  const known = sides.get(field);
  if (known !== undefined) return known;
  sides.set(
    field,
    z.lazy(() => (sides.get(field) ?? z.unknown()) as z.ZodType),
  ); // a schema may contain itself
  const made = noted(field, make(field));
  sides.set(field, made);
  return made;
}

function make(field: object): Schema {
  const held = definitionOf<Holder>(field, "valueObject");
  if (held !== undefined) return objectOf(held);
  const relation = relationOf(field);
  if (relation !== undefined) {
    const entity = definitionOf<Holder>(relation.entity, "entity");
    const one = entity === undefined ? z.unknown() : (objectOf(entity) as z.ZodType);
    return relation.many ? z.array(one).optional() : one.optional();
  }
  if (!isZod(field)) return z.unknown();
  const definition = definitionOfSchema(field);
  if (native.has(definition.type)) return isRefined(definition) ? withParts(field, definition, {}) : field;
  return makers[definition.type]?.(field, definition) ?? z.unknown();
}

function objectOf({ kind, shape }: Holder): Schema {
  return z.strictObject(
    Object.fromEntries(
      shape.fields.map(({ name, declared, leavable }) => {
        const side = sideOf(declared) as z.ZodType;
        const isMade = kind === "entity" && identifierOf(declared) !== undefined;
        return [name, leavable || isMade ? side.optional() : side];
      }),
    ),
  );
}

const mapped = (schema: Schema | undefined): z.ZodType => sideOf(schema) as z.ZodType;

/** Without refinements, which may want the rich value: the field's own schema asks them. */
function withParts(schema: Schema, definition: SchemaDefinition, parts: Partial<SchemaDefinition>): Schema {
  const checks = checksOf(definition).filter((check) => !isRefinement(check));
  return z.core.clone(schema, { ...definition, ...parts, checks } as never);
}

function isRefined(definition: SchemaDefinition): boolean {
  return checksOf(definition).some(isRefinement);
}

function checksOf({ checks = [] }: SchemaDefinition): readonly z.core.$ZodCheck[] {
  return checks as readonly z.core.$ZodCheck[];
}

function isRefinement({ _zod }: z.core.$ZodCheck): boolean {
  return _zod.def.check === "custom";
}

const makers: Readonly<Record<string, (schema: Schema, definition: SchemaDefinition) => Schema>> = {
  date: (_, { coerce }) => (coerce === true ? leniently(dateText()) : dateText()),
  bigint: (_, { coerce }) => (coerce === true ? leniently(digits()) : digits()),
  literal: (schema, { values = [] }) =>
    values.some((value) => typeof value === "bigint") ? z.union(values.map(literalOf)) : schema,
  array: (schema, definition) => withParts(schema, definition, { element: mapped(definition.element) }),
  tuple: (schema, definition) => {
    const { items = [], rest } = definition;
    return withParts(schema, definition, { items: items.map(mapped), rest: rest ? mapped(rest) : null });
  },
  object: (_, { shape = {}, catchall }) => {
    const fields = Object.fromEntries(Object.entries(shape).map(([name, part]) => [name, mapped(part)]));
    return catchall === undefined ? z.object(fields) : z.object(fields).catchall(mapped(catchall));
  },
  record: (schema, definition) => withParts(schema, definition, { valueType: mapped(definition.valueType) }),
  map: (_, { keyType, valueType }) =>
    z.array(z.tuple([mapped(keyType), mapped(valueType)])).transform((entries) => new Map(entries)),
  set: (_, { valueType }) => z.array(mapped(valueType)).transform((items) => new Set(items)),
  union: (schema, { options = [] }) =>
    wireOf(schema) === undefined || options.every((option) => wireOf(option) === undefined)
      ? schema
      : z.union(options.map((option, at) => z.tuple([z.literal(at), mapped(option)]).transform(([, value]) => value))),
  intersection: (_, { left, right }) => z.intersection(mapped(left), mapped(right)),
  lazy: (_, { getter }) => z.lazy(() => mapped(getter?.())),
  optional: (_, { innerType }) => mapped(innerType).optional(),
  nullable: (_, { innerType }) => mapped(innerType).nullable(),
  nonoptional: (_, { innerType }) => z.nonoptional(mapped(innerType)),
  readonly: (_, { innerType }) => mapped(innerType),
  default: (_, { innerType }) => mapped(innerType).optional(), // whose value is made by the field's own schema
  prefault: (_, { innerType }) => mapped(innerType).optional(),
  catch: (_, { innerType }) => leniently(mapped(innerType)),
  pipe: (schema, { in: from }) => (isCodec(schema) ? decoded(schema, mapped(from)) : mapped(from)),
};

const dateShape = /^(\d{4}|[+-]\d{6})-(\d\d)-(\d\d)T\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)$/;

function isDate(text: string): boolean {
  const [whole, year, month, day] = dateShape.exec(text) ?? [];
  if (whole === undefined || Number.isNaN(Date.parse(text))) return false;
  const alike = 2000 + (Number(year) % 400); // the calendar repeats itself, and not every year has room for its next month
  return Number(day) <= new Date(Date.UTC(alike, Number(month), 0)).getUTCDate(); // the day before the next month
}

function dateText(): z.ZodType {
  const side = z
    .string()
    .refine(isDate, "expected a date and time as text, like 2026-11-30T12:00:00Z")
    .transform((text) => new Date(text));
  notes.set(side, { format: "date-time" });
  return side;
}

function digits(): z.ZodType {
  return z
    .string()
    .regex(/^-?\d+$/, "expected a whole number as text, like 12")
    .transform(BigInt);
}

function literalOf(value: unknown): z.ZodType {
  if (typeof value !== "bigint") return z.literal(value as string);
  return z.strictObject({ bigint: z.literal(String(value)) }).transform(() => value);
}

/** What does not fit is caught by the field's own schema. */
function leniently(side: z.ZodType): Schema {
  return z
    .unknown()
    .optional()
    .transform((value) => {
      const result = side.safeParse(value);
      return result.success ? result.data : value;
    });
}

function decoded(codec: Schema, wire: z.ZodType): Schema {
  return wire.transform((value, context) => {
    const result = z.safeDecode(codec as z.ZodType, value as never);
    if (result.success) return result.data;
    for (const issue of result.error.issues) context.addIssue({ ...issue } as never);
    return z.NEVER;
  });
}

/** The side with what was said of the schema, and what a JSON Schema says of it besides. */
function noted(field: object, side: Schema): Schema {
  if (!isZod(field)) return side;
  const more = { ...(isIdentity(field) ? identityNote : {}), ...defaultOf(field), ...saidOf(field) };
  if (Object.keys(more).length === 0) return side;
  const own = z.core.clone(side); // another field may have the same one, and nothing to say of it
  notes.set(own, { ...saidOf(side), ...notes.get(side), ...more });
  return own;
}

/** Its description and the like. */
function saidOf(schema: Schema): object {
  const { id: _, ...said } = z.globalRegistry.get(schema as z.ZodType) ?? {};
  return said;
}

const identityNote = { minLength: 1, maxLength: 1000 };

function isIdentity(field: object): boolean {
  if (!isZod(field) || unwrap(field) !== field) return false;
  return identifierOf(field) !== undefined || referenceOf(field) !== undefined;
}

/** A default in the form that is stored, where it is the same each time. */
function defaultOf(schema: Schema): { readonly default?: unknown } {
  const { type } = definitionOfSchema(schema);
  if (type !== "default" && type !== "prefault") return {};
  const text = (): string | undefined => {
    const { defaultValue } = schema._zod.def as { readonly defaultValue?: unknown };
    const wire = wireOf(schema);
    return JSON.stringify(wire === undefined ? defaultValue : wire.encode(defaultValue));
  };
  try {
    const first = text();
    return first !== undefined && first === text() ? { default: JSON.parse(first) as unknown } : {};
  } catch {
    return {}; // a prefault in another form, or a function that needs what is there at run time only
  }
}

/** The JSON Schema (draft 2020-12) of an object with these sides. */
export function jsonSchemaOf(fields: Readonly<Record<string, Schema>>): Readonly<Record<string, unknown>> {
  const schema = z.toJSONSchema(z.strictObject(fields), {
    io: "input",
    unrepresentable: "any",
    override: ({ zodSchema, jsonSchema }) => {
      Object.assign(jsonSchema, notes.get(zodSchema));
    },
  });
  const { "~standard": _, ...plain } = schema as Record<string, unknown>;
  return plain;
}
