import { z } from "zod";
import { decimalOf } from "../model/decimal.ts";
import { definitionOf } from "../model/element.ts";
import { identifierOf } from "../model/identity.ts";
import { isPersonal } from "../model/personal.ts";
import { referenceOf } from "../model/reference.ts";
import type { StandardSchema } from "../model/standard-schema.ts";
import type { ValueObjectDefinition } from "../model/value-object.ts";
import { isZod } from "../model/zod-schema.ts";
import { describeBounds } from "./describe-bounds.ts";
import { describeDefault, describeScalar } from "./describe-default.ts";
import type { TypeDescription } from "./model-description.ts";
import { referredBy } from "./model-shapes.ts";
import { recordOf } from "./sorted-record.ts";

/**
 * What values a field or schema takes. It never throws: what cannot be described is said to be so. Text that only Zod's
 * version decides (the patterns of its formats, messages) is left out.
 */
export function describeType(schema: unknown): TypeDescription {
  return new TypeWalk().describe(schema);
}

/** A schema's definition, with the parts that are read here. */
interface Definition {
  readonly type: string;
  readonly innerType?: unknown;
  readonly element?: unknown;
  readonly keyType?: unknown;
  readonly valueType?: unknown;
  readonly left?: unknown;
  readonly right?: unknown;
  readonly in?: unknown;
  readonly out?: unknown;
  readonly rest?: unknown;
  readonly catchall?: unknown;
  readonly reverseTransform?: unknown;
  readonly items?: readonly unknown[];
  readonly options?: readonly unknown[];
  readonly parts?: readonly unknown[];
  readonly shape?: Readonly<Record<string, unknown>>;
  readonly getter?: () => unknown;
  readonly values?: readonly unknown[];
  readonly discriminator?: string;
  readonly partial?: boolean;
  readonly coerce?: boolean;
}

/** A getter may make a new schema whenever it is called: a walk without a limit would not end. */
const deepest = 16;

class TypeWalk {
  /** The schemas around the one at hand, from the outermost. */
  readonly #around: unknown[] = [];

  describe(schema: unknown): TypeDescription {
    const valueObject = definitionOf<ValueObjectDefinition>(schema, "valueObject");
    if (valueObject !== undefined) return marked(schema, { type: "valueObject", name: valueObject.name });
    if (!isZod(schema)) return foreign(schema);
    const place = this.#around.indexOf(schema);
    if (place !== -1 || this.#around.length >= deepest) {
      return { type: "recursive", levels: place === -1 ? 0 : this.#around.length - place };
    }
    this.#around.push(schema);
    try {
      return marked(schema, this.#own(schema, schema._zod.def as unknown as Definition));
    } catch {
      return { type: "undescribed" };
    } finally {
      this.#around.pop();
    }
  }

  #own(schema: z.core.$ZodType, own: Definition): TypeDescription {
    const decimal = own.innerType === undefined ? decimalOf(schema) : undefined;
    if (decimal !== undefined) {
      return { type: "decimal", scale: decimal.scale, precision: decimal.precision, ...describeBounds(schema) };
    }
    const wrapped = own.innerType === undefined ? undefined : this.#wrapper(schema, own);
    if (wrapped !== undefined) return wrapped;
    const composed = this.#composed(own);
    if (composed !== undefined) return { ...composed, ...describeBounds(schema) };
    const { type, coerce } = own;
    if (type === "enum")
      return { type, values: [...(schema._zod.values ?? [])].map(describeScalar), ...describeBounds(schema) };
    if (type === "literal") return { type, values: (own.values ?? []).map(describeScalar) };
    return { type, ...describeBounds(schema), ...(coerce === true ? { coerced: true } : {}) };
  }

  #wrapper(schema: z.core.$ZodType, { type, innerType }: Definition): TypeDescription {
    const inner = this.describe(innerType);
    const bounds = describeBounds(schema);
    switch (type) {
      case "optional":
      case "nullable":
        return { ...inner, ...bounds, [type]: true };
      case "default":
      case "prefault":
        return { ...inner, ...bounds, ...describeDefault(schema) };
      case "readonly":
        return { ...inner, ...bounds };
      case "nonoptional": {
        const { optional: _, ...rest } = inner;
        return { ...rest, ...bounds };
      }
      case "catch":
        return { ...inner, ...bounds, catches: true };
      default:
        return { type, of: inner, ...bounds };
    }
  }

  #composed(own: Definition): TypeDescription | undefined {
    const { type, keyType, valueType } = own;
    const each = (schemas: readonly unknown[] = []): TypeDescription[] => schemas.map((one) => this.describe(one));
    switch (type) {
      case "array":
        return { type, of: this.describe(own.element) };
      case "set":
        return { type, of: this.describe(valueType) };
      case "map":
      case "record":
        return {
          type,
          keys: this.describe(keyType),
          values: this.describe(valueType),
          ...(own.partial ? { partial: true } : {}),
        };
      case "tuple":
        return { type, items: each(own.items), ...(isZod(own.rest) ? { rest: this.describe(own.rest) } : {}) };
      case "object":
        return {
          type,
          fields: this.#fields(own.shape),
          ...(isZod(own.catchall) ? { further: this.describe(own.catchall) } : {}),
        };
      case "union":
        return {
          type,
          of: each(own.options),
          ...(own.discriminator === undefined ? {} : { discriminator: own.discriminator }),
        };
      case "intersection":
        return { type, of: each([own.left, own.right]) };
      case "template_literal":
        return {
          type,
          parts: (own.parts ?? []).map((part) => (isZod(part) ? this.describe(part) : describeScalar(part))),
        };
      case "lazy":
        return this.describe(own.getter?.());
      case "pipe":
        return own.reverseTransform === undefined
          ? { type, from: this.describe(own.in), to: this.describe(own.out) }
          : { type: "codec", wire: this.describe(own.in), value: this.describe(own.out) };
      default:
        return undefined;
    }
  }

  #fields(shape: Readonly<Record<string, unknown>> = {}): Readonly<Record<string, TypeDescription>> {
    return recordOf(Object.entries(shape).map(([name, schema]) => [name, this.describe(schema)]));
  }
}

/** A schema of another library says no more of itself than whose it is. */
function foreign(schema: unknown): TypeDescription {
  const vendor = (schema as Partial<StandardSchema> | undefined)?.["~standard"]?.vendor;
  return { type: "standard", vendor: typeof vendor === "string" ? vendor : "unknown" };
}

/** What was said of a schema besides its type. */
function marked(schema: unknown, type: TypeDescription): TypeDescription {
  const target = referenceOf(schema);
  const referred =
    target === undefined ? undefined : typeof target === "string" ? { name: target } : referredBy(target);
  const description = isZod(schema) ? z.globalRegistry.get(schema as z.ZodType)?.description : undefined;
  const { refined, ...rest } = type;
  const isIdentity = target !== undefined || identifierOf(schema) !== undefined; // checked by the framework's own code
  return {
    ...rest,
    ...(refined === undefined || isIdentity ? {} : { refined }),
    ...(isPersonal(schema) ? { personal: true } : {}),
    ...(typeof referred === "object" ? { references: referred.name } : {}),
    ...(typeof description === "string" ? { description } : {}),
  };
}
