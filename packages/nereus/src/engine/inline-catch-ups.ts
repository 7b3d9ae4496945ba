import type { CatchUp } from "../application/inline-register.ts";
import { projectionNamed } from "../application/inline-state.ts";
import type { ProjectorDefinition } from "../application/projector.ts";
import type { Runtime } from "../application/registry.ts";
import type { UnitTransaction } from "../application/unit-transaction.ts";
import { InlineCatchUp } from "./inline-catch-up.ts";
import { registerProjections } from "./inline-start.ts";

/** How often a start tries to bring the last events in while other releases write. */
const roundsAtStart = 20;

/** Brings the inline projections of this release up to date with what other releases have committed without them. */
export class InlineCatchUps implements CatchUp {
  readonly #runtime: Runtime;
  readonly #all: ReadonlyMap<ProjectorDefinition, InlineCatchUp>;

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
    this.#all = new Map(runtime.registry.inline.map((projector) => [projector, new InlineCatchUp(runtime, projector)]));
  }

  /**
   * Registers the projections, and brings them up to date.
   *
   * @throws NereusError PROJECTION_FAILED for one that never was; another one stays incomplete, and that is reported
   */
  async start(): Promise<void> {
    await registerProjections(this.#runtime);
    for (const [projector, catchUp] of this.#all) {
      const { lacking } = this.#runtime.inline.state;
      if (!lacking.includes(projector)) continue;
      if (!catchUp.isNew) {
        this.#runtime.log.warn(
          `The rows of the inline ${projectionNamed(projector)} lack events that another release has committed: they are brought up to date`,
        );
      }
      await catchUp.start(roundsAtStart);
    }
  }

  /** Lets what is under way end: the store is about to close. */
  async stop(): Promise<void> {
    await Promise.all([...this.#all.values()].map((one) => one.stop()));
  }

  async beforeWork(lacking: readonly ProjectorDefinition[], transaction: UnitTransaction): Promise<void> {
    for (const projector of lacking) {
      if (transaction.isJoined) await new InlineCatchUp(this.#runtime, projector, transaction).try();
      else await this.#all.get(projector)?.beforeWork();
    }
  }

  async beforeReading(projector: ProjectorDefinition, transaction: UnitTransaction): Promise<void> {
    if (transaction.isJoined) await new InlineCatchUp(this.#runtime, projector, transaction).reachHead();
    else await this.#all.get(projector)?.reachHead();
  }
}
