import {
  Command,
  commandHandlers,
  Domain,
  type DomainProcessOptions,
  type Element,
  Event,
  EventSourcedAggregate,
  identifier,
  type Shape,
  type Store,
} from "nereus";
import { z } from "zod";

/** A release of a domain whose event `Priced` has these fields besides its identity. */
export class Release {
  /** What `.applies` was given last. */
  applied: Record<string, unknown> = {};
  readonly elements: readonly Element[];
  readonly #price: new (input: {
    id: string;
    values: unknown;
  }) => object;
  readonly #touch: new (input: {
    id: string;
  }) => object;
  #domain: Domain | undefined;

  constructor(fields: Shape, more: readonly Element[] = []) {
    class Priced extends Event("Priced", { id: identifier(), ...fields }) {}
    class Item extends EventSourcedAggregate("Item", { id: identifier() }).applies(Priced, (item, event) => {
      item.id = String(event.id);
      this.applied = { ...event };
    }) {}
    class Price extends Command("Price", { id: identifier(), values: z.custom<object>() }) {}
    class Touch extends Command("Touch", { id: identifier() }) {}
    const handlers = commandHandlers(Item)
      .on(Price, async ({ id, values }, { repository }) => {
        const priced = new Priced({ id, ...values } as never);
        const item = (await repository(Item).find(id)) ?? Item.create(() => undefined);
        item.raise(priced);
        await repository(Item).add(item);
      })
      .update(Touch, () => undefined);
    this.elements = [Item, handlers, ...more];
    this.#price = Price as never; // of values as they come
    this.#touch = Touch as never;
  }

  async start(store: Store): Promise<this> {
    this.#domain = new Domain("shop", { elements: this.elements, store });
    await this.#domain.start();
    return this;
  }

  price(id: string, values: object, options: DomainProcessOptions = {}): Promise<unknown> {
    return this.domain.process(new this.#price({ id, values }) as never, options);
  }

  /** The event as `.applies` gets it from the log. */
  async replayed(id: string, options: { tenant?: string } = {}): Promise<Record<string, unknown>> {
    await this.domain.process(new this.#touch({ id }) as never, options);
    return this.applied;
  }

  get domain(): Domain {
    if (this.#domain === undefined) throw new Error("It is not started");
    return this.#domain;
  }

  async stop(): Promise<void> {
    await this.#domain?.stop();
  }
}
