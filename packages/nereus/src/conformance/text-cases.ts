import assert from "node:assert/strict";
import { checksumOf } from "../log/checksum.ts";
import type { ConformanceCase } from "./conformance-case.ts";
import { append, committed, idsOf, messageOf, people, streamOf, wholeStream } from "./samples.ts";

/** Names that break what is put together from text: stream names, SQL, LIKE patterns, JSON paths, object keys. */
const hostileNames: readonly string[] = [
  "a-b",
  "a:b",
  "a/b",
  "a%b",
  "a_b",
  "a'b",
  'a"b',
  "a\\b",
  "a`b",
  "a;DROP TABLE streams;--",
  "a,b",
  "1,1,ab",
  " a ",
  "",
  "a\nb\tc",
  "ÄÖ ß",
  "a\u0301",
  "日本",
  "🦀👩‍👩‍👧",
  "\uffff",
  "__proto__",
  "constructor",
  "toString",
  "null",
  "x".repeat(2000),
];

const hostilePayloads: readonly string[] = [
  '{"__proto__":{"admin":true},"constructor":{"prototype":1}}',
  '{"text":"\\ud800 lone"}',
  '{"text":"low \\udfff"}',
  '{"text":"nul \\u0000 end"}',
  '{"text":"\u2028\u2029 🦀 \\u00e9"}',
  '{"big":123456789012345678901234567890,"small":1e-400,"float":0.1000}',
  '{"a":1,"a":2}',
  "[]",
  "null",
  '"text"',
  "{}",
  '{ "spaces" : [ 1 ,2 ] }',
];

/** Whatever the text, it comes back as it was. */
export const textCases: readonly ConformanceCase[] = [
  {
    name: "stream ids may be any text, and stay apart",
    async run({ create }) {
      const store = await create();
      for (const id of hostileNames) await append(store, id, "none", messageOf("Opened", { correlationId: id }));
      for (const id of hostileNames) {
        const [stored, ...more] = await wholeStream(store, id);
        assert.deepEqual([stored?.stream.id, stored?.correlationId, more.length], [id, id, 0]);
        const correlated = await store.log.readLog({ after: 0, limit: 100, correlationId: id });
        assert.deepEqual(idsOf(correlated.messages), idsOf([stored ?? messageOf()]));
      }
    },
  },
  {
    name: "categories, tenants and types may be any text, and stay apart",
    async run({ create }) {
      const store = await create();
      for (const name of hostileNames) {
        await append(store, streamOf("1", { category: name }), "none", messageOf(name));
        await append(store, streamOf("1", { tenant: name, category: "by tenant" }), "none", messageOf());
      }
      for (const name of hostileNames) {
        const ofCategory = await store.log.readLog({ after: 0, limit: 100, categories: [name] });
        assert.deepEqual(
          ofCategory.messages.map(({ stream, type }) => [stream.category, type]),
          [[name, name]],
        );
        const ofTenant = await store.log.readLog({ after: 0, limit: 100, tenant: name, categories: ["by tenant"] });
        assert.deepEqual(
          ofTenant.messages.map(({ stream }) => stream.tenant),
          [name],
        );
      }
    },
  },
  {
    name: "the four values of a stream are never mistaken for each other",
    async run({ create }) {
      const store = await create();
      const streams = [
        streamOf("c", { tenant: "a", category: "b" }),
        streamOf("c", { tenant: "", category: "ab" }),
        streamOf("bc", { tenant: "", category: "a" }),
        streamOf("bc", { tenant: "a", category: "" }),
        streamOf("", { tenant: "a", category: "bc" }),
        streamOf("c", { tenant: "ab", category: "" }),
        streamOf("c", { tenant: "a", category: "b", kind: "fact" }),
        ...["-", ":", "/", ",", "@", "|", "\t", "%2D"].flatMap((mark) => [
          streamOf(`b${mark}c`, { tenant: "a", category: "d" }),
          streamOf("c", { tenant: "a", category: `d${mark}b` }),
          streamOf("c", { tenant: `a${mark}d`, category: "b" }),
        ]),
      ];
      for (const stream of streams) await append(store, stream, "none", messageOf());
      for (const stream of streams) {
        const stored = await wholeStream(store, stream);
        assert.deepEqual(
          stored.map(({ stream: own }) => ({ ...own })),
          [stream],
        );
      }
    },
  },
  {
    name: "payloads and extensions come back character by character",
    async run({ create }) {
      const store = await create();
      const payloads = [...hostilePayloads, JSON.stringify("é🦀".repeat(350_000))];
      const messages = payloads.map((data) => messageOf("Noted", { data, extensions: data }));
      await append(store, "a", "none", ...messages);
      const stored = await wholeStream(store, "a");
      for (const [at, data] of payloads.entries()) {
        assert.ok(stored[at]?.data === data && stored[at]?.extensions === data, `payload ${at}`);
        assert.equal(stored[at]?.checksum, checksumOf(data));
      }
    },
  },
  {
    name: "document ids, collections' rows and outbox entries may be any text",
    async run({ create }) {
      const store = await create([people]);
      for (const [at, id] of hostileNames.entries()) {
        committed(
          await store.commit({
            documents: [{ collection: "people", tenant: id, id, expectedVersion: "none", data: `{"age":${at}}` }],
            outbox: [{ id, destination: id, data: JSON.stringify(id) }],
            checkpoint: { name: id, expected: 0, position: at + 1 },
            idempotency: { tenant: id, key: id, fingerprint: id, result: JSON.stringify(id) },
          }),
        );
      }
      const entries = await store.records.outbox(0, 100);
      for (const [at, id] of hostileNames.entries()) {
        const documents = await store.documents.find("people", id, {});
        assert.deepEqual(documents, [{ id, version: 0, data: `{"age":${at}}` }]);
        assert.deepEqual([entries[at]?.id, entries[at]?.destination], [id, id]);
        assert.equal(await store.records.checkpoint(id), at + 1);
        assert.equal((await store.records.idempotency(id, id))?.result, JSON.stringify(id));
      }
    },
  },
  {
    name: "tenants are isolated: the same ids, keys and collections in each",
    async run({ create }) {
      const store = await create([people]);
      for (const [at, tenant] of ["", "north", "south"].entries()) {
        committed(
          await store.commit({
            appends: [{ stream: streamOf("1", { tenant }), expectedVersion: "none", messages: [messageOf(`T${at}`)] }],
            documents: [{ collection: "people", tenant, id: "1", expectedVersion: "none", data: `{"age":${at}}` }],
            idempotency: { tenant, key: "k", fingerprint: tenant, result: null },
          }),
        );
      }
      for (const [at, tenant] of ["", "north", "south"].entries()) {
        const { messages } = await store.log.readLog({ after: 0, limit: 10, tenant });
        assert.deepEqual(
          messages.map(({ type }) => type),
          [`T${at}`],
        );
        assert.equal(await store.documents.count("people", tenant, []), 1);
        assert.equal((await store.documents.get("people", tenant, ["1"])).get("1")?.data, `{"age":${at}}`);
        assert.equal((await store.records.idempotency(tenant, "k"))?.fingerprint, tenant);
      }
      committed(
        await store.commit({
          documents: [{ collection: "people", tenant: "north", id: "1", expectedVersion: 0, data: null }],
        }),
      );
      assert.equal(await store.documents.count("people", "north", []), 0);
      assert.equal(await store.documents.count("people", "south", []), 1);
    },
  },
];
