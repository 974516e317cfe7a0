// franz-go: every codec, a group of two, lag, transactions, an exactly-once copy.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

const partitions = 3

var ctx, _ = context.WithTimeout(context.Background(), time.Minute)

func check(holds bool, what ...any) {
	if !holds {
		fmt.Fprintln(os.Stderr, what...)
		os.Exit(1)
	}
}

func must[T any](value T, err error) T {
	check(err == nil, err)
	return value
}

func client(options ...kgo.Opt) *kgo.Client {
	return must(kgo.NewClient(append(options, kgo.SeedBrokers(os.Args[1]), kgo.FetchMaxWait(100*time.Millisecond))...))
}

// fetch polls until count records have come.
func fetch(from interface {
	PollFetches(context.Context) kgo.Fetches
}, count int) (records []*kgo.Record) {
	for len(records) < count {
		fetches := from.PollFetches(ctx)
		check(fetches.Err() == nil, fetches.Err(), "after", len(records), "of", count)
		records = append(records, fetches.Records()...)
	}
	check(len(records) == count, len(records), "instead of", count)
	return records
}

// everyCodec writes ten records with each and returns how many that were.
func everyCodec(topic string) (written int) {
	codecs := []kgo.CompressionCodec{
		kgo.NoCompression(), kgo.GzipCompression(), kgo.SnappyCompression(), kgo.Lz4Compression(), kgo.ZstdCompression(),
	}
	for _, codec := range codecs {
		producer := client(kgo.ProducerBatchCompression(codec))
		for range 10 {
			key := []byte(fmt.Sprint(written))
			headers := []kgo.RecordHeader{{Key: "empty"}, {Key: "number", Value: key}}
			producer.Produce(ctx, &kgo.Record{Topic: topic, Key: key, Value: make([]byte, 1000), Headers: headers}, nil)
			written++
		}
		check(producer.Flush(ctx) == nil, "flush")
		producer.Close()
	}
	return written
}

// group reads with one member, commits, and lets a second one take its share.
func group(admin *kadm.Client, topic string, count int) {
	name := "readers-of-" + topic
	member := func() *kgo.Client {
		return client(kgo.ConsumerGroup(name), kgo.ConsumeTopics(topic), kgo.DisableAutoCommit(),
			kgo.HeartbeatInterval(50*time.Millisecond))
	}
	first := member()
	for _, record := range fetch(first, count) {
		check(string(record.Headers[1].Value) == string(record.Key), "headers of", string(record.Key))
	}
	check(first.CommitUncommittedOffsets(ctx) == nil, "commit")
	lag := must(admin.Lag(ctx, name))[name]
	check(lag.State == "Stable" && lag.Lag.Total() == 0, lag.State, lag.Lag.Total())
	second := member()
	shared := func() bool {
		described := must(admin.DescribeGroups(ctx, name))[name]
		return described.State == "Stable" && len(described.Members) == 2 && len(described.AssignedPartitions()[topic]) == partitions
	}
	for !shared() {
		for _, each := range []*kgo.Client{first, second} {
			short, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
			each.PollFetches(short)
			cancel()
		}
		check(ctx.Err() == nil, "the second member got nothing")
	}
	first.Close()
	second.Close()
}

// transactions commits every other one and returns how many records a reader of committed records sees.
func transactions(topic string) (committed int) {
	producer := client(kgo.TransactionalID(topic))
	defer producer.Close()
	for number := range 5 {
		check(producer.BeginTransaction() == nil, "begin")
		for range 10 {
			producer.Produce(ctx, &kgo.Record{Topic: topic, Value: []byte("in a transaction")}, nil)
		}
		check(producer.Flush(ctx) == nil, "flush")
		end := kgo.TransactionEndTry(number%2 == 0)
		check(producer.EndTransaction(ctx, end) == nil, "end")
		if end == kgo.TryCommit {
			committed += 10
		}
	}
	return committed
}

// exactlyOnce copies all committed records in transactions that hold the group's offsets, too.
func exactlyOnce(source, target string, count int) {
	session := must(kgo.NewGroupTransactSession(kgo.SeedBrokers(os.Args[1]), kgo.TransactionalID("copy-of-"+source),
		kgo.ConsumerGroup("copiers-of-"+source), kgo.ConsumeTopics(source), kgo.RequireStableFetchOffsets(),
		kgo.FetchIsolationLevel(kgo.ReadCommitted())))
	defer session.Close()
	for copied := 0; copied < count; {
		fetches := session.PollFetches(ctx)
		check(fetches.Err() == nil, fetches.Err())
		check(session.Begin() == nil, "begin")
		for _, record := range fetches.Records() {
			session.Produce(ctx, &kgo.Record{Topic: target, Key: record.Key, Value: record.Value}, nil)
		}
		if must(session.End(ctx, kgo.TryCommit)) {
			copied += fetches.NumRecords()
		}
	}
}

func main() {
	shared := client()
	admin := kadm.NewClient(shared)
	source, target := "franz-"+os.Args[2], "franz-copy-"+os.Args[2]
	must(admin.CreateTopic(ctx, partitions, 1, nil, source))
	must(admin.CreateTopic(ctx, 1, 1, nil, target))
	_, err := admin.CreateTopic(ctx, partitions, 1, nil, source)
	check(errors.Is(err, kerr.TopicAlreadyExists), err)

	count := everyCodec(source)
	group(admin, source, count)
	count += transactions(source)
	exactlyOnce(source, target, count)
	reader := client(kgo.ConsumeTopics(target), kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	fetch(reader, count)
	reader.Close()

	groups := []string{"readers-of-" + source, "copiers-of-" + source}
	for _, deleted := range must(admin.DeleteGroups(ctx, groups...)) {
		check(deleted.Err == nil, deleted.Group, deleted.Err)
	}
	must(admin.DeleteTopics(ctx, source, target))
	check(!must(admin.ListTopics(ctx)).Has(source), source, "is still there")
	shared.Close()
	fmt.Println("done")
}
