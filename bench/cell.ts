/** The process of one cell: one contestant, one task, once. Its question comes as an argument, its answer goes by IPC. */
import { randomUUID } from "node:crypto";
import { type Ability, abilities, type CommandRunner, type Contestant, type Place } from "./contestant.ts";
import {
  catchUpEvents,
  catchUpOrders,
  commandOrder,
  commandOrders,
  expectedOrder,
  hydrationOrder,
  hydrationOrders,
  priorEvents,
} from "./history.ts";
import { describeError, type Load, type Measurement, measure, percentileOf } from "./measure.ts";
import { addItem, type OrderState, placeOrder } from "./order.ts";
import { loadContestant } from "./registry.ts";
import { meter, watchTraffic } from "./traffic.ts";

export type Task =
  | { kind: "append"; concurrency: number }
  | { kind: "command"; prior: 0 | typeof priorEvents; concurrency: number; warm?: boolean }
  | { kind: "hydration"; size: number }
  | { kind: "catch-up" }
  | { kind: "visibility" };

type Cell = { contestant: string; place: Place };
type MeasureQuestion = Cell & { ask: "measure"; task: Task; seconds: number };
export type Question = (Cell & { ask: "describe" }) | (Cell & { ask: "seed" }) | MeasureQuestion;

export type Description = Pick<Contestant, "name" | "store"> & {
  raw: boolean;
  durability: string;
  seeds: boolean;
  abilities: Ability[];
};

/** `complaint` says why the figure must not be trusted. */
export type CellResult = Measurement & { eventsPerOperation: number; complaint?: string };
export type Answer = { description: Description } | { seeded: true } | { result: CellResult } | { fault: string };

const strayFaults: unknown[] = [];
process.on("uncaughtException", (error) => strayFaults.push(error));
process.on("unhandledRejection", (error) => strayFaults.push(error));

async function answer(question: Question): Promise<Answer> {
  const contestant = await loadContestant(question.contestant);
  if (question.ask === "describe") return { description: await describe(contestant, question.place) };
  if (question.ask === "seed") {
    await contestant.seed?.(question.place);
    return { seeded: true };
  }
  const { task } = question;
  if (task.kind === "append" && contestant.appendProgram) {
    return { result: await playProgram(contestant, question, task.concurrency) };
  }
  if (task.kind === "append") return { result: await playAppend(contestant, question, task.concurrency) };
  if (task.kind === "command") return { result: await playCommand(contestant, question, task) };
  if (task.kind === "hydration") return { result: await playHydration(contestant, question, task.size) };
  if (task.kind === "visibility") return { result: await playVisibility(contestant, question) };
  return { result: await playCatchUp(contestant, question) };
}

async function describe(contestant: Contestant, place: Place): Promise<Description> {
  return {
    name: contestant.name,
    store: contestant.store,
    raw: contestant.raw ?? false,
    durability: await contestant.durability(place),
    seeds: contestant.seed !== undefined,
    abilities: abilities.filter((ability) => contestant[ability] !== undefined),
  };
}

/** What a cell on a server also counts. */
function meterOf({ place }: MeasureQuestion): Load["meter"] {
  return place.database === "" ? undefined : () => meter(place.database);
}

/** Warms up for half of the time, at least 1 s (compilers need it), then measures. Whoever hangs in the warm-up is not measured again. */
async function warmThenMeasure(load: Load, warmUpOperation = load.operation) {
  const seconds = Math.max(1, load.seconds / 2);
  const warmUp = await measure(
    { ...load, operation: warmUpOperation, meter: undefined, seconds, most: load.most / 4 },
    strayFaults,
  );
  if (warmUp.pending > 0)
    return { result: warmUp, operations: warmUp.operations, unsure: warmUp.failures + warmUp.pending };
  const result = await measure({ ...load, most: load.most - warmUp.operations }, strayFaults);
  const unsure = warmUp.failures + result.failures + result.pending;
  return { result, operations: warmUp.operations + result.operations, unsure };
}

/**
 * Measures appends, and checks on the way that what is acknowledged is committed: now and then in the warm-up, where it
 * costs nobody, and at the end. An append that failed may have been written all the same.
 */
async function measureAudited(load: Load, before: number, stored: () => Promise<number>): Promise<CellResult> {
  let [acknowledged, samples, tooEarly] = [0, 0, 0];
  const auditedOperation = async (worker: number, turn: number): Promise<void> => {
    await load.operation(worker, turn);
    const promised = ++acknowledged;
    if (promised % 16 !== 0 || samples === 8) return;
    samples++;
    if ((await stored()) < before + promised) tooEarly++;
  };
  const { result, operations, unsure } = await warmThenMeasure(load, auditedOperation);
  // a store that still hangs would not answer the question either
  if (result.pending > 0) return { ...result, eventsPerOperation: 1 };
  const [least, actual] = [before + operations, await stored()];
  const complaints: string[] = [];
  if (tooEarly > 0) complaints.push("not durable: acknowledged before COMMIT");
  if (actual < least || actual > least + unsure) complaints.push(`${least} events acknowledged, ${actual} stored`);
  return { ...result, eventsPerOperation: 1, ...(complaints.length > 0 && { complaint: complaints.join(", ") }) };
}

const unlimited = 4_000_000;

async function playAppend(contestant: Contestant, question: MeasureQuestion, concurrency: number): Promise<CellResult> {
  const appender = await able(contestant.appender)(question.place);
  let n = 0;
  const operation = (): Promise<unknown> => {
    const orderId = randomUUID();
    return appender.append(orderId, { type: "OrderPlaced", data: placeOrder(orderId, n++) });
  };
  const load = { concurrency, seconds: question.seconds, most: unlimited, operation, meter: meterOf(question) };
  const result = await measureAudited(load, 0, () => appender.stored());
  await appender.close();
  return result;
}

