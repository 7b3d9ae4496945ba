// docs/guides/postgres.md: the compiler checks it, test/postgres runs the store.
import { Domain } from "nereus";
import { postgres, setUp } from "nereus/postgres";
import { Pool } from "pg";
import { elements } from "./model.ts";

const pool = new Pool({ connectionString: process.env["DATABASE_URL"] });
await setUp({ pool }); // numbered migrations; safe to repeat
export const bank = new Domain("bank", { elements, store: postgres({ pool }) });
