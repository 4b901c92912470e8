package allocator_test

import (
	"fmt"
	"log"
	"net"

	"github.com/devports/devports/allocator"
)

// A port for a service that no other program uses now, for a lease.
func Example() {
	local, err := allocator.LocalPorts()
	if err != nil {
		log.Fatal(err)
	}
	pool := allocator.NewPool(allocator.Set{}, local)
	key := allocator.Key{Project: "shop", PortName: allocator.PortName{Service: "web"}}
	port, err := pool.Choose(key, func(port int) bool {
		free, err := allocator.Free(port)
		return err == nil && free
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(pool.Candidates().Contains(port))
	// Output: true
}

func ExamplePool_Choose() {
	pool := allocator.NewPool(allocator.Set{}, allocator.Local{})
	leased := map[int]bool{}
	for _, service := range []string{"auth", "db", "web"} {
		port, err := pool.Choose(
			allocator.Key{Project: "shop", PortName: allocator.PortName{Service: service}},
			func(port int) bool { return !leased[port] },
		)
		if err != nil {
			log.Fatal(err)
		}
		leased[port] = true
		fmt.Println(service, port)
	}
	// Output:
	// auth 16511
	// db 16471
	// web 16532
}

func ExamplePool_Widened() {
	allow, err := allocator.ParseSet("3000-3002")
	if err != nil {
		log.Fatal(err)
	}
	pool := allocator.NewPool(allow, allocator.Local{})
	left, cause := pool.Widened()
	fmt.Println(left, cause == allocator.SmallRange)
	fmt.Println(pool.Candidates())
	// Output:
	// 0 true
	// 3000-3002
}

func ExampleParseSet() {
	s, err := allocator.ParseSet("4000-4100, 3000")
	fmt.Println(s, s.Len(), err)
	_, err = allocator.ParseSet("3000,4100-4000")
	fmt.Println(err)
	// Output:
	// 3000,4000-4100 102 <nil>
	// invalid port range "4100-4000": 4100 is more than 4000 (want PORT or FIRST-LAST, 1 to 65535, separated by commas)
}

func ExampleSet_Runs() {
	s, err := allocator.ParseSet("10-15,100-200,220-245,300-330,440-495")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(s.Runs(27, 3))
	// Output: 103-197,303-327,443-492
}

func ExampleFree() {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	defer l.Close()
	fmt.Println(allocator.Free(l.Addr().(*net.TCPAddr).Port))
	// Output: false <nil>
}

func ExampleDiscouraged() {
	for _, port := range []int{6000, 443, 5000, 5432} {
		fmt.Printf("%d: %s\n", port, allocator.Discouraged(port))
	}
	// Output:
	// 6000: browsers refuse to connect to port 6000
	// 443: port 443 is privileged: on most systems only root can listen on it
	// 5000: macOS uses port 5000 for AirPlay
	// 5432:
}
