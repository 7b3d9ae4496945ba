import { type AggregateClass, Command, type CommandContext, commandHandlers, type Element } from "nereus";

let scripts = 0;

/**
 * A command whose handler is the given function, for tests that play with a unit of work.
 *
 * @example const { command, handlers } = script(Account, async ({ repository }) => { … });
 */
export function script<R>(aggregate: AggregateClass<object>, run: (context: CommandContext) => R | Promise<R>) {
  class Script extends Command(`Script${++scripts}`, {}).returns<R>() {}
  const handlers: Element = commandHandlers(aggregate).on(Script, (_, context) => run(context) as never);
  return { command: () => new Script({}), handlers };
}
