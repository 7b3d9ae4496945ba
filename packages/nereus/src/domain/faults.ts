import type { ErrorCode, ModelFault } from "../model/errors.ts";

/** The faults of a model, in the order in which they were found, each once. */
export class Faults {
  readonly #found = new Map<string, ModelFault>();

  add(code: ErrorCode, element: string, message: string, fix: string): void {
    const key = JSON.stringify([code, element, message]);
    if (!this.#found.has(key)) this.#found.set(key, { code, element, message, fix });
  }

  addAll(found: readonly ModelFault[]): void {
    for (const { code, element, message, fix } of found) this.add(code, element, message, fix);
  }

  get all(): readonly ModelFault[] {
    return [...this.#found.values()];
  }
}
