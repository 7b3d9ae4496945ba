import { defaultServerConditions } from "vite";
import { defineConfig } from "vitest/config";

const conditions = ["@nereus/source", ...defaultServerConditions];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: ["@nereus/source"] } },
  test: {
    testTimeout: 60_000, // limits are for what hangs, not for what a loaded machine is slow at
    hookTimeout: 120_000, // a server drops a database when its disk has time
    include: ["packages/*/test/**/*.test.ts", "examples/**/*.test.ts"],
    // No test shares state through a module, so files may share a process: many times faster on few cores.
    isolate: false,
    reporters: ["default", "./scripts/closing-line.ts"],
  },
});
