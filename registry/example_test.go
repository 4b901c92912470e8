package registry_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"

	"github.com/devports/devports/allocator"
	"github.com/devports/devports/registry"
	"github.com/devports/devports/registry/checkout"
)

// choose returns the first usable port that is free. Programs use the
// allocator's choice, which avoids ports that other programs may want.
func choose(_ registry.Scope, _ allocator.PortName, usable func(port int) bool) (int, error) {
	for port := 20000; port < 30000; port++ {
		if !usable(port) {
			continue
		}
		if l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port)); err == nil {
			return port, l.Close()
		}
	}
	return 0, errors.New("no port is left")
}

// temporary returns a registry for an example. Programs use
// registry.Path(os.Getenv).
func temporary() (r registry.Registry, remove func()) {
	dir, err := os.MkdirTemp("", "example-")
	if err != nil {
		panic(err)
	}
	return registry.Open(filepath.Join(dir, "registry.json")), func() { os.RemoveAll(dir) }
}

// The calls of port-for's PortStore: bind_port, bound_ports and unbind_port.
func Example_portFor() {
	r, remove := temporary()
	defer remove()
	ctx := context.Background()
	userWide := checkout.Checkout{}
	foo, bar := allocator.PortName{Service: "foo"}, allocator.PortName{Service: "bar"}

	// PortStore.bind_port("foo"): the first call chooses a port, later ones
	// return it.
	_, first, err := r.Lease(ctx, userWide, []allocator.WantedPort{{Name: foo}}, registry.Options{Choose: choose})
	if err != nil {
		fmt.Println(err)
		return
	}
	_, second, err := r.Lease(ctx, userWide, []allocator.WantedPort{{Name: foo}}, registry.Options{Choose: choose})
	fmt.Println("the same:", first[0].Port == second[0].Port, err)

	// PortStore.bind_port("bar", 8080)
	_, leases, err := r.Lease(ctx, userWide, []allocator.WantedPort{{Name: bar, Pin: 8080}}, registry.Options{})
	fmt.Println(leases[0].Name, leases[0].Port, err)

	// Pinning the port of another name is an error, which contains the owner.
	_, _, err = r.Lease(ctx, userWide, []allocator.WantedPort{{Name: bar, Pin: first[0].Port}}, registry.Options{})
	var conflict *registry.ConflictError
	if errors.As(err, &conflict) {
		fmt.Println("the owner is", conflict.Conflicts[0].Owner.Name)
	}

	// PortStore.bound_ports()
	leases, err = r.Leases()
	for _, l := range leases {
		fmt.Println(l.Name, l.Scope)
	}
	if err != nil {
		fmt.Println(err)
	}

	// PortStore.unbind_port("foo")
	removed, err := r.Remove(ctx, registry.Scope{}, foo)
	fmt.Println("removed:", len(removed), err)

	// Output:
	// the same: true <nil>
	// bar 8080 <nil>
	// the owner is foo
	// bar user-wide
	// foo user-wide
	// removed: 1 <nil>
}

// The calls of plut's library: plut.port and plut.services.
func Example_plut() {
	r, remove := temporary()
	defer remove()

	// plut.port("auth")
	port := func(service string) (int, error) {
		want := []allocator.WantedPort{{Name: allocator.PortName{Service: service}}}
		_, leases, err := r.Lease(context.Background(), checkout.Checkout{}, want, registry.Options{Choose: choose})
		if err != nil {
			return 0, err
		}
		return leases[0].Port, nil
	}
	auth, err := port("auth")
	fmt.Println(20000 <= auth && auth < 30000, err)
	dashboard, err := port("dashboard")
	fmt.Println(dashboard != auth, err)

	// plut.services()
	leases, err := r.Leases()
	if err != nil {
		fmt.Println(err)
	}
	for _, l := range leases {
		if l.Scope.UserWide() {
			fmt.Println(l.Name)
		}
	}

	// Output:
	// true <nil>
	// true <nil>
	// auth
	// dashboard
}

// ExampleRegistry_Import imports the ports of port-for.
func ExampleRegistry_Import() {
	r, remove := temporary()
	defer remove()
	conf := []byte("[DEFAULT]\nfoo = 23029\nbar = 23030\nbaz = abc\nqux = 23029\n") // from /etc/port-for.conf

	f := registry.ParseForeign(conf)
	fmt.Println("format:", f.Format)
	for _, p := range f.Problems {
		fmt.Println(p)
	}
	done, err := r.Import(context.Background(), f.Claims)
	if err != nil {
		fmt.Println(err)
	}
	for _, l := range done.Taken {
		fmt.Println("taken:", l.Name, l.Port)
	}
	for _, refused := range done.Refused {
		fmt.Printf("line %d: %s not taken: %d is the port of %s\n", refused.Line, refused.Name, refused.Port, refused.Lease.Name)
	}

	// Output:
	// format: port-for
	// line 4: "baz" has an invalid port: "abc" is not a number: a port is a decimal number from 1 to 65535
	// taken: foo 23029
	// taken: bar 23030
	// line 5: qux not taken: 23029 is the port of foo
}

// ExampleExport writes a file for plut.
func ExampleExport() {
	leases := []registry.Lease{
		{Name: allocator.PortName{Service: "auth"}, Port: 23118},
		{Name: allocator.PortName{Service: "jupyter"}, Port: 8888, Pinned: true},
	}
	var b bytes.Buffer
	if err := registry.Export(&b, registry.Plut, leases); err != nil {
		fmt.Println(err)
	}
	fmt.Print(b.String())

	// Output:
	// {
	//   "auth": 23118,
	//   "jupyter": 8888
	// }
}

// ExampleRegistry_Prune shows, and then removes, the leases of directories that
// are gone.
func ExampleRegistry_Prune() {
	r, remove := temporary()
	defer remove()
	ctx := context.Background()
	shop := filepath.Join(filepath.Dir(r.Path()), "shop")
	if err := os.Mkdir(shop, 0o755); err != nil {
		fmt.Println(err)
		return
	}
	here, err := checkout.Find(shop, "", func(string) string { return "" }) // programs pass os.Getenv
	if err != nil {
		fmt.Println(err)
		return
	}
	db := allocator.WantedPort{Name: allocator.PortName{Service: "db"}, Pin: 5432}
	if _, _, err := r.Lease(ctx, here, []allocator.WantedPort{db}, registry.Options{}); err != nil {
		fmt.Println(err)
		return
	}
	if err := os.Remove(shop); err != nil {
		fmt.Println(err)
		return
	}

	gone, err := r.Gone(checkout.Checkout{})
	for _, l := range gone {
		fmt.Println("gone:", l.Scope, l.Name, l.Port)
	}
	if err != nil {
		fmt.Println(err)
		return
	}
	pruned, err := r.Prune(ctx, gone) // once the user has agreed
	fmt.Println("removed:", len(pruned), err)

	// Output:
	// gone: shop db 5432
	// removed: 1 <nil>
}
