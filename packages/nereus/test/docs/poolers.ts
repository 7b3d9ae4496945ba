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
