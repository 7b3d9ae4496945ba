import { AsyncLocalStorage } from "node:async_hooks";
import { NereusError } from "../model/errors.ts";

/** The handler that the code at work was called by, through every await, timer and call. */
const current = new AsyncLocalStorage<Handling>();

/** A piece of work, as others find it who wait for their turn behind it. */
export class Task {
  /** For errors: `Withdraw`. */
  readonly subject: string;
  /** The run of its handler that is under way. */
  handling: Handling | undefined;
  /** Who has the turn that it waits for. */
  waitsFor: (() => Task | undefined) | undefined;
  /** The handler that it was begun in, if that still ran. */
  #outer: Handling | undefined;

  constructor(subject: string) {
    this.subject = subject;
    this.#outer = openHandling();
    this.#outer?.begun(this);
  }

  get outer(): Handling | undefined {
    return this.#outer;
  }

  end(): void {
    this.#outer?.ended(this);
    this.#outer = undefined; // what runs on after it keeps nothing of it alive
  }

  /** Whether this one cannot end before another has ended: it waits for it, or its handler has begun what does. */
  needs(other: Task): boolean {
    const seen = new Set<Task>();
    const pending: Task[] = [this];
    for (let task = pending.pop(); task !== undefined; task = pending.pop()) {
      if (task === other) return true;
      if (seen.has(task)) continue;
      seen.add(task);
      const awaited = task.waitsFor?.();
      if (awaited !== undefined) pending.push(awaited);
      else pending.push(...(task.handling?.inner ?? []));
    }
    return false;
  }
}

/** One run of a handler: what is called in it may find out. */
export class Handling {
  readonly task: Task;
  /** The store of its domain, of which each domain has one of its own. */
  readonly #store: object;
  /** Whether it writes rows only. */
  readonly #projects: boolean;
  #isOver = false;
  #inner: Set<Task> | undefined;

  constructor(task: Task, store: object, projects = false) {
    this.task = task;
    this.#store = store;
    this.#projects = projects;
    task.handling = this;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** What was begun in it and has not ended. It may be awaited, as long as this runs. */
  get inner(): Iterable<Task> {
    return this.#inner ?? [];
  }

  begun(task: Task): void {
    this.#inner ??= new Set();
    this.#inner.add(task);
  }

  ended(task: Task): void {
    this.#inner?.delete(task);
  }

  isOf(store: object, projects: boolean): boolean {
    return this.#store === store && (!projects || this.#projects);
  }

  /** Runs a part of the handler. */
  run<I, T>(part: (input: I) => T, input: I): T {
    return current.run(this, part, input);
  }

  /** The handler has returned: nobody in it waits any more, whatever it has begun. */
  end(): void {
    this.#isOver = true;
    if (this.task.handling === this) this.task.handling = undefined;
  }
}

/** Runs a step of a projector. */
export async function projecting<T>(projection: string, store: object, step: () => Promise<T>): Promise<T> {
  const task = new Task(projection);
  const handling = new Handling(task, store, true);
  try {
    return await handling.run(step, undefined);
  } finally {
    handling.end();
    task.end();
  }
}

function openHandling(): Handling | undefined {
  const handling = current.getStore();
  return handling?.isOver === false ? handling : undefined;
}

/** The handler of a domain that the caller is in, at whatever depth. */
export function handlingOf(store: object, projects = false): Handling | undefined {
  let handling = openHandling();
  while (handling !== undefined && !handling.isOf(store, projects)) {
    const { outer } = handling.task;
    handling = outer?.isOver === false ? outer : undefined;
  }
  return handling;
}

/**
 * For what waits until the handlers of a domain have ended: in one of them it would wait for itself.
 *
 * @param call for example `settle`
 * @throws NereusError CALLED_IN_HANDLER
 */
export function refuseInHandler(store: object, call: string): void {
  const handling = handlingOf(store);
  if (handling === undefined) return;
  const what = `${call} was called in the handler of ${handling.task.subject}, and would wait for it to end`;
  throw new NereusError("CALLED_IN_HANDLER", what, {
    element: handling.task.subject,
    fix: `Call ${call} once the command is done, where that was processed.`,
  });
}

/**
 * For what a projector may not do, since its rows are made again whenever it is rebuilt.
 *
 * @throws NereusError CALLED_IN_HANDLER
 */
export function refuseInProjector(store: object, call: string): void {
  const handling = handlingOf(store, true);
  if (handling === undefined) return;
  const { subject } = handling.task;
  throw new NereusError("CALLED_IN_HANDLER", `${call} was called in the projector of ${subject}`, {
    element: subject,
    fix: "A projector writes rows only: process and send commands in eventHandlers(…).",
  });
}
