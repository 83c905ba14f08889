/** The API called by the client of @hey-api/openapi-ts; what comes in is parsed by its zod schemas. */

import { Receiver, apiUrl, show } from "./caller.js";
import { client } from "./generated/hey-api/client.gen.js";
import { submitCalculation, submitData, submitSingleAttempt } from "./generated/hey-api/sdk.gen.js";
import { zCalculationSuccess, zDataSuccess, zSingleAttemptFailure } from "./generated/hey-api/zod.gen.js";

client.setConfig({ baseUrl: apiUrl, throwOnError: true });
const receiver = await Receiver.listening();

async function calculate() {
  const outcome = receiver.next();
  const message = [
    { name: "sum", num_1: 1, num_2: 2.5, operation: "+" as const, result_rounding: 1 },
    { name: "quotient", num_1: 1, num_2: 0, operation: "/" as const, result_rounding: 0 },
  ];
  const { data } = await submitCalculation({ body: { callback_url: receiver.url, message }, throwOnError: true });
  const success = zCalculationSuccess.parse(await outcome);
  if (success.task_id !== data.task_id) throw new Error(`${success.task_id} is not ${data.task_id}`);
  return success;
}

async function fetchData() {
  const outcome = receiver.next();
  const message = [{ name: "health", url: `${apiUrl}/healthcheck` }];
  await submitData({ body: { callback_url: receiver.url, message }, throwOnError: true });
  return zDataSuccess.parse(await outcome);
}

async function fail() {
  const outcome = receiver.next();
  const message = [{ name: "it", probe_url: apiUrl, probe_id: "probe", fail_attempts: 1 }];
  await submitSingleAttempt({ body: { callback_url: receiver.url, message }, throwOnError: true });
  return zSingleAttemptFailure.parse(await outcome);
}

const calculated = await calculate();
const fetched = await fetchData();
const failed = await fail();
receiver.close();
const [reason] = failed.errors;
show({
  calculated: calculated.results,
  failedItems: calculated.errors,
  fetched: fetched.results,
  details: reason.details,
  failedRequest: reason.message.message,
});
