// docs/guides/poolers.md: the compiler checks it, test/postgres runs what it says.
import { Domain } from "nereus";
import { postgres } from "nereus/postgres";
import { Pool } from "pg";
import { elements } from "./model.ts";

const deployer = new Pool({ connectionString: process.env["DEPLOYER_URL"] });

const owned = postgres({ pool: deployer, setUp: true });
const bank = new Domain("bank", { elements, store: owned });
await bank.start();
await bank.stop();

const behindPooler = postgres({
  pool: new Pool({ connectionString: process.env["POOLER_URL"] }),
  listenConnectionString: process.env["DATABASE_URL"] ?? "",
});

const standby = new Pool({ connectionString: process.env["STANDBY_URL"] });
const reports = new Domain("bank", { elements, store: postgres({ pool: standby, readOnly: true }) });
await reports.start();

export const domains = [new Domain("bank", { elements, store: behindPooler }), reports];
