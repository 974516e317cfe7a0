import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.CreateTopicsOptions;
import org.apache.kafka.clients.admin.CreateTopicsResult;
import org.apache.kafka.clients.admin.DescribeConfigsOptions;
import org.apache.kafka.clients.admin.ListConsumerGroupOffsetsSpec;
import org.apache.kafka.clients.admin.ListTopicsOptions;
import org.apache.kafka.clients.admin.MemberDescription;
import org.apache.kafka.clients.admin.NewPartitions;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.common.TopicPartitionInfo;
import org.apache.kafka.common.config.ConfigResource;

/** Admin operations, in the shapes that the Python side shares between all clients. */
final class Admins {
    private Admins() {}

    static AutoCloseable admin(JsonNode request) {
        return Admin.create(Clients.config(request));
    }

    static Object run(String op, JsonNode request, AutoCloseable client) throws Exception {
        Admin admin = (Admin) client;
        String topic = request.path("topic").asText();
        String group = request.path("group").asText();
        switch (op) {
            case "admin.createTopic" -> {
                return create(admin, request, topic);
            }
            case "admin.deleteTopic" -> admin.deleteTopics(List.of(topic)).all().get();
            case "admin.listTopics" -> {
                return admin.listTopics(new ListTopicsOptions().listInternal(true)).names().get();
            }
            case "admin.describeTopic" -> {
                return describeTopic(admin.describeTopics(List.of(topic)).allTopicNames().get().get(topic));
            }
            case "admin.createPartitions" -> admin.createPartitions(
                Map.of(topic, NewPartitions.increaseTo(request.get("count").asInt()))).all().get();
            case "admin.describeConfigs" -> {
                ConfigResource resource = new ConfigResource(
                    ConfigResource.Type.valueOf(request.get("type").asText()), request.get("name").asText());
                return describeConfigs(admin, resource);
            }
            case "admin.listGroups" -> {
                List<String> names = new ArrayList<>();
                admin.listGroups().all().get().forEach(each -> names.add(each.groupId()));
                return names;
            }
            case "admin.describeGroup" -> {
                return describeGroup(admin, group);
            }
            case "admin.groupOffsets" -> {
                return groupOffsets(admin, group);
            }
            case "admin.alterGroupOffsets" ->
                admin.alterConsumerGroupOffsets(group, Clients.offsets(request.get("offsets"))).all().get();
            case "admin.deleteGroupOffsets" -> admin.deleteConsumerGroupOffsets(
                group, Set.copyOf(Clients.partitions(request.get("partitions")))).all().get();
            case "admin.deleteGroup" -> admin.deleteConsumerGroups(List.of(group)).all().get();
            default -> throw new IllegalArgumentException(op);
        }
        return null;
    }

    /** The topic as the broker's answer describes it: CreateTopics from v5 on tells partitions and configs. */
    private static Object create(Admin admin, JsonNode request, String topic) throws Exception {
        Map<String, String> configs = new HashMap<>();
        request.get("configs").properties().forEach(each -> configs.put(each.getKey(), each.getValue().asText()));
        Optional<Integer> count =
            request.get("partitions").isNull() ? Optional.empty() : Optional.of(request.get("partitions").asInt());
        short replicas = (short) request.get("replication").asInt();
        NewTopic wanted = new NewTopic(topic, count, Optional.of(replicas)).configs(configs);
        boolean validateOnly = request.get("validate_only").asBoolean();
        CreateTopicsResult result =
            admin.createTopics(List.of(wanted), new CreateTopicsOptions().validateOnly(validateOnly));
        result.all().get();
        Map<String, Object> answer = new LinkedHashMap<>();
        answer.put("partitions", result.numPartitions(topic).get());
        answer.put("replication", result.replicationFactor(topic).get());
        answer.put("id", result.topicId(topic).get().toString());
        Map<String, String> effective = new LinkedHashMap<>();
        for (ConfigEntry entry : result.config(topic).get().entries()) {
            effective.put(entry.name(), entry.value());
        }
        answer.put("configs", effective);
        return answer;
    }

    private static Object describeTopic(TopicDescription topic) {
        List<Object> partitions = new ArrayList<>();
        for (TopicPartitionInfo each : topic.partitions()) {
            List<Integer> replicas = each.replicas().stream().map(node -> node.id()).toList();
            List<Integer> isr = each.isr().stream().map(node -> node.id()).toList();
            partitions.add(Map.of(
                "partition", each.partition(), "leader", each.leader().id(), "replicas", replicas, "isr", isr));
        }
        return Map.of("internal", topic.isInternal(), "id", topic.topicId().toString(), "partitions", partitions);
    }

    private static Object describeConfigs(Admin admin, ConfigResource resource) throws Exception {
        var options = new DescribeConfigsOptions().includeSynonyms(true);
        List<Object> rows = new ArrayList<>();
        for (ConfigEntry entry : admin.describeConfigs(List.of(resource), options).all().get().get(resource).entries()) {
            Map<String, Object> row = new LinkedHashMap<>();
            row.put("name", entry.name());
            row.put("value", entry.value());
            row.put("source", entry.source().toString());
            row.put("type", entry.type().toString());
            row.put("read_only", entry.isReadOnly());
            row.put("sensitive", entry.isSensitive());
            List<Object> synonyms = new ArrayList<>();
            for (ConfigEntry.ConfigSynonym synonym : entry.synonyms()) {
                synonyms.add(Arrays.asList(synonym.name(), synonym.value(), synonym.source().toString()));
            }
            row.put("synonyms", synonyms);
            rows.add(row);
        }
        return rows;
    }

    private static Object describeGroup(Admin admin, String group) throws Exception {
        var found = admin.describeClassicGroups(List.of(group)).all().get().get(group);
        List<Object> members = new ArrayList<>();
        for (MemberDescription member : found.members()) {
            members.add(Map.of(
                "member_id", member.consumerId(),
                "instance_id", member.groupInstanceId().orElse(""),
                "client_id", member.clientId(),
                "host", member.host(),
                "partitions", Clients.rows(member.assignment().topicPartitions())));
        }
        return Map.of(
            "state", found.state().toString(), "protocol", found.protocolData(), "members", members);
    }

    private static Object groupOffsets(Admin admin, String group) throws Exception {
        var all = Map.of(group, new ListConsumerGroupOffsetsSpec());
        List<Object> rows = new ArrayList<>();
        admin.listConsumerGroupOffsets(all).partitionsToOffsetAndMetadata(group).get().forEach((partition, offset) -> {
            if (offset != null) {
                rows.add(List.of(partition.topic(), partition.partition(), offset.offset(), offset.metadata()));
            }
        });
        return rows;
    }
}
