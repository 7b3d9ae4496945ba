import type { AggregateClass } from "../model/aggregate-root.ts";
import type { Duration } from "../model/duration.ts";
import { definition, type Element, nameOf } from "../model/element.ts";
import type { CommandClass, QueryClass } from "../model/message.ts";
import type { ProjectionClass } from "../model/projection.ts";
import type { CommandContext, QueryContext } from "./context.ts";

/** How one command is handled: adding a new aggregate, changing a loaded one, or all by hand. */
export type CommandHandling =
  | { readonly how: "create"; readonly run: (command: object, context: CommandContext) => unknown }
  | { readonly how: "update"; readonly run: (aggregate: object, command: object, context: CommandContext) => unknown }
  | { readonly how: "on"; readonly run: (command: object, context: CommandContext) => unknown };

export interface CommandHandlersOptions {
  /** How long each of the commands may take, from its call to its commit, unless its caller says another span or a deadline. Default: what the domain says. */
  readonly timeout?: Duration | undefined;
}

/** The definition behind `commandHandlers(…)`. */
export interface CommandHandlersDefinition {
  readonly kind: "commandHandlers";
  readonly name: string;
  readonly aggregate: AggregateClass;
  readonly options: CommandHandlersOptions;
  readonly handlings: readonly { readonly command: CommandClass; readonly handling: CommandHandling }[];
}

/** What a handler answers; if its command declares no result, whatever it answers is let go. */
// biome-ignore lint/suspicious/noConfusingVoidType: void is how a command says that it has no result
export type Answer<R> = [R] extends [void] ? unknown : R | Promise<R>;

/** The handlers of an aggregate's commands. Each method returns the handlers with one more. */
export interface CommandHandlers<A> extends Element<"commandHandlers"> {
  readonly [definition]: CommandHandlersDefinition;
  /**
   * Adds the aggregate that the handler returns; `process` answers its identity, a text. It is typed `string` where the command says
   * `.returns<string>()`, and `void` where it says nothing; another type does not compile. When it runs: `AGGREGATE_EXISTS` if there
   * is one already.
   *
   * @example
   * class OpenAccount extends Command("OpenAccount", { holder: z.string() }).returns<string>() {}
   * const handlers = commandHandlers(Account).create(OpenAccount, (command) => Account.open(command));
   * const accountId = await bank.process(new OpenAccount({ holder: "Ada" })); // string
   */
  // biome-ignore lint/suspicious/noConfusingVoidType: a command that declares no result returns void
  create<R extends string | void, C>(
    command: CommandClass<R, C>,
    handler: (command: NoInfer<C>, context: CommandContext) => A | Promise<A>,
  ): CommandHandlers<A>;
  /**
   * Loads the aggregate, calls the handler, saves; other aggregates that it changes are added by hand. The aggregate is the
   * one named by the command's field that has the same name as the aggregate's identifier, or else by the command's only
   * `identifier()`. When it runs: `AGGREGATE_NOT_FOUND` if there is none.
   *
   * @example .update(Withdraw, (account, { amount }) => account.withdraw(amount))
   */
  update<R, C>(
    command: CommandClass<R, C>,
    handler: (aggregate: A, command: NoInfer<C>, context: CommandContext) => Answer<R>,
  ): CommandHandlers<A>;
  /**
   * Leaves loading and adding to the handler.
   *
   * @example
   * .on(Transfer, async ({ from, to, amount }, { repository }) => {
   *   const [source, target] = [await repository(Account).get(from), await repository(Account).get(to)];
   *   source.withdraw(amount);
   *   target.deposit(amount);
   *   await repository(Account).add(source);
   *   await repository(Account).add(target);
   * })
   */
  on<R, C>(
    command: CommandClass<R, C>,
    handler: (command: NoInfer<C>, context: CommandContext) => Answer<R>,
  ): CommandHandlers<A>;
}

/**
 * Handlers for the commands of an aggregate. A handler may run more than once for one command (after a conflict), so
 * it leaves effects outside the store to whoever follows the log. To say no, it calls `refuse(code, message)`: an `Error` that it
 * throws is a fault of the program, HTTP 500, and a sent command is tried again and again.
 *
 * @example
 * export const accountCommands = commandHandlers(Account)
 *   .create(OpenAccount, (command) => Account.open(command))
 *   .update(Withdraw, (account, { amount }) => account.withdraw(amount));
 */
export function commandHandlers<A extends object>(
  aggregate: AggregateClass<A>,
  options: CommandHandlersOptions = {},
): CommandHandlers<A> {
  return new CommandHandlerList(aggregate, options, []) as unknown as CommandHandlers<A>; // handlers are kept without their types
}

class CommandHandlerList {
  readonly [definition]: CommandHandlersDefinition;

  constructor(
    aggregate: AggregateClass,
    options: CommandHandlersOptions,
    handlings: CommandHandlersDefinition["handlings"],
  ) {
    const name = `commandHandlers(${nameOf(aggregate)})`;
    this[definition] = { kind: "commandHandlers", name, aggregate, options, handlings };
  }

  create(command: CommandClass, run: Extract<CommandHandling, { how: "create" }>["run"]): CommandHandlerList {
    return this.#with(command, { how: "create", run });
  }

  update(command: CommandClass, run: Extract<CommandHandling, { how: "update" }>["run"]): CommandHandlerList {
    return this.#with(command, { how: "update", run });
  }

  on(command: CommandClass, run: Extract<CommandHandling, { how: "on" }>["run"]): CommandHandlerList {
    return this.#with(command, { how: "on", run });
  }

  #with(command: CommandClass, handling: CommandHandling): CommandHandlerList {
    const { aggregate, options, handlings } = this[definition];
    return new CommandHandlerList(aggregate, options, [...handlings, { command, handling }]);
  }
}

/** The definition behind `queryHandlers(…)`. */
export interface QueryHandlersDefinition {
  readonly kind: "queryHandlers";
  readonly name: string;
  readonly projection: ProjectionClass;
  readonly handlings: readonly { readonly query: QueryClass; readonly run: QueryHandling }[];
}

export type QueryHandling = (query: object, context: QueryContext<object>) => unknown;

/** The handlers of a projection's queries. */
export interface QueryHandlers<Row> extends Element<"queryHandlers"> {
  readonly [definition]: QueryHandlersDefinition;
  on<R, Q>(
    query: QueryClass<R, Q>,
    handler: (query: NoInfer<Q>, context: QueryContext<Row>) => NoInfer<R> | Promise<NoInfer<R>>,
  ): QueryHandlers<Row>;
}

/**
 * Handlers for questions to a projection.
 *
 * @example
 * export const accountQueries = queryHandlers(AccountSummary)
 *   .on(FindAccounts, ({ holder }, { view }) => view.find({ where: { holder } }));
 */
export function queryHandlers<Row extends object>(projection: ProjectionClass<Row>): QueryHandlers<Row> {
  return new QueryHandlerList(projection, []) as unknown as QueryHandlers<Row>; // handlers are kept without their types
}

class QueryHandlerList {
  readonly [definition]: QueryHandlersDefinition;

  constructor(projection: ProjectionClass, handlings: QueryHandlersDefinition["handlings"]) {
    this[definition] = {
      kind: "queryHandlers",
      name: `queryHandlers(${nameOf(projection)})`,
      projection,
      handlings,
    };
  }

  on(query: QueryClass, run: QueryHandling): QueryHandlerList {
    const { projection, handlings } = this[definition];
    return new QueryHandlerList(projection, [...handlings, { query, run }]);
  }
}
