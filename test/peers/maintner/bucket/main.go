// Command bucket is maintner's own reader and writer of logs in a bucket, on the server that STORAGE_EMULATOR_HOST names, for tests:
//
//	bucket replay BUCKET/PREFIX   prints what maintner knows after replaying the log
//	bucket write BUCKET/PREFIX    logs the mutations on stdin, one a line, in hex, to the log's first segment
//	bucket serve BUCKET/PREFIX    serves the log to followers, prints its address, ends when stdin does
package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"

	"golang.org/x/build/maintner"
	"golang.org/x/build/maintner/maintnerd/gcslog"
	"samovar.test/peers/maintner/state"
)

func main() {
	log.SetFlags(0)
	if err := run(context.Background(), os.Args[1:]); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) != 2 {
		return fmt.Errorf("usage: bucket replay|write|serve BUCKET/PREFIX")
	}
	bucket, err := gcslog.NewGCSLog(ctx, args[1])
	if err != nil {
		return err
	}
	switch args[0] {
	case "replay":
		corpus := new(maintner.Corpus)
		if err := corpus.Initialize(ctx, bucket); err != nil {
			return err
		}
		return state.Print(os.Stdout, corpus)
	case "write":
		// Of what is exported, only a copy flushes before its ten minutes are over.
		return bucket.CopyFrom(lines{os.Stdin})
	case "serve":
		return serve(bucket)
	}
	return fmt.Errorf("bucket %s: no such command", args[0])
}

func serve(bucket *gcslog.GCSLog) error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	bucket.RegisterHandlers(mux)
	go http.Serve(listener, mux)
	fmt.Printf("http://%s/logs\n", listener.Addr())
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

// Mutations as lines of hex.
type lines struct{ from io.Reader }

func (l lines) GetMutations(ctx context.Context) <-chan maintner.MutationStreamEvent {
	events := make(chan maintner.MutationStreamEvent)
	go func() {
		found := bufio.NewScanner(l.from)
		found.Buffer(nil, 64<<20)
		for found.Scan() {
			mutation, err := state.Mutation(found.Text())
			if err != nil {
				events <- maintner.MutationStreamEvent{Err: err}
				return
			}
			events <- maintner.MutationStreamEvent{Mutation: mutation}
		}
		events <- maintner.MutationStreamEvent{Err: found.Err(), End: found.Err() == nil}
	}()
	return events
}
