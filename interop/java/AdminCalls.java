import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.admin.*;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.ElectionType;
import org.apache.kafka.common.KafkaFuture;
import org.apache.kafka.common.TopicCollection;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.TopicPartitionReplica;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.acl.AclBindingFilter;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.quota.ClientQuotaAlteration;
import org.apache.kafka.common.quota.ClientQuotaEntity;
import org.apache.kafka.common.quota.ClientQuotaFilter;
import org.apache.kafka.common.quota.ClientQuotaFilterComponent;
import org.apache.kafka.common.serialization.StringSerializer;

/**
 * Calls every method of Kafka's Admin on a fresh broker, with good and bad arguments: AdminCalls BOOTSTRAP.
 *
 * Prints one line for each call, `what: result`, in which sets and maps are sorted and an error is its class. Methods
 * of Admin that were not called are named at the end.
 */
public final class AdminCalls {
    private static final ConfigResource.Type TOPIC = ConfigResource.Type.TOPIC;
    private static final ConfigResource.Type BROKER = ConfigResource.Type.BROKER;

    private static final int HOPELESS_MS = 500; // for calls that the client repeats until their time is over

    private static final int SETTLING_MS = 300; // Apache Kafka answers a change before its broker has seen it

    private final Set<String> called = new TreeSet<>();
    private final String bootstrap;
    private final Admin admin;

    private AdminCalls(String bootstrap) {
        this.bootstrap = bootstrap;
        Admin real = Admin.create(Map.of("bootstrap.servers", bootstrap));
        admin = (Admin) Proxy.newProxyInstance(Admin.class.getClassLoader(), new Class<?>[] {Admin.class},
            (proxy, method, args) -> {
                called.add(method.getName());
                try {
                    return method.invoke(real, args);
                } catch (InvocationTargetException thrown) {
                    throw thrown.getCause();
                }
            });
    }

    public static void main(String[] args) throws Exception {
        AdminCalls calls = new AdminCalls(args[0]);
        calls.topics();
        calls.configs();
        calls.recordsAndOffsets();
        calls.replicas();
        calls.groups();
        calls.transactions();
        calls.cluster();
        calls.quotasAndCredentials();
        calls.security();
        calls.deletions();
        calls.admin.metrics();
        calls.admin.close(Duration.ofSeconds(5));
        Set<String> missing = new TreeSet<>();
        Arrays.stream(Admin.class.getMethods()).forEach(each -> missing.add(each.getName()));
        missing.removeAll(calls.called);
        System.out.println("not called: " + missing);
    }

    private void show(String what, Callable<Object> call) {
        System.out.println(what + ": " + outcome(call));
    }

    /** A map of futures, some of which may have failed: each key with its own outcome. */
    private void each(String what, Callable<? extends Map<?, ? extends KafkaFuture<?>>> call) throws Exception {
        List<String> lines = new ArrayList<>();
        call.call().forEach((key, future) -> lines.add(what + " " + text(key) + ": " + outcome(() -> future)));
        lines.stream().sorted().forEach(System.out::println);
    }

    private static String outcome(Callable<?> call) {
        try {
            Object result = call.call();
            return text(result instanceof KafkaFuture<?> future ? future.get() : result);
        } catch (ExecutionException error) {
            return error.getCause().getClass().getSimpleName();
        } catch (Exception error) {
            return error.getClass().getSimpleName();
        }
    }

    private static String text(Object value) {
        if (value instanceof Map<?, ?> map) {
            List<String> entries = new ArrayList<>();
            map.forEach((key, each) -> entries.add(text(key) + "=" + text(each)));
            return "{" + String.join(", ", entries.stream().sorted().toList()) + "}";
        } else if (value instanceof Collection<?> many) {
            return "[" + String.join(", ", many.stream().map(AdminCalls::text).sorted().toList()) + "]";
        } else if (value instanceof Optional<?> maybe) {
            return maybe.isEmpty() ? "none" : text(maybe.get());
        } else if (value instanceof DeletedRecords deleted) {
            return "from " + deleted.lowWatermark();
        } else if (value instanceof Throwable error) {
            return error.getClass().getSimpleName();
        } else if (value instanceof Config config) {
            return text(config.entries());
        } else if (value instanceof ConfigEntry entry) {
            return entry.name() + "=" + entry.value() + " " + entry.source() + " " + entry.type() + entry.synonyms();
        }
        return value == null ? "done" : value.toString();
    }

