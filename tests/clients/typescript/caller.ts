/** The caller's side but for the client: it hears callbacks, verifies their signatures, and shows what came of the tasks. */

import { EventEmitter, once } from "node:events";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { Webhook } from "standardwebhooks";

export const apiUrl = argument(2);
const webhook = new Webhook(argument(3));

function argument(index: number): string {
  const value = process.argv[index];
  if (value === undefined) throw new Error("usage: node PROGRAM API_URL SIGNING_SECRET");
  return value;
}

export class Receiver {
  private readonly heard = new EventEmitter();
  private readonly server: Server;

  private constructor() {
    this.server = createServer(async (request, response) => {
      try {
        this.heard.emit("outcome", await verified(request));
        response.writeHead(204).end();
      } catch (error) {
        response.writeHead(401).end(String(error));
      }
    });
  }

  static async listening(): Promise<Receiver> {
    const receiver = new Receiver();
    await once(receiver.server.listen(0, "127.0.0.1"), "listening");
    return receiver;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/callback`;
  }

  /** The outcome that comes next. Ask before you submit: it may be here before the API's answer. */
  async next(): Promise<unknown> {
    const [outcome] = await once(this.heard, "outcome");
    return outcome;
  }

  close(): void {
    this.server.closeAllConnections();
    this.server.close();
  }
}

async function verified(request: IncomingMessage): Promise<unknown> {
  return webhook.verify(await text(request), request.headers as Record<string, string>);
}

/** Whether the outcome is that of a task which has failed for good. */
export function hasFailed(outcome: { errors: object[] }): boolean {
  return outcome.errors.some((error) => "details" in error && "message" in error);
}

/** What `show` takes has the types of a client, which are compiled against these. */
interface Shown {
  calculated: Record<string, number>[];
  failedItems: Record<string, string>[];
  fetched: Record<string, unknown>[];
  details: string;
  failedRequest: { name: string; fail_attempts?: number }[];
}

export function show(shown: Shown): void {
  console.log(JSON.stringify(shown));
}
