// kafkajs: a group that reads what an idempotent producer wrote, transactions, the admin client.
import assert from "node:assert/strict";
import kafkajs from "kafkajs";

const [bootstrap, word] = process.argv.slice(2);
const topic = `kafkajs-${word}`;
const groupId = `readers-of-${topic}`;
const kafka = new kafkajs.Kafka({ clientId: "kafkajs", brokers: [bootstrap], logLevel: kafkajs.logLevel.NOTHING });

const admin = kafka.admin();
await admin.connect();
assert.equal(await admin.createTopics({ topics: [{ topic, numPartitions: 3 }] }), true);
assert.equal(await admin.createTopics({ topics: [{ topic, numPartitions: 3 }] }), false);
await assert.rejects(
  admin.createTopics({ topics: [{ topic: "no/name" }] }),
  (refused) => refused.errors[0].type === "INVALID_TOPIC_EXCEPTION",
);

const producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1 });
await producer.connect();
const compressions = [kafkajs.CompressionTypes.None, kafkajs.CompressionTypes.GZIP];
for (let number = 0; number < 20; number++) {
  const headers = { number: String(number) };
  const messages = [{ key: `key ${number}`, value: `value ${number}`, headers }];
  await producer.send({ topic, compression: compressions[number % 2], messages });
}
await producer.disconnect();

async function readAll(count, readUncommitted) {
  const consumer = kafka.consumer({ groupId, readUncommitted, maxWaitTimeInMs: 100 });
  const joined = new Promise((resolve) => consumer.on(consumer.events.GROUP_JOIN, resolve));
  const found = [];
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  await new Promise((resolve, reject) => {
    const eachMessage = async ({ message }) => found.push(message) === count && resolve();
    consumer.on(consumer.events.CRASH, ({ payload }) => reject(payload.error));
    consumer.run({ eachMessage });
  });
  const { payload } = await joined;
  assert.deepEqual(payload.memberAssignment, { [topic]: [0, 1, 2] });
  const { groups } = await admin.describeGroups([groupId]);
  assert.deepEqual([groups[0].state, groups[0].members.length], ["Stable", 1]);
  await consumer.disconnect();
  return found;
}

// Brokers list partitions in any order.
const byPartition = (rows) => rows.toSorted((one, other) => one.partition - other.partition);

async function committed() {
  const [{ partitions }] = await admin.fetchOffsets({ groupId, topics: [topic] });
  return byPartition(partitions).map(({ offset }) => Number(offset));
}

const found = await readAll(20, true);
for (const { key, value, headers } of found) {
  assert.equal(value.toString(), `value ${headers.number}`);
  assert.equal(key.toString(), `key ${headers.number}`);
}
const ends = byPartition(await admin.fetchTopicOffsets(topic)).map(({ high }) => Number(high));
assert.deepEqual(await committed(), ends);

const transactional = kafka.producer({ transactionalId: topic, maxInFlightRequests: 1, idempotent: true });
await transactional.connect();
for (const [outcome, offset] of [["commit", 1], ["abort", 2], ["commit", 3], ["abort", 4]]) {
  const transaction = await transactional.transaction();
  await transaction.send({ topic, messages: [{ value: outcome, partition: 0 }] });
  const topics = [{ topic, partitions: [{ partition: 0, offset: String(offset) }] }];
  await transaction.sendOffsets({ consumerGroupId: groupId, topics });
  await transaction[outcome]();
}
await transactional.disconnect();
assert.equal((await committed())[0], 3);
await admin.setOffsets({ groupId, topic, partitions: [{ partition: 0, offset: String(ends[0]) }] });
const values = (await readAll(2, false)).map(({ value }) => value.toString());
assert.deepEqual(values, ["commit", "commit"]);

await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: "1" }] });
assert.equal(byPartition(await admin.fetchTopicOffsets(topic))[0].low, "1");
const { resources } = await admin.describeConfigs({ resources: [{ type: kafkajs.ConfigResourceTypes.TOPIC, name: topic }] });
assert.ok(resources[0].configEntries.some(({ configName }) => configName === "retention.ms"));
await admin.deleteGroups([groupId]);
await admin.deleteTopics({ topics: [topic] });
assert.ok(!(await admin.listTopics()).includes(topic));
await admin.disconnect();
console.log("done");
