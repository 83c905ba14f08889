// Runs fauxqs: node fauxqs.mjs PACKAGES PORT DATA_DIRECTORY
//
// Two things of version 2.4.1 are put right here; tests/brokers says when that is needed no more, and
// findings/fauxqs-persistence-refuses-visibility-0.sh shows the second.
import { Server } from "node:net";
import { pathToFileURL } from "node:url";

const [packages, port, dataDir] = process.argv.slice(2);
const module = (name) => import(pathToFileURL(`${packages}/fauxqs/dist/${name}`));
const { PersistenceManager } = await module("persistence.js");
const { startFauxqs } = await module("app.js");

// It has no setting of the address that it listens on, and would take every interface of the machine.
const { listen } = Server.prototype;
Server.prototype.listen = function (options, ...others) {
  return listen.call(this, { ...options, host: "127.0.0.1" }, ...others);
};

// Where it keeps its messages it would refuse a visibility timeout of 0, and lose the message until its next start, as
// it writes no receive count where the table must have one.
PersistenceManager.prototype.updateMessageReady = function (messageId) {
  this.db
    .prepare("UPDATE sqs_messages SET receipt_handle = NULL, visibility_deadline = NULL WHERE message_id = ?")
    .run(messageId);
};

await startFauxqs({ port: Number(port), dataDir, logger: false });
console.log(`fauxqs listens on 127.0.0.1:${port} and keeps its queues in ${dataDir}`);
