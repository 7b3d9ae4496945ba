import type { Hellers } from "../money.ts";
import { plusDays } from "./calendar.ts";
import type { Ledger, LedgerRow } from "./ledger.ts";
import { type Random, seededRandom } from "./random.ts";

export interface GenerateOptions {
  readonly seed: number;
  readonly accounts?: number;
  readonly days?: number;
}

/** 1993-01-01 to 1994-03-31: fifteen months. */
const FIRST_DAY = "1993-01-01";
const DAYS = 455;
const FIRST_ACCOUNT = 501;
const STATEMENT_FEE = 14_60;
const BANKS = ["AB", "CD", "EF", "GH", "IJ", "KL", "MN", "OP", "QR", "ST", "UV", "WX", "YZ"] as const;

interface Partner {
  readonly bank: string;
  readonly account: string;
}

interface Household {
  readonly accountId: string;
  readonly opensOn: number;
  readonly income: { readonly day: number; readonly amount: Hellers; readonly purpose: string; readonly from: Partner };
  readonly rent: { readonly day: number; readonly amount: Hellers; readonly purpose: string; readonly to: Partner };
  readonly salaried: boolean;
  balance: Hellers;
}

interface Movement {
  readonly kind: LedgerRow["kind"];
  readonly operation: string;
  readonly amount: Hellers;
  readonly purpose?: string;
  readonly partner?: Partner;
}

/** The same seed gives the same ledger on every machine: about 12,000 transactions of 300 accounts, ordered by date. */
export function generatedLedger(seed: number): Ledger {
  return {
    name: `generated ledger, seed ${seed}`,
    *read() {
      let line = 1;
      for (const row of generateRows({ seed })) yield { line: ++line, row };
    },
  };
}

/** The rows of a small bank, balances right to the heller, numbered from 1 in the order in which they apply. */
export function* generateRows({ seed, accounts = 300, days = DAYS }: GenerateOptions): Generator<LedgerRow> {
  const random = seededRandom(seed);
  const households = Array.from({ length: accounts }, (_, index) => household(random, index, accounts, days));
  let transaction = 0;
  for (let day = 0; day < days; day += 1) {
    const today = bankDay(day);
    for (const owner of households) {
      for (const movement of movementsOf(random, owner, today)) {
        transaction += 1;
        yield booked(owner, movement, today.date, transaction);
      }
    }
  }
}

interface BankDay {
  readonly index: number;
  readonly date: string;
  readonly dayOfMonth: number;
  readonly endsMonth: boolean;
}

function bankDay(index: number): BankDay {
  const date = plusDays(FIRST_DAY, index);
  return { index, date, dayOfMonth: Number(date.slice(8)), endsMonth: plusDays(date, 1).endsWith("-01") };
}

/** Accounts are numbered in the order of their opening, which spreads over the first two thirds of the time. */
function household(random: Random, index: number, accounts: number, days: number): Household {
  const pensioner = random.chance(20);
  return {
    accountId: String(FIRST_ACCOUNT + index),
    opensOn: Math.floor((index * days * 2) / (accounts * 3)),
    salaried: random.chance(60),
    income: {
      day: random.between(5, 14),
      amount: pensioner ? random.between(3_000, 7_000) * 100 : random.between(5_000, 30_000) * 100,
      purpose: pensioner ? "pension" : "",
      from: partner(random),
    },
    rent: {
      day: random.between(12, 20),
      amount: random.between(900, 4_500) * 100,
      purpose: random.pick(["household", "household", "household", "insurance", "loan_payment", ""]),
      to: partner(random),
    },
    balance: 0,
  };
}

function partner(random: Random): Partner {
  return { bank: random.pick(BANKS), account: String(random.between(100_000, 99_999_999)) };
}

function booked(owner: Household, movement: Movement, date: string, transaction: number): LedgerRow {
  owner.balance += movement.kind === "credit" ? movement.amount : -movement.amount;
  return {
    transactionId: String(transaction),
    accountId: owner.accountId,
    date,
    kind: movement.kind,
    operation: movement.operation,
    amount: movement.amount,
    balance: owner.balance,
    purpose: movement.purpose ?? "",
    partnerBank: movement.partner?.bank ?? "",
    partnerAccount: movement.partner?.account ?? "",
  };
}

/** Each movement is booked before the next is drawn, so a withdrawal sees the balance that it meets. */
function* movementsOf(random: Random, owner: Household, today: BankDay): Generator<Movement> {
  if (today.index < owner.opensOn) return;
  if (today.index === owner.opensOn) {
    yield { kind: "credit", operation: "cash_deposit", amount: random.between(2, 12) * 100_00 };
    return;
  }
  yield* standingOrders(owner, today.dayOfMonth);
  yield* cash(random, owner);
  if (today.endsMonth) yield* monthEnd(owner);
}

function* standingOrders(owner: Household, dayOfMonth: number): Generator<Movement> {
  if (!owner.salaried) return;
  const { income, rent } = owner;
  if (dayOfMonth === income.day) {
    yield {
      kind: "credit",
      operation: "transfer_in",
      amount: income.amount,
      purpose: income.purpose,
      partner: income.from,
    };
  }
  if (dayOfMonth === rent.day && owner.balance >= rent.amount) {
    yield {
      kind: "withdrawal",
      operation: "transfer_out",
      amount: rent.amount,
      purpose: rent.purpose,
      partner: rent.to,
    };
  }
}

function* cash(random: Random, owner: Household): Generator<Movement> {
  if (!owner.salaried && random.chance(3)) {
    yield { kind: "credit", operation: "cash_deposit", amount: random.between(5, 150) * 100_00 };
  }
  if (!random.chance(3)) return;
  const amount = random.between(3, 120) * 100_00;
  // One in fifty goes through all the same: the bank allows overdrafts.
  if (amount > owner.balance && !random.chance(2)) return;
  yield { kind: "withdrawal", operation: random.chance(3) ? "card_withdrawal" : "cash_withdrawal", amount };
}

function* monthEnd(owner: Household): Generator<Movement> {
  if (owner.balance < 0) {
    const amount = hellersRoundedUpToTen(-owner.balance, 100);
    yield { kind: "withdrawal", operation: "cash_withdrawal", amount, purpose: "penalty_interest" };
    return;
  }
  if (owner.balance >= 1_000_00) {
    yield { kind: "credit", operation: "", amount: hellersRoundedUpToTen(owner.balance, 250), purpose: "interest" };
  }
  if (!owner.salaried || owner.balance < STATEMENT_FEE) return;
  yield { kind: "withdrawal", operation: "cash_withdrawal", amount: STATEMENT_FEE, purpose: "statement_fee" };
}

function hellersRoundedUpToTen(balance: Hellers, divisor: number): Hellers {
  return Math.ceil(balance / divisor / 10) * 10;
}
