export { type Builder, builder } from "./builder.ts";
export { deliver } from "./deliver.ts";
export type {
  AggregateGiven,
  AggregateWhen,
  Given,
  ProjectorGiven,
  ProjectorWhen,
  Then,
  When,
} from "./expectations.ts";
export type { State } from "./expected-values.ts";
export { type FakeClock, fakeClock } from "./fake-clock.ts";
export { type FixedIdentities, fixedIdentities } from "./fixed-identities.ts";
export { given } from "./given.ts";
export type { AnyAggregate, CommandInstance, EventInstance, EventOf, QueryInstance } from "./instances.ts";
export { type Before, type Seed, type SeedOptions, seed } from "./seed.ts";
