/** Values by field name. */
export type Values = Record<string, unknown>;
