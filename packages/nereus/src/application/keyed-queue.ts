/**
 * Lets one task per key run at a time, in the order in which they came. Commands for one aggregate wait for each
 * other instead of conflicting (an idea of Commanded).
 */
export class KeyedQueue {
  /** Who waits behind the task that runs; a key without a running task is absent. */
  readonly #waiting = new Map<string, (() => void)[] | undefined>();

  /** Takes the turn: undefined if it is free, else a promise for when it comes. Each turn ends with {@link leave}. */
  enter(key: string): Promise<void> | undefined {
    if (!this.#waiting.has(key)) {
      this.#waiting.set(key, undefined);
      return undefined;
    }
    return new Promise((resolve) => {
      const line = this.#waiting.get(key) ?? [];
      line.push(resolve);
      this.#waiting.set(key, line);
    });
  }

  leave(key: string): void {
    const line = this.#waiting.get(key);
    const next = line?.shift();
    if (next === undefined) this.#waiting.delete(key);
    else next();
  }
}