    private static ConfigResource resource(ConfigResource.Type type, String name) {
        return new ConfigResource(type, name);
    }

    private static TopicPartition partition(String topic, int index) {
        return new TopicPartition(topic, index);
    }

    private void topics() throws Exception {
        NewTopic good = new NewTopic("a", 2, (short) 1).configs(Map.of("retention.ms", "3600000"));
        each("createTopics", () -> admin.createTopics(List.of(
            good, new NewTopic("b", Map.of(0, List.of(1), 1, List.of(1))),
            new NewTopic("defaults", Optional.empty(), Optional.empty()),
            new NewTopic("no/slash", 1, (short) 1), new NewTopic("none", 0, (short) 1), new NewTopic("wide", 1, (short) 3),
            new NewTopic("elsewhere", Map.of(0, List.of(7))), new NewTopic("gap", Map.of(1, List.of(1))),
            new NewTopic("odd", 1, (short) 1).configs(Map.of("no.such", "1")),
            new NewTopic("bad", 1, (short) 1).configs(Map.of("segment.bytes", "x")))).values());
        each("createTopics again", () -> admin.createTopics(List.of(good)).values());
        each("createTopics validate", () -> admin.createTopics(
            List.of(good, new NewTopic("c", 1, (short) 1)), new CreateTopicsOptions().validateOnly(true)).values());
        Thread.sleep(SETTLING_MS);
        show("listTopics", () -> admin.listTopics().names());
        show("listTopics listings", () -> admin.listTopics(new ListTopicsOptions().listInternal(true)).listings());
        each("describeTopics", () -> admin.describeTopics(List.of("a", "b", "nope")).topicNameValues());
        each("describeTopics options", () -> admin.describeTopics(List.of("a"),
            new DescribeTopicsOptions().includeAuthorizedOperations(true).partitionSizeLimitPerResponse(1)).topicNameValues());
        Uuid id = admin.describeTopics(List.of("a")).topicNameValues().get("a").get().topicId();
        each("describeTopics by id",
            () -> admin.describeTopics(TopicCollection.ofTopicIds(List.of(id, new Uuid(5, 6)))).topicIdValues());
        each("createPartitions", () -> admin.createPartitions(Map.of(
            "a", NewPartitions.increaseTo(3), "b", NewPartitions.increaseTo(1), "nope", NewPartitions.increaseTo(2))).values());
        each("createPartitions assigned", () -> admin.createPartitions(Map.of(
            "a", NewPartitions.increaseTo(4, List.of(List.of(1))),
            "b", NewPartitions.increaseTo(3, List.of(List.of(9))))).values());
        each("createPartitions validate", () -> admin.createPartitions(
            Map.of("a", NewPartitions.increaseTo(9)), new CreatePartitionsOptions().validateOnly(true)).values());
    }

