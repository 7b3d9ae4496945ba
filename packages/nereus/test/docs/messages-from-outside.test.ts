// docs/guides/messages-from-outside.md
import { sValidator } from "@hono/standard-validator";
import { Hono } from "hono";
import { Command, commandHandlers, Domain, Event, EventSourcedAggregate, identifier, ValueObject } from "nereus";
import { describe, expect, onTestFinished, test } from "vitest";
import { z } from "zod";
import { everyStore } from "../support/every-store.ts";

class Money extends ValueObject("Money", { amount: z.bigint(), currency: z.string().length(3) }) {}
class IssueInvoice extends Command("IssueInvoice", {
  invoiceId: identifier(),
  total: Money,
  due: z.date(),
}).returns<string>() {}
class InvoiceIssued extends Event("InvoiceIssued", { invoiceId: identifier(), total: Money, due: z.date() }) {}

async function post(request: Request, billing: Domain): Promise<string> {
  const command = IssueInvoice.fromJSON(await request.json());
  return billing.process(command);
}

function routes(billing: Pick<Domain, "process">): Hono {
  const app = new Hono();
  app.post("/invoices", sValidator("json", IssueInvoice), async (c) => {
    const id = await billing.process(c.req.valid("json"));
    return c.json({ id }, 201);
  });
  return app;
}

function publish(event: InvoiceIssued, send: (type: string, body: string) => void): void {
  send(event.$type, JSON.stringify(event)); // "InvoiceIssued", and the fields
  const dueText: string = event.toJSON().due; // "2026-11-30T12:00:00.000Z"
  console.assert(dueText === event.due.toISOString());
}

test("a request becomes a command, and an event becomes text again", async () => {
  const body = { invoiceId: "1", total: { amount: "1250", currency: "EUR" }, due: "2026-11-30T12:00:00Z" };
  const handled: IssueInvoice[] = [];
  const billing = { process: async (command: unknown) => handled.push(command as IssueInvoice) && "1" } as never;
  const request = (): Request =>
    new Request("http://localhost/invoices", {
      method: "POST",
      body: JSON.stringify(body),
      headers: { "content-type": "application/json" },
    });
  expect(await post(request(), billing)).toBe("1");
  expect((await routes(billing).request(request())).status).toBe(201);
  expect(handled.map(({ total, due }) => [total.amount, due.getTime()])).toEqual(
    [1, 2].map(() => [1250n, Date.UTC(2026, 10, 30, 12)]),
  );
  const sent: string[] = [];
  publish(InvoiceIssued.fromJSON(body), (...parts) => sent.push(...parts));
  expect(sent).toEqual(["InvoiceIssued", JSON.stringify({ ...body, due: "2026-11-30T12:00:00.000Z" })]);
  expect(IssueInvoice.toJSONSchema()).toMatchObject({
    properties: { due: { type: "string", format: "date-time" } },
    additionalProperties: false,
  });
});

class CaseOpened extends Event("CaseOpened", { caseId: identifier(), title: z.string() }) {}
class Case extends EventSourcedAggregate("Case", { caseId: identifier(), title: z.string() }).applies(
  CaseOpened,
  (own, event) => Object.assign(own, { ...event }),
) {}
class OpenCase extends Command("OpenCase", { title: z.string() }).returns<string>() {}
const caseCommands = commandHandlers(Case).create(OpenCase, ({ title }) =>
  Case.create((own) => own.raise(new CaseOpened({ caseId: crypto.randomUUID(), title }))),
);

async function open(request: Request, domain: Domain): Promise<string> {
  const idempotencyKey = request.headers.get("idempotency-key") ?? undefined;
  return domain.process(OpenCase.fromJSON(await request.json()), { idempotencyKey });
}

describe.each(everyStore().filter(({ missing }) => missing === undefined))("on $name", (kind) => {
  test("a request that comes twice with one key is answered with the identity that was made for the first", async () => {
    const store = await kind.open();
    const start = async (): Promise<Domain> => {
      const domain = new Domain("cases", { elements: [Case, caseCommands], store: store() });
      await domain.start();
      onTestFinished(() => domain.stop());
      return domain;
    };
    const request = (key: string, title = "Lost"): Request =>
      new Request("http://localhost/cases", {
        method: "POST",
        body: JSON.stringify({ title }),
        headers: { "idempotency-key": key },
      });
    const domains = [await start(), await start()] as const;
    const ids = await Promise.all([0, 1, 0, 1].map((n) => open(request("k"), domains[n === 0 ? 0 : 1])));
    expect(new Set(ids).size).toBe(1);
    expect(await open(request("k"), await start())).toBe(ids[0]);
    expect(await open(request("other"), domains[0])).not.toBe(ids[0]);
    await expect(open(request("k", "Found"), domains[1])).rejects.toMatchObject({ code: "IDEMPOTENCY_KEY_REUSED" });
  });
});
