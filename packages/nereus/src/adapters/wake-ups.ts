/** The listeners of a store's commits. Rings that follow each other within one turn reach them as one. */
export class WakeUps {
  readonly #listeners = new Set<() => void>();
  #ringing = false;

  listen(listener: () => void): () => void {
    // A wrapper of its own, so that one function registered twice is stopped one at a time.
    const entry = (): void => listener();
    this.#listeners.add(entry);
    return () => {
      this.#listeners.delete(entry);
    };
  }

  ring(): void {
    if (this.#ringing || this.#listeners.size === 0) return;
    this.#ringing = true;
    queueMicrotask(this.#callAll);
  }

  readonly #callAll = (): void => {
    this.#ringing = false;
    for (const listener of [...this.#listeners]) {
      try {
        listener();
      } catch (error) {
        // The commit stands and the other listeners are called; the fault still surfaces as uncaught.
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  };
}