    private void configs() throws Exception {
        ConfigResource a = resource(TOPIC, "a");
        each("describeConfigs", () -> admin.describeConfigs(List.of(a, resource(TOPIC, "nope"))).values());
        each("describeConfigs foreign", () -> admin.describeConfigs(
            List.of(resource(BROKER, "")), new DescribeConfigsOptions().includeSynonyms(true)).values());
        for (String level : List.of("DEBUG", "LOUD")) {
            alter("logger", resource(ConfigResource.Type.BROKER_LOGGER, "1"), "no.such.logger", level, AlterConfigOp.OpType.SET);
        }
        alter("set", a, "segment.ms", "3600000", AlterConfigOp.OpType.SET);
        alter("set nonsense", a, "segment.ms", "soon", AlterConfigOp.OpType.SET);
        alter("set unknown", a, "no.such", "1", AlterConfigOp.OpType.SET);
        alter("append", a, "cleanup.policy", "compact", AlterConfigOp.OpType.APPEND);
        alter("append to a number", a, "segment.ms", "1", AlterConfigOp.OpType.APPEND);
        alter("subtract", a, "cleanup.policy", "delete", AlterConfigOp.OpType.SUBTRACT);
        alter("delete", a, "segment.ms", null, AlterConfigOp.OpType.DELETE);
        alter("unknown topic", resource(TOPIC, "nope"), "segment.ms", "1", AlterConfigOp.OpType.SET);
        alter("broker", resource(BROKER, "1"), "log.retention.ms", "7200000", AlterConfigOp.OpType.SET);
        alter("broker read-only", resource(BROKER, "1"), "num.partitions", "7", AlterConfigOp.OpType.SET);
        alter("all brokers", resource(BROKER, ""), "log.retention.ms", "3600000", AlterConfigOp.OpType.SET);
        alter("group", resource(ConfigResource.Type.GROUP, "g"), "consumer.session.timeout.ms", "50000", AlterConfigOp.OpType.SET);
        alter("metrics", resource(ConfigResource.Type.CLIENT_METRICS, "m"), "interval.ms", "60000", AlterConfigOp.OpType.SET);
        alter("metrics nonsense", resource(ConfigResource.Type.CLIENT_METRICS, "m"), "interval.ms", "-1", AlterConfigOp.OpType.SET);
        Thread.sleep(SETTLING_MS);
        each("describeConfigs altered", () -> admin.describeConfigs(
            List.of(a, resource(ConfigResource.Type.GROUP, "g"), resource(ConfigResource.Type.CLIENT_METRICS, "m")),
            new DescribeConfigsOptions().includeSynonyms(true)).values());
        show("listConfigResources", () -> admin.listConfigResources().all());
        show("listConfigResources groups", () -> admin.listConfigResources(
            Set.of(ConfigResource.Type.GROUP), new ListConfigResourcesOptions()).all());
        show("listClientMetricsResources", () -> admin.listClientMetricsResources().all());
    }

    private void alter(String what, ConfigResource resource, String name, String value, AlterConfigOp.OpType how) throws Exception {
        Collection<AlterConfigOp> ops = List.of(new AlterConfigOp(new ConfigEntry(name, value), how));
        each("incrementalAlterConfigs " + what, () -> admin.incrementalAlterConfigs(Map.of(resource, ops)).values());
    }

    private void recordsAndOffsets() throws Exception {
        Map<String, Object> config = Map.of("bootstrap.servers", bootstrap, "enable.idempotence", false);
        long now = System.currentTimeMillis();
        try (var producer = new KafkaProducer<>(config, new StringSerializer(), new StringSerializer())) {
            for (int i = 0; i < 10; i++) {
                producer.send(new ProducerRecord<>("b", 0, now + i, "k" + i, "v" + i)).get();
            }
        }
        each("deleteRecords", () -> admin.deleteRecords(Map.of(
            partition("b", 0), RecordsToDelete.beforeOffset(3),
            partition("b", 1), RecordsToDelete.beforeOffset(5))).lowWatermarks());
        each("deleteRecords unknown", () -> admin.deleteRecords(Map.of(
            partition("b", 9), RecordsToDelete.beforeOffset(0),
            partition("nope", 0), RecordsToDelete.beforeOffset(0)),
            new DeleteRecordsOptions().timeoutMs(HOPELESS_MS)).lowWatermarks());
        for (OffsetSpec spec : List.of(OffsetSpec.earliest(), OffsetSpec.latest(), OffsetSpec.maxTimestamp(),
                OffsetSpec.forTimestamp(now + 5), OffsetSpec.forTimestamp(now + 3_600_000),
                OffsetSpec.earliestLocal(), OffsetSpec.latestTiered(), OffsetSpec.earliestPendingUpload())) {
            show("listOffsets " + spec.getClass().getSimpleName(),
                () -> admin.listOffsets(Map.of(partition("b", 0), spec, partition("b", 1), spec)).all());
        }
        show("listOffsets unknown partition", () -> admin.listOffsets(
            Map.of(partition("b", 9), OffsetSpec.latest()), new ListOffsetsOptions().timeoutMs(HOPELESS_MS)).all());
    }

