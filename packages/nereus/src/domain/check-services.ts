import type { ApplicationServiceDefinition } from "../application/application-service.ts";
import type { CustomRepositoryClass } from "../application/repository.ts";
import type { SubscriberDefinition } from "../application/subscriber.ts";
import type { AggregateDefinition } from "../model/aggregate-root.ts";
import { definition, definitionOf } from "../model/element.ts";
import { checkRules } from "./check-aggregates.ts";
import { checkAggregateListed } from "./check-registered.ts";
import type { Faults } from "./faults.ts";
import type { ModelParts } from "./model-parts.ts";

/**
 * Checks the custom repositories.
 *
 * @returns each by the name of its aggregate
 */
export function checkRepositories(parts: ModelParts, faults: Faults): ReadonlyMap<string, CustomRepositoryClass> {
  const repositories = new Map<string, CustomRepositoryClass>();
  for (const repository of parts.repositories) {
    const { aggregate, name: user, eventSourced } = repository[definition];
    checkAggregateListed(parts, aggregate, user, faults);
    const own = definitionOf<AggregateDefinition>(aggregate, "aggregate");
    if (own === undefined) continue;
    if (own.eventSourced !== eventSourced) {
      const code = own.eventSourced ? "AGGREGATE_NOT_STATE_STORED" : "AGGREGATE_NOT_EVENT_SOURCED";
      const fix = `Write ${own.eventSourced ? "EventSourcedRepository" : "Repository"}(${own.name}).`;
      faults.add(code, own.name, "it has a repository for the other kind of aggregate", fix);
    }
    if (repositories.has(own.name)) {
      faults.add("REPOSITORY_DUPLICATE", own.name, "it has two repositories", "Keep one repository per aggregate.");
    } else repositories.set(own.name, repository);
  }
  return repositories;
}

/** Checks the services, and what takes in the messages of others. */
export function checkServices(parts: ModelParts, faults: Faults): void {
  checkDomainServices(parts, faults);
  for (const service of parts.services.values()) checkUseCases(service, faults);
  for (const subscriber of parts.subscribers.values()) checkSubscriber(subscriber, faults);
}

function checkDomainServices(parts: ModelParts, faults: Faults): void {
  for (const { name, parts: bound, preconditions, invariants } of parts.domainServices.values()) {
    const classes = Object.values(bound ?? {});
    if (classes.length < 2) {
      const fix = "Put what concerns one aggregate into its methods, or name the other aggregates.";
      faults.add("SERVICE_PARTS_TOO_FEW", name, `it works on ${classes.length} aggregate(s)`, fix);
    }
    for (const aggregate of classes) checkAggregateListed(parts, aggregate, name, faults);
    checkRules(name, [...preconditions, ...invariants], faults);
  }
}

function checkUseCases({ name, useCases }: ApplicationServiceDefinition, faults: Faults): void {
  const found = Object.entries(useCases ?? {});
  if (found.length === 0) {
    faults.add("SERVICE_EMPTY", name, "it has no use case", "Give it a function for each use case.");
  }
  for (const [useCase, steps] of found) {
    if (typeof steps === "function") continue;
    faults.add("HANDLER_INVALID", name, `its use case ${useCase} is not a function`, "Give a function.");
  }
}

function checkSubscriber({ name, stream, broker, message, key, handle }: SubscriberDefinition, faults: Faults): void {
  const refuse = (what: string, fix: string): void => faults.add("SUBSCRIBER_INVALID", name, what, fix);
  if (!isText(stream)) refuse("it names no stream", "Name the stream, topic or queue of the broker.");
  if (!isText(broker)) refuse("it names no broker", 'Name one, or leave it out for "default".');
  if (typeof message?.["~standard"]?.validate !== "function") {
    refuse(
      "it has no schema of its messages",
      "Give message a schema: z.object({ … }), or one of another Standard Schema library.",
    );
  }
  if (key !== undefined && typeof key !== "function") {
    refuse("its key is no function", "Give a function that answers a text: ({ account }) => account.");
  }
  if (typeof handle === "function") return;
  faults.add(
    "HANDLER_INVALID",
    name,
    "it has no function that handles a message",
    "Give the function as the last argument.",
  );
}

function isText(value: unknown): boolean {
  return typeof value === "string" && value !== "";
}
