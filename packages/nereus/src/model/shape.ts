import { z } from "zod";
import type { ChangeScope } from "./change-scope.ts";
import { codeOf, isTooDeep, tooDeep } from "./depth.ts";
import { type Issue, type ModelFault, NereusError, ValidationError } from "./errors.ts";
import { circular, fault, faultOf, refuseFaulty } from "./faulty.ts";
import { type CompiledField, compileField, isField, issuesOf, type Shape } from "./field.ts";
import { type FieldCode, fieldCode } from "./field-code.ts";
import { isPlain } from "./freeze.ts";
import { isStorable } from "./identity.ts";
import type { Values } from "./values.ts";
import { checkedJson, shapeWire, type WireCodec } from "./wire.ts";

export interface ShapeRules {
  /** Whether a missing identity is generated (entities, state-stored aggregates) or a fault (messages). */
  readonly generatesIdentity?: boolean;
  /** The field that tells entities apart, where it is no `identifier()`. */
  readonly identifiedBy?: string;
  /** Names that every element of this kind has already. */
  readonly reserved: readonly string[];
}

/**
 * The fields of one class, compiled once: parsing, encoding and blank values without looking at the schema again.
 */
export class CompiledShape {
  readonly element: string;
  /** Whether an identity that is left out is made. */
  readonly generatesIdentity: boolean;
  /** What is wrong with it from its declaration on: it is reported by the check of a domain, and whatever uses it fails. */
  readonly faults: ModelFault[] = [];
  readonly fields: readonly CompiledField[];
  readonly identifiers: readonly CompiledField[];
  /** Fields that hold more than primitives and need care against change in place. */
  readonly deep: readonly CompiledField[];
  /** Fields whose values may be nested to any depth. */
  readonly #bottomless: readonly CompiledField[];
  /** Those of them whose stored form is made by codecs, and may be deeper than the value. */
  readonly #coded: readonly CompiledField[];
  /** Fields that hold entities. */
  readonly relations: readonly CompiledField[];
  readonly byName: ReadonlyMap<string, CompiledField>;
  readonly code: FieldCode;
  readonly #isPlain: boolean;
  readonly #schema: z.ZodType<Values>;
  readonly #wire: WireCodec | undefined;

  constructor(element: string, shape: Shape, rules: ShapeRules) {
    this.element = String(element);
    this.generatesIdentity = rules.generatesIdentity === true;
    const declared = this.#sound(nameFault(element)) && this.#sound(shapeFault(element, shape)) ? shape : {};
    this.fields = Object.entries(declared).flatMap(([name, field]) => {
      if (!this.#sound(fieldFault(element, name, field, rules.reserved))) return [];
      try {
        return [compileField(name, field, rules.identifiedBy)];
      } catch (error) {
        this.faults.push(faultOf(error, element, `its field ${name}`));
        return [];
      }
    });
    this.identifiers = this.fields.filter((field) => field.identifier !== undefined);
    this.deep = this.fields.filter((field) => !field.scalar && field.relation === undefined);
    this.relations = this.fields.filter((field) => field.relation !== undefined);
    this.#bottomless = this.fields.filter((field) => field.bottomless);
    this.#coded = this.#bottomless.filter(({ wire }) => wire !== undefined && wire !== checkedJson);
    this.#isPlain = this.fields.every((field) => field.accepts !== undefined);
    this.code = fieldCode(this.fields.map((field) => field.name));
    this.byName = new Map(this.fields.map((field) => [field.name, field]));
    this.#schema = z.strictObject(
      Object.fromEntries(this.fields.map((field) => [field.name, parser(field, rules)])),
    ) as unknown as z.ZodType<Values>; // the fields are only known at run time
    this.#wire = shapeWire(this.fields.map((field) => [field.name, field.wire]));
  }

  /**
   * Checked values from a constructor's input; every fault of every field is in the one error.
   *
   * @throws ValidationError VALIDATION_FAILED
   */
  parse(input: unknown): Values {
    refuseFaulty(this.faults);
    const accepted = this.#accepted(input);
    if (accepted !== undefined) return accepted;
    this.#refuseDeep(this.#bottomless, input); // before a schema that contains itself overflows the stack
    const result = this.#safeParse(input);
    const issues = result.success ? [] : issuesOf(result.error.issues);
    const entities = this.#entitiesOf(input, issues);
    if (!result.success || issues.length > 0) throw new ValidationError(codeOf(issues), this.element, issues);
    const { data } = result;
    for (const { name } of this.#bottomless) {
      // what a schema makes of a text may be deeper
      if (data[name] !== (input as Values)[name] && isTooDeep(data[name])) throw this.#tooDeep([name]);
    }
    return Object.assign(data, entities);
  }

