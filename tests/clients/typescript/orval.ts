/** The API called by the client of orval. */

import { Receiver, apiUrl, hasFailed, show } from "./caller.js";
import {
  type CalculationOutcome,
  type CalculationSuccess,
  type DataOutcome,
  type DataSuccess,
  CalculationItemOperation,
  type SingleAttemptFailure,
  type SingleAttemptOutcome,
  submitCalculation,
  submitData,
  submitSingleAttempt,
} from "./generated/orval.js";

const receiver = await Receiver.listening();

async function calculate(): Promise<CalculationSuccess> {
  const outcome = receiver.next() as Promise<CalculationOutcome>;
  const { ADD, DIVIDE } = CalculationItemOperation;
  const accepted = await submitCalculation({
    callback_url: receiver.url,
    message: [
      { name: "sum", num_1: 1, num_2: 2.5, operation: ADD, result_rounding: 1 },
      { name: "quotient", num_1: 1, num_2: 0, operation: DIVIDE, result_rounding: 0 },
    ],
  });
  if (accepted.status !== 200) throw new Error(JSON.stringify(accepted.data));
  const heard = await outcome;
  if (heard.task_id !== accepted.data.task_id) throw new Error(`${heard.task_id} is not ${accepted.data.task_id}`);
  if (hasFailed(heard)) throw new Error(JSON.stringify(heard.errors));
  return heard as CalculationSuccess;
}

async function fetchData(): Promise<DataSuccess> {
  const outcome = receiver.next() as Promise<DataOutcome>;
  const message = [{ name: "health", url: `${apiUrl}/healthcheck` }];
  const accepted = await submitData({ callback_url: receiver.url, message });
  if (accepted.status !== 200) throw new Error(JSON.stringify(accepted.data));
  const heard = await outcome;
  if (hasFailed(heard)) throw new Error(JSON.stringify(heard.errors));
  return heard as DataSuccess;
}

async function fail(): Promise<SingleAttemptFailure> {
  const outcome = receiver.next() as Promise<SingleAttemptOutcome>;
  const message = [{ name: "it", probe_url: apiUrl, probe_id: "probe", fail_attempts: 1 }];
  const accepted = await submitSingleAttempt({ callback_url: receiver.url, message });
  if (accepted.status !== 200) throw new Error(JSON.stringify(accepted.data));
  const heard = await outcome;
  if (!hasFailed(heard)) throw new Error(`it was done: ${JSON.stringify(heard)}`);
  return heard as SingleAttemptFailure;
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
