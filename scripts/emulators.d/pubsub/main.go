// Google's own in-memory Pub/Sub server, as a program.
package main

import (
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"cloud.google.com/go/pubsub/v2/pstest"
)

func main() {
	port := flag.Int("port", 8085, "port on the loopback interface")
	flag.Parse()
	server := pstest.NewServerWithPort(*port)
	fmt.Println("listening on", server.Addr)
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGINT, syscall.SIGTERM)
	<-stop
	server.Close()
}
