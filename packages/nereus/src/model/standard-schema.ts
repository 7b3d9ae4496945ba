/**
 * The part of the Standard Schema contract (standardschema.dev, version 1) that a field needs, so that
 * any schema library that implements it can describe a field.
 */
export interface StandardSchema<Input = unknown, Output = Input> {
  readonly "~standard": {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => StandardResult<Output> | Promise<StandardResult<Output>>;
    readonly types?: { readonly input: Input; readonly output: Output } | undefined;
  };
}

/** Under this key a class that is a Standard Schema for others says how it parses a field: it takes no JSON there. */
export const fieldSchema: unique symbol = Symbol.for("nereus.fieldSchema") as never;

export type StandardResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly StandardIssue[] };

export interface StandardIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}
