import type { PostgresClient, PostgresPool } from "./pool.ts";

/** What a connection is kept for. */
export interface Purpose {
  /** What a new connection needs before it is used. */
  prepare(client: PostgresClient): Promise<void>;
  /** Makes it again as the pool gave it. */
  restore(client: PostgresClient): Promise<void>;
}

/** One connection that is kept for a purpose, and made anew after it was lost. */
export class HeldClient {
  readonly #pool: PostgresPool;
  readonly #purpose: Purpose;
  #client: PostgresClient | undefined;
  #connecting: Promise<PostgresClient> | undefined;
  #closed = false;
  #unhear: () => void = () => undefined;

  constructor(pool: PostgresPool, purpose: Purpose) {
    this.#pool = pool;
    this.#purpose = purpose;
  }

  get(): Promise<PostgresClient> {
    if (this.#client !== undefined) return Promise.resolve(this.#client);
    this.#connecting ??= this.#connect().finally(() => {
      this.#connecting = undefined;
    });
    return this.#connecting;
  }

  /** The connection as it is now. */
  get client(): PostgresClient | undefined {
    return this.#client;
  }

  /** Ends a connection that failed, unless another has taken its place. */
  drop(client: PostgresClient): void {
    if (this.#client !== client) return;
    this.#client = undefined;
    // Its listener stays: a connection that ends may still have an error to tell.
    client.release(true);
  }

  /** Gives the connection back. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#connecting?.catch(() => undefined);
    const client = this.#client;
    if (client === undefined) return;
    try {
      await this.#purpose.restore(client);
    } catch {
      this.drop(client);
      return;
    }
    // It may have been lost, and dropped, meanwhile.
    if (this.#client !== client) return;
    this.#client = undefined;
    this.#unhear();
    client.release();
  }

  async #connect(): Promise<PostgresClient> {
    const client = await this.#pool.connect();
    const lost = (): void => this.drop(client);
    client.on("error", lost);
    this.#unhear = () => client.removeListener("error", lost);
    try {
      await this.#purpose.prepare(client);
    } catch (error) {
      client.release(true);
      throw error;
    }
    this.#client = client;
    if (this.#closed) this.drop(client);
    return client;
  }
}
