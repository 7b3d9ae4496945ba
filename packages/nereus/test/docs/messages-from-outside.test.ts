// docs/guides/messages-from-outside.md
import { sValidator } from "@hono/standard-validator";
import { Hono } from "hono";
import { Command, type Domain, Event, identifier, ValueObject } from "nereus";
import { expect, test } from "vitest";
import { z } from "zod";

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
