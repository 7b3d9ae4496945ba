import { defaultServerConditions } from "vite";
import { defineConfig } from "vitest/config";

const conditions = ["@nereus/source", ...defaultServerConditions];

// biome-ignore lint/style/noDefaultExport: Vitest asks for one
export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: ["@nereus/source"] } },
  test: { include: ["*.vitest.ts"], testTimeout: 60_000 },
});
