interface Place<T> {
  readonly who: T;
  readonly come: () => void;
}

/**
 * Lets one task per key run at a time, in the order in which they came. Commands for one aggregate wait for each
 * other instead of conflicting (an idea of Commanded).
 */
export class KeyedQueue<T> {
  /** Whose turn it is; a key that nobody wants is absent. */
  readonly #holders = new Map<string, T>();
  /** Who waits behind them. */
  readonly #lines = new Map<string, Place<T>[]>();

  holder(key: string): T | undefined {
    return this.#holders.get(key);
  }

  /** Takes the turn: undefined if it is free, else a promise for when it comes. Each turn ends with {@link leave}. */
  enter(key: string, who: T): Promise<void> | undefined {
    if (!this.#holders.has(key)) {
      this.#holders.set(key, who);
      return undefined;
    }
    return new Promise((come) => {
      const line = this.#lines.get(key);
      if (line === undefined) this.#lines.set(key, [{ who, come }]);
      else line.push({ who, come });
    });
  }

  /** Gives the turn back, or the place in the line for it: then it never comes. */
  withdraw(key: string, who: T): void {
    if (this.#holders.get(key) === who) {
      this.leave(key);
      return;
    }
    const line = this.#lines.get(key);
    const at = line?.findIndex((place) => place.who === who) ?? -1;
    if (at >= 0) line?.splice(at, 1);
    if (line?.length === 0) this.#lines.delete(key);
  }

  leave(key: string): void {
    const line = this.#lines.get(key);
    const next = line?.shift();
    if (line?.length === 0) this.#lines.delete(key);
    if (next === undefined) {
      this.#holders.delete(key);
      return;
    }
    this.#holders.set(key, next.who);
    next.come();
  }
}
