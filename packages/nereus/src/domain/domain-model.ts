import { definitionOf, type Element } from "../model/element.ts";
import type { ModelFault } from "../model/errors.ts";
import type { Store } from "../ports/store.ts";
import { weakenedPromises } from "./domain-options.ts";
import { type CheckedModel, checkModel } from "./model-check.ts";
import { Instances, type RegistryDefinition, registeredElements, registriesAmong } from "./registered-elements.ts";

/** What a domain is made of: what was listed, and what decorated classes add to it. */
export class DomainModel {
  readonly name: string;
  readonly #listed: readonly Element[];
  readonly #store: Store;
  /** Its own, beside those that are listed. */
  readonly #own: RegistryDefinition[] = [];
  #isTaken = false;

  constructor(name: string, listed: readonly Element[], store: Store) {
    this.name = name;
    this.#listed = listed;
    this.#store = store;
  }

  get #registries(): readonly RegistryDefinition[] {
    return [...new Set([...registriesAmong(this.#listed), ...this.#own])];
  }

  /** The model, and every fault of it. Makes no instance. */
  checked(instances: Instances = new Instances()): CheckedModel {
    const added = registeredElements(this.#listed, this.#registries, instances);
    const model = checkModel(this.name, [...this.#listed, ...added]);
    return { ...model, faults: [...model.faults, ...this.#otherFaults(model)] };
  }

  #otherFaults({ registry }: CheckedModel): readonly ModelFault[] {
    const ofDecorators = this.#registries.flatMap((own) => own.registrations.flatMap(({ faults }) => faults));
    return [...ofDecorators, ...weakenedPromises(this.name, registry, this.#store)];
  }

  /** A registry of this domain alone. */
  add(registry: Element<"registry">): void {
    const own = definitionOf<RegistryDefinition>(registry, "registry") as RegistryDefinition; // its kind says so
    this.#own.push(own);
    if (this.#isTaken) own.takers.add(this);
  }

  /** From now on, its registries take nothing more. */
  take(): void {
    this.#isTaken = true;
    for (const { takers } of this.#registries) takers.add(this);
  }

  release(): void {
    this.#isTaken = false;
    for (const { takers } of this.#registries) takers.delete(this);
  }
}
