export { type FakeClock, fakeClock } from "./fake-clock.ts";
export { type Given, given, type When } from "./given.ts";
