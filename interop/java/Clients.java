import com.fasterxml.jackson.databind.JsonNode;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.CloseOptions;
import org.apache.kafka.clients.consumer.ConsumerGroupMetadata;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * Producer and consumer operations. Bytes travel as base64, partitions as [topic, partition],
 * offsets as [topic, partition, offset, metadata].
 */
final class Clients {
    private Clients() {}

    static AutoCloseable producer(JsonNode request) {
        return new KafkaProducer<>(config(request), new ByteArraySerializer(), new ByteArraySerializer());
    }

    static AutoCloseable consumer(JsonNode request) {
        return new KafkaConsumer<>(config(request), new ByteArrayDeserializer(), new ByteArrayDeserializer());
    }

    static Map<String, Object> config(JsonNode request) {
        Map<String, Object> config = new HashMap<>();
        request.get("config").properties().forEach(entry -> config.put(entry.getKey(), entry.getValue().asText()));
        return config;
    }

    /** A consumer that is to go without a word to its group closes with "remain": true. */
    static void close(AutoCloseable client, JsonNode request) throws Exception {
        if (client instanceof Consumer<?, ?> consumer && request.path("remain").asBoolean()) {
            consumer.close(CloseOptions.groupMembershipOperation(
                CloseOptions.GroupMembershipOperation.REMAIN_IN_GROUP).withTimeout(Duration.ofSeconds(5)));
        } else if (client instanceof KafkaProducer<?, ?> producer) {
            producer.close(Duration.ofSeconds(5));
        } else {
            client.close();
        }
    }

    @SuppressWarnings("unchecked")
    static Object run(String op, JsonNode request, AutoCloseable client) throws Exception {
        return client instanceof KafkaProducer
            ? produce(op, request, (KafkaProducer<byte[], byte[]>) client)
            : consume(op, request, (KafkaConsumer<byte[], byte[]>) client);
    }

    @SuppressWarnings("removal") // the constructor of ConsumerGroupMetadata: the consumer lives in another thread
    private static Object produce(String op, JsonNode request, KafkaProducer<byte[], byte[]> producer) throws Exception {
        switch (op) {
            case "send" -> {
                return send(request, producer);
            }
            case "init" -> producer.initTransactions();
            case "begin" -> producer.beginTransaction();
            case "commit" -> producer.commitTransaction();
            case "abort" -> producer.abortTransaction();
            case "transact" -> transact(request, producer);
            case "sendOffsets" -> {
                JsonNode member = request.get("member");
                producer.sendOffsetsToTransaction(offsets(request.get("offsets")), new ConsumerGroupMetadata(
                    member.get(0).asText(), member.get(1).asInt(), member.get(2).asText(), Optional.empty()));
            }
            default -> throw new IllegalArgumentException(op);
        }
        return null;
    }

    /** Commits "count" transactions of "records" records each, one after the other. */
    private static void transact(JsonNode request, KafkaProducer<byte[], byte[]> producer) {
        String topic = request.get("topic").asText();
        byte[] value = new byte[request.get("bytes").asInt()];
        for (int count = request.get("count").asInt(); count > 0; count--) {
            producer.beginTransaction();
            for (int records = request.get("records").asInt(); records > 0; records--) {
                producer.send(new ProducerRecord<>(topic, 0, null, value));
            }
            producer.commitTransaction();
        }
    }

    /** Sends the records and waits for all of them; one [partition, offset, timestamp] or error for each. */
    private static List<Object> send(JsonNode request, KafkaProducer<byte[], byte[]> producer) throws Exception {
        String topic = request.get("topic").asText();
        List<Object> sent = new ArrayList<>();
        List<Object> outcomes = new ArrayList<>();
        for (JsonNode record : request.get("records")) {
            List<Header> headers = new ArrayList<>();
            record.get("headers").forEach(h -> headers.add(new RecordHeader(h.get(0).asText(), bytes(h.get(1)))));
            Integer partition = record.get("partition").isNull() ? null : record.get("partition").asInt();
            Long timestamp = record.get("timestamp").isNull() ? null : record.get("timestamp").asLong();
            try {
                sent.add(producer.send(new ProducerRecord<>(
                    topic, partition, timestamp, bytes(record.get("key")), bytes(record.get("value")), headers)));
            } catch (RuntimeException refused) {
                sent.add(refused);
            }
        }
        producer.flush();
        for (Object each : sent) {
            try {
                if (each instanceof RuntimeException refused) {
                    throw refused;
                }
                RecordMetadata metadata = (RecordMetadata) ((Future<?>) each).get();
                long offset = metadata.hasOffset() ? metadata.offset() : -1;
                outcomes.add(List.of(metadata.partition(), offset, metadata.timestamp()));
            } catch (ExecutionException | RuntimeException problem) {
                outcomes.add(Host.describe(problem));
            }
        }
        return outcomes;
    }

