import { replayOnto } from "../application/loading.ts";
import { serialiseEvent } from "../log/event-types.ts";
import type { StoredMessage } from "../log/message.ts";
import { changedInPlace } from "../model/aggregate-faults.ts";
import { type AggregateClass, AggregateRoot, definitionOfRoot, isThenable } from "../model/aggregate-root.ts";
import { definition } from "../model/element.ts";
import { blankAggregate, freezeFields } from "../model/restoring.ts";
import { assertPart } from "./assertion.ts";
import { misuse, nameOf } from "./misuse.ts";
import { Scenario } from "./scenario.ts";
import { type Outcome, type Progress, Step } from "./step.ts";

interface AggregateProgress extends Progress {
  /** What the next act is done with. */
  readonly roots: readonly AggregateRoot[];
  /** The one that an expectation of state is about, if it is clear which. */
  readonly subject: AggregateRoot | undefined;
}

type Act = (...aggregates: readonly AggregateRoot[]) => unknown;

/** Aggregates as they are before: made anew for each scenario that begins with them, or the instances given. */
export class GivenAggregates {
  readonly #make: () => readonly AggregateRoot[];

  constructor(make: () => readonly AggregateRoot[]) {
    this.#make = make;
  }

  when(act: Act): AggregateScenario {
    const begin = new Step<AggregateProgress>(async () => {
      const roots = this.#make();
      for (const root of roots) stored(root);
      return { outcome: undefined, isRefusalExpected: false, roots, subject: onlyOf(roots) };
    });
    return new AggregateScenario(begin).when(act);
  }
}

export class AggregateScenario extends Scenario<AggregateProgress> {
  protected after(step: Step<AggregateProgress>): this {
    return new AggregateScenario(step) as this; // nobody extends it
  }

  when(act: Act): AggregateScenario {
    if (typeof act !== "function")
      throw misuse("when", act, "a function of the aggregates: (account) => account.withdraw(500)");
    return new AggregateScenario(this.act((before) => performed(act, before)));
  }

  thenState(...expected: readonly [object] | readonly [AggregateRoot, object]): this {
    return this.check(({ subject }) => {
      const [root, state] = expected.length === 2 ? expected : [subject, expected[0]];
      if (root === undefined) throw misuse("thenState", "none", "one of the aggregates first: thenState(order, { … })");
      assertPart(definitionOfRoot(root).name, root, state);
    });
  }
}

function onlyOf(roots: readonly AggregateRoot[]): AggregateRoot | undefined {
  return roots.length === 1 ? roots[0] : undefined;
}

/** Like a unit of work: what fails is taken back as a whole, what succeeds counts as stored. */
async function performed(act: Act, { roots }: AggregateProgress): Promise<AggregateProgress> {
  let result: unknown;
  try {
    const returned = act(...roots);
    result = isThenable(returned) ? await returned : returned;
  } catch (error) {
    for (const root of roots) AggregateRoot.seams.undoUnsaved(root);
    const [first] = roots;
    const reason = (first && changedInPlace(definitionOfRoot(first).name, error)) ?? error;
    const outcome: Outcome = { result: undefined, error: { reason }, events: [] };
    return { outcome, isRefusalExpected: false, roots, subject: onlyOf(roots) };
  }
  const returned = result instanceof AggregateRoot ? result : undefined;
  const made = returned === undefined || roots.includes(returned) ? [] : [returned];
  const outcome: Outcome = { result, error: undefined, events: raisedBy([...roots, ...made]) };
  for (const root of [...roots, ...made]) stored(root);
  const next = made.length === 1 && isSuccessor(made[0] as AggregateRoot, roots) ? made : roots;
  return { outcome, isRefusalExpected: false, roots: next, subject: returned ?? onlyOf(roots) };
}

/** A new aggregate takes the place of the blank one of its class. */
function isSuccessor(made: AggregateRoot, [only, ...others]: readonly AggregateRoot[]): boolean {
  return only !== undefined && others.length === 0 && only.constructor === made.constructor;
}

/** What they have raised, in the order in which it was raised. */
function raisedBy(roots: readonly AggregateRoot[]): object[] {
  const pending = roots.flatMap((root) => AggregateRoot.seams.pending(root));
  return pending.sort((a, b) => a.order - b.order).map(({ event }) => event);
}

/** As after a commit: nothing pending, and nothing to take back. */
function stored(root: AggregateRoot): void {
  const { pending, changed, saved, lastMessage } = AggregateRoot.seams;
  const isWritten =
    !definitionOfRoot(root).eventSourced && (root.version === -1 || changed(root) || pending(root).length > 0);
  saved(root, isWritten ? root.version + 1 : root.version, lastMessage(root));
}

/** An event-sourced aggregate as loading makes it of its events: without validation, the version counted. */
export function replayed(aggregate: AggregateClass, events: readonly object[]): AggregateRoot {
  const root = blankAggregate(aggregate);
  const { name, appliers } = aggregate[definition];
  for (const event of events) {
    const applier = appliers.get(nameOf(event, "event"));
    if (applier === undefined)
      throw misuse(`given(${name}, …)`, nameOf(event, "event"), "events that it has an .applies for");
  }
  if (events.length === 0) freezeFields(root);
  else replayOnto(root, events.map(asStored));
  return root;
}

function asStored(
  event: object,
  version: number,
): Pick<StoredMessage, "version" | "type" | "schemaVersion" | "data" | "checksum"> {
  const about = {
    recordedAt: 0,
    occurredAt: 0,
    correlationId: "",
    causationId: null,
    traceparent: null,
    extensions: null,
  };
  return { ...serialiseEvent(event, about), version };
}
