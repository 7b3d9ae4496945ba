// docs/guides/limits.md: the compiler checks it, test/stores/depth.test.ts holds the limits.
import { Domain } from "nereus";
import { sqlite } from "nereus/sqlite";
import { elements } from "./model.ts";

export const archive = new Domain("archive", {
  elements,
  store: sqlite("archive.db"),
  limits: { messageBytes: 32 * 2 ** 20, commitBytes: 128 * 2 ** 20 },
});
