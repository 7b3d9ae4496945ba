// docs/guides/message-db.md: the compiler checks it, test/message-db runs the store.
import { Domain } from "nereus";
import { messageDb, setUp } from "nereus/message-db";
import { sqlite } from "nereus/sqlite";
import { Pool } from "pg";
import { elements } from "./model.ts";

const pool = new Pool({ connectionString: process.env["MESSAGE_STORE_URL"] });
await setUp({ pool }); // installs Message DB from @eventide/message-db where it is missing
export const bank = new Domain("bank", { elements, store: messageDb({ pool, documents: sqlite("bank.db") }) });
