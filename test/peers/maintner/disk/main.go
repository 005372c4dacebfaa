// Command disk is maintner's own reader and writer of logs on disk, and its follower of another server's log, for tests:
//
//	disk replay FOLDER      prints what maintner knows after replaying the folder
//	disk records FILE       prints each record: its offset, and its payload as maintner would write it, in hex
//	disk write FOLDER       logs the mutations on stdin, one a line, in hex
//	disk follow URL CACHE   follows a server's log to its present end, prints what maintner knows then
package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log"
	"os"

	"golang.org/x/build/maintner"
	"golang.org/x/build/maintner/maintpb"
	"golang.org/x/build/maintner/reclog"
	"google.golang.org/protobuf/proto"
	"samovar.test/peers/maintner/state"
)

func main() {
	log.SetFlags(0)
	if err := run(os.Args[1:]); err != nil {
		log.Fatal(err)
	}
}

func run(args []string) error {
	switch {
	case len(args) == 2 && args[0] == "replay":
		return replay(maintner.NewDiskMutationLogger(args[1]))
	case len(args) == 3 && args[0] == "follow":
		return replay(maintner.NewNetworkMutationSource(args[1], args[2]))
	case len(args) == 2 && args[0] == "records":
		return records(args[1])
	case len(args) == 2 && args[0] == "write":
		return write(args[1], os.Stdin)
	}
	return fmt.Errorf("usage: disk replay FOLDER | records FILE | write FOLDER | follow URL CACHE")
}

func replay(source maintner.MutationSource) error {
	corpus := new(maintner.Corpus)
	if err := corpus.Initialize(context.Background(), source); err != nil {
		return err
	}
	return state.Print(os.Stdout, corpus)
}

func records(file string) error {
	out := bufio.NewWriter(os.Stdout)
	err := reclog.ForeachFileRecord(file, func(offset int64, header, payload []byte) error {
		mutation := new(maintpb.Mutation)
		if err := proto.Unmarshal(payload, mutation); err != nil {
			return fmt.Errorf("offset %d: %w", offset, err)
		}
		again, err := proto.MarshalOptions{Deterministic: true}.Marshal(mutation)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(out, "%d %x\n", offset, again)
		return err
	})
	if err != nil {
		return err
	}
	return out.Flush()
}

func write(folder string, from io.Reader) error {
	logger := maintner.NewDiskMutationLogger(folder)
	lines := bufio.NewScanner(from)
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		mutation, err := state.Mutation(lines.Text())
		if err != nil {
			return err
		}
		if err := logger.Log(mutation); err != nil {
			return err
		}
	}
	return lines.Err()
}