    private void replicas() throws Exception {
        show("describeLogDirs", () -> {
            List<String> lines = new ArrayList<>();
            admin.describeLogDirs(List.of(1)).allDescriptions().get().get(1).forEach((path, dir) -> lines.add(
                text(dir.error()) + " " + text(dir.replicaInfos()) + " size known " + dir.totalBytes().isPresent()
                + " cordoned " + dir.isCordoned()));
            return lines;
        });
        show("describeReplicaLogDirs", () -> admin.describeReplicaLogDirs(
            List.of(new TopicPartitionReplica("b", 0, 1), new TopicPartitionReplica("nope", 0, 1))).all());
        each("alterReplicaLogDirs", () -> admin.alterReplicaLogDirs(
            Map.of(new TopicPartitionReplica("b", 0, 1), "/no/such/directory")).values());
        show("electLeaders", () -> admin.electLeaders(
            ElectionType.PREFERRED, Set.of(partition("b", 0), partition("b", 9), partition("nope", 0))).partitions());
        show("electLeaders unclean", () -> admin.electLeaders(ElectionType.UNCLEAN, Set.of(partition("b", 0))).partitions());
        show("electLeaders all", () -> admin.electLeaders(ElectionType.PREFERRED, null).partitions());
        each("alterPartitionReassignments", () -> admin.alterPartitionReassignments(Map.of(
            partition("b", 0), Optional.of(new NewPartitionReassignment(List.of(1))),
            partition("b", 1), Optional.of(new NewPartitionReassignment(List.of(1, 2))),
            partition("a", 0), Optional.empty(), partition("nope", 0), Optional.empty())).values());
        show("listPartitionReassignments", () -> admin.listPartitionReassignments().reassignments());
        show("listPartitionReassignments of one", () -> admin.listPartitionReassignments(Set.of(partition("b", 0))).reassignments());
    }

    private void groups() throws Exception {
        Map<TopicPartition, OffsetAndMetadata> offsets = Map.of(
            partition("a", 0), new OffsetAndMetadata(5, "five"), partition("a", 1), new OffsetAndMetadata(0));
        show("alterConsumerGroupOffsets", () -> admin.alterConsumerGroupOffsets("g1", offsets).all());
        show("alterConsumerGroupOffsets unknown topic", () -> admin.alterConsumerGroupOffsets(
            "g1", Map.of(partition("nope", 0), new OffsetAndMetadata(1))).all());
        show("listConsumerGroupOffsets", () -> admin.listConsumerGroupOffsets("g1").partitionsToOffsetAndMetadata());
        show("listConsumerGroupOffsets unknown group", () -> admin.listConsumerGroupOffsets("gone").partitionsToOffsetAndMetadata());
        show("listGroups", () -> admin.listGroups().all());
        show("listGroups of consumers", () -> admin.listGroups(ListGroupsOptions.forConsumerGroups()).all());
        listConsumerGroups();
        each("describeConsumerGroups", () -> admin.describeConsumerGroups(List.of("g1", "gone")).describedGroups());
        each("describeClassicGroups", () -> admin.describeClassicGroups(List.of("g1", "gone")).describedGroups());
        show("deleteConsumerGroupOffsets", () -> admin.deleteConsumerGroupOffsets("g1", Set.of(partition("a", 0))).all());
        show("deleteConsumerGroupOffsets unknown group",
            () -> admin.deleteConsumerGroupOffsets("gone", Set.of(partition("a", 0))).all());
        show("alterStreamsGroupOffsets", () -> admin.alterStreamsGroupOffsets("g1", offsets).all());
        show("listStreamsGroupOffsets", () -> admin.listStreamsGroupOffsets(
            Map.of("g1", new ListStreamsGroupOffsetsSpec())).partitionsToOffsetAndMetadata("g1"));
        show("deleteStreamsGroupOffsets", () -> admin.deleteStreamsGroupOffsets("g1", Set.of(partition("a", 1))).all());
        each("deleteStreamsGroups", () -> admin.deleteStreamsGroups(List.of("gone")).deletedGroups());
        each("deleteShareGroups", () -> admin.deleteShareGroups(List.of("gone")).deletedGroups());
        show("removeMembersFromConsumerGroup",
            () -> admin.removeMembersFromConsumerGroup("g1", new RemoveMembersFromConsumerGroupOptions()).all());
        show("removeMembersFromConsumerGroup of one", () -> admin.removeMembersFromConsumerGroup(
            "g1", new RemoveMembersFromConsumerGroupOptions(List.of(new MemberToRemove("instance")))).all());
    }

