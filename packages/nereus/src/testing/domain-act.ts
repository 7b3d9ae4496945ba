import { eventWork } from "../application/event-work.ts";
import type { Runtime } from "../application/registry.ts";
import { restoreSent, type SentCommand, sentCommand } from "../application/sent-command.ts";
import { type Domain, type Workings, workingsOf } from "../domain/domain.ts";
import type { DomainProcessOptions } from "../domain/domain-options.ts";
import { type OfTenant, requireTenant, type Tenancy } from "../domain/tenancy.ts";
import { EventRunner } from "../engine/event-runner.ts";
import { together } from "../engine/failures.ts";
import type { MessageKind, StoredMessage } from "../log/message.ts";
import { definition } from "../model/element.ts";
import type { Returning } from "../model/message.ts";
import { appendEvent, ownerOf } from "./history.ts";
import { nameOf } from "./misuse.ts";
import type { SeedOptions } from "./seed.ts";
import type { Outcome } from "./step.ts";

/** What became of a command or an event in a domain. */
export interface DomainOutcome extends Outcome {
  readonly tenant: string;
  /** The identity of the aggregate that it was about, if that is known. */
  readonly id: string | undefined;
  /** Where the log stood before it. */
  readonly before: number;
  /** Where the log stood after its own commit. */
  readonly after: number;
}

/** Something done with a domain that is no single message. */
export type Act = (domain: Domain<Tenancy>) => unknown;

/** Processes a command. */
export async function process(
  domain: Domain<Tenancy>,
  command: object,
  options: DomainProcessOptions,
): Promise<DomainOutcome> {
  const { registry } = workingsOf(domain).runtime;
  const { handling, identityField = "" } = registry.commands.get(nameOf(command, "command")) ?? {};
  const { tenant = "" } = options;
  const said = options as DomainProcessOptions & OfTenant<Tenancy>; // where a tenant lacks, the domain says so
  const outcome = await perform(domain, () => domain.process(command as Returning<unknown, "command">, said), tenant);
  const id = handling?.how === "create" ? outcome.result : (command as Record<string, unknown>)[identityField];
  return { ...outcome, id: id === undefined ? undefined : String(id) };
}

/** Asks a query. */
export function ask(domain: Domain<Tenancy>, query: object, tenant: string): Promise<DomainOutcome> {
  return perform(domain, () => domain.query(query as Returning<unknown, "query">, { tenant }), tenant);
}

/** Does whatever it is, and finds out what it has appended. */
export async function perform(domain: Domain<Tenancy>, act: Act, tenant: string): Promise<DomainOutcome> {
  const { runtime } = workingsOf(domain);
  const { log } = runtime.store;
  const before = await log.head();
  let result: unknown;
  let error: DomainOutcome["error"];
  try {
    result = await act(domain);
  } catch (reason) {
    error = { reason };
  }
  const after = await log.head();
  return { result, error, events: await eventsBetween(runtime, before, after), tenant, id: undefined, before, after };
}

/** Lets an event happen: stores it, and runs its handlers. */
export async function happen(domain: Domain<Tenancy>, event: object, options: SeedOptions): Promise<DomainOutcome> {
  const workings = workingsOf(domain);
  requireTenant(domain, "when(event)", options.tenant);
  const { runtime } = workings;
  const before = await runtime.store.log.head();
  const { id } = ownerOf(runtime, event);
  const after = await appendEvent(runtime, event, options);
  const about = { result: undefined, tenant: options.tenant ?? "", id, before, after };
  try {
    await runInline(workings, after);
    await runHandlers(workings);
  } catch (reason) {
    return { ...about, error: { reason }, events: [] };
  }
  const events = await eventsBetween(runtime, after, await runtime.store.log.head());
  return { ...about, error: undefined, events };
}

/** The inline handlers of a stored event: each in a unit of work of its own, since the event's has ended. */
async function runInline({ runtime, work, joining }: Workings, position: number): Promise<void> {
  const { messages } = await runtime.store.log.readLog({ after: position - 1, limit: 1 });
  const failures: unknown[] = [];
  for (const { name, handlings, run } of runtime.registry.eventHandlers) {
    if (run !== "inline") continue;
    for (const [at, { event, handle }] of handlings.entries()) {
      for (const message of messages.filter(({ type }) => type === event[definition].name)) {
        const once = { key: `given:${name}:${at}:${message.id}` };
        await work
          .perform(eventWork(runtime, joining, message, { name, handle, once }))
          .catch((error: unknown) => failures.push(error));
      }
    }
  }
  if (failures.length > 0) throw together(failures);
}

/** Runs the async handlers of events until nothing is left for them; commands that they send wait. */
export async function runHandlers({ runtime, runners }: Workings): Promise<void> {
  const { log } = runtime.store;
  const handlers = runners.filter((runner) => runner instanceof EventRunner);
  for (let reached = -1; handlers.length > 0; ) {
    const head = await log.head();
    if (head === reached) return;
    const failures: unknown[] = [];
    for (const runner of handlers) await runner.reach(head).catch((error: unknown) => failures.push(error));
    if (failures.length > 0) throw together(failures);
    reached = head;
  }
}

export async function eventsBetween(runtime: Runtime, after: number, through: number): Promise<object[]> {
  const messages = await messagesBetween(runtime, "event", after, through);
  return messages.map((message) => runtime.registry.events.restore(message, message.id));
}

/** The commands that were sent, in the order in which they were. */
export async function sentBetween(
  runtime: Runtime,
  after: number,
  through: number,
): Promise<{ readonly command: object; readonly sent: SentCommand }[]> {
  const messages = await messagesBetween(runtime, "command", after, through);
  return messages.flatMap((message) => {
    const route = runtime.registry.commands.get(message.type);
    const sent = sentCommand(message);
    return route === undefined ? [] : [{ command: restoreSent(route, sent), sent }];
  });
}

async function messagesBetween(
  { store }: Runtime,
  kind: MessageKind,
  after: number,
  through: number,
): Promise<StoredMessage[]> {
  const found: StoredMessage[] = [];
  for (let position = after; position < through; ) {
    const page = await store.log.readLog({ after: position, limit: 1000, kinds: [kind] });
    found.push(...page.messages.filter((message) => message.position <= through));
    if (page.messages.length < 1000) break;
    position = page.through;
  }
  return found;
}
