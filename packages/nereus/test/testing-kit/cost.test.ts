import { Domain } from "nereus";
import { memory } from "nereus/memory";
import { given } from "nereus/testing";
import { expect, test } from "vitest";
import { Account, bank, Deposited, Opened, Withdraw, Withdrawn } from "../support/bank.ts";

const opened = new Opened({ accountId: "1", holder: "Ada" });
const deposited = new Deposited({ accountId: "1", amount: 100 });

/** A domain, a store and a scenario of its own, as a test has it. */
const inADomain = async () => {
  const domain = new Domain("bank", { elements: bank, store: memory() });
  await given(domain, opened, deposited)
    .when(new Withdraw({ accountId: "1", amount: 30 }))
    .then(new Withdrawn({ accountId: "1", amount: 30 }))
    .thenState(Account, { balance: 70 });
  await domain.stop();
};
const alone = async () => {
  await given(Account, opened, deposited)
    .when((account) => account.withdraw(30))
    .then(new Withdrawn({ accountId: "1", amount: 30 }))
    .thenState({ balance: 70 });
};

/** Milliseconds of the median and of the slowest in a hundred. */
async function measured(scenario: () => Promise<void>): Promise<string> {
  const times: number[] = [];
  for (let at = 0; at < 300; at++) {
    const before = performance.now();
    await scenario();
    if (at >= 100) times.push(performance.now() - before); // the first ones are compiled
  }
  times.sort((a, b) => a - b);
  return `${times[100]?.toFixed(3)} ms (99 %: ${times[198]?.toFixed(3)} ms)`;
}

test("a scenario with a store of its own takes about a millisecond, without one much less", async () => {
  const lines = [
    `a domain on memory, per test: ${await measured(inADomain)}`,
    `an aggregate alone: ${await measured(alone)}`,
  ];
  console.info(lines.join("\n"));
  expect(lines).toHaveLength(2); // no test asserts on time
});