  /** @throws ValidationError VALUE_TOO_DEEP */
  #refuseDeep(fields: readonly CompiledField[], from: unknown): void {
    if (fields.length === 0 || typeof from !== "object" || from === null) return;
    for (const { name } of fields) {
      if (!isTooDeep((from as Values)[name])) continue;
      throw this.#tooDeep(fields.map((field) => field.name).filter((other) => isTooDeep((from as Values)[other])));
    }
  }

  #tooDeep(names: readonly string[]): ValidationError {
    const issues = names.map((name) => tooDeep([name]));
    return new ValidationError("VALUE_TOO_DEEP", this.element, issues, {
      fix: "Send flatter data, or keep what is so deep as text.",
    });
  }

  #sound(found: ModelFault | undefined): boolean {
    if (found !== undefined) this.faults.push(found);
    return found === undefined;
  }

  /** The values, if every field accepts its own at sight and there is no other key. */
  #accepted(input: unknown): Values | undefined {
    if (!this.#isPlain || typeof input !== "object" || input === null) return undefined;
    const source = input as Values;
    const values: Values = {};
    for (const { name, accepts } of this.fields) {
      const value = source[name];
      if (accepts?.(value) !== true) return undefined;
      values[name] = value;
    }
    let keys = 0;
    for (const _ in source) keys += 1;
    return keys === this.fields.length ? values : undefined;
  }

  /**
   * Checked values of which some are changed. Those that are not are taken as they are: what a schema makes of its input
   * may be no input for it.
   *
   * @throws ValidationError VALIDATION_FAILED
   */
  parseChanges(former: Values, changes: Values): Values {
    refuseFaulty(this.faults);
    const values = { ...former };
    const issues: Issue[] = [];
    for (const [name, value] of Object.entries(changes)) {
      const field = this.byName.get(name);
      if (field === undefined) issues.push({ path: [name], code: "unrecognized_keys", message: "is not a field" });
      else if (field.accepts?.(value) === true) values[name] = value;
      else if (field.bottomless && isTooDeep(value)) issues.push(tooDeep([name]));
      else {
        const result = z.safeParse(field.schema, value);
        if (result.success) values[name] = result.data;
        else issues.push(...issuesOf(result.error.issues, [name]));
      }
    }
    if (issues.length > 0) throw new ValidationError(codeOf(issues), this.element, issues);
    this.#refuseDeep(this.#bottomless, values);
    return values;
  }

  #safeParse(input: unknown): z.ZodSafeParseResult<Values> {
    try {
      return this.#schema.safeParse(input);
    } catch (cause) {
      if (!(cause instanceof z.core.$ZodAsyncError)) throw cause;
      throw new NereusError("SCHEMA_UNSUPPORTED", `${this.element} has a schema that validates asynchronously`, {
        element: this.element,
        cause,
        fix: "Take the asynchronous refinement or transform out: look things up in a handler.",
      });
    }
  }

  /**
   * Checks values that were assigned without a check, such as those of a row.
   *
   * @throws ValidationError VALIDATION_FAILED naming every field that does not fit
   */
  checkFields(values: Values): void {
    refuseFaulty(this.faults);
    const issues: Issue[] = [];
    for (const field of this.fields) issues.push(...(field.check(values[field.name]) ?? []));
    for (const key of Object.keys(values)) {
      if (!this.byName.has(key)) issues.push({ path: [key], code: "unrecognized_keys", message: "is not a field" });
    }
    if (issues.length > 0) throw new ValidationError(codeOf(issues), this.element, issues);
  }

  #entitiesOf(input: unknown, issues: Issue[]): Values {
    const found: Values = {};
    if (!isPlain(input)) return found;
    for (const { name, relation } of this.relations)
      found[name] = relation?.parse(name, (input as Values)[name], issues);
    return found;
  }

  /**
   * What an entity or value object takes of its input: a message or another instance may carry more fields than
   * the shape has; a literal may not, since there an unknown key is a slip.
   */
  select(input: unknown): unknown {
    if (typeof input !== "object" || input === null || isPlain(input)) return input;
    const source = input as Values;
    const names = this.fields.map((field) => field.name).filter((name) => source[name] !== undefined);
    return Object.fromEntries(names.map((name) => [name, source[name]]));
  }

  /** The default of each field; undefined where there is none. */
  blank(): Values {
    refuseFaulty(this.faults);
    const values: Values = {};
    for (const field of this.fields) values[field.name] = field.blank();
    return values;
  }

  /** Binds the entities among the values to the aggregate they belong to. */
  attach(values: Values, scope: ChangeScope): void {
    let attached = 0;
    try {
      for (const { name, relation } of this.relations) {
        values[name] = relation?.attach(values[name], scope, values);
        attached += 1;
      }
    } catch (error) {
      this.free(values, attached);
      throw error;
    }
  }

  /** Sets the entities among the values free again: what was to hold them did not come about. */
  free(values: Values, attached: number = this.relations.length): void {
    for (const { name, relation } of this.relations.slice(0, attached)) relation?.free(values[name]);
  }

  /** The values in the form that JSON carries. */
  encode(values: Values): Values {
    if (this.#wire === undefined) return values;
    const wire = this.#wire.encode(values) as Values;
    if (this.#coded.length > 0) this.#refuseDeep(this.#coded, wire);
    return wire;
  }

  /** What {@link encode} gave, without what an earlier release has stored in fields that are no more. */
  known(wire: Values): Values {
    const names = Object.keys(wire);
    if (names.every((name) => this.byName.has(name))) return wire;
    return Object.fromEntries(names.filter((name) => this.byName.has(name)).map((name) => [name, wire[name]]));
  }

  /**
   * The values from what {@link encode} gave, however deep: an earlier release may have stored them. Nothing is validated, but a field that was added since gets its default.
   *
   * @throws NereusError STORED_SHAPE_CHANGED where a field has neither a value nor a default, or cannot be decoded
   */
  decode(wire: Values): Values {
    refuseFaulty(this.faults);
    const values = this.#decoded(wire);
    if (this.code.isComplete(values)) return values;
    for (const field of this.fields) if (values[field.name] === undefined) this.#fillIn(values, field);
    return values;
  }

  /**
   * All values from what {@link encode} of this very shape gave: one that is not there was undefined.
   *
   * @throws NereusError STORED_SHAPE_CHANGED where one cannot be decoded
   */
  restore(wire: Values): Values {
    refuseFaulty(this.faults);
    const decoded = this.#decoded(wire);
    return Object.fromEntries(this.fields.map(({ name }) => [name, decoded[name]]));
  }

  #decoded(wire: Values): Values {
    if (this.#wire === undefined) return wire;
    try {
      return this.#wire.decode(wire) as Values;
    } catch (cause) {
      throw this.#changed(`a value does not fit the field's type any more: ${String(cause)}`, cause);
    }
  }

  #fillIn(values: Values, field: CompiledField): void {
    const value = field.blank();
    if (value !== undefined) values[field.name] = value;
    else if (!field.leavable) throw this.#changed(`it has no ${field.name}, which is required and has no default`);
  }

  #changed(what: string, cause?: unknown): NereusError {
    return new NereusError("STORED_SHAPE_CHANGED", `A stored ${this.element} does not fit its shape: ${what}`, {
      element: this.element,
      cause,
      fix: "Give a field that was added a default or optional(), and leave the type of stored fields as it was.",
    });
  }

  /** The field by which a message names what has this identifier: the one of the same name, or else its only identifier. */
  naming(identifier: string | undefined): string | undefined {
    if (identifier !== undefined && this.byName.has(identifier)) return identifier;
    return this.identifiers.length === 1 ? this.identifiers[0]?.name : undefined;
  }

  /** The identity among the values; undefined where there is none yet. */
  identityIn(values: Values): string | undefined {
    const field = this.fields.find(({ setOnce }) => setOnce);
    const identity = field === undefined ? undefined : values[field.name];
    return identity === undefined || identity === null ? undefined : String(identity);
  }

  /** The field that names the identity. Start-up checks have refused shapes without exactly one. */
  get identifier(): CompiledField {
    const [only] = this.identifiers;
    if (only !== undefined) return only;
    throw new NereusError("IDENTIFIER_MISSING", `${this.element} has no identifier field`, {
      element: this.element,
      fix: "Give one field the type identifier().",
    });
  }
}

