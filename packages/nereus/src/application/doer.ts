import type { SqlClient } from "../ports/store.ts";

/** What a unit of work is for: it may be given up before its handler has ended. */
export interface Doer {
  readonly work: { readonly subject: string; readonly transaction?: SqlClient | undefined };
  readonly signal: AbortSignal;
}

/** Of what nobody gives up. */
export const never: AbortSignal = new AbortController().signal;