    private static Object consume(String op, JsonNode request, KafkaConsumer<byte[], byte[]> consumer) {
        Duration timeout = Duration.ofMillis(request.path("timeout_ms").asInt(10_000));
        switch (op) {
            case "subscribe" -> {
                List<String> topics = new ArrayList<>();
                request.get("topics").forEach(topic -> topics.add(topic.asText()));
                consumer.subscribe(topics);
            }
            case "assign" -> consumer.assign(partitions(request.get("partitions")));
            case "poll" -> {
                List<Object> records = new ArrayList<>();
                consumer.poll(timeout).forEach(record -> records.add(row(record)));
                return records;
            }
            case "assignment" -> {
                return rows(consumer.assignment());
            }
            case "commit" -> {
                if (request.get("offsets").isNull()) {
                    consumer.commitSync(timeout);
                } else {
                    consumer.commitSync(offsets(request.get("offsets")), timeout);
                }
            }
            case "committed" -> {
                TopicPartition partition = partition(request.get("partition"));
                OffsetAndMetadata found = consumer.committed(Set.of(partition), timeout).get(partition);
                return found == null ? null : List.of(found.offset(), found.metadata());
            }
            case "member" -> {
                ConsumerGroupMetadata member = consumer.groupMetadata();
                return List.of(member.groupId(), member.generationId(), member.memberId());
            }
            case "seek" -> consumer.seek(partition(request.get("partition")), request.get("offset").asLong());
            case "pause" -> consumer.pause(partitions(request.get("partitions")));
            case "resume" -> consumer.resume(partitions(request.get("partitions")));
            case "position" -> {
                return consumer.position(partition(request.get("partition")), timeout);
            }
            case "beginning" -> {
                return longs(consumer.beginningOffsets(partitions(request.get("partitions")), timeout));
            }
            case "end" -> {
                return longs(consumer.endOffsets(partitions(request.get("partitions")), timeout));
            }
            case "times" -> {
                TopicPartition partition = partition(request.get("partition"));
                var found = consumer.offsetsForTimes(Map.of(partition, request.get("timestamp").asLong()), timeout);
                return found.get(partition) == null ? null : found.get(partition).offset();
            }
            default -> throw new IllegalArgumentException(op);
        }
        return null;
    }

    private static Map<String, Object> row(ConsumerRecord<byte[], byte[]> record) {
        Map<String, Object> row = new LinkedHashMap<>();
        row.put("topic", record.topic());
        row.put("partition", record.partition());
        row.put("offset", record.offset());
        row.put("timestamp", record.timestamp());
        row.put("log_append_time", record.timestampType().id == 1);
        row.put("key", text(record.key()));
        row.put("value", text(record.value()));
        List<List<String>> headers = new ArrayList<>();
        for (Header header : record.headers()) {
            List<String> pair = new ArrayList<>();
            pair.add(header.key());
            pair.add(text(header.value()));
            headers.add(pair);
        }
        row.put("headers", headers);
        return row;
    }

    static byte[] bytes(JsonNode base64) {
        return base64.isNull() ? null : Base64.getDecoder().decode(base64.asText());
    }

    static String text(byte[] bytes) {
        return bytes == null ? null : Base64.getEncoder().encodeToString(bytes);
    }

    static TopicPartition partition(JsonNode pair) {
        return new TopicPartition(pair.get(0).asText(), pair.get(1).asInt());
    }

    static List<TopicPartition> partitions(JsonNode pairs) {
        List<TopicPartition> partitions = new ArrayList<>();
        pairs.forEach(pair -> partitions.add(partition(pair)));
        return partitions;
    }

    static Map<TopicPartition, OffsetAndMetadata> offsets(JsonNode rows) {
        Map<TopicPartition, OffsetAndMetadata> offsets = new HashMap<>();
        rows.forEach(row ->
            offsets.put(partition(row), new OffsetAndMetadata(row.get(2).asLong(), row.get(3).asText())));
        return offsets;
    }

    static List<Object> rows(Collection<TopicPartition> partitions) {
        List<Object> rows = new ArrayList<>();
        partitions.forEach(each -> rows.add(List.of(each.topic(), each.partition())));
        return rows;
    }

    private static List<Object> longs(Map<TopicPartition, Long> offsets) {
        List<Object> rows = new ArrayList<>();
        offsets.forEach((each, offset) -> rows.add(List.of(each.topic(), each.partition(), offset)));
        return rows;
    }
}