type CommandTask = Extract<Task, { kind: "command" }>;

/** With prior events each caller has orders of its own; none gets more than fifty commands, or it would not be 100 events. */
async function playCommand(contestant: Contestant, question: MeasureQuestion, task: CommandTask): Promise<CellResult> {
  const runner = await able(contestant.commandRunner)(question.place);
  const { concurrency } = task;
  const turns = Math.floor(commandOrders / concurrency);
  let n = 0;
  const place = (): Promise<unknown> => runner.place(placeOrder(randomUUID(), n++));
  const add = (worker: number, turn: number): Promise<unknown> =>
    runner.addItem(addItem(commandOrder(worker + (turn % turns) * concurrency), n++));
  const load = {
    concurrency,
    seconds: question.seconds,
    most: task.prior === 0 ? unlimited : commandOrders * 50,
    operation: task.prior === 0 ? place : add,
    meter: meterOf(question),
  };
  let before = task.prior === 0 ? 0 : commandOrders * priorEvents;
  if (task.warm) before += await touchAll(runner);
  const result = await measureAudited(load, before, () => runner.stored());
  await runner.close();
  return result;
}

/** One command for each order, so that a cache has them all; how many. */
async function touchAll(runner: CommandRunner): Promise<number> {
  for (let n = 0; n < commandOrders; n += 50) {
    const orders = Array.from({ length: 50 }, (_, at) => commandOrder(n + at));
    await Promise.all(orders.map((orderId) => runner.addItem(addItem(orderId, n))));
  }
  return commandOrders;
}

async function playHydration(contestant: Contestant, question: MeasureQuestion, size: number): Promise<CellResult> {
  const hydrator = await able(contestant.hydrator)(question.place);
  const orders = hydrationOrders(size);
  const first = hydrationOrder(size, 0);
  const complaint = differs(await hydrator.load(first), expectedOrder(first, size));
  const operation = (_worker: number, turn: number): Promise<unknown> =>
    hydrator.load(hydrationOrder(size, turn % orders));
  const { result } = await warmThenMeasure({
    concurrency: 1,
    seconds: question.seconds,
    most: unlimited,
    operation,
    meter: meterOf(question),
  });
  await hydrator.close();
  return { ...result, eventsPerOperation: size, ...(complaint && { complaint }) };
}

/** One run through the whole log, given up after four times the seconds. Nothing is warm, as after a deployment. */
async function playCatchUp(contestant: Contestant, question: MeasureQuestion): Promise<CellResult> {
  const projection = await able(contestant.catchUp)(question.place);
  let applied = 0;
  const deadline = performance.now() + question.seconds * 4_000;
  const operation = async (): Promise<void> => {
    applied = await projection.run(deadline);
  };
  const load = { concurrency: 1, seconds: question.seconds * 5, most: 1, operation, meter: meterOf(question) };
  const result = await measure(load, strayFaults);
  const complaint = applied === catchUpEvents ? checkRows(await projection.rows()) : undefined;
  await projection.close();
  return { ...result, eventsPerOperation: applied, ...(complaint && { complaint }) };
}

/** A light load: one caller, who waits between two operations; more seconds than elsewhere, for the percentiles. */
async function playVisibility(contestant: Contestant, question: MeasureQuestion): Promise<CellResult> {
  const visibility = await able(contestant.visibility)(question.place);
  let n = 0;
  const operation = (): Promise<unknown> => visibility.placeAndSee(placeOrder(randomUUID(), n++));
  const seconds = Math.max(6, question.seconds * 4);
  const { result } = await warmThenMeasure({ concurrency: 1, seconds, most: unlimited, operation, pause: 5 });
  await visibility.close();
  return { ...result, eventsPerOperation: 1 };
}

/** It is another process, whose processor time is not known here, and counts for itself. */
async function playProgram(contestant: Contestant, question: MeasureQuestion, callers: number): Promise<CellResult> {
  const run = able(contestant.appendProgram);
  const report = await run(question.place, callers, question.seconds);
  const latencies = Float64Array.from(report.latencies);
  return {
    ...report,
    pending: 0,
    p50: percentileOf(latencies, 0.5),
    p95: percentileOf(latencies, 0.95),
    p99: percentileOf(latencies, 0.99),
    processorMicros: Number.NaN,
    foreignCores: Number.NaN,
    errors: {},
    eventsPerOperation: 1,
  };
}

function checkRows(rows: OrderState[]): string | undefined {
  if (rows.length !== catchUpOrders) return `${rows.length} rows instead of ${catchUpOrders}`;
  const size = catchUpEvents / catchUpOrders;
  for (const row of rows) {
    const complaint = differs(row, expectedOrder(row.orderId, size));
    if (complaint) return complaint;
  }
  return undefined;
}

function differs(actual: OrderState, expected: OrderState): string | undefined {
  for (const key of Object.keys(expected) as (keyof OrderState)[]) {
    if (actual[key] !== expected[key]) return `${expected.orderId}: ${key} is ${actual[key]}, not ${expected[key]}`;
  }
  return undefined;
}

function able<Opener>(opener: Opener | undefined): Opener {
  if (!opener) throw new Error("asked for what it cannot do");
  return opener;
}

watchTraffic();
const question = JSON.parse(process.argv[2] ?? "null") as Question;
const reply = await answer(question).catch((error): Answer => ({ fault: describeError(error) }));
process.send?.(reply, () => process.exit(0));
