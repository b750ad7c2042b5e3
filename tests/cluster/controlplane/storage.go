package main

import (
	"context"
	"encoding/base64"
	"os"
	"slices"
)

// storedUnder is what etcd holds under a prefix: objects of custom resources are JSON there.
func (c *cluster) storedUnder(ctx context.Context, prefix string) (map[string][]byte, error) {
	var answer struct {
		Kvs []struct{ Key, Value []byte }
	}
	// The first key that does not begin so: the last byte is one more.
	end := prefix[:len(prefix)-1] + string(prefix[len(prefix)-1]+1)
	request := object{"key": encode(prefix), "range_end": encode(end)}
	if err := c.storage.post(ctx, "/v3/kv/range", request, &answer); err != nil {
		return nil, err
	}
	stored := map[string][]byte{}
	for _, item := range answer.Kvs {
		stored[string(item.Key)] = item.Value
	}
	return stored, nil
}

// compactedKey is where an API server that has etcd compacted writes down up to where. The others go by it, and so does
// each for itself: it keeps the past in memory, too, and answers lists from there.
const compactedKey = "compact_rev_key"

// compact makes etcd forget everything but the present, as an API server does every five minutes.
func (c *cluster) compact(ctx context.Context) error {
	var answer struct{ Header struct{ Revision string } }
	if err := c.storage.post(ctx, "/v3/kv/range", object{"key": encode("/")}, &answer); err != nil {
		return err
	}
	revision := answer.Header.Revision
	said := object{"key": encode(compactedKey), "value": encode(revision)}
	if err := c.storage.post(ctx, "/v3/kv/put", said, nil); err != nil {
		return err
	}
	return c.storage.post(ctx, "/v3/kv/compaction", object{"revision": revision, "physical": true}, nil)
}

// encode is how etcd's JSON writes bytes.
func encode(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }

// copyOfStorage is where the directory of etcd is saved.
const copyOfStorage = "etcd.saved"

// save keeps what etcd holds now, for restore.
func (c *cluster) save(ctx context.Context) error {
	return c.withoutStorage(ctx, func() error { return c.copyStorage("etcd", copyOfStorage) })
}

// restore brings back what save kept, as an operator does after a disaster: with etcd and the API server down.
func (c *cluster) restore(ctx context.Context) error {
	return c.withoutStorage(ctx, func() error { return c.copyStorage(copyOfStorage, "etcd") })
}

// withoutStorage does something while etcd and the API server are down.
func (c *cluster) withoutStorage(ctx context.Context, work func() error) error {
	names := []string{"kube-apiserver", "etcd"}
	for _, name := range names {
		if err := c.processes.stop(name); err != nil {
			return err
		}
	}
	if err := work(); err != nil {
		return err
	}
	slices.Reverse(names)
	for _, name := range names {
		if err := c.processes.again(ctx, name); err != nil {
			return err
		}
	}
	return nil
}

func (c *cluster) copyStorage(from, to string) error {
	target := c.directory.file(to)
	if err := os.RemoveAll(target); err != nil {
		return err
	}
	return os.CopyFS(target, os.DirFS(c.directory.file(from)))
}
