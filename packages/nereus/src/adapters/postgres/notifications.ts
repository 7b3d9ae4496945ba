import { createHash } from "node:crypto";
import { clearInterval, setInterval } from "node:timers";
import { HeldClient } from "./held-client.ts";
import { identifier } from "./identifiers.ts";
import { headOf } from "./log.ts";
import { type PostgresClient, type PostgresNotification, type PostgresPool, rowsOn } from "./pool.ts";
import { ownStatement, type PreparedStatement, unprepared } from "./reads.ts";
import { head } from "./statements.ts";

/** How often the log's head is asked for, in case that notifications are lost or do not get through, in milliseconds. */
const pollInterval = 1000;

export interface NotificationSettings {
  readonly pool: PostgresPool;
  /** Whose connections hear notifications; undefined where none does: then the log is looked at. */
  readonly listeners: PostgresPool | undefined;
  readonly schema: string;
  /** Whose own notifications are left out. */
  readonly writer: string;
  readonly ring: () => void;
}

/** Tells of messages that other processes have written. */
export class Notifications {
  readonly #settings: NotificationSettings;
  readonly #channel: string;
  readonly #held: HeldClient | undefined;
  readonly #head: PreparedStatement;
  #known = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(settings: NotificationSettings) {
    this.#settings = settings;
    this.#channel = `nereus_${createHash("md5").update(settings.schema).digest("hex")}`;
    this.#held =
      settings.listeners &&
      new HeldClient(settings.listeners, {
        prepare: (client) => this.#listen(client),
        restore: (client) => this.#unlisten(client),
      });
    this.#head = ownStatement(settings.schema, head);
  }

  /** @param known the head up to which nobody has to be told anything */
  start(known: number): void {
    if (this.#timer !== undefined) return;
    this.#known = Math.max(this.#known, known);
    this.#timer = setInterval(this.#poll, pollInterval);
    this.#timer.unref();
    this.#poll();
  }

  /** Of this process's own messages its listeners have been told. */
  passed(position: number): void {
    this.#known = Math.max(this.#known, position);
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.#timer = undefined;
    await this.#held?.close();
  }

  async #listen(client: PostgresClient): Promise<void> {
    client.on("notification", this.#heard);
    await client.query(unprepared(`LISTEN ${identifier(this.#channel)}`));
  }

  async #unlisten(client: PostgresClient): Promise<void> {
    await client.query(unprepared(`UNLISTEN ${identifier(this.#channel)}`));
    client.removeListener("notification", this.#heard);
  }

  readonly #heard = ({ channel, payload = "" }: PostgresNotification): void => {
    if (channel !== this.#channel) return;
    const [position, writer] = payload.split(" ");
    this.#known = Math.max(this.#known, Number(position));
    if (writer !== this.#settings.writer) this.#settings.ring();
  };

  readonly #poll = (): void => {
    // A server that is away is asked again at the next interval.
    void this.#look().catch(() => undefined);
  };

  async #look(): Promise<void> {
    // Where nobody may listen, to look has to do.
    await this.#held?.get().catch(() => undefined);
    const position = headOf(await rowsOn(this.#settings.pool, this.#head.with()));
    if (position <= this.#known || this.#timer === undefined) return;
    this.#known = position;
    this.#settings.ring();
  }
}
