/** The API called by openapi-fetch, with the types of openapi-typescript. */

import createClient from "openapi-fetch";
import { Receiver, apiUrl, hasFailed, show } from "./caller.js";
import type { components, paths } from "./generated/openapi-fetch.js";

type Schemas = components["schemas"];

const client = createClient<paths>({ baseUrl: apiUrl });
const receiver = await Receiver.listening();

async function calculate(): Promise<Schemas["CalculationSuccess"]> {
  const outcome = receiver.next() as Promise<Schemas["CalculationOutcome"]>;
  const message: Schemas["CalculationItem"][] = [
    { name: "sum", num_1: 1, num_2: 2.5, operation: "+", result_rounding: 1 },
    { name: "quotient", num_1: 1, num_2: 0, operation: "/", result_rounding: 0 },
  ];
  const { data, error } = await client.POST("/v1/calculation/basic", { body: { callback_url: receiver.url, message } });
  if (error) throw new Error(JSON.stringify(error));
  const heard = await outcome;
  if (heard.task_id !== data.task_id) throw new Error(`${heard.task_id} is not ${data.task_id}`);
  if (hasFailed(heard)) throw new Error(JSON.stringify(heard.errors));
  return heard as Schemas["CalculationSuccess"];
}

async function fetchData(): Promise<Schemas["DataSuccess"]> {
  const outcome = receiver.next() as Promise<Schemas["DataOutcome"]>;
  const message: Schemas["DataItem"][] = [{ name: "health", url: `${apiUrl}/healthcheck` }];
  const { error } = await client.POST("/v1/data/from-api", { body: { callback_url: receiver.url, message } });
  if (error) throw new Error(JSON.stringify(error));
  const heard = await outcome;
  if (hasFailed(heard)) throw new Error(JSON.stringify(heard.errors));
  return heard as Schemas["DataSuccess"];
}

async function fail(): Promise<Schemas["SingleAttemptFailure"]> {
  const outcome = receiver.next() as Promise<Schemas["SingleAttemptOutcome"]>;
  const message = [{ name: "it", probe_url: apiUrl, probe_id: "probe", fail_attempts: 1 }];
  const { error } = await client.POST("/v1/tests/single-attempt", { body: { callback_url: receiver.url, message } });
  if (error) throw new Error(JSON.stringify(error));
  const heard = await outcome;
  if (!hasFailed(heard)) throw new Error(`it was done: ${JSON.stringify(heard)}`);
  return heard as Schemas["SingleAttemptFailure"];
}

const calculated = await calculate();
const fetched = await fetchData();
const failed = await fail();
receiver.close();
const [reason] = failed.errors;
if (!reason) throw new Error("a failure has a reason");
show({
  calculated: calculated.results,
  failedItems: calculated.errors,
  fetched: fetched.results,
  details: reason.details,
  failedRequest: reason.message.message,
});