    @SuppressWarnings("removal")
    private void listConsumerGroups() {
        show("listConsumerGroups", () -> admin.listConsumerGroups().all());
    }

    private void transactions() throws Exception {
        TopicPartition c = partition("b", 1);
        Map<String, Object> config =
            Map.of("bootstrap.servers", bootstrap, "transactional.id", "tx", "transaction.timeout.ms", 60000);
        try (var producer = new KafkaProducer<>(config, new StringSerializer(), new StringSerializer())) {
            producer.initTransactions();
            producer.beginTransaction();
            producer.send(new ProducerRecord<>("b", 1, "k", "v")).get();
            show("listTransactions", () -> admin.listTransactions().all());
            show("listTransactions of others", () -> admin.listTransactions(
                new ListTransactionsOptions().filterStates(Set.of(TransactionState.PREPARE_ABORT))).all());
            show("listTransactions by pattern", () -> admin.listTransactions(
                new ListTransactionsOptions().filterOnTransactionalIdPattern("t.*")).all());
            each("describeTransactions", () -> Map.of(
                "tx", admin.describeTransactions(List.of("tx")).description("tx"),
                "gone", admin.describeTransactions(List.of("gone")).description("gone")));
            show("describeProducers", () -> admin.describeProducers(List.of(c)).partitionResult(c).get().activeProducers());
            show("describeProducers unknown", () -> admin.describeProducers(
                List.of(partition("b", 9)), new DescribeProducersOptions().timeoutMs(HOPELESS_MS)).all());
            show("forceTerminateTransaction", () -> admin.forceTerminateTransaction("tx").result());
            show("forceTerminateTransaction unknown", () -> admin.forceTerminateTransaction("gone").result());
            show("send after that", () -> {
                producer.send(new ProducerRecord<>("b", 1, "k", "v")).get();
                return "sent";
            });
            producer.close(Duration.ZERO);
        }
        show("abortTransaction of nobody", () -> admin.abortTransaction(new AbortTransactionSpec(c, 4711, (short) 0, 0)).all());
        show("fenceProducers", () -> admin.fenceProducers(List.of("tx", "new")).all());
        show("fenceProducers epoch", () -> admin.fenceProducers(List.of("fresh")).epochId("fresh"));
    }

