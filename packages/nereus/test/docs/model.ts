// The model that the snippets of the guides import: they show what is around it.
import { Account, accountCommands } from "../../../../examples/quickstart/account.ts";

export const elements = [Account, accountCommands];