function parser(field: CompiledField, rules: ShapeRules): z.core.$ZodType {
  const { identifier, schema } = field;
  if (identifier === undefined || rules.generatesIdentity !== true) return schema;
  return z.prefault(schema, () => identifier.generate()); // what is generated is checked too
}

function fieldFault(
  element: string,
  name: string,
  field: unknown,
  reserved: readonly string[],
): ModelFault | undefined {
  if (reserved.includes(name) || name === "constructor" || name === "__proto__") {
    const fix = `Choose another name; these are taken: ${reserved.join(", ")}.`;
    return fault("FIELD_NAME_RESERVED", element, `it cannot have a field named ${name}`, fix);
  }
  if (isField(field)) return undefined;
  const why = field === undefined ? `undefined: ${circular}` : "not described by a schema";
  const fix = "Use a Zod schema, another Standard Schema, a value object's class, hasMany(…) or hasOne(…).";
  return fault("SCHEMA_UNSUPPORTED", element, `its field ${name} is ${why}`, fix);
}

function nameFault(element: unknown): ModelFault | undefined {
  if (typeof element === "string" && element !== "" && isStorable(element)) return undefined;
  const fix = 'Give it an explicit name as the first argument: Event("DepositMade", { … }).';
  return fault("ELEMENT_NAME_INVALID", String(element), `it is named ${JSON.stringify(element)}`, fix);
}

function shapeFault(element: string, shape: unknown): ModelFault | undefined {
  if (isPlain(shape) && !Array.isArray(shape)) return undefined;
  const isSchema = typeof shape === "object" && shape !== null && "~standard" in shape;
  const fix = isSchema ? "Give the fields themselves, not z.object({ … })." : "Give an object with a schema per field.";
  return fault("SCHEMA_UNSUPPORTED", element, "it has no shape", fix);
}
