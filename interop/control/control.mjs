// A test of some service in JavaScript would look like this: node control.mjs CONTROL TOKEN
import assert from "node:assert/strict";

const [control, token] = process.argv.slice(2);

async function call(verb, args = {}) {
  const response = await fetch(`${control}/${verb}`, {
    method: "POST",
    headers: { Authorization: `Bearer ${token}` },
    body: JSON.stringify(args),
  });
  const body = await response.json();
  if (!response.ok) {
    throw Object.assign(new Error(body.error.message), { status: response.status, code: body.error.code });
  }
  return body;
}

await call("create_topic", { name: "orders", partitions: 2 });
const { record } = await call("produce", { topic: "orders", key: "ключ", value: JSON.stringify({ total: 7 }) });
assert.equal(record.offset, 0);
const { records } = await call("wait_for_records", { topic: "orders", count: 1 });
assert.deepEqual(records, [record]);
assert.equal(JSON.parse(records[0].value).total, 7);

const { snapshot } = await call("snapshot");
const waiting = call("wait_for_records", { topic: "orders", count: 3, timeout: 20 });
await call("produce", { topic: "orders", value: { base64: Buffer.from([0xff, 0]).toString("base64") } });
await call("produce", { topic: "orders", value: null });
assert.equal((await waiting).records.length, 3);
await call("restore", { snapshot });
assert.equal((await call("records", { topic: "orders" })).records.length, 1);

await call("commit", { group: "billing", offsets: { orders: { [record.partition]: 1 } } });
assert.deepEqual((await call("committed", { group: "billing" })).committed, { orders: { [record.partition]: 1 } });
await call("advance", { days: 8 });
assert.deepEqual((await call("groups")).groups, {});

const { explanation } = await call("explain", { kind: "topic", name: "orders" });
assert.match(explanation.says[0], /2 partitions/);

const { fault } = await call("fail", { api: "Produce", error: "NOT_ENOUGH_REPLICAS", times: 1 });
assert.equal((await call("faults")).faults[fault].count, 0);

await assert.rejects(call("records", { topic: "nothing" }), { status: 404, code: "NOT_THERE" });
await assert.rejects(call("records", { topic: 5 }), { status: 400, code: "BAD_REQUEST" });
await assert.rejects(call("create_topic", { name: "a b" }), { status: 409, code: "INVALID_TOPIC_EXCEPTION" });
await assert.rejects(call("wait_for_records", { topic: "orders", count: 9, timeout: 0.01 }), { code: "NOT_SEEN" });
assert.equal((await fetch(`${control}/reset`, { method: "POST" })).status, 401);
console.log("done");
