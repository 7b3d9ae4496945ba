import fc from "fast-check";
import { expect, it } from "vitest";
import { checksumOf, JoinedChecksum } from "../src/log/checksum.ts";

it("the checksum of joined texts comes from their own checksums and lengths", () => {
  const joined = new JoinedChecksum(",\n");
  const texts = fc.array(fc.string({ unit: "binary", maxLength: 40 }), { minLength: 1, maxLength: 20 });
  fc.assert(
    fc.property(texts, (list) => {
      const lengths = list.map((text) => Buffer.byteLength(text));
      expect(joined.of(list.map(checksumOf), lengths)).toBe(checksumOf(list.join(",\n")));
    }),
    { numRuns: 200 },
  );
});

it("it tells of one changed byte, wherever it is", () => {
  const joined = new JoinedChecksum(",\n");
  const list = ["one text", "another", "", "the last one"];
  const lengths = list.map((text) => text.length);
  const expected = joined.of(list.map(checksumOf), lengths);
  const whole = Buffer.from(list.join(",\n"));
  for (const [at, byte] of whole.entries()) {
    whole[at] = byte ^ 4;
    expect(checksumOf(whole.toString("latin1"))).not.toBe(expected);
    whole[at] = byte;
  }
  expect(checksumOf(whole.toString("latin1"))).toBe(expected);
});

it("it is that of texts of many lengths, more than it keeps in mind", () => {
  const joined = new JoinedChecksum(",\n");
  const list = Array.from({ length: 1500 }, (_, length) => "x".repeat(length));
  expect(
    joined.of(
      list.map(checksumOf),
      list.map(({ length }) => length),
    ),
  ).toBe(checksumOf(list.join(",\n")));
});
