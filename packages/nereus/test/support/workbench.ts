import {
  type AggregateClass,
  Command,
  type CommandContext,
  commandHandlers,
  type Domain,
  type DomainProcessOptions,
  type Element,
} from "nereus";
import { z } from "zod";

/** Runs steps as the handler of a command, each in a unit of work of its own. */
export interface Workbench {
  /** An element for the domain. */
  readonly handlers: Element;
  run<R>(domain: Domain, step: (context: CommandContext) => R | Promise<R>, options?: DomainProcessOptions): Promise<R>;
}

let benches = 0;

/**
 * A command whose handler is, each time, the function that the test gives.
 *
 * @example await bench.run(domain, async ({ repository }) => repository(Product).add(new Product({ … })));
 */
export function workbench(aggregate: AggregateClass<object>): Workbench {
  const steps: ((context: CommandContext) => unknown)[] = [];
  class Work extends Command(`Work${++benches}`, { step: z.number() }).returns<unknown>() {}
  return {
    handlers: commandHandlers(aggregate).on(Work, ({ step }, context) => steps[step]?.(context)),
    run: async (domain, step, options = {}) => {
      const command = new Work({ step: steps.push(step) - 1 });
      return (await domain.process(command, options)) as Awaited<ReturnType<typeof step>>;
    },
  };
}
