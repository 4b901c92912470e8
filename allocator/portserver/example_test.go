package portserver_test

import (
	"context"
	"fmt"
	"log"
	"net"
	"testing"

	"github.com/devports/devports/allocator/portserver"
)

// With PORTSERVER_ADDRESS, the server gives the port to no other process until
// this one ends; without it, the port is only free.
func ExamplePick() {
	port, err := portserver.Pick(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		log.Fatal(err)
	}
	defer l.Close()
	fmt.Println(l.Addr().(*net.TCPAddr).Port == port)
	// Output: true
}

// The port belongs to this test until it ends.
func ExamplePickForTest() {
	_ = func(t *testing.T) {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", portserver.PickForTest(t)))
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
	}
}
