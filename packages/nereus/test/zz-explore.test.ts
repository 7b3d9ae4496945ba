import { Aggregate, ValueObject, identifier, Entity, hasMany, hasOne } from "nereus";
import { describe, test } from "vitest";
import { z } from "zod";
import { places } from "./support/places.ts";
import { workbench } from "./support/workbench.ts";

class Note extends ValueObject("Note", { text: z.string().optional(), by: z.string().nullable().default(null) }) {}
class Empty extends ValueObject("Empty", {}) {}
class Tricky extends ValueObject("Tricky", { eq: z.string(), in: z.number().optional(), or: z.string().optional() }) {}
class Line extends Entity("Line", { lineId: identifier(), n: z.number() }) {}
class Thing extends Aggregate("Thing", {
  id: identifier(), note: Note.schema().optional(), empty: Empty.schema().optional(), tricky: Tricky.schema().optional(),
  on: z.date().optional(), big: z.bigint().optional(), n: z.number().optional(), 
  obj: z.object({ a: z.string().optional(), on: z.date().optional() }).optional(),
  rec: z.record(z.string(), z.number()).optional(), list: z.array(z.string()).optional(), un: z.union([z.string(), z.number(), z.boolean()]).optional(),
  uni: z.union([z.date(), z.string()]).optional(),
  lines: hasMany(Line), one: hasOne(Line),
  any: z.any().optional(),
  or: z.string().optional(), "a.b": z.string().optional(), 'q"uo\'te': z.string().optional(), _id: z.string().optional(), _data: z.string().optional(), _version: z.number().optional(),
  "": z.string().optional(), "$": z.string().optional(), "x[0]": z.string().optional(), "select": z.string().optional(), "é": z.string().optional(), ID: z.string().optional(), "nul\0": z.string().optional(),
}) {}
const bench = workbench(Thing as never);
describe.each(places)("$name", (kind) => {
  test("x", async () => {
    const domain = await kind.open().start([Thing, bench.handlers]);
    await bench.run(domain, async ({ repository }) => {
      const r = repository(Thing);
      await r.add(new Thing({ id: "none" }));
      await r.add(new Thing({ id: "note", note: new Note({}), empty: new Empty({}), obj: {}, any: 5, un: true, or: "x", uni: new Date(0) } as never));
      await r.add(new Thing({ id: "h", tricky: new Tricky({eq: "e", in: 4}), "a.b": "1", 'q"uo\'te': "2", _id: "3", _data: "4", _version: 5, "": "8", "$": "9", "x[0]": "10", select: "11", "é": "12", ID: "13", any: "five", un: 1, "nul\0": "14", or: "y", uni: "zz" } as never));
    });
    const t = async (name: string, sel: any) => {
      try { console.log(kind.name, name, await bench.run(domain, async ({ repository }) => (await repository(Thing).query(sel)).map((x: any) => x.id))); }
      catch (e: any) { console.log(kind.name, name, e.code ?? ("!!! RAW " + e.constructor.name), e.message.slice(0, 150)); }
    };
    const w = (name: string, where: any) => t(name, { where });
    await w("whole empty note", { note: new Note({}) });
    await w("whole empty", { empty: new Empty({}) });
    await w("not whole empty", { not: { empty: new Empty({}) } });
    await w("obj eq {}", { obj: { eq: {} } });
    await w("obj {}", { obj: {} });
    await w("note {}", { note: {} });
    await w("tricky eq field", { tricky: { eq: "e" } });
    await w("tricky in field", { tricky: { in: 4 } });
    await w("tricky ne whole", { tricky: { ne: new Tricky({ eq: "e", in: 4 }) } });
    await w("tricky whole", { tricky: new Tricky({ eq: "e", in: 4 }) });
    await w("note text string", { note: "x" });
    await w("obj string", { obj: "x" });
    await w("obj array", { obj: [] });
    await w("obj date", { obj: new Date() });
    await w("note eq number", { note: { eq: 5 } });
    await w("note in not list", { note: { in: new Note({}) } });
    await w("note in undefined", { note: { in: [undefined] } });
    await w("on string", { on: "2026-01-01" });
    await w("on invalid", { on: new Date("no") });
    await w("big number", { big: 5 });
    await w("big string", { big: "abc" });
    await w("n string", { n: "5" });
    await w("n NaN", { n: NaN });
    await w("n bigint", { n: 5n });
    await w("n contains", { n: { contains: 5 } });
    await w("or contains null", { un: { contains: null } });
    await w("in undefined", { n: { in: [undefined] } });
    await w("rec", { rec: { a: 1 } });
    await w("list", { list: ["a"] });
    await w("list null", { list: null });
    await w("list contains", { list: { contains: "a" } });
    await w("un 1", { un: 1 });
    await w("un true", { un: true });
    await w("uni date", { uni: new Date(0) });
    await w("any 5", { any: 5 });
    await w("any lt", { any: { lt: 6 } });
    await w("lines", { lines: null });
    await w("lines {}", { lines: { n: 1 } });
    await w("one n", { one: { n: 1 } });
    await w("or field bare", { or: "x" });
    await w("or list", { or: [{ or: "x" }] });
    await w("and undefined", { and: undefined });
    for (const [f, v] of Object.entries({ "a.b": "1", 'q"uo\'te': "2", _id: "3", _data: "4", _version: 5, "": "8", "$": "9", "x[0]": "10", select: "11", "é": "12", ID: "13", "nul\0": "14" })) {
      await w("hostile " + JSON.stringify(f), { [f]: v });
      await t("order " + JSON.stringify(f), { orderBy: { [f]: "desc" } });
    }
    await w("version", { version: 0 });
    await w("constructor", { constructor: 0 });
    await w("__proto__", JSON.parse('{"__proto__": 1}'));
    await w("null proto", Object.assign(Object.create(null), { id: "none" }));
    await w("test null proto", { n: Object.assign(Object.create(null), { gt: 1 }) });
    await t("order obj", { orderBy: { obj: "asc" } });
    await t("order obj.a", { orderBy: { obj: { a: "asc" } } });
    await t("order obj {}", { orderBy: { obj: {} } });
    await t("order obj undef", { orderBy: { obj: undefined } });
    await t("order list", { orderBy: { list: "asc" } });
    await t("order rec", { orderBy: { rec: "asc" } });
    await t("order lines", { orderBy: { lines: "asc" } });
    await t("order note", { orderBy: { note: "asc" } });
    await t("order un", { orderBy: { un: "asc" } });
    await t("limit max", { limit: Number.MAX_SAFE_INTEGER, offset: 1 });
    await t("offset max", { offset: Number.MAX_SAFE_INTEGER });
    await t("both max", { limit: Number.MAX_SAFE_INTEGER, offset: Number.MAX_SAFE_INTEGER });
    await t("selection is array", []);
    await t("order is array", { orderBy: ["n"] });
    const p = async (name: string, sel: any) => {
      try { console.log(kind.name, "PAGE", name, await bench.run(domain, async ({ repository }) => { const { items, next } = await repository(Thing).page(sel); return [items.map((x: any) => x.id), next && Buffer.from(next, "base64url").toString()]; })); }
      catch (e: any) { console.log(kind.name, "PAGE", name, e.code ?? ("!!! RAW " + e.constructor.name), e.message.slice(0, 150)); }
    };
    await p("max", { limit: Number.MAX_SAFE_INTEGER });
    await p("list", { limit: 1, orderBy: { list: "asc" } });
    await p("un", { limit: 2, orderBy: { un: "asc" } });
    await p("un desc", { limit: 1, orderBy: { un: "desc" } });
    await p("uni", { limit: 1, orderBy: { uni: "desc" } });
    await p("no limit", {});
    await p("0", { limit: 0 });
    await p("offset", { limit: 1, offset: 1 });
    for (const after of ["", "x", 5, null, {}, Buffer.from("[]").toString("base64url"), Buffer.from('null').toString("base64url"), "a".repeat(1e6)]) await p("after " + String(after).slice(0, 20), { limit: 1, after });
  });
});
