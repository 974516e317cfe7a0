// sarama: every codec, a group, the admin client, transactions; once more as it speaks to an old release.
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/IBM/sarama"
)

const count = 20

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func expect(holds bool, what ...any) {
	if !holds {
		fmt.Fprintln(os.Stderr, what...)
		os.Exit(1)
	}
}

func settings(version sarama.KafkaVersion, codec sarama.CompressionCodec) *sarama.Config {
	config := sarama.NewConfig()
	config.Version = version
	config.Net.MaxOpenRequests = 1
	config.Producer.Compression = codec
	config.Producer.Idempotent = true
	config.Producer.RequiredAcks = sarama.WaitForAll
	config.Producer.Return.Successes = true
	config.Consumer.Offsets.Initial = sarama.OffsetOldest
	return config
}

type member struct {
	seen int
	stop func()
}

func (*member) Setup(sarama.ConsumerGroupSession) error   { return nil }
func (*member) Cleanup(sarama.ConsumerGroupSession) error { return nil }
func (m *member) ConsumeClaim(session sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim) error {
	for message := range claim.Messages() {
		session.MarkMessage(message, "seen")
		if m.seen++; m.seen == count {
			session.Commit()
			m.stop()
		}
	}
	return nil
}

func tour(topic string, config *sarama.Config) {
	brokers, group := os.Args[1:2], "readers-of-"+topic
	admin, err := sarama.NewClusterAdmin(brokers, config)
	check(err)
	defer admin.Close()
	check(admin.CreateTopic(topic, &sarama.TopicDetail{NumPartitions: 1, ReplicationFactor: 1}, false))
	producer, err := sarama.NewSyncProducer(brokers, config)
	check(err)
	for offset := range int64(count) {
		_, got, err := producer.SendMessage(&sarama.ProducerMessage{Topic: topic, Value: sarama.StringEncoder("v")})
		check(err)
		expect(got == offset, got, "instead of", offset)
	}
	check(producer.Close())

	consumer, err := sarama.NewConsumerGroup(brokers, group, config)
	check(err)
	ctx, stop := context.WithTimeout(context.Background(), 30*time.Second)
	reading := &member{stop: stop}
	check(consumer.Consume(ctx, []string{topic}, reading))
	check(consumer.Close())
	expect(reading.seen == count, reading.seen, "records")

	offsets, err := admin.ListConsumerGroupOffsets(group, nil)
	check(err)
	block := offsets.GetBlock(topic, 0)
	expect(block.Offset == count && block.Metadata == "seen", block)
	described, err := admin.DescribeConsumerGroups([]string{group})
	check(err)
	expect(described[0].Err == sarama.ErrNoError && described[0].State == "Empty", described[0].State, described[0].Err)
	entries, err := admin.DescribeConfig(sarama.ConfigResource{Type: sarama.TopicResource, Name: topic})
	check(err)
	expect(len(entries) > 20, len(entries), "configs")
	check(admin.DeleteConsumerGroup(group))
	check(admin.DeleteTopic(topic))
}

func transaction(topic string, config *sarama.Config) {
	config.Producer.Transaction.ID = topic
	producer, err := sarama.NewSyncProducer(os.Args[1:2], config)
	check(err)
	for _, end := range []func() error{producer.CommitTxn, producer.AbortTxn, producer.CommitTxn} {
		check(producer.BeginTxn())
		_, _, err = producer.SendMessage(&sarama.ProducerMessage{Topic: topic, Value: sarama.StringEncoder("v")})
		check(err)
		check(end())
	}
	check(producer.Close())
}

func main() {
	codecs := []sarama.CompressionCodec{
		sarama.CompressionNone, sarama.CompressionGZIP, sarama.CompressionSnappy, sarama.CompressionLZ4, sarama.CompressionZSTD,
	}
	for _, codec := range codecs {
		tour(fmt.Sprintf("sarama-%s-%s", os.Args[2], codec), settings(sarama.MaxVersion, codec))
	}
	tour(fmt.Sprintf("sarama-%s-old", os.Args[2]), settings(sarama.V2_1_0_0, sarama.CompressionLZ4))
	transaction("sarama-"+os.Args[2], settings(sarama.MaxVersion, sarama.CompressionNone))
	fmt.Println("done")
}