    private void cluster() throws Exception {
        show("describeCluster", () -> admin.describeCluster().nodes().get().size());
        show("describeCluster controller", () -> admin.describeCluster().controller().get().id());
        show("describeCluster operations", () -> admin.describeCluster(
            new DescribeClusterOptions().includeAuthorizedOperations(true).includeFencedBrokers(true)).authorizedOperations());
        show("describeFeatures", () -> admin.describeFeatures().featureMetadata().get().finalizedFeatures());
        show("describeFeatures supported", () -> admin.describeFeatures().featureMetadata().get().supportedFeatures());
        for (short level : new short[] {1, 2, 9}) {
            each("updateFeatures " + level, () -> admin.updateFeatures(
                Map.of("transaction.version", new FeatureUpdate(level, FeatureUpdate.UpgradeType.SAFE_DOWNGRADE)),
                new UpdateFeaturesOptions().validateOnly(true)).values());
        }
        show("describeMetadataQuorum", () -> {
            QuorumInfo quorum = admin.describeMetadataQuorum().quorumInfo().get();
            return quorum.leaderId() + " " + quorum.voters().size() + " " + quorum.observers().size();
        });
        show("addRaftVoter", () -> admin.addRaftVoter(
            7, new Uuid(5, 6), Set.of(new RaftVoterEndpoint("CONTROLLER", "localhost", 9999))).all());
        show("removeRaftVoter", () -> admin.removeRaftVoter(7, new Uuid(5, 6)).all());
        show("unregisterBroker", () -> admin.unregisterBroker(9).all());
        show("clientInstanceId", () -> admin.clientInstanceId(Duration.ofMillis(HOPELESS_MS)));
    }

    private void quotasAndCredentials() throws Exception {
        ClientQuotaEntity user = new ClientQuotaEntity(Map.of("user", "u"));
        each("alterClientQuotas", () -> admin.alterClientQuotas(List.of(
            new ClientQuotaAlteration(user, List.of(new ClientQuotaAlteration.Op("producer_byte_rate", 1024.0))),
            new ClientQuotaAlteration(new ClientQuotaEntity(Map.of("client-id", "c")),
                List.of(new ClientQuotaAlteration.Op("no_such_rate", 1.0))))).values());
        Thread.sleep(SETTLING_MS);
        show("describeClientQuotas", () -> admin.describeClientQuotas(ClientQuotaFilter.all()).entities());
        show("describeClientQuotas of nobody", () -> admin.describeClientQuotas(ClientQuotaFilter.containsOnly(
            List.of(ClientQuotaFilterComponent.ofEntity("user", "nobody")))).entities());
        each("alterUserScramCredentials", () -> admin.alterUserScramCredentials(List.of(
            new UserScramCredentialUpsertion("u", new ScramCredentialInfo(ScramMechanism.SCRAM_SHA_256, 4096), "secret"),
            new UserScramCredentialUpsertion("weak", new ScramCredentialInfo(ScramMechanism.SCRAM_SHA_256, 5), "secret"),
            new UserScramCredentialDeletion("nobody", ScramMechanism.SCRAM_SHA_512))).values());
        Thread.sleep(SETTLING_MS);
        show("describeUserScramCredentials", () -> admin.describeUserScramCredentials().all());
        show("describeUserScramCredentials of one", () -> admin.describeUserScramCredentials(List.of("u", "nobody")).description("nobody"));
    }

    /** What a broker without an authorizer and without a secret for tokens says. */
    private void security() throws Exception {
        show("describeAcls", () -> admin.describeAcls(AclBindingFilter.ANY).values());
        show("deleteAcls", () -> admin.deleteAcls(List.of(AclBindingFilter.ANY)).all());
        show("createAcls none", () -> admin.createAcls(List.of()).all());
        show("createDelegationToken", () -> admin.createDelegationToken().delegationToken());
        show("renewDelegationToken", () -> admin.renewDelegationToken(new byte[] {1}).expiryTimestamp());
        show("expireDelegationToken", () -> admin.expireDelegationToken(new byte[] {1}).expiryTimestamp());
        show("describeDelegationToken", () -> admin.describeDelegationToken().delegationTokens());
    }

    private void deletions() throws Exception {
        each("deleteConsumerGroups", () -> admin.deleteConsumerGroups(List.of("g1", "gone")).deletedGroups());
        Uuid id = admin.describeTopics(List.of("defaults")).topicNameValues().get("defaults").get().topicId();
        each("deleteTopics by id", () -> admin.deleteTopics(TopicCollection.ofTopicIds(List.of(id, new Uuid(5, 6)))).topicIdValues());
        each("deleteTopics", () -> admin.deleteTopics(List.of("a", "b", "nope")).topicNameValues());
    }
}
